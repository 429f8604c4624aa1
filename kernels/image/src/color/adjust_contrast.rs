//! See [`OPS`].

use savedmodel_math::map;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype, shape};
use savedmodel_tensor::{DType, Result};

use super::{check_rank, scalar};
use crate::pixel::Pixel;

/// Moves the pixels of each channel of each image from their mean, or to it, by a factor.
///
/// The first version, which graphs have not held since before TensorFlow 0.6, bounds the result and makes it float.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/AdjustContrastv2>
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/AdjustContrast>
pub const OPS: &[Op] = &[
    Op {
        name: "AdjustContrastv2",
        inputs: &["images: T", "contrast_factor: float"],
        outputs: &["output: T"],
        attrs: &["T: {half, float} = DT_FLOAT"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: by_dtype!("T"; second: f32),
    },
    Op {
        name: "AdjustContrast",
        inputs: &["images: T", "contrast_factor: float", "min_value: float", "max_value: float"],
        outputs: &["output: float"],
        attrs: &["T: {uint8, int8, int16, int32, int64, float, double}"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: by_dtype!("T"; first: u8 i8 i16 i32 f32 f64),
    },
];

fn second<T: Pixel>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        check_rank(ctx)?;
        let factor = scalar(ctx, 1, "contrast_factor")?;
        adjust::<T>(ctx, |x, mean| mean + factor * (x - mean))
    }))
}

fn first<T: Pixel>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        check_rank(ctx)?;
        let factor = scalar(ctx, 1, "contrast_factor")?;
        let (least, most) = (scalar(ctx, 2, "min_value")?, scalar(ctx, 3, "max_value")?);
        // NaN stays what it is.
        let clamped = |x: f32| {
            let x = if x > most { most } else { x };
            if x < least { least } else { x }
        };
        adjust::<T>(ctx, |x, mean| clamped((x - mean) * factor + mean))
    }))
}

/// Gives `adjusted(pixel, mean)` of each number.
fn adjust<T: Pixel>(ctx: &mut Context<'_>, adjusted: impl Fn(f32, f32) -> f32 + Sync + Copy) -> Result<()> {
    let shape = ctx.input(0).shape();
    let channels = shape[shape.rank() - 1];
    let plane = channels * shape[shape.rank() - 2] * shape[shape.rank() - 3];
    let mut output = ctx.allocate(DType::Float, shape.clone())?;
    let images = ctx.input(0).as_slice::<T>()?;
    let out = output.as_mut_slice::<f32>()?;
    if !images.is_empty() {
        let mut room = vec![0.0; plane];
        let mut sums = vec![0.0; plane.div_ceil(2 * channels) * channels];
        for (image, out) in images.chunks_exact(plane).zip(out.chunks_exact_mut(plane)) {
            let image = T::singles(image, &mut room);
            let means = mean(image, channels, &mut sums);
            let means = (0..channels).cycle().map(|channel| means[channel]);
            out.iter_mut().zip(means).for_each(|(out, mean)| *out = mean);
            map::zip_in_place(out, image, map::CHEAP, move |mean, x| adjusted(x, mean));
        }
    }
    ctx.set(0, output);
    Ok(())
}

/// The means of an image's channels: the image is folded in half until one pixel is left, which needs `sums` for half of it.
fn mean<'a>(image: &[f32], channels: usize, sums: &'a mut [f32]) -> &'a [f32] {
    let pixels = image.len() / channels;
    let (mut left, mut right) = (pixels.div_ceil(2), pixels / 2);
    sums.copy_from_slice(&image[..left * channels]);
    map::zip_in_place(&mut sums[..right * channels], &image[left * channels..], map::CHEAP, |a, b| a + b);
    while left > 1 {
        (left, right) = (left.div_ceil(2), left / 2);
        let (lower, upper) = sums.split_at_mut(left * channels);
        map::zip_in_place(&mut lower[..right * channels], &upper[..right * channels], map::CHEAP, |a, b| {
            a + b
        });
    }
    let scale = 1.0 / pixels as f32;
    let means = &mut sums[..channels];
    means.iter_mut().for_each(|sum| *sum *= scale);
    means
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "AdjustContrastv2",
                    "",
                    "float[1,3,2] 1 2 3 9 8 4; float[] 0.5",
                    "float[1,3,2] 2.5 3.5 3.5 7 6 4.5",
                ),
                ("AdjustContrastv2", "", "float[2,1,2,1] 1 2 3 9; float[] 2", "float[2,1,2,1] 0.5 2.5 0 12"),
                ("AdjustContrastv2", "", "float[2,0,2,1]; float[] 2", "float[2,0,2,1]"),
                (
                    "AdjustContrastv2",
                    "",
                    "float[2,1] 1 2; float[] 2",
                    "INVALID_ARGUMENT: input must be at least 3-D, got shape[2,1]",
                ),
                (
                    "AdjustContrastv2",
                    "",
                    "float[1,2,1] 1 2; float[2] 2 3",
                    "INVALID_ARGUMENT: contrast_factor must be scalar: [2]",
                ),
                (
                    "AdjustContrast",
                    "",
                    "uint8[1,3,1] 10 20 60; float[] 2; float[] 0; float[] 80",
                    "float[1,3,1] 0 10 80",
                ),
                (
                    "AdjustContrast",
                    "",
                    "float[1,2,1] 10 inf; float[] 2; float[] 0; float[] 80",
                    "float[1,2,1] NaN NaN",
                ),
                (
                    "AdjustContrast",
                    "",
                    "double[1,3,1] 10 20 60; float[] 2; float[] -100; float[] 100",
                    "float[1,3,1] -10 10 90",
                ),
                (
                    "AdjustContrast",
                    "",
                    "int8[1,3,1] 10 20 60; float[] 2; float[1] -100; float[] 100",
                    "INVALID_ARGUMENT: min_value must be scalar: [1]",
                ),
            ],
        );
    }
}
