//! Reading tensor bundles.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use savedmodel_proto::bundle_header_proto::Endianness;
use savedmodel_proto::shape::{to_dtype, to_shape};
use savedmodel_proto::tensor_proto::from_content;
use savedmodel_proto::{BundleEntryProto, BundleHeaderProto, TrackableObjectGraph, VersionDef, crc, decode};
use savedmodel_tensor::{Buffer, Code, DType, Error, Result, Shape, Tensor, UnitKind};

use crate::assemble::{assemble, cut};
use crate::file::{FileBytes, at};
use crate::ordered_code::slice_key;
use crate::stored::{read_strings, read_variants};
use crate::table::Table;
use crate::{Entry, TensorSlice};

/// The version of the formats that this crate reads and writes.
pub(crate) const VERSION: i32 = 1;
const OBJECT_GRAPH: &str = "_CHECKPOINTABLE_OBJECT_GRAPH";

/// How a bundle is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    /// Check the checksum of each tensor that is read.
    pub verify: bool,
    /// Map the data files, so that numbers are used where they lie. Mapped files must not be rewritten in place
    /// while tensors of them live. Otherwise a data file is read whole when the first tensor of it is asked for.
    pub map: bool,
}

impl Default for ReadOptions {
    /// Checked and mapped.
    fn default() -> ReadOptions {
        ReadOptions { verify: true, map: true }
    }
}

/// An open tensor bundle: `<prefix>.index`, and `<prefix>.data-?????-of-?????` that are opened as they are needed.
pub struct BundleReader {
    prefix: PathBuf,
    options: ReadOptions,
    num_shards: i32,
    tensors: BTreeMap<String, Stored>,
    slices: BTreeMap<Vec<u8>, Stored>,
    shards: Mutex<BTreeMap<i32, Buffer>>,
}

/// An entry of the index, checked as far as it can be without the data.
struct Stored {
    dtype: DType,
    shape: Shape,
    slices: Vec<TensorSlice>,
    shard: i32,
    offset: i64,
    size: i64,
    masked_crc: u32,
}

impl Stored {
    fn new(entry: &BundleEntryProto) -> Result<Stored> {
        Ok(Stored {
            dtype: to_dtype(entry.dtype)?,
            shape: entry.shape.as_ref().map_or(Ok(Shape::scalar()), to_shape)?,
            slices: entry.slices.iter().map(TensorSlice::from_proto).collect::<Result<_>>()?,
            shard: entry.shard_id,
            offset: entry.offset,
            size: entry.size,
            masked_crc: entry.crc32c,
        })
    }
}

impl BundleReader {
    /// Opens the bundle with this prefix.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no index, `DATA_LOSS` when it is damaged, `UNIMPLEMENTED` for big-endian data.
    pub fn open(prefix: impl AsRef<Path>) -> Result<BundleReader> {
        BundleReader::open_with(prefix, ReadOptions::default())
    }

    /// Opens the bundle with this prefix, to be read as `options` say.
    ///
    /// # Errors
    /// As [`BundleReader::open`].
    pub fn open_with(prefix: impl AsRef<Path>, options: ReadOptions) -> Result<BundleReader> {
        let prefix = prefix.as_ref();
        let index = with_suffix(prefix, ".index");
        let file = FileBytes::read(&index)?;
        BundleReader::from_index(prefix, file, options)
            .map_err(|error| error.at(format!("checkpoint index {}", index.display())))
    }

