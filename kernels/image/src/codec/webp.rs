//! WebP images and animations.

use std::io::Cursor;

use image_webp::WebPDecoder;
use savedmodel_tensor::{DType, Error, Result, Tensor};

use super::Canvas;

/// Decodes all frames, or the first, to `[frames, height, width, 3 or 4]`; there is one frame without animation.
///
/// # Errors
/// `INVALID_ARGUMENT` when the file is damaged or has another number of channels than wanted.
pub fn decode(canvas: Canvas<'_>, file: &[u8], channels: usize, all: bool) -> Result<Tensor> {
    let refuse = |text: &str| Error::invalid_argument(text);
    if channels == 1 {
        return Err(refuse("WebP only supports 3 or 4 channels"));
    }
    let header = |_| refuse("Failed to decode WebP header.");
    let mut decoder = WebPDecoder::new(Cursor::new(file)).map_err(header)?;
    decoder.set_memory_limit(canvas.limit());
    let found = if decoder.has_alpha() { 4 } else { 3 };
    if channels != 0 && channels != found {
        return Err(refuse("Number of channels requested does not match input"));
    }
    let (width, height) = decoder.dimensions();
    let [height, width] = [height as usize, width as usize];
    if !decoder.is_animated() {
        let mut image = canvas.allocate(DType::Uint8, [1, height, width, found])?;
        decoder.read_image(image.as_mut_slice()?).map_err(|_| refuse("Failed to decode WebP image."))?;
        return Ok(image);
    }
    if channels == 3 {
        return Err(refuse("WebP Animation must be 4 channel RGBA"));
    }
    animation(canvas, decoder, [height, width], all)
}

/// All frames of an animation, or the first, with alpha.
fn animation(
    canvas: Canvas<'_>,
    mut decoder: WebPDecoder<Cursor<&[u8]>>,
    [height, width]: [usize; 2],
    all: bool,
) -> Result<Tensor> {
    let found = if decoder.has_alpha() { 4 } else { 3 };
    let count = if all { decoder.num_frames() as usize } else { 1 };
    let mut image = canvas.allocate(DType::Uint8, [count, height, width, 4])?;
    let mut frame = canvas.allocate(DType::Uint8, [height, width, found])?;
    let frame = frame.as_mut_slice::<u8>()?;
    let frames = image.as_mut_slice::<u8>()?.chunks_exact_mut((height * width * 4).max(1));
    for (k, out) in frames.enumerate() {
        decoder.read_frame(frame).map_err(|_| {
            Error::invalid_argument(format!("Failed to decode WebP Animation: failed to decode frame: {k}"))
        })?;
        for (out, pixel) in out.chunks_exact_mut(4).zip(frame.chunks_exact(found)) {
            out[3] = u8::MAX;
            out[..found].copy_from_slice(pixel);
        }
    }
    Ok(image)
}
