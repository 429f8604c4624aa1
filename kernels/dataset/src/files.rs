//! Files that are read record by record, perhaps decompressed.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use flate2::bufread::{MultiGzDecoder, ZlibDecoder};
use savedmodel_kernels_io::file;
use savedmodel_op::Run;
use savedmodel_proto::tfrecord;
use savedmodel_tensor::{Error, Result};

/// How a file is compressed.
#[derive(Clone, Copy, PartialEq)]
pub enum Compression {
    None,
    Zlib,
    Gzip,
}

impl Compression {
    /// What TensorFlow means by a name, if it is one.
    pub fn of(name: &[u8]) -> Option<Compression> {
        match name {
            b"" => Some(Compression::None),
            b"ZLIB" => Some(Compression::Zlib),
            b"GZIP" => Some(Compression::Gzip),
            _ => None,
        }
    }
}

/// The bytes of a file, decompressed.
pub type Source = Box<dyn BufRead + Send>;

/// Opens a file. That it is a directory shows when it is read.
pub fn open(name: &str, compression: Compression) -> Result<Source> {
    let plain = BufReader::new(std::fs::File::open(name).map_err(|error| file::error(name, error))?);
    Ok(match compression {
        Compression::None => Box::new(plain),
        Compression::Zlib => Box::new(BufReader::new(ZlibDecoder::new(plain))),
        Compression::Gzip => Box::new(BufReader::new(MultiGzDecoder::new(plain))),
    })
}

/// The error of a source; a compressed one that ends too early is no error.
pub fn checked<T: Default>(read: io::Result<T>, name: &str) -> Result<T> {
    match read {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(T::default()),
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData) => {
            Err(Error::data_loss(format!("inflate() failed with error -3: {error}")))
        }
        read => read.map_err(|error| file::error(name, error)),
    }
}

/// Leaves out bytes; gives how many there were.
pub fn skip(source: &mut Source, count: u64, name: &str) -> Result<u64> {
    checked(io::copy(&mut source.by_ref().take(count), &mut io::sink()), name)
}

/// Up to so many bytes.
pub fn take(source: &mut Source, count: u64, name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    checked(source.by_ref().take(count).read_to_end(&mut bytes), name)?;
    Ok(bytes)
}

/// The next line without what ends it, and without any `\r`; `None` at the end.
pub fn line(source: &mut Source, name: &str, run: &Run<'_>) -> Result<Option<Vec<u8>>> {
    let (mut line, limit) = (Vec::new(), run.limits.tensor_bytes as u64);
    checked(source.by_ref().take(limit).read_until(b'\n', &mut line), name)?;
    let is_whole = line.last() == Some(&b'\n');
    if !is_whole && line.len() as u64 == limit {
        return Err(too_long(name));
    }
    line.retain(|byte| !b"\r\n".contains(byte));
    Ok((is_whole || !line.is_empty()).then_some(line))
}

/// The next TFRecord; `None` at the end, and where there is less than what stands before a record.
pub fn record(source: &mut Source, name: &str, run: &Run<'_>) -> Result<Option<Vec<u8>>> {
    /// The length of a record and its checksum.
    const HEAD: u64 = 12;
    let head = take(source, HEAD, name)?;
    if head.len() as u64 != HEAD {
        return Ok(None);
    }
    let bytes = head.as_slice().chain(source.by_ref().take(run.limits.tensor_bytes as u64));
    Ok(tfrecord::Reader::new(bytes).next().transpose()?.map(Vec::from))
}

/// The error for a record that does not fit into a tensor.
pub fn too_long(name: &str) -> Error {
    Error::resource_exhausted(format!("a record of {name} is longer than the limit"))
}
