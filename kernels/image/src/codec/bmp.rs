//! Windows bitmaps without compression or palette.

use savedmodel_tensor::{DType, Error, Result, Tensor};

use super::Canvas;

/// Decodes a bitmap of 8, 24 or 32 bits per pixel to `[height, width, channels]`; 0 channels are the file's own.
///
/// # Errors
/// `INVALID_ARGUMENT` when the file is no such bitmap or of another length than its header tells.
pub fn decode(canvas: Canvas<'_>, file: &[u8], channels: usize) -> Result<Tensor> {
    let header = Header::read(file)?;
    let to = if channels == 0 { header.channels } else { channels };
    let mut image = canvas.allocate(DType::Uint8, [header.height, header.width, to])?;
    let rows = file[header.start..].chunks_exact(header.row());
    let out = image.as_mut_slice::<u8>()?.chunks_exact_mut(header.width * to);
    let mut draw = |(src, out): (&[u8], &mut [u8])| {
        for (pixel, src) in out.chunks_exact_mut(to).zip(src.chunks_exact(header.channels)) {
            convert(src, pixel);
        }
    };
    match header.top_down {
        true => rows.zip(out).for_each(&mut draw),
        false => rows.zip(out.rev()).for_each(&mut draw),
    }
    Ok(image)
}

/// Grey, or blue, green, red and perhaps alpha, to grey, or red, green, blue and perhaps alpha.
fn convert(src: &[u8], out: &mut [u8]) {
    let (color, alpha) = match *src {
        [grey] => ([grey; 3], u8::MAX),
        [blue, green, red] => ([red, green, blue], u8::MAX),
        [blue, green, red, alpha] => ([red, green, blue], alpha),
        _ => ([0; 3], u8::MAX),
    };
    match out {
        [grey] => *grey = color[0],
        [red, green, blue] => [*red, *green, *blue] = color,
        [red, green, blue, to] => ([*red, *green, *blue], *to) = (color, alpha),
        _ => {}
    }
}

struct Header {
    start: usize,
    width: usize,
    height: usize,
    /// Whether the first row of the file is the image's first; else it is the last.
    top_down: bool,
    channels: usize,
}

impl Header {
    fn read(file: &[u8]) -> Result<Header> {
        let refuse = |text: String| Err(Error::invalid_argument(text));
        let size = file.len();
        let Some(&head) = file.first_chunk::<32>() else {
            return refuse(format!(
                "Incomplete bmp content, requires at least 32 bytes to find the header size, width, height, and \
                 bpp, got {size} bytes"
            ));
        };
        let int = |at: usize| i32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (start, width, height) = (int(10), int(18), int(22));
        let channels = i16::from_le_bytes([head[28], head[29]]) / 8;
        if ![1, 3, 4].contains(&channels) {
            return refuse(format!(
                "Number of channels inherent in the image must be 1, 3 or 4, was {channels}"
            ));
        }
        if width <= 0 {
            return refuse("Width must be positive".to_owned());
        }
        if height == 0 {
            return refuse("Height must be nonzero".to_owned());
        }
        if start < 0 {
            return refuse("header size must be nonnegative".to_owned());
        }
        let pixels = i64::from(width) * i64::from(height).abs();
        if pixels >= i64::from(i32::MAX / 8) {
            return refuse("Total possible pixel bytes must be less than 2^30".to_owned());
        }
        let header = Header {
            start: start as usize,
            width: width as usize,
            height: height.unsigned_abs() as usize,
            top_down: height < 0,
            channels: channels as usize,
        };
        let expected = header.start as i64 + (header.row() * header.height) as i64;
        if size as i64 != expected {
            return refuse(format!(
                "Input size should match (header_size + row_size * abs_height) but they differ by {}",
                size as i64 - expected
            ));
        }
        Ok(header)
    }

    /// Bytes of a row, which is filled up to whole words.
    fn row(&self) -> usize {
        (self.channels * self.width).next_multiple_of(4)
    }
}
