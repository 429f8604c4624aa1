//! See [`OP`].

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Result};

use super::{check_rank, check_rgb, scalar};

/// Multiplies the saturation of red, green and blue pixels, which stays within `[0, 1]`.
///
/// A hue that rounds to a whole turn, just below red, makes the pixel grey, as TensorFlow does.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/AdjustSaturation>
pub const OP: Op = Op {
    name: "AdjustSaturation",
    inputs: &["images: T", "scale: float"],
    outputs: &["output: T"],
    attrs: &["T: {half, float} = DT_FLOAT"],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::All(&[("T", &[DType::Float])], build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        check_rank(ctx)?;
        let scale = scalar(ctx, 1, "scale")?;
        check_rgb(ctx)?;
        let mut images = ctx.take(0);
        let (pixels, _) = images.as_mut_slice::<f32>()?.as_chunks_mut::<3>();
        par::for_chunks_mut(pixels, par::grain(8.0), |_, pixels| {
            pixels.iter_mut().for_each(|pixel| *pixel = saturated(*pixel, scale));
        });
        ctx.set(0, images);
        Ok(())
    }))
}

fn saturated([r, g, b]: [f32; 3], scale: f32) -> [f32; 3] {
    let (value, least) = (largest(r, largest(g, b)), smallest(r, smallest(g, b)));
    let range = value - least;
    let saturation = if value > 0.0 { range / value } else { 0.0 };
    let norm = 1.0 / (6.0 * range);
    let mut hue = if r == value {
        norm * (g - b)
    } else if g == value {
        (f64::from(norm * (b - r)) + 2.0 / 6.0) as f32
    } else {
        (f64::from(norm * (r - g)) + 4.0 / 6.0) as f32
    };
    if range <= 0.0 {
        hue = 0.0;
    }
    if hue < 0.0 {
        hue += 1.0;
    }
    rgb([hue, largest(0.0, saturation * scale).min(1.0), value])
}

fn rgb([hue, saturation, value]: [f32; 3]) -> [f32; 3] {
    let chroma = saturation * value;
    let rest = value - chroma;
    let sixths = hue * 6.0;
    let mut within = sixths;
    while within <= 0.0 {
        within += 2.0;
    }
    while within >= 2.0 {
        within -= 2.0;
    }
    let second = chroma * (1.0 - (within - 1.0).abs());
    let colors = match sixths as usize {
        _ if sixths.is_nan() => [0.0; 3],
        0 => [chroma, second, 0.0],
        1 => [second, chroma, 0.0],
        2 => [0.0, chroma, second],
        3 => [0.0, second, chroma],
        4 => [second, 0.0, chroma],
        5 => [chroma, 0.0, second],
        _ => [0.0; 3],
    };
    colors.map(|color| color + rest)
}

/// The larger number; the first if one is NaN.
fn largest(a: f32, b: f32) -> f32 {
    if a < b { b } else { a }
}

/// The smaller number; the first if one is NaN.
fn smallest(a: f32, b: f32) -> f32 {
    if b < a { b } else { a }
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "AdjustSaturation",
                    "",
                    "float[1,2,3] 1 0.5 0.25 0.1 0.9 0.3; float[] 0.25",
                    "float[1,2,3] 1 0.875 0.8125 0.7 0.9 0.75",
                ),
                (
                    "AdjustSaturation",
                    "",
                    "float[2,1,3,3] 1 2 3 1 3 2 2 1 3 2 3 1 3 1 2 3 2 1; float[] 1.5",
                    "float[2,1,3,3] 0 1.5 3 0 3 1.5 1.5 0 3 1.5 3 0 3 0 1.5 3 1.5 0",
                ),
                (
                    "AdjustSaturation",
                    "",
                    "float[1,2,3] 0.5 0.5 0.5 0 0 0; float[] 3",
                    "float[1,2,3] 0.5 0.5 0.5 0 0 0",
                ),
                (
                    "AdjustSaturation",
                    "",
                    "float[1,1,3] 0.5 0.25 0.75; float[] -1",
                    "float[1,1,3] 0.75 0.75 0.75",
                ),
                (
                    "AdjustSaturation",
                    "",
                    "float[1,1,3] 1 0.5 0.50000001; float[] 1",
                    "float[1,1,3] 1 0.5 0.5",
                ),
                ("AdjustSaturation", "", "float[1,1,3] 1 0 0.000000001; float[] 1", "float[1,1,3] 0 0 0"),
                ("AdjustSaturation", "", "float[1,0,3]; float[] 0.4", "float[1,0,3]"),
                (
                    "AdjustSaturation",
                    "",
                    "float[1,1,4] 1 2 3 4; float[] 0.4",
                    "INVALID_ARGUMENT: input must have 3 channels but instead has 4 channels.",
                ),
                (
                    "AdjustSaturation",
                    "",
                    "float[1,3] 1 2 3; float[] 0.4",
                    "INVALID_ARGUMENT: input must be at least 3-D, got shape[1,3]",
                ),
                (
                    "AdjustSaturation",
                    "",
                    "float[1,1,3] 1 2 3; float[1] 0.4",
                    "INVALID_ARGUMENT: scale must be scalar: [1]",
                ),
            ],
        );
    }

    #[test]
    fn any_pixel_is_done_with() {
        for x in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX] {
            super::saturated([x, 0.5, 0.25], 1.0);
            super::saturated([0.5, x, -x], 1.0);
        }
    }
}
