//! SavedModel directories, written.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use savedmodel_bundle::{BundleWriter, ShapeAndSlice};
use savedmodel_graph::Signature;
use savedmodel_loader::{SavedModelFile, Source};
use savedmodel_proto::SavedModel;
use savedmodel_tensor::{Error, Result, Tensor};

use crate::export::CheckpointTensor;
use crate::{Export, GraphBuilder};

/// The version of the format that this is, and that TensorFlow's loaders take.
const SCHEMA_VERSION: i64 = 1;
/// The tag of a metagraph that is to be served.
const SERVE: &str = "serve";

/// The signature that is called when none is named, and its method.
const DEFAULT: &str = "serving_default";
const PREDICT: &str = "tensorflow/serving/predict";

/// Writes a graph as a SavedModel to be served, with the one signature `serving_default`: inputs and outputs by name of
/// tensor, as TensorFlow's `simple_save`.
///
/// ```
/// use savedmodel_export::{GraphBuilder, simple_save};
/// use savedmodel_tensor::{DType, PartialShape, Tensor};
/// # let room = tempfile::tempdir().unwrap();
/// # let directory = room.path().join("model");
/// let mut graph = GraphBuilder::new();
/// graph.placeholder("x", DType::Float, &PartialShape::new([None]))?;
/// graph.variable("scale", Tensor::scalar(2.0_f32))?;
/// graph.node("Mul", "y", &["x", "scale/Read/ReadVariableOp"], [])?;
/// simple_save(graph, &directory, &[("x", "x:0")], &[("y", "y:0")])?;
/// # Ok::<(), savedmodel_tensor::Error>(())
/// ```
///
/// # Errors
/// As [`Export::set_signature`] and [`SavedModelBuilder::save`].
pub fn simple_save(
    graph: GraphBuilder,
    directory: impl AsRef<Path>,
    inputs: &[(&str, &str)],
    outputs: &[(&str, &str)],
) -> Result<()> {
    let mut export = graph.export()?;
    export.set_signature(DEFAULT, &Signature::of(PREDICT, inputs, outputs))?;
    export.save(directory)
}

/// Puts metagraphs together to a SavedModel, as TensorFlow's builder of that name does.
///
/// Metagraphs share variables by name: of a name that several have, they must have the same value.
///
/// ```
/// use savedmodel_export::{GraphBuilder, SavedModelBuilder};
/// use savedmodel_tensor::Tensor;
/// # let room = tempfile::tempdir().unwrap();
/// # let directory = room.path().join("model");
/// let mut graph = GraphBuilder::new();
/// graph.variable("v", Tensor::scalar(7.0_f32))?;
/// let (mut serve, mut train) = (graph.clone().export()?, graph.export()?);
/// serve.set_tags(["serve"]);
/// train.set_tags(["train", "gpu"]);
/// SavedModelBuilder::new().meta_graph(serve).meta_graph(train).save(&directory)?;
/// # Ok::<(), savedmodel_tensor::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is written before save()"]
pub struct SavedModelBuilder {
    exports: Vec<Export>,
    extra: BTreeMap<String, PathBuf>,
    text: bool,
}

impl SavedModelBuilder {
    /// A SavedModel without metagraphs.
    pub fn new() -> SavedModelBuilder {
        SavedModelBuilder::default()
    }

    /// Adds a metagraph. One without tags gets the tag `serve`.
    pub fn meta_graph(mut self, export: Export) -> SavedModelBuilder {
        self.exports.push(export);
        self
    }

    /// Brings along a file that no graph needs, under a name below `assets.extra`.
    pub fn extra_asset(mut self, name: impl Into<String>, file: impl Into<PathBuf>) -> SavedModelBuilder {
        self.extra.insert(name.into(), file.into());
        self
    }

    /// Writes `saved_model.pbtxt` instead of `saved_model.pb`.
    pub fn as_text(mut self) -> SavedModelBuilder {
        self.text = true;
        self
    }

    /// Writes the SavedModel: beside `directory`, which it is renamed to when it is whole; its graph comes last.
    ///
    /// # Errors
    /// `ALREADY_EXISTS` when the directory is there; `INVALID_ARGUMENT` when there are no metagraphs, two have the same tags, a
    /// variable has two values, or the message is larger than protobuf allows; those of the file system. Then nothing
    /// is left behind.
    pub fn save(self, directory: impl AsRef<Path>) -> Result<()> {
        write_directory(directory.as_ref(), |aside| self.write(aside))
    }

    fn write(mut self, directory: &Path) -> Result<()> {
        self.check_tags()?;
        fs::create_dir_all(directory)?;
        let (mut assets, mut extra) = (BTreeMap::new(), std::mem::take(&mut self.extra));
        let mut tensors: BTreeMap<(String, String), Tensor> = BTreeMap::new();
        let mut message = SavedModel { saved_model_schema_version: SCHEMA_VERSION, ..SavedModel::default() };
        for export in self.exports {
            gather(&mut assets, export.assets)?;
            gather(&mut extra, export.extra)?;
            export.checkpoint.into_iter().try_for_each(|tensor| add(&mut tensors, tensor))?;
            message.meta_graphs.push(export.message);
        }
        copy(&assets, &directory.join("assets"))?;
        copy(&extra, &directory.join("assets.extra"))?;
        write_checkpoint(&directory.join("variables").join("variables"), &tensors)?;
        let source = Source::Directory(directory.to_owned());
        let file = SavedModelFile { source, directory: directory.to_owned(), message };
        if self.text { file.write_text(directory) } else { file.write(directory) }
    }

