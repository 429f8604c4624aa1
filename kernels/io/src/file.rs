//! Names of files, and errors of the file system as TensorFlow tells them.

use std::path::PathBuf;

use savedmodel_tensor::{Bytes, Error, Result, Tensor};

/// The string of an input that must be a scalar; `what` begins the message.
///
/// # Errors
/// `INVALID_ARGUMENT` when it is not.
pub fn scalar<'a>(tensor: &'a Tensor, what: &str) -> Result<&'a Bytes> {
    match (tensor.rank(), tensor.strings()?) {
        (0, [string]) => Ok(string),
        _ => Err(Error::invalid_argument(format!("{what} {}", tensor.shape()))),
    }
}

/// A name as text.
///
/// # Errors
/// `INVALID_ARGUMENT` when it is not UTF-8.
pub fn text(name: &Bytes) -> Result<&str> {
    std::str::from_utf8(name).map_err(|_| {
        Error::invalid_argument(format!("the name of a file is not UTF-8: {}", String::from_utf8_lossy(name)))
    })
}

/// A name as a path.
///
/// # Errors
/// As [`text`].
pub fn path(name: &Bytes) -> Result<PathBuf> {
    text(name).map(PathBuf::from)
}

/// An error of the file system about `name`.
pub fn error(name: &str, error: std::io::Error) -> Error {
    let text = error.to_string();
    let reason = text.split(" (os error").next().unwrap_or(&text).to_owned();
    Error::new(Error::from(error).code(), format!("{name}; {reason}"))
}
