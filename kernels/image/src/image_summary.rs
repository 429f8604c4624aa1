//! See [`OP`].

use savedmodel_op::message::{bytes, varint};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Result, Tensor, f16};

use crate::codec::encode_png::Picture;

/// A serialised `Summary` with some images of a batch as PNG files.
///
/// Floats are scaled: so that the largest is 255, or, where some are below zero, that zero is 128 and the one farthest from it
/// 127 away. A pixel that is not finite has the `bad_color`. The files are those of another compressor than TensorFlow's, the
/// images the same.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ImageSummary>
pub const OP: Op = Op {
    name: "ImageSummary",
    inputs: &["tag: string", "tensor: T"],
    outputs: &["summary: string"],
    attrs: &[
        "max_images: int >= 1 = 3",
        "T: {uint8, float, half, double} = DT_FLOAT",
        "bad_color: tensor = uint8[4] 255 0 0 255",
    ],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::All(&[("T", &[DType::Uint8, DType::Float, DType::Half, DType::Double])], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let most = node.int32("max_images")?;
    let color: Tensor = node.attr("bad_color")?;
    if color.dtype() != DType::Uint8 {
        return Err(Error::invalid_argument(format!("bad_color must be uint8, got {}", color.dtype())));
    }
    if color.rank() != 1 {
        return Err(Error::invalid_argument(format!(
            "bad_color must be a vector, got shape {}",
            color.shape()
        )));
    }
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (tag, images) = (ctx.input(0), ctx.input(1));
        let (0, [tag]) = (tag.rank(), tag.strings()?) else {
            return Err(Error::invalid_argument("Tags must be a scalar"));
        };
        ctx.set(0, Tensor::from_strings([], [summary(tag, images, most, color.as_slice()?)?])?);
        Ok(())
    }))
}

/// A serialised `Summary` with the first images of a batch, `most` at most.
///
/// # Errors
/// `INVALID_ARGUMENT` when they are no images, or are too large, or `color` is not enough for pixels that are not finite.
pub fn summary(tag: &[u8], images: &Tensor, most: i64, color: &[u8]) -> Result<Vec<u8>> {
    let &[batch, height, width, channels @ (1 | 3 | 4)] = &images.shape()[..] else {
        return Err(Error::invalid_argument(format!(
            "Tensor must be 4-D with last dim 1, 3, or 4, not {}",
            images.shape()
        )));
    };
    if height == 0 || width == 0 {
        return Err(Error::invalid_argument(format!(
            "input tensor must have non-zero dims. Found: {}.",
            images.shape()
        )));
    }
    let fits = |side: usize| side < 1 << 31;
    if ![batch, height, width, images.elements()].into_iter().all(fits) {
        return Err(Error::invalid_argument(format!("Tensor too large for summary {}", images.shape())));
    }
    if images.dtype() != DType::Uint8 && color.len() < channels {
        return Err(Error::invalid_argument(format!(
            "expected depth <= bad_color.size, got depth = {channels}, bad_color.size = {}",
            color.len()
        )));
    }
    let picture = Picture { size: [height, width], channels, depth: DType::Uint8, level: 6 };
    let mut summary = Vec::new();
    for i in 0..batch.min(most as usize) {
        let pixels = pixels(&images.rows(i, i + 1)?, (channels, color))?;
        let file = picture.encode(&pixels).ok_or_else(|| Error::internal("PNG encoding failed"))?;
        let mut image = Vec::new();
        for (field, number) in [(1, height), (2, width), (3, channels)] {
            image.push(field << 3);
            varint(&mut image, number as u64);
        }
        bytes(&mut image, 4, &file);
        let suffix = if most == 1 { "/image".to_owned() } else { format!("/image/{i}") };
        let mut value = Vec::new();
        bytes(&mut value, 1, &[tag, suffix.as_bytes()].concat());
        bytes(&mut value, 4, &image);
        bytes(&mut summary, 1, &value);
    }
    Ok(summary)
}