    fn from_index(prefix: &Path, index: FileBytes, options: ReadOptions) -> Result<BundleReader> {
        let mut header = None;
        let (mut tensors, mut slices) = (BTreeMap::new(), BTreeMap::new());
        Table::new(index)?.for_each(|key, value| {
            if key.is_empty() {
                header = Some(decode::<BundleHeaderProto>(value.to_vec())?);
                return Ok(());
            }
            let name = String::from_utf8_lossy(key);
            let stored = decode::<BundleEntryProto>(value.to_vec()).and_then(|entry| Stored::new(&entry));
            let stored = stored.map_err(|e| Error::data_loss(format!("entry {name:?}: {}", e.message())))?;
            if key[0] == 0 {
                slices.insert(key.to_owned(), stored);
            } else {
                tensors.insert(name.into_owned(), stored);
            }
            Ok(())
        })?;
        let header = header.ok_or_else(|| Error::data_loss("an index without a header"))?;
        check_versions(header.version.as_ref())?;
        if header.endianness() == Endianness::Big {
            return Err(Error::unimplemented(format!(
                "{}: is of a different endianness than this machine's hardware; currently this is not supported.",
                described(prefix)
            )));
        }
        let (prefix, shards) = (prefix.to_owned(), Mutex::default());
        Ok(BundleReader { prefix, options, num_shards: header.num_shards, tensors, slices, shards })
    }

    /// All tensors, by name.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.tensors.iter().map(|(name, stored)| stored.entry(name))
    }

    /// What the index says about a tensor.
    pub fn entry(&self, name: &str) -> Option<Entry<'_>> {
        self.tensors.get_key_value(name).map(|(name, stored)| stored.entry(name))
    }

    /// A whole tensor. Numbers stay where they are mapped, unless they are not aligned or stored in slices.
    ///
    /// # Errors
    /// `NOT_FOUND` for an unknown name or missing data file, `DATA_LOSS` and `OUT_OF_RANGE` for damaged ones.
    pub fn tensor(&self, name: &str) -> Result<Tensor> {
        let rank = self.stored(name)?.shape.rank();
        self.slice(name, &TensorSlice::full(rank))
    }

    /// A part of a tensor, which need not be a part that it is stored in.
    ///
    /// # Errors
    /// As [`BundleReader::tensor`], and `INTERNAL` when the slice leaves the tensor.
    pub fn slice(&self, name: &str, slice: &TensorSlice) -> Result<Tensor> {
        let stored = self.stored(name)?;
        let place = |error: Error| error.at(format!("tensor {name:?} of {}", described(&self.prefix)));
        let wanted = slice.ranges(&stored.shape).map_err(place)?;
        if stored.slices.is_empty() {
            return self.read(name, stored).and_then(|tensor| cut(tensor, &wanted)).map_err(place);
        }
        let ranges = stored.slices.iter().map(|slice| slice.ranges(&stored.shape));
        let ranges = ranges.collect::<Result<Vec<_>>>().map_err(place)?;
        let read = |index: usize| {
            let slice = &stored.slices[index];
            let part = self.slices.get(&slice_key(name, slice));
            let missing = || Error::data_loss(format!("slice {slice} is not in the checkpoint"));
            self.read(name, part.ok_or_else(missing)?)
        };
        assemble(stored.dtype, &ranges, &wanted, read).map_err(place)
    }

    /// The object graph of an object-based checkpoint; `None` if it is name based.
    ///
    /// # Errors
    /// As [`BundleReader::tensor`], and `DATA_LOSS` when it is no such message.
    pub fn object_graph(&self) -> Result<Option<TrackableObjectGraph>> {
        if !self.tensors.contains_key(OBJECT_GRAPH) {
            return Ok(None);
        }
        let tensor = self.tensor(OBJECT_GRAPH)?;
        match tensor.strings() {
            Ok([graph]) => decode(graph.clone()).map(Some),
            _ => Err(Error::data_loss(format!("{OBJECT_GRAPH} is a {}", tensor.describe()))),
        }
    }

    fn stored(&self, name: &str) -> Result<&Stored> {
        self.tensors.get(name).ok_or_else(|| Error::not_found(format!("Key {name} not found in checkpoint")))
    }

    /// A tensor or slice that is stored in one piece.
    fn read(&self, name: &str, stored: &Stored) -> Result<Tensor> {
        let shard = self.shard(stored.shard)?;
        let (offset, size) = (usize::try_from(stored.offset), usize::try_from(stored.size));
        let bytes = match (offset, size) {
            (Ok(offset), Ok(size)) => shard.slice(offset, size),
            _ => None,
        };
        let bytes = bytes.ok_or_else(|| Error::out_of_range("Read less bytes than requested"))?;
        let shape = stored.shape.clone();
        match stored.dtype.unit() {
            UnitKind::Bytes => {
                self.checked(stored, read_strings(bytes.bytes(), &shape, self.options.verify)?)
            }
            UnitKind::Variant if stored.dtype == DType::Resource => {
                Err(Error::data_loss("a checkpoint can't hold resource handles"))
            }
            UnitKind::Variant => {
                self.checked(stored, read_variants(bytes.bytes(), &shape, self.options.verify)?)
            }
            plain => {
                let expected = plain.size().and_then(|size| shape.elements().checked_mul(size));
                if expected != Some(bytes.len()) {
                    return Err(Error::data_loss(format!(
                        "{}: Invalid size in bundle entry: key {name}; stored size {}; expected size {}",
                        described(&self.prefix),
                        bytes.len(),
                        expected.map_or_else(|| "above 2**64".to_owned(), |size| size.to_string()),
                    )));
                }
                if self.options.verify {
                    self.check(stored, crc32c::crc32c(bytes.bytes()))?;
                    bytes.release();
                }
                from_content(stored.dtype, shape, bytes).map_err(|e| Error::data_loss(e.message()))
            }
        }
    }

    fn checked(&self, stored: &Stored, (tensor, computed): (Tensor, u32)) -> Result<Tensor> {
        if self.options.verify {
            self.check(stored, computed)?;
        }
        Ok(tensor)
    }

    fn check(&self, stored: &Stored, computed: u32) -> Result<()> {
        let expected = crc::unmask(stored.masked_crc);
        if expected == computed {
            return Ok(());
        }
        Err(Error::data_loss(format!(
            "{} shard {} ({} bytes): Checksum does not match: stored {expected} vs. calculated on the restored bytes \
             {computed}",
            described(&self.prefix),
            stored.shard,
            stored.size
        )))
    }

    fn shard(&self, number: i32) -> Result<Buffer> {
        if number < 0 || number >= self.num_shards {
            return Err(Error::data_loss(format!("shard {number} of {}", self.num_shards)));
        }
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shard) = shards.get(&number) {
            return Ok(shard.clone());
        }
        let path = data_path(&self.prefix, number, self.num_shards);
        let file = if self.options.map { FileBytes::map(&path)? } else { FileBytes::read(&path)? };
        let shard = Buffer::foreign(Arc::new(file));
        shards.insert(number, shard.clone());
        Ok(shard)
    }
}

