//! GIF images and animations.

use std::io::ErrorKind;

use gif::{ColorOutput, DecodeOptions, DecodingError, Frame, MemoryLimit};
use savedmodel_tensor::{DType, Error, Result, Tensor};

use super::Canvas;

/// Decodes all frames, or the first, to `[frames, height, width, 3]`.
///
/// The size is that of the largest frame, not of the screen. A frame is drawn over the one before, whatever its disposal
/// says; what nothing was drawn on is black.
///
/// # Errors
/// `INVALID_ARGUMENT` when there is no whole frame, the file ends too soon, or a colour is missing.
pub fn decode(canvas: Canvas<'_>, file: &[u8], all: bool) -> Result<Tensor> {
    let refuse =
        |text: &str| Error::invalid_argument(format!("Invalid GIF data (size {}), {text}", file.len()));
    let (frames, colors) = read(canvas, file).map_err(|text| refuse(&text))?;
    let width = frames.iter().map(|(frame, _)| usize::from(frame.width)).max().unwrap_or(0);
    let height = frames.iter().map(|(frame, _)| usize::from(frame.height)).max().unwrap_or(0);
    let count = if all { frames.len() } else { 1 };
    let mut image = canvas.allocate(DType::Uint8, [count, height, width, 3])?;
    let size = height * width * 3;
    let out = image.as_mut_slice::<u8>()?;
    for (k, (frame, pixels)) in frames.iter().take(count).enumerate() {
        if k > 0 {
            out.copy_within((k - 1) * size..k * size, k * size);
        }
        let colors = frame.palette.as_deref().or(colors.as_deref());
        let colors = colors.ok_or_else(|| refuse(&format!("missing color map for frame {k}")))?;
        let pixels = pixels.as_slice::<u8>()?;
        draw(frame, pixels, colors.as_chunks().0, &mut out[k * size..][..size], [height, width])
            .map_err(|text| refuse(&text))?;
    }
    Ok(image)
}

/// All frames with their pixels, and the colours of those that have none of their own.
type Read = (Vec<(Frame<'static>, Tensor)>, Option<Vec<u8>>);

fn read(canvas: Canvas<'_>, file: &[u8]) -> std::result::Result<Read, String> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.set_memory_limit(MemoryLimit::Unlimited);
    let mut decoder =
        options.read_info(file).map_err(|error| format!("failed to open gif file: {}", words(&error)))?;
    let mut frames = Vec::new();
    let mut left = canvas.limit();
    loop {
        let size = match decoder.next_frame_info() {
            Ok(Some(frame)) => usize::from(frame.width) * usize::from(frame.height) * 3,
            Ok(None) => break,
            Err(error) => return fail(error, frames, &decoder),
        };
        left =
            left.checked_sub(size).ok_or("failed to slurp gif file: Failed to allocate required memory")?;
        let Some(frame) = decoder.current_frame_info().cloned() else { break };
        let mut pixels = canvas
            .allocate(DType::Uint8, [decoder.buffer_size()])
            .map_err(|error| error.message().to_owned())?;
        let buffer = pixels.as_mut_slice().map_err(|error| error.message().to_owned())?;
        if let Err(error) = decoder.read_into_buffer(buffer) {
            return fail(error, frames, &decoder);
        }
        frames.push((frame, pixels));
    }
    if frames.is_empty() {
        return Err("gif file does not contain any image".to_owned());
    }
    let colors = decoder.global_palette().map(<[u8]>::to_vec);
    Ok((frames, colors))
}

/// What came before an error, unless the file ended there.
fn fail<R: std::io::Read>(
    error: DecodingError,
    frames: Vec<(Frame<'static>, Tensor)>,
    decoder: &gif::Decoder<R>,
) -> std::result::Result<Read, String> {
    let ended = matches!(&error, DecodingError::Io(error) if error.kind() == ErrorKind::UnexpectedEof);
    if ended || frames.is_empty() {
        return Err(format!("failed to slurp gif file: {}", words(&error)));
    }
    Ok((frames, decoder.global_palette().map(<[u8]>::to_vec)))
}

fn words(error: &DecodingError) -> String {
    match error {
        DecodingError::Io(_) => "Failed to read from given file".to_owned(),
        other => other.to_string(),
    }
}

/// Draws what lies inside of the image.
fn draw(
    frame: &Frame<'_>,
    pixels: &[u8],
    colors: &[[u8; 3]],
    out: &mut [u8],
    [height, width]: [usize; 2],
) -> std::result::Result<(), String> {
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    let inside = usize::from(frame.width).min(width.saturating_sub(left));
    let rows = pixels.chunks_exact(usize::from(frame.width).max(1));
    for (y, src) in rows.enumerate().take(height.saturating_sub(top)) {
        let (row, _) = out[((top + y) * width + left) * 3..][..inside * 3].as_chunks_mut::<3>();
        for (pixel, &index) in row.iter_mut().zip(src) {
            if Some(index) == frame.transparent {
                continue;
            }
            *pixel = *colors.get(usize::from(index)).ok_or_else(|| {
                format!("found color index {index} outside of color map range {}", colors.len())
            })?;
        }
    }
    Ok(())
}
