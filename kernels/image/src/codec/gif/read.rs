//! The records of a file, read as giflib's `DGifSlurp` does.

use savedmodel_tensor::{DType, Error, Tensor};

use super::lzw::Lzw;
use crate::codec::Canvas;

/// Why reading stops.
#[derive(Debug)]
pub enum Fault {
    /// The file ends, or pixels have more than eight bits.
    Read,
    /// There is no whole screen descriptor.
    NoScreen,
    /// A record is of no known kind.
    WrongRecord,
    /// Codes can't be followed.
    Defect,
    /// A frame ends before all of its pixels.
    EndTooSoon,
    /// There is no frame.
    NoFrame,
    /// A frame is empty.
    Empty,
    /// There is no memory, or the session allows no more.
    Refused(Error),
}

impl Fault {
    /// In giflib's words.
    pub fn words(&self) -> &str {
        match self {
            Fault::Read => "Failed to read from given file",
            Fault::NoScreen => "No screen descriptor detected",
            Fault::WrongRecord => "Wrong record type detected",
            Fault::Defect => "Image is defective, decoding aborted",
            Fault::EndTooSoon => "Image EOF detected, before image complete",
            Fault::NoFrame => "No Image Descriptor detected",
            Fault::Empty => "Unknown error",
            Fault::Refused(error) => error.message(),
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault::Refused(error)
    }
}

/// What is left of a file.
pub struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(Fault::Read)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        Ok(self.bytes(1)?[0])
    }

    fn pair(&mut self) -> Result<usize, Fault> {
        let bytes = self.bytes(2)?;
        Ok(u16::from_le_bytes([bytes[0], bytes[1]]).into())
    }

    /// The next block of data; `None` for the empty one, which is the last.
    pub fn block(&mut self) -> Result<Option<&'a [u8]>, Fault> {
        let length = self.byte()?;
        let block = self.bytes(length.into())?;
        Ok((length > 0).then_some(block))
    }

    /// The colours that the lowest bits of `flags` count, if the highest tells that there are any.
    fn colors(&mut self, flags: u8) -> Result<Option<&'a [[u8; 3]]>, Fault> {
        if flags & 0x80 == 0 {
            return Ok(None);
        }
        Ok(Some(self.bytes(3 << ((flags & 7) + 1))?.as_chunks().0))
    }
}

/// One frame.
pub struct Frame<'a> {
    /// Columns left of it, rows above it.
    pub left: usize,
    /// Rows above it.
    pub top: usize,
    /// Its columns.
    pub width: usize,
    /// Its rows.
    pub height: usize,
    /// Its own colours.
    pub colors: Option<&'a [[u8; 3]]>,
    /// The pixel that lets the frame before be seen.
    pub transparent: Option<u8>,
    /// Its pixels; nothing if it has none.
    pub pixels: Option<Tensor>,
}

/// A file, as far as it was read.
#[derive(Default)]
pub struct Animation<'a> {
    /// The colours of frames that have none of their own.
    pub colors: Option<&'a [[u8; 3]]>,
    /// The frames.
    pub frames: Vec<Frame<'a>>,
}

/// Reads what stands before the frames.
pub fn open(file: &[u8]) -> Result<(Source<'_>, Animation<'_>), Fault> {
    let mut source = Source(file);
    source.bytes(6)?;
    let mut screen = || -> Result<Animation<'_>, Fault> {
        let flags = source.bytes(7)?[4];
        Ok(Animation { colors: source.colors(flags)?, frames: Vec::new() })
    };
    let animation = screen().map_err(|_| Fault::NoScreen)?;
    Ok((source, animation))
}

/// Reads all frames; a damaged one is left out and ends the file.
pub fn slurp<'a>(
    canvas: Canvas<'_>,
    mut source: Source<'a>,
    animation: &mut Animation<'a>,
) -> Result<(), Fault> {
    // Of the extensions since the last frame, the first that tells of transparency counts.
    let mut looks: Option<&[u8]> = None;
    let mut left = canvas.limit();
    loop {
        match source.byte()? {
            b',' => {
                let (mut frame, interlaced) = descriptor(&mut source)?;
                frame.transparent = looks.take().and_then(transparent);
                let size = frame.width * frame.height;
                left = left.checked_sub(size * 3).ok_or_else(|| {
                    Error::resource_exhausted("OOM when allocating the frames of an animation")
                })?;
                let bits = source.byte()?;
                if bits > 8 {
                    return Err(Fault::Read);
                }
                let (width, height) = (frame.width, frame.height);
                animation.frames.push(frame);
                if size == 0 {
                    return Err(Fault::Empty);
                }
                let mut pixels = canvas.allocate(DType::Uint8, [height, width])?;
                if let Err(fault) = read(&mut source, bits, interlaced, width, pixels.as_mut_slice()?) {
                    animation.frames.pop();
                    return Err(fault);
                }
                if let Some(frame) = animation.frames.last_mut() {
                    frame.pixels = Some(pixels);
                }
            }
            b'!' => {
                let kind = source.byte()?;
                let first = source.block()?;
                if kind == LOOKS && looks.is_none() {
                    looks = first;
                }
                // An extension without data has an end of its own all the same.
                while source.block()?.is_some() {}
            }
            b';' if animation.frames.is_empty() => return Err(Fault::NoFrame),
            b';' => return Ok(()),
            _ => return Err(Fault::WrongRecord),
        }
    }
}

/// The kind of extension that tells of transparency.
const LOOKS: u8 = 0xf9;

fn transparent(looks: &[u8]) -> Option<u8> {
    match looks {
        &[flags, _, _, index] if flags & 1 == 1 => Some(index),
        _ => None,
    }
}

/// A frame without pixels yet, and whether its rows are interlaced.
fn descriptor<'a>(source: &mut Source<'a>) -> Result<(Frame<'a>, bool), Fault> {
    let (left, top) = (source.pair()?, source.pair()?);
    let (width, height) = (source.pair()?, source.pair()?);
    let flags = source.byte()?;
    let colors = source.colors(flags)?;
    let frame = Frame { left, top, width, height, colors, transparent: None, pixels: None };
    Ok((frame, flags & 0x40 != 0))
}

fn read(
    source: &mut Source<'_>,
    bits: u8,
    interlaced: bool,
    width: usize,
    pixels: &mut [u8],
) -> Result<(), Fault> {
    let mut lzw = Lzw::new(bits);
    if interlaced {
        let height = pixels.len() / width;
        for (start, step) in [(0, 8), (4, 8), (2, 4), (1, 2)] {
            for y in (start..height).step_by(step) {
                lzw.read(source, &mut pixels[y * width..][..width])?;
            }
        }
    } else {
        lzw.read(source, pixels)?;
    }
    lzw.finish(source)
}
