//! Checkpoints of either format, and the file that names the latest.

use std::fs;
use std::path::{Path, PathBuf};

use savedmodel_proto::{CheckpointState, TrackableObjectGraph, pbtxt};
use savedmodel_tensor::{Code, Error, Result, Tensor};

use crate::bundle::{exists, with_suffix};
use crate::file::at;
use crate::{BundleReader, CheckpointObjects, Entry, LegacyReader, ReadOptions, ShapeAndSlice, TensorSlice};

/// An open checkpoint.
pub enum Checkpoint {
    /// A tensor bundle (V2).
    Bundle(BundleReader),
    /// A table of slices (V1).
    Legacy(LegacyReader),
}

impl Checkpoint {
    /// Opens the checkpoint with this prefix.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is neither an index nor a V1 file, and those of the two readers.
    pub fn open(prefix: impl AsRef<Path>) -> Result<Checkpoint> {
        Checkpoint::open_with(prefix, ReadOptions::default())
    }

    /// Opens the checkpoint with this prefix; the options are those of bundles, and V1 files are always verified.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn open_with(prefix: impl AsRef<Path>, options: ReadOptions) -> Result<Checkpoint> {
        let prefix = prefix.as_ref();
        if exists(&with_suffix(prefix, ".index"))? {
            return BundleReader::open_with(prefix, options).map(Checkpoint::Bundle);
        }
        LegacyReader::open(prefix).map(Checkpoint::Legacy)
    }

    /// All tensors, by name.
    pub fn entries(&self) -> Vec<Entry<'_>> {
        match self {
            Checkpoint::Bundle(reader) => reader.entries().collect(),
            Checkpoint::Legacy(reader) => reader.entries().collect(),
        }
    }

    /// What the checkpoint says about a tensor.
    pub fn entry(&self, name: &str) -> Option<Entry<'_>> {
        match self {
            Checkpoint::Bundle(reader) => reader.entry(name),
            Checkpoint::Legacy(reader) => reader.entry(name),
        }
    }

    /// A whole tensor.
    ///
    /// # Errors
    /// `NOT_FOUND` for an unknown name or missing file, `DATA_LOSS` and `OUT_OF_RANGE` for damaged ones.
    pub fn tensor(&self, name: &str) -> Result<Tensor> {
        match self {
            Checkpoint::Bundle(reader) => reader.tensor(name),
            Checkpoint::Legacy(reader) => reader.tensor(name),
        }
    }

    /// A part of a tensor.
    ///
    /// # Errors
    /// As [`Checkpoint::tensor`], and `INTERNAL` when the slice leaves the tensor.
    pub fn slice(&self, name: &str, slice: &TensorSlice) -> Result<Tensor> {
        match self {
            Checkpoint::Bundle(reader) => reader.slice(name, slice),
            Checkpoint::Legacy(reader) => reader.slice(name, slice),
        }
    }

    /// A tensor, or a part of it, as the operator `RestoreV2` is asked for it: `shape_and_slice` is empty for all of it.
    ///
    /// # Errors
    /// As [`Checkpoint::slice`], and `INVALID_ARGUMENT` when `shape_and_slice` is malformed or names another shape
    /// than the checkpoint's.
    pub fn restore(&self, name: &str, shape_and_slice: &str) -> Result<Tensor> {
        if shape_and_slice.is_empty() {
            return self.tensor(name);
        }
        let wanted: ShapeAndSlice = shape_and_slice.parse()?;
        if let Some(entry) = self.entry(name)
            && entry.shape != wanted.shape
        {
            return Err(Error::invalid_argument(format!(
                "tensor_name = {name}; shape in shape_and_slice spec {} does not match the shape stored in checkpoint: {}",
                wanted.shape, entry.shape
            )));
        }
        self.slice(name, &wanted.slice)
    }

    /// The object graph of an object-based checkpoint; `None` if it is name based.
    ///
    /// # Errors
    /// As [`Checkpoint::tensor`], and `DATA_LOSS` when it is no such message.
    pub fn object_graph(&self) -> Result<Option<TrackableObjectGraph>> {
        match self {
            Checkpoint::Bundle(reader) => reader.object_graph(),
            Checkpoint::Legacy(_) => Ok(None),
        }
    }
}

impl Checkpoint {
    /// The objects of an object-based checkpoint; `None` if it is name based.
    ///
    /// # Errors
    /// As [`Checkpoint::object_graph`].
    pub fn objects(&self) -> Result<Option<CheckpointObjects>> {
        Ok(self.object_graph()?.map(CheckpointObjects::new))
    }

    /// The name of a tensor, which may be given by that name or by the path of its object, such as `layer/kernel`.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such tensor; as [`Checkpoint::object_graph`].
    pub fn resolve(&self, name: &str) -> Result<String> {
        if self.entry(name).is_some() {
            return Ok(name.to_owned());
        }
        let objects = self.objects()?;
        let key = objects.as_ref().and_then(|objects| objects.key(name));
        key.map(str::to_owned).ok_or_else(|| Error::not_found(format!("Key {name} not found in checkpoint")))
    }
}

/// The prefix of the checkpoint that the file `checkpoint` in `directory` names as latest; `None` when there is no such
/// file or checkpoint.
///
/// # Errors
/// `DATA_LOSS` when the file is malformed, and those of the file system.
pub fn latest_checkpoint(directory: impl AsRef<Path>) -> Result<Option<PathBuf>> {
    let directory = directory.as_ref();
    let path = directory.join("checkpoint");
    let text = match fs::read_to_string(&path).map_err(|error| at(&path, error)) {
        Ok(text) => text,
        Err(error) if error.code() == Code::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let state: CheckpointState =
        pbtxt::parse(&text).map_err(|error| error.at(format!("{}", path.display())))?;
    if state.model_checkpoint_path.is_empty() {
        return Ok(None);
    }
    // An absolute path replaces the directory.
    let prefix = directory.join(state.model_checkpoint_path);
    match Checkpoint::open(&prefix) {
        Err(error) if error.code() == Code::NotFound => Ok(None),
        _ => Ok(Some(prefix)),
    }
}
