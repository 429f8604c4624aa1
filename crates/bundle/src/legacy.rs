//! Reading checkpoints of the first format: tables of `SavedTensorSlices`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use savedmodel_proto::shape::{from_shape, to_dtype, to_shape};
use savedmodel_proto::tensor_proto::{to_tensor, value_count};
use savedmodel_proto::{SavedSliceMeta, SavedTensorSlices, decode};
use savedmodel_tensor::{DType, Error, Result, Shape, Tensor};

use crate::assemble::assemble;
use crate::bundle::{check_versions, exists};
use crate::file::{FileBytes, at};
use crate::ordered_code::slice_key;
use crate::table::Table;
use crate::{Entry, TensorSlice};

/// An open V1 checkpoint of one or more files.
pub struct LegacyReader {
    path: PathBuf,
    tables: Vec<Table>,
    tensors: BTreeMap<String, Stored>,
}

struct Stored {
    dtype: DType,
    shape: Shape,
    /// Each with the table it is in.
    slices: Vec<(TensorSlice, usize)>,
}

impl LegacyReader {
    /// Opens the file at `path`, the files `<path>-?????-of-?????`, or those that match a `path` with `?` in its name.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is none, `DATA_LOSS` when one is damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<LegacyReader> {
        let path = path.as_ref();
        let files = matching_files(path)?;
        if files.is_empty() {
            return Err(Error::not_found(format!(
                "Unsuccessful TensorSliceReader constructor: Failed to find any matching files for {}",
                path.display()
            )));
        }
        let (tables, tensors) = (Vec::new(), BTreeMap::new());
        let mut reader = LegacyReader { path: path.to_owned(), tables, tensors };
        for file in files {
            reader.add(&file).map_err(|error| error.at(format!("checkpoint {}", file.display())))?;
        }
        Ok(reader)
    }

    fn add(&mut self, path: &Path) -> Result<()> {
        let table = Table::new(FileBytes::map(path)?)?;
        let record = table.get(&[])?.ok_or_else(|| Error::data_loss("a checkpoint without a header"))?;
        let meta = decode::<SavedTensorSlices>(record)?.meta.unwrap_or_default();
        check_versions(meta.versions.as_ref())?;
        for tensor in &meta.tensor {
            self.add_tensor(tensor, self.tables.len()).map_err(|error| {
                Error::data_loss(format!("tensor {:?}: {}", tensor.name, error.message()))
            })?;
        }
        self.tables.push(table);
        Ok(())
    }

    fn add_tensor(&mut self, meta: &SavedSliceMeta, table: usize) -> Result<()> {
        let dtype = to_dtype(meta.r#type)?;
        let shape = meta.shape.as_ref().map_or(Ok(Shape::scalar()), to_shape)?;
        let slices = meta.slice.iter().map(|slice| Ok((TensorSlice::from_proto(slice)?, table)));
        let slices = slices.collect::<Result<Vec<_>>>()?;
        let stored = Stored { dtype, shape: shape.clone(), slices: Vec::new() };
        let stored = self.tensors.entry(meta.name.clone()).or_insert(stored);
        if stored.dtype != dtype || stored.shape != shape {
            return Err(Error::data_loss("files differ in dtype or shape"));
        }
        stored.slices.extend(slices);
        Ok(())
    }

    /// All tensors, by name.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.tensors.iter().map(|(name, stored)| stored.entry(name))
    }

    /// What the checkpoint says about a tensor.
    pub fn entry(&self, name: &str) -> Option<Entry<'_>> {
        self.tensors.get_key_value(name).map(|(name, stored)| stored.entry(name))
    }

    /// A whole tensor.
    ///
    /// # Errors
    /// `NOT_FOUND` for an unknown name, `DATA_LOSS` for damaged data.
    pub fn tensor(&self, name: &str) -> Result<Tensor> {
        let rank = self.stored(name)?.shape.rank();
        self.slice(name, &TensorSlice::full(rank))
    }

    /// A part of a tensor, which need not be a part that it is stored in.
    ///
    /// # Errors
    /// As [`LegacyReader::tensor`], and `INTERNAL` when the slice leaves the tensor.
    pub fn slice(&self, name: &str, slice: &TensorSlice) -> Result<Tensor> {
        let stored = self.stored(name)?;
        let place = |error: Error| error.at(format!("tensor {name:?} of checkpoint {}", self.path.display()));
        let wanted = slice.ranges(&stored.shape).map_err(place)?;
        let ranges = stored.slices.iter().map(|(slice, _)| slice.ranges(&stored.shape));
        let ranges = ranges.collect::<Result<Vec<_>>>().map_err(place)?;
        assemble(stored.dtype, &ranges, &wanted, |index| self.read(name, stored, index)).map_err(place)
    }

    fn stored(&self, name: &str) -> Result<&Stored> {
        self.tensors.get(name).ok_or_else(|| {
            Error::not_found(format!(
                "Tensor name \"{name}\" not found in checkpoint files {}",
                self.path.display()
            ))
        })
    }

    fn read(&self, name: &str, stored: &Stored, index: usize) -> Result<Tensor> {
        let (slice, table) = &stored.slices[index];
        let record = self.tables[*table].get(&slice_key(name, slice))?;
        let record =
            record.ok_or_else(|| Error::data_loss(format!("slice {slice} is not in the checkpoint")))?;
        let mut data =
            decode::<SavedTensorSlices>(record)?.data.and_then(|slice| slice.data).unwrap_or_default();
        let shape = slice.shape(&stored.shape)?;
        let count = value_count(&data, stored.dtype);
        if data.tensor_content.is_empty() && count != shape.elements() {
            return Err(Error::data_loss(format!("slice {slice} of shape {shape} has {count} elements")));
        }
        data.dtype = stored.dtype.number();
        data.tensor_shape = Some(from_shape(&shape));
        to_tensor(&data)
    }
}

impl Stored {
    /// A single slice of everything is how a tensor is stored whole.
    fn entry<'a>(&self, name: &'a str) -> Entry<'a> {
        let whole = |slice: &TensorSlice| slice.shape(&self.shape).is_ok_and(|shape| shape == self.shape);
        let slices = match &self.slices[..] {
            [(slice, _)] if whole(slice) => Vec::new(),
            slices => slices.iter().map(|(slice, _)| slice.clone()).collect(),
        };
        Entry { name, dtype: self.dtype, shape: self.shape.clone(), slices }
    }
}

/// The files of a checkpoint, in order.
fn matching_files(path: &Path) -> Result<Vec<PathBuf>> {
    if exists(path)? {
        return Ok(vec![path.to_owned()]);
    }
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str()))
    else {
        return Ok(Vec::new());
    };
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    let sharded = format!("{name}-?????-of-?????");
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(|error| at(directory, error))? {
        let found = entry.map_err(|error| at(directory, error))?.file_name();
        let found = found.to_str().unwrap_or_default();
        if matches(found, name) || matches(found, &sharded) {
            files.push(directory.join(found));
        }
    }
    files.sort();
    Ok(files)
}

/// Whether a name fits a pattern in which `?` is any one character.
fn matches(name: &str, pattern: &str) -> bool {
    let fits = |(a, b): (char, char)| b == '?' || a == b;
    name.chars().count() == pattern.chars().count() && name.chars().zip(pattern.chars()).all(fits)
}
