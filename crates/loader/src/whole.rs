//! Files with one message, written whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use savedmodel_proto::{Message, Name, pbtxt};
use savedmodel_tensor::{Error, Result};

/// The most bytes that protobuf allows a message.
const MOST_BYTES: usize = i32::MAX as usize;

/// Whether the name of a file says that it holds text.
pub(crate) fn is_text(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "pbtxt" || extension == "txt")
}

/// Writes a message to a file, as text if its name ends in `.pbtxt` or `.txt`: under another name first, so that the file is
/// whole when it is there.
///
/// # Errors
/// As [`Prepared::new`] and [`Prepared::commit`]. Then the file is as it was.
pub fn write<M: Message + Name>(path: &Path, message: &M) -> Result<()> {
    Prepared::new(path, message)?.commit()
}

/// A file that is written but does not have its name yet; unless it gets it, it is removed.
#[derive(Debug)]
pub struct Prepared {
    path: PathBuf,
    aside: PathBuf,
}

impl Prepared {
    /// Writes a message as [`write`], but leaves the file of that name as it is.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the message is larger than protobuf allows; those of the file system, also when a directory
    /// has the name.
    pub fn new<M: Message + Name>(path: &Path, message: &M) -> Result<Prepared> {
        let at = |e: Error| e.at(format!("file {}", path.display()));
        check_size(&M::full_name(), message.encoded_len(), MOST_BYTES).map_err(at)?;
        if path.is_dir() {
            return Err(at(std::io::Error::from(std::io::ErrorKind::IsADirectory).into()));
        }
        let content = match is_text(path) {
            true => pbtxt::to_text(message).map_err(at)?.into_bytes(),
            false => message.encode_to_vec(),
        };
        let prepared = Prepared { path: path.to_owned(), aside: aside(path) };
        fs::write(&prepared.aside, content).map_err(|error| at(error.into()))?;
        Ok(prepared)
    }

    /// Gives the file its name, in place of one that has it.
    ///
    /// # Errors
    /// Those of the file system. Then the file is as it was.
    pub fn commit(self) -> Result<()> {
        let at = |error| Error::from(error).at(format!("file {}", self.path.display()));
        fs::rename(&self.aside, &self.path).map_err(at)
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        // Nothing is there after a success, and nothing can be done after a failure.
        let _ = fs::remove_file(&self.aside);
    }
}

fn aside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.tempstate{}", std::process::id()))
}

fn check_size(name: &str, bytes: usize, most: usize) -> Result<()> {
    if bytes <= most {
        return Ok(());
    }
    Err(Error::invalid_argument(format!(
        "the {name} has {bytes} bytes, but protobuf allows a message {most}; large constants must be variables"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_a_largest_size() {
        assert!(check_size("tensorflow.GraphDef", 8, 8).is_ok());
        let error = check_size("tensorflow.GraphDef", 9, 8).unwrap_err();
        assert!(error.message().starts_with("the tensorflow.GraphDef has 9 bytes"), "{error}");
    }
}
