//! See [`OP`].

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Result};

use super::{check_rank, check_rgb, scalar};

/// Turns the hue of red, green and blue pixels by a part of the circle.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/AdjustHue>
pub const OP: Op = Op {
    name: "AdjustHue",
    inputs: &["images: T", "delta: float"],
    outputs: &["output: T"],
    attrs: &["T: {half, float} = DT_FLOAT"],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::All(&[("T", &[DType::Float])], build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        check_rank(ctx)?;
        let delta = scalar(ctx, 1, "delta")?;
        check_rgb(ctx)?;
        let mut images = ctx.take(0);
        let (pixels, _) = images.as_mut_slice::<f32>()?.as_chunks_mut::<3>();
        par::for_chunks_mut(pixels, par::grain(8.0), |_, pixels| {
            pixels.iter_mut().for_each(|pixel| *pixel = turned(*pixel, delta));
        });
        ctx.set(0, images);
        Ok(())
    }))
}

/// Sixths of the circle; in each, the channels keep their order.
const SIXTHS: f32 = 6.0;

/// Turns that single steps do not take back: so far away, steps of a sixth get lost in rounding.
const FAR: f32 = 1e4;

fn turned(pixel: [f32; 3], delta: f32) -> [f32; 3] {
    let (hue, least, most) = hue_and_range(pixel);
    let mut hue = hue + delta * SIXTHS;
    if hue.abs() > FAR {
        hue %= SIXTHS;
    }
    while hue < 0.0 {
        hue += SIXTHS;
    }
    while hue >= SIXTHS {
        hue -= SIXTHS;
    }
    let sixth = hue as usize;
    let part = hue - sixth as f32;
    let middle = least + if sixth.is_multiple_of(2) { part } else { 1.0 - part } * (most - least);
    match sixth {
        _ if hue.is_nan() => [most, least, middle],
        0 => [most, middle, least],
        1 => [middle, most, least],
        2 => [least, most, middle],
        3 => [least, middle, most],
        4 => [middle, least, most],
        _ => [most, least, middle],
    }
}

/// The hue in sixths, the least and the largest channel.
fn hue_and_range([r, g, b]: [f32; 3]) -> (f32, f32, f32) {
    let (sixth, least, middle, most) = if r < g {
        if b < r {
            (1, b, r, g)
        } else if b > g {
            (3, r, g, b)
        } else {
            (2, r, b, g)
        }
    } else if b < g {
        (0, b, g, r)
    } else if b > r {
        (4, g, r, b)
    } else {
        (5, g, b, r)
    };
    if most == least {
        return (0.0, least, most);
    }
    let part = (middle - least) / (most - least);
    (f32::from(sixth as u8) + if sixth % 2 == 0 { part } else { 1.0 - part }, least, most)
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "AdjustHue",
                    "",
                    "float[1,2,3] 1 0.5 0.25 0.1 0.9 0.3; float[] 0.25",
                    "float[1,2,3] 0.37499997 1 0.25 0.1 0.29999998 0.9",
                ),
                (
                    "AdjustHue",
                    "",
                    "float[2,1,3,3] 1 2 3 1 3 2 2 1 3 2 3 1 3 1 2 3 2 1; float[] -0.7",
                    "float[2,1,3,3] 3 1 2.3999996 1.6000004 1 3 3 1.6000004 1 1 2.3999996 3 2.3999996 3 1 1 3 1.6000004",
                ),
                ("AdjustHue", "", "float[1,1,3] 0.5 0.5 0.5; float[] 0.4", "float[1,1,3] 0.5 0.5 0.5"),
                ("AdjustHue", "", "float[1,1,3] 0.5 0.25 0.75; float[] 50", "float[1,1,3] 0.5 0.25 0.75"),
                ("AdjustHue", "", "float[1,0,3]; float[] 0.4", "float[1,0,3]"),
                (
                    "AdjustHue",
                    "",
                    "float[1,1,1] 0.5; float[] 0.4",
                    "INVALID_ARGUMENT: input must have 3 channels but instead has 1 channels.",
                ),
                (
                    "AdjustHue",
                    "",
                    "float[1,3] 1 2 3; float[] 0.4",
                    "INVALID_ARGUMENT: input must be at least 3-D, got shape[1,3]",
                ),
                (
                    "AdjustHue",
                    "",
                    "float[1,1,3] 1 2 3; float[1] 0.4",
                    "INVALID_ARGUMENT: delta must be scalar: [1]",
                ),
            ],
        );
    }

    #[test]
    fn turns_without_end_end() {
        for delta in [1e30, -1e30, f32::INFINITY, f32::NAN] {
            super::turned([1.0, 0.5, 0.25], delta);
        }
    }
}
