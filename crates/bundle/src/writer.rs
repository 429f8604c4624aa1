//! Writing tensor bundles.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use savedmodel_proto::shape::from_shape;
use savedmodel_proto::{BundleEntryProto, BundleHeaderProto, Message as _, VersionDef, crc};
use savedmodel_tensor::{DType, Error, Result, Shape, Tensor};

use crate::TensorSlice;
use crate::bundle::{VERSION, data_path, with_suffix};
use crate::file::at;
use crate::ordered_code::slice_key;
use crate::stored::{write_strings, write_variants};
use crate::table::TableWriter;

/// Tensors start at multiples of this, so that a reader can use them where they are mapped.
const ALIGNMENT: u64 = 64;

/// Writes a tensor bundle under temporary names, which [`BundleWriter::finish`] makes final, the index last.
/// A writer that is dropped before leaves nothing behind.
///
/// ```
/// use savedmodel_bundle::{BundleReader, BundleWriter};
/// use savedmodel_tensor::Tensor;
/// # let directory = tempfile::tempdir().unwrap();
/// # let prefix = directory.path().join("variables/variables");
/// let mut writer = BundleWriter::new(&prefix)?;
/// writer.add("w", &Tensor::from_vec([2], vec![1.0_f32, 2.0])?)?;
/// writer.finish()?;
/// assert_eq!(BundleReader::open(&prefix)?.tensor("w")?.as_slice::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), savedmodel_tensor::Error>(())
/// ```
pub struct BundleWriter {
    prefix: PathBuf,
    temporary: String,
    shards: Vec<Shard>,
    entries: BTreeMap<Vec<u8>, BundleEntryProto>,
}

struct Shard {
    file: BufWriter<File>,
    offset: u64,
}

