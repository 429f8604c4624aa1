//! Models out of whatever file they are in.

use std::path::Path;

use savedmodel_loader::Source;
use savedmodel_tensor::Result;

use crate::{LoadOptions, SavedModel};

impl SavedModel {
    /// Loads what a path names: a SavedModel's directory, a file with a GraphDef (`.pb`, `.pbtxt`), or one with a MetaGraphDef
    /// (`.meta`, `.meta.pbtxt`).
    ///
    /// Variables come out of `checkpoint`, if one is given: its prefix, or the directory of which the latest is taken. Else a
    /// SavedModel has its own, and those of the others have no values.
    ///
    /// ```
    /// use savedmodel::{LoadOptions, SavedModel};
    /// # let case = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/cases/objects/saver");
    /// # let case = std::path::Path::new(case);
    /// let checkpoint = case.join("new");
    /// let model = SavedModel::open(case.join("new.meta"), Some(&checkpoint), &LoadOptions::default())?;
    /// assert_eq!(model.runner().fetch("b").run()?.len(), 1);
    /// # Ok::<(), savedmodel::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`SavedModel::load_with`], [`SavedModel::from_graph_def`], [`SavedModel::from_meta_graph`] and
    /// [`SavedModel::restore`].
    pub fn open(
        path: impl AsRef<Path>,
        checkpoint: Option<&Path>,
        options: &LoadOptions,
    ) -> Result<SavedModel> {
        let model = match Source::of(path) {
            Source::Directory(path) => SavedModel::load_with(path, options)?,
            Source::GraphDef(path) => SavedModel::from_graph_def(path, options)?,
            Source::MetaGraph(path) => return SavedModel::from_meta_graph(path, checkpoint, options),
        };
        if let Some(checkpoint) = checkpoint {
            model.restore(checkpoint)?;
        }
        Ok(model)
    }
}