    fn check_tags(&mut self) -> Result<()> {
        if self.exports.is_empty() {
            return Err(Error::invalid_argument("a SavedModel needs a metagraph"));
        }
        let mut seen: Vec<Vec<String>> = Vec::new();
        for export in &mut self.exports {
            if export.tags().is_empty() {
                export.set_tags([SERVE]);
            }
            let mut tags = export.tags().to_vec();
            tags.sort_unstable();
            tags.dedup();
            if seen.contains(&tags) {
                return Err(Error::invalid_argument(format!(
                    "two metagraphs have the tags [{}]",
                    tags.join(", ")
                )));
            }
            seen.push(tags);
        }
        Ok(())
    }
}

/// Makes a directory of what `write` writes into it: beside it, and renamed when it is whole.
///
/// # Errors
/// `ALREADY_EXISTS` when the directory is there; those of `write` and of the file system. Then nothing is left behind.
pub fn write_directory(directory: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let at = |e: Error| e.at(format!("saving to {}", directory.display()));
    if directory.exists() {
        return Err(at(Error::already_exists("the directory exists")));
    }
    let aside = aside(directory).map_err(at)?;
    let new: Vec<&Path> = directory.ancestors().skip(1).take_while(|parent| !exists(parent)).collect();
    let written = write(&aside).and_then(|()| Ok(fs::rename(&aside, directory)?));
    if written.is_err() {
        // What matters is why it could not be written.
        let _ = fs::remove_dir_all(&aside);
        new.iter().for_each(|parent| drop(fs::remove_dir(parent)));
    }
    written.map_err(at)
}

/// Writes a checkpoint, whole or not at all; none if there are no tensors.
///
/// # Errors
/// As [`BundleWriter`]'s.
pub(crate) fn write_checkpoint(prefix: &Path, tensors: &BTreeMap<(String, String), Tensor>) -> Result<()> {
    if tensors.is_empty() {
        return Ok(());
    }
    let mut writer = BundleWriter::new(prefix)?;
    for ((key, shape_and_slice), value) in tensors {
        let at = |e: Error| e.at(format!("variable '{key}'"));
        match shape_and_slice.as_str() {
            "" => writer.add(key, value).map_err(at)?,
            text => {
                let part: ShapeAndSlice = text.parse()?;
                writer.add_slice(key, &part.shape, &part.slice, value).map_err(at)?;
            }
        }
    }
    writer.finish()
}

/// Adds a tensor, unless it is there with the same value.
pub(crate) fn add(tensors: &mut BTreeMap<(String, String), Tensor>, tensor: CheckpointTensor) -> Result<()> {
    let CheckpointTensor { key, shape_and_slice, value } = tensor;
    if let Some(before) = tensors.get(&(key.clone(), shape_and_slice.clone())) {
        return match same(before, &value) {
            true => Ok(()),
            false => Err(Error::invalid_argument(format!("variable '{key}' has two values"))),
        };
    }
    tensors.insert((key, shape_and_slice), value);
    Ok(())
}

fn same(a: &Tensor, b: &Tensor) -> bool {
    let elements = match (a.bytes(), b.bytes()) {
        (Some(a), Some(b)) => a == b,
        // What is neither numbers nor strings has no values to compare.
        _ => a.strings().ok() == b.strings().ok(),
    };
    a.dtype() == b.dtype() && a.shape() == b.shape() && elements
}

fn gather(into: &mut BTreeMap<String, PathBuf>, files: BTreeMap<String, PathBuf>) -> Result<()> {
    for (name, file) in files {
        if let Some(before) = into.get(&name)
            && *before != file
            && fs::read(before)? != fs::read(&file)?
        {
            return Err(Error::already_exists(format!("two assets are called '{name}'")));
        }
        into.insert(name, file);
    }
    Ok(())
}

/// Copies files to below a folder, by the names that they have there.
///
/// # Errors
/// `INVALID_ARGUMENT` when a name leads out of the folder; those of the file system.
pub fn copy(files: &BTreeMap<String, PathBuf>, folder: &Path) -> Result<()> {
    for (name, file) in files {
        let is_below =
            Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        if !is_below {
            return Err(Error::invalid_argument(format!("'{name}' is no name of a file below a folder")));
        }
        let target = folder.join(name);
        fs::create_dir_all(target.parent().unwrap_or(folder))?;
        fs::copy(file, target).map_err(|e| Error::from(e).at(format!("file '{}'", file.display())))?;
    }
    Ok(())
}

fn exists(path: &Path) -> bool {
    path.as_os_str().is_empty() || path.exists()
}

/// A name beside the directory that nothing has.
fn aside(directory: &Path) -> Result<PathBuf> {
    let name = directory.file_name().ok_or_else(|| Error::invalid_argument("the path names no directory"))?;
    let named = |i: u32| {
        let name = format!(".{}.tempstate{}_{i}", name.to_string_lossy(), std::process::id());
        directory.with_file_name(name)
    };
    let free = (0..).map(named).find(|path| !path.exists());
    free.ok_or_else(|| Error::already_exists("no name is free beside the directory"))
}