impl BundleWriter {
    /// A writer of one data file; the directory is made if need be.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn new(prefix: impl AsRef<Path>) -> Result<BundleWriter> {
        BundleWriter::with_shards(prefix, 1)
    }

    /// A writer of several data files, of which each tensor goes to the shortest.
    ///
    /// # Errors
    /// Those of the file system, and `INVALID_ARGUMENT` for no file or more than 99999.
    pub fn with_shards(prefix: impl AsRef<Path>, num_shards: usize) -> Result<BundleWriter> {
        static WRITERS: AtomicU64 = AtomicU64::new(0);
        if !(1..=99_999).contains(&num_shards) {
            return Err(Error::invalid_argument(format!("a checkpoint can't have {num_shards} shards")));
        }
        let prefix = prefix.as_ref().to_owned();
        if let Some(directory) = prefix.parent() {
            fs::create_dir_all(directory).map_err(|error| at(directory, error))?;
        }
        let number = WRITERS.fetch_add(1, Ordering::Relaxed);
        let temporary = format!(".tempstate{}_{number}", std::process::id());
        let mut writer = BundleWriter { prefix, temporary, shards: Vec::new(), entries: BTreeMap::new() };
        for shard in 0..num_shards {
            let path =
                with_suffix(&data_path(&writer.prefix, shard as i32, num_shards as i32), &writer.temporary);
            let file = File::create(&path).map_err(|error| at(&path, error))?;
            writer.shards.push(Shard { file: BufWriter::new(file), offset: 0 });
        }
        Ok(writer)
    }

    /// Adds a tensor.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a name that is empty, starts with NUL or was added before; `UNIMPLEMENTED` for resource
    /// handles and for variants that can't be written; those of the file system.
    pub fn add(&mut self, name: &str, tensor: &Tensor) -> Result<()> {
        self.check_name(name)?;
        let entry = self.write(tensor)?;
        self.entries.insert(name.into(), entry);
        Ok(())
    }

    /// Adds a part of a tensor of shape `whole`. The slices of a tensor should make the whole and not overlap.
    ///
    /// # Errors
    /// As [`BundleWriter::add`]; also `INVALID_ARGUMENT` when shape or dtype contradict an earlier slice, and `INTERNAL`
    /// when the slice leaves the tensor.
    pub fn add_slice(&mut self, name: &str, whole: &Shape, slice: &TensorSlice, part: &Tensor) -> Result<()> {
        let covered = slice.shape(whole)?;
        if covered != *part.shape() {
            return Err(Error::invalid_argument(format!(
                "slice {slice} of {whole} has shape {covered}, not {}",
                part.shape()
            )));
        }
        if covered == *whole {
            return self.add(name, part);
        }
        let first = BundleEntryProto {
            dtype: part.dtype().number(),
            shape: Some(from_shape(whole)),
            ..Default::default()
        };
        let key = slice_key(name, slice);
        let (message, known) = (slice.to_proto(), self.entries.get(name.as_bytes()));
        match known {
            None => self.check_name(name)?,
            Some(known) if known.slices.is_empty() || self.entries.contains_key(&key) => {
                return Err(duplicate(name));
            }
            Some(known) if known.dtype != first.dtype || known.shape != first.shape => {
                return Err(Error::invalid_argument(format!(
                    "slices of {name} differ in dtype or shape of the whole"
                )));
            }
            Some(_) => {}
        }
        let entry = self.write(part)?;
        self.entries.insert(key, entry);
        self.entries.entry(name.into()).or_insert(first).slices.push(message);
        Ok(())
    }

    fn check_name(&self, name: &str) -> Result<()> {
        if name.is_empty() || name.starts_with('\0') {
            return Err(Error::invalid_argument(format!("{name:?} is no name for a tensor")));
        }
        if self.entries.contains_key(name.as_bytes()) {
            return Err(duplicate(name));
        }
        Ok(())
    }

    /// Writes the elements of a tensor.
    fn write(&mut self, tensor: &Tensor) -> Result<BundleEntryProto> {
        let number = (0..self.shards.len()).min_by_key(|&n| self.shards[n].offset).unwrap_or(0);
        let shard = &mut self.shards[number];
        let written;
        let (bytes, checksum) = match tensor.dtype() {
            DType::Resource => return Err(Error::unimplemented("a checkpoint can't hold resource handles")),
            DType::String => {
                written = write_strings(tensor.strings()?);
                (&written.0[..], written.1)
            }
            DType::Variant => {
                written = write_variants(tensor)?;
                (&written.0[..], written.1)
            }
            _ => {
                let bytes = tensor.bytes().unwrap_or_default();
                let padding = shard.offset.next_multiple_of(ALIGNMENT) - shard.offset;
                shard.put(&[0; ALIGNMENT as usize][..padding as usize])?;
                (bytes, crc32c::crc32c(bytes))
            }
        };
        let offset = shard.offset;
        shard.put(bytes)?;
        Ok(BundleEntryProto {
            dtype: tensor.dtype().number(),
            shape: Some(from_shape(tensor.shape())),
            shard_id: number as i32,
            offset: offset as i64,
            size: bytes.len() as i64,
            crc32c: crc::mask(checksum),
            slices: Vec::new(),
        })
    }

    /// Writes the index and gives all files their names.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn finish(mut self) -> Result<()> {
        let num_shards = self.shards.len() as i32;
        let index = with_suffix(&self.prefix, ".index");
        let temporary = with_suffix(&index, &self.temporary);
        let file = File::create(&temporary).map_err(|error| at(&temporary, error))?;
        let mut table = TableWriter::new(BufWriter::new(file));
        let header = BundleHeaderProto {
            num_shards,
            version: Some(VersionDef { producer: VERSION, ..Default::default() }),
            ..Default::default()
        };
        table.add(&[], &header.encode_to_vec())?;
        for (key, entry) in &self.entries {
            table.add(key, &entry.encode_to_vec())?;
        }
        table.finish()?;
        for shard in &mut self.shards {
            shard.file.flush()?;
        }
        let data = (0..num_shards).map(|shard| data_path(&self.prefix, shard, num_shards));
        for path in data.chain([index]) {
            let temporary = with_suffix(&path, &self.temporary);
            fs::rename(&temporary, &path).map_err(|error| at(&path, error))?;
        }
        Ok(())
    }
}

#[cold]
fn duplicate(name: &str) -> Error {
    Error::invalid_argument(format!("Adding duplicate key: {name}"))
}

impl Shard {
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes)?;
        self.offset += bytes.len() as u64;
        Ok(())
    }
}

impl Drop for BundleWriter {
    /// Removes what [`BundleWriter::finish`] has not renamed.
    fn drop(&mut self) {
        let num_shards = self.shards.len() as i32;
        let data = (0..num_shards).map(|shard| data_path(&self.prefix, shard, num_shards));
        for path in data.chain([with_suffix(&self.prefix, ".index")]) {
            // Nothing is there after a success, and nothing can be done after a failure.
            let _ = fs::remove_file(with_suffix(&path, &self.temporary));
        }
    }
}