impl Stored {
    fn entry<'a>(&self, name: &'a str) -> Entry<'a> {
        Entry { name, dtype: self.dtype, shape: self.shape.clone(), slices: self.slices.clone() }
    }
}

fn described(prefix: &Path) -> impl Display {
    format!("TensorBundle at {}", prefix.display())
}

/// `<prefix>.data-00000-of-00001` and so on.
pub(crate) fn data_path(prefix: &Path, shard: i32, num_shards: i32) -> PathBuf {
    with_suffix(prefix, &format!(".data-{shard:05}-of-{num_shards:05}"))
}

/// The path with a suffix to its last part.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Whether this crate may read what `versions` describe.
pub(crate) fn check_versions(versions: Option<&VersionDef>) -> Result<()> {
    let Some(versions) = versions else { return Ok(()) };
    if versions.min_consumer > VERSION {
        return Err(Error::invalid_argument(format!(
            "Checkpoint min consumer version {} above current version {VERSION}",
            versions.min_consumer
        )));
    }
    if versions.bad_consumers.contains(&VERSION) {
        return Err(Error::invalid_argument(format!("Checkpoint disallows consumer version {VERSION}")));
    }
    Ok(())
}

/// Whether there is a file at `path`; an error that is not about its absence is an error.
pub(crate) fn exists(path: &Path) -> Result<bool> {
    match std::fs::metadata(path) {
        Ok(found) => Ok(found.is_file()),
        Err(error) => match at(path, error) {
            absent if absent.code() == Code::NotFound => Ok(false),
            error => Err(error),
        },
    }
}
