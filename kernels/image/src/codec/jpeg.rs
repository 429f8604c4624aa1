//! JPEG images, bit for bit as libjpeg-turbo gives them.
//!
//! The bytes of a photograph depend on how the inverse cosine transform rounds, how small colour planes are enlarged and
//! what is made of damaged files, so all of these follow libjpeg-turbo: the two integer transforms and the reduced ones
//! ([`idct`]), its "fancy" enlargement ([`upsample`]), its way to go on where data is missing ([`bits`]). Arithmetic coding
//! and lossless files are not decoded, nor are progressive files that end before every coefficient was told.

mod bits;
mod block;
mod coder;
mod color;
mod encode;
mod forward;
mod frame;
mod header;
mod huffman;
mod idct;
mod optimal;
mod picture;
mod progressive;
mod scan;
mod sequential;
mod upsample;
mod writer;

use savedmodel_tensor::{Error, Result, Tensor};

use super::Canvas;
pub use encode::{Settings, encode};
use picture::Picture;
use scan::Scans;

/// What is asked for besides the file.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// 1 for grey, 3 for red, green and blue, 0 for what the file has.
    pub channels: usize,
    /// The image is made smaller by 1, 2, 4 or 8.
    pub ratio: usize,
    /// Whether colour planes are enlarged by interpolation.
    pub fancy: bool,
    /// Whether the exact integer transform is used instead of the fast one.
    pub accurate: bool,
    /// Whether to go on where a file ends too soon.
    pub recover: bool,
    /// The part of the rows that must be there.
    pub fraction: f32,
    /// The part of the image that is wanted: top, left, height, width.
    pub crop: Option<[i32; 4]>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            channels: 0,
            ratio: 1,
            fancy: true,
            accurate: false,
            recover: false,
            fraction: 1.0,
            crop: None,
        }
    }
}

/// Why decoding stops.
#[derive(Debug)]
enum Fault {
    /// The file is damaged.
    Invalid,
    /// The file ends in the middle of data.
    Ended,
    /// Something that is not decoded.
    Unimplemented(&'static str),
    /// There is no memory, or the session allows no more.
    Refused(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault::Refused(error)
    }
}

type Outcome<T> = std::result::Result<T, Fault>;

/// Decodes to `[height, width, channels]`.
///
/// # Errors
/// `INVALID_ARGUMENT` when the file is damaged or the crop lies outside, `UNIMPLEMENTED` for rare kinds of files.
pub fn decode(canvas: Canvas<'_>, file: &[u8], options: &Options) -> Result<Tensor> {
    let invalid = || Error::invalid_argument("jpeg::Uncompress failed. Invalid JPEG data or crop window.");
    match draw(canvas, file, options) {
        Ok(image) => Ok(image),
        Err(Fault::Invalid | Fault::Ended) => Err(invalid()),
        Err(Fault::Unimplemented(what)) => Err(Error::unimplemented(format!("JPEG files with {what}"))),
        Err(Fault::Refused(error)) => Err(error),
    }
}

fn draw(canvas: Canvas<'_>, file: &[u8], options: &Options) -> Outcome<Tensor> {
    let scans = Scans::open(file, options)?;
    let picture = Picture::of(&scans.frame, options)?;
    let (frame, rows) = scans.read(canvas)?;
    if frame.is_incomplete() {
        return Err(scan::INCOMPLETE);
    }
    picture.draw(canvas, &frame, rows)
}

/// Height, width and channels of the decoded image.
///
/// # Errors
/// `INVALID_ARGUMENT` when the header is damaged.
pub fn shape(file: &[u8]) -> Result<[usize; 3]> {
    let invalid = || Error::invalid_argument(format!("Invalid JPEG data, size {}", file.len()));
    let scans = Scans::open(file, &Options::default()).map_err(|_| invalid())?;
    let frame = &scans.frame;
    Ok([frame.height, frame.width, frame.default_channels().ok_or_else(invalid)?])
}

#[cfg(test)]
mod tests;