/// The samples of one image.
fn pixels(image: &Tensor, bad: (usize, &[u8])) -> Result<Vec<u8>> {
    Ok(match image.dtype() {
        DType::Uint8 => image.as_slice::<u8>()?.to_vec(),
        DType::Float => {
            let values: Vec<f64> = image.as_slice::<f32>()?.iter().map(|&x| x.into()).collect();
            scaled(&values, bad, |x| f64::from(x as f32))
        }
        DType::Half => {
            let values: Vec<f64> = image.as_slice::<f16>()?.iter().map(|x| x.to_f64()).collect();
            scaled(&values, bad, |x| f16::from_f32(x as f32).to_f64())
        }
        _ => scaled(image.as_slice()?, bad, |x| x),
    })
}

/// Values as samples of 8 bits; `narrow` rounds to their precision.
fn scaled(image: &[f64], (channels, color): (usize, &[u8]), narrow: impl Fn(f64) -> f64) -> Vec<u8> {
    /// Images that are darker are not brightened.
    const DARK: f32 = 1e-6;
    let is_finite = |pixel: &[f64]| pixel.iter().all(|x| x.is_finite());
    // Single precision will do for the scale, whatever the samples are of.
    let (mut least, mut most) = (f32::INFINITY, f32::NEG_INFINITY);
    for &x in image.chunks_exact(channels).filter(|pixel| is_finite(pixel)).flatten() {
        (least, most) = (least.min(x as f32), most.max(x as f32));
    }
    let scale = |full: f32, largest: f32| {
        if largest < DARK { 0.0 } else { narrow(f64::from(full / largest)) }
    };
    let (scale, offset) = match least < 0.0 {
        true => (scale(127.0, least.abs().max(most.abs())), 128.0),
        false => (scale(255.0, most), 0.0),
    };
    let mut out = Vec::with_capacity(image.len());
    for pixel in image.chunks_exact(channels) {
        if is_finite(pixel) {
            out.extend(pixel.iter().map(|x| narrow(narrow(x * scale) + offset) as i64 as u8));
        } else {
            out.extend_from_slice(&color[..channels]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::{OpTest, parse_tensor};

    #[test]
    fn samples() {
        let check = |image: &str, channels: usize, want: &[u8]| {
            let got = pixels(&parse_tensor(image), (channels, &[255, 0, 1, 255])).unwrap();
            assert_eq!(got, want, "{image}");
        };
        check("uint8[3] 1 2 255", 1, &[1, 2, 255]);
        check("float[3] 0 1 2", 1, &[0, 127, 255]);
        check("double[3] -1 0.5 0", 1, &[1, 191, 128]);
        check("half[2] 0 1e-7", 1, &[0, 0]);
        check("float[6] 1 2 NaN 0 4 2", 3, &[255, 0, 1, 0, 255, 127]);
        check("float[2] inf inf", 1, &[255, 255]);
    }

    #[test]
    fn refusals() {
        let call = |images: &str, most: i64| {
            let test = OpTest::new(&OP).input(parse_tensor("string[] 't'")).input(parse_tensor(images));
            let run = test.attr("max_images", most).run();
            run.map(|out| out[0].strings().unwrap()[0].to_vec()).map_err(|e| e.message().to_owned())
        };
        let one = call("uint8[2,1,1,3] 1 2 3 1 2 3", 1).unwrap();
        assert!(one.windows(9).any(|part| part == b"\n\x07t/image"));
        assert_eq!(call("float[0,1,1,1]", 3).unwrap(), b"");
        let shape = "Tensor must be 4-D with last dim 1, 3, or 4, not [1,1,1,2]";
        assert_eq!(call("float[1,1,1,2] 1 2", 3).unwrap_err(), shape);
        let empty = "input tensor must have non-zero dims. Found: [1,0,1,1].";
        assert_eq!(call("float[1,0,1,1]", 3).unwrap_err(), empty);
    }
}
