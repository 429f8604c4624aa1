//! Files as memory.
#![allow(unsafe_code)]

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use memmap2::{Mmap, UncheckedAdvice};
use savedmodel_tensor::{Error, ForeignBytes, Result};

/// The bytes of a file, mapped or read.
pub(crate) enum FileBytes {
    Mapped(Mapped),
    Read(Vec<u8>),
}

/// A mapped file.
pub(crate) struct Mapped {
    map: Mmap,
    /// Bytes of small parts that are not needed and were not let go yet.
    unneeded: AtomicUsize,
}

impl FileBytes {
    /// Maps a file. It must not be truncated or rewritten in place as long as the map lives.
    pub fn map(path: &Path) -> Result<FileBytes> {
        let open = || {
            let file = File::open(path)?;
            // SAFETY: the map is read-only and lives as long as its owner. That no other process changes the file
            // meanwhile can't be checked; checkpoints are replaced by renaming, never rewritten in place.
            unsafe { Mmap::map(&file) }
        };
        let map = open().map_err(|error| at(path, error))?;
        Ok(FileBytes::Mapped(Mapped { map, unneeded: AtomicUsize::new(0) }))
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<FileBytes> {
        Ok(FileBytes::Read(std::fs::read(path).map_err(|error| at(path, error))?))
    }
}

/// Bytes of a mapped file that are worth a call to the system.
const WORTH_RELEASING: usize = 1 << 18;

impl ForeignBytes for FileBytes {
    fn bytes(&self) -> &[u8] {
        self.as_ref()
    }

    #[cfg(unix)]
    fn release(&self, part: Range<usize>) {
        let FileBytes::Mapped(Mapped { map, unneeded }) = self else { return };
        let mut part = part;
        if part.len() < WORTH_RELEASING {
            // Reading a small part brings in what lies around it: once there are many, all goes.
            if unneeded.fetch_add(part.len(), Ordering::Relaxed) + part.len() < WORTH_RELEASING {
                return;
            }
            unneeded.store(0, Ordering::Relaxed);
            part = 0..map.len();
        }
        // SAFETY: the map is read-only and backed by its file, so its pages come back with the same content. That the
        // system may refuse the advice is no error.
        let _ = unsafe { map.unchecked_advise_range(UncheckedAdvice::DontNeed, part.start, part.len()) };
    }
}

impl AsRef<[u8]> for FileBytes {
    fn as_ref(&self) -> &[u8] {
        match self {
            FileBytes::Mapped(mapped) => &mapped.map,
            FileBytes::Read(bytes) => bytes,
        }
    }
}

/// An error of the file system, with the file's name as TensorFlow writes it.
#[cold]
pub(crate) fn at(path: &Path, error: std::io::Error) -> Error {
    let error = Error::from(error);
    Error::new(error.code(), format!("{}; {}", path.display(), error.message()))
}
