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
/// `INVALID_ARGUMENT` when the message is larger than protobuf allows; those of the file system. Then the file is as it
/// was.
pub fn write<M: Message + Name>(path: &Path, message: &M) -> Result<()> {
    let at = |e: Error| e.at(format!("file {}", path.display()));
    check_size(&M::full_name(), message.encoded_len(), MOST_BYTES).map_err(at)?;
    let content = match is_text(path) {
        true => pbtxt::to_text(message).map_err(at)?.into_bytes(),
        false => message.encode_to_vec(),
    };
    let aside = aside(path);
    let written = fs::write(&aside, content).and_then(|()| fs::rename(&aside, path));
    written.map_err(|error| {
        // What matters is why it could not be written.
        let _ = fs::remove_file(&aside);
        at(error.into())
    })
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
