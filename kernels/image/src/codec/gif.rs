//! GIF images and animations, as giflib and TensorFlow read them: so damaged files give the same pixels, too.

mod lzw;
mod read;

use savedmodel_tensor::{DType, Error, Result, Tensor};

use self::read::{Fault, Frame, open, slurp};
use super::Canvas;

/// Decodes all frames, or the first, to `[frames, height, width, 3]`.
///
/// The size is that of the largest frame, not of the screen. A frame is drawn over the one before, whatever its disposal
/// says; what nothing was drawn on is black. Where a file is damaged, the whole frames before count.
///
/// # Errors
/// `INVALID_ARGUMENT` when there is no whole frame, one ends too soon, or a colour is missing.
pub fn decode(canvas: Canvas<'_>, file: &[u8], all: bool) -> Result<Tensor> {
    let refuse =
        |text: &str| Error::invalid_argument(format!("Invalid GIF data (size {}), {text}", file.len()));
    let fail = |what: &str, fault: Fault| match fault {
        Fault::Refused(error) => error,
        fault => refuse(&format!("failed to {what} gif file: {}", fault.words())),
    };
    let (source, mut animation) = open(file).map_err(|fault| fail("open", fault))?;
    if let Err(fault) = slurp(canvas, source, &mut animation) {
        let is_whole = animation.frames.last().is_some_and(|frame| frame.pixels.is_some());
        if !is_whole || matches!(fault, Fault::Refused(_)) {
            return Err(fail("slurp", fault));
        }
    }
    let frames = &animation.frames;
    let width = frames.iter().map(|frame| frame.width).max().unwrap_or(0);
    let height = frames.iter().map(|frame| frame.height).max().unwrap_or(0);
    let count = if all { frames.len() } else { 1 };
    let mut image = canvas.allocate(DType::Uint8, [count, height, width, 3])?;
    let size = height * width * 3;
    let out = image.as_mut_slice::<u8>()?;
    for (k, frame) in frames.iter().take(count).enumerate() {
        if k > 0 {
            out.copy_within((k - 1) * size..k * size, k * size);
        }
        let colors = frame.colors.or(animation.colors);
        let colors = colors.ok_or_else(|| refuse(&format!("missing color map for frame {k}")))?;
        let out = &mut out[k * size..][..size];
        draw(frame, colors, out, [height, width])?.map_err(|text| refuse(&text))?;
    }
    Ok(image)
}

/// Draws what lies inside of the image; the inner result tells of a missing colour.
fn draw(
    frame: &Frame<'_>,
    colors: &[[u8; 3]],
    out: &mut [u8],
    [height, width]: [usize; 2],
) -> Result<std::result::Result<(), String>> {
    let Some(pixels) = &frame.pixels else { return Ok(Ok(())) };
    let inside = frame.width.min(width.saturating_sub(frame.left));
    if inside == 0 {
        return Ok(Ok(()));
    }
    let rows = pixels.as_slice::<u8>()?.chunks_exact(frame.width);
    for (y, src) in rows.enumerate().take(height.saturating_sub(frame.top)) {
        let start = (frame.top + y) * width + frame.left;
        let (row, _) = out[start * 3..][..inside * 3].as_chunks_mut::<3>();
        for (pixel, &index) in row.iter_mut().zip(src) {
            if Some(index) == frame.transparent {
                continue;
            }
            let Some(color) = colors.get(usize::from(index)) else {
                return Ok(Err(format!(
                    "found color index {index} outside of color map range {}",
                    colors.len()
                )));
            };
            *pixel = *color;
        }
    }
    Ok(Ok(()))
}
