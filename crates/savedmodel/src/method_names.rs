//! Methods of signatures on disk.

use std::path::{Path, PathBuf};

use savedmodel_export::{copy, write_directory};
use savedmodel_loader::SavedModelFile;
use savedmodel_tensor::{Error, Result};

use crate::save;

/// Gives signatures of a SavedModel's directory other methods, such as `tensorflow/serving/classify`: the job of TensorFlow's
/// `MethodNameUpdater`.
///
/// ```
/// # use savedmodel::{MethodNameUpdater, SavedModel};
/// # let case = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/cases/models/keras3_mlp/model");
/// # let room = tempfile::tempdir().unwrap();
/// # let copy = room.path().join("copy");
/// let mut updater = MethodNameUpdater::open(case)?;
/// updater.replace("serving_default", "tensorflow/serving/regress", None)?;
/// updater.save_copy(&copy)?;
/// let model = SavedModel::load(&copy)?;
/// assert_eq!(model.signatures()["serving_default"].method_name, "tensorflow/serving/regress");
/// # Ok::<(), savedmodel::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is written before save() or save_copy()"]
pub struct MethodNameUpdater {
    file: SavedModelFile,
}

impl MethodNameUpdater {
    /// Reads the graph's file of a directory.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no SavedModel; `DATA_LOSS` when its file is damaged.
    pub fn open(directory: impl AsRef<Path>) -> Result<MethodNameUpdater> {
        Ok(MethodNameUpdater { file: SavedModelFile::read(directory)? })
    }

    /// Gives a signature another method: in every metagraph that has the signature, or in the one with the given tags.
    ///
    /// # Errors
    /// `NOT_FOUND` when no metagraph has the tags, or none has the signature.
    pub fn replace(&mut self, signature: &str, method: &str, tags: Option<&[String]>) -> Result<()> {
        let wanted =
            tags.map(|tags| self.file.select(Some(tags)).map(savedmodel_loader::tags)).transpose()?;
        let mut found = false;
        for graph in &mut self.file.message.meta_graphs {
            let is_meant = wanted.as_ref().is_none_or(|tags| savedmodel_loader::tags(graph) == *tags);
            if let (true, Some(def)) = (is_meant, graph.signature_def.get_mut(signature)) {
                method.clone_into(&mut def.method_name);
                found = true;
            }
        }
        if !found {
            let mut known: Vec<&str> = self
                .file
                .message
                .meta_graphs
                .iter()
                .flat_map(|graph| graph.signature_def.keys().map(String::as_str))
                .collect();
            known.sort_unstable();
            known.dedup();
            return Err(Error::not_found(format!(
                "no metagraph has a signature '{signature}'; there are: {}",
                known.join(", ")
            )));
        }
        Ok(())
    }

    /// Writes the graph's file again, as a whole.
    ///
    /// # Errors
    /// Those of the file system. Then the file is as it was.
    pub fn save(&self) -> Result<()> {
        self.file.rewrite()
    }

    /// Writes a copy of the directory with the new methods, and leaves the directory as it is.
    ///
    /// # Errors
    /// `ALREADY_EXISTS` when the directory is there; those of the file system. Then nothing is left behind.
    pub fn save_copy(&self, directory: impl AsRef<Path>) -> Result<()> {
        let mut files = save::files_below(&self.file.directory)?;
        let is_graph = |name: &str| matches!(name, "saved_model.pb" | "saved_model.pbtxt");
        let is_text = !files.contains_key("saved_model.pb");
        files.retain(|name, _| !is_graph(name));
        write_directory(directory.as_ref(), |aside: &Path| {
            std::fs::create_dir_all(aside)?;
            copy(&files, aside)?;
            let copy = SavedModelFile { directory: PathBuf::from(aside), ..self.file.clone() };
            if is_text { copy.write_text(aside) } else { copy.write(aside) }
        })
    }
}
