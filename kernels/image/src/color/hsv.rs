//! See [`OPS`].

use num_traits::Float;
use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Element, Error, PartialShape, Result, bf16, f16};

/// Red, green and blue to hue, saturation and value, and back; all are meant to be within `[0, 1]`.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RGBToHSV>
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/HSVToRGB>
pub const OPS: &[Op] = &[
    Op {
        name: "RGBToHSV",
        inputs: &["images: T"],
        outputs: &["output: T"],
        attrs: &["T: {half, bfloat16, float, double} = DT_FLOAT"],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; to_hsv: f16 bf16 f32 f64),
    },
    Op {
        name: "HSVToRGB",
        inputs: &["images: T"],
        outputs: &["output: T"],
        attrs: &["T: {half, bfloat16, float, double} = DT_FLOAT"],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; to_rgb: f16 bf16 f32 f64),
    },
];

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let images = ctx.input(0);
    match images.dims() {
        Some([.., Some(3) | None]) | None => Ok(vec![images]),
        Some([.., Some(channels)]) => {
            Err(Error::invalid_argument(format!("Dimension must be 3 but is {channels}")))
        }
        Some([]) => Err(Error::invalid_argument("Shape must be at least rank 1 but is rank 0")),
    }
}

/// A float that is made from small integers.
trait Number: Element + Float {
    fn of(x: u8) -> Self;
}

impl<T: Element + Float + From<u8>> Number for T {
    fn of(x: u8) -> T {
        <T as From<u8>>::from(x)
    }
}

fn to_hsv<T: Number>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| convert::<T>(ctx, hsv_of_rgb)))
}

fn to_rgb<T: Number>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| convert::<T>(ctx, rgb_of_hsv)))
}

fn convert<T: Number>(ctx: &mut Context<'_>, convert: impl Fn([T; 3]) -> [T; 3] + Sync) -> Result<()> {
    let shape = ctx.input(0).shape();
    let Some(&channels) = shape.last() else {
        return Err(Error::invalid_argument(format!("input must be at least 1D{shape}")));
    };
    if channels != 3 {
        return Err(Error::failed_precondition(format!(
            "input must have 3 channels but input only has {channels} channels."
        )));
    }
    let mut output = ctx.allocate(T::DTYPE, shape.clone())?;
    let (pixels, _) = ctx.input(0).as_slice::<T>()?.as_chunks::<3>();
    let (out, _) = output.as_mut_slice::<T>()?.as_chunks_mut::<3>();
    par::for_zip(out, pixels, par::grain(5.0), |out, pixels| {
        out.iter_mut().zip(pixels).for_each(|(out, &pixel)| *out = convert(pixel));
    });
    ctx.set(0, output);
    Ok(())
}

#[inline(always)]
fn hsv_of_rgb<T: Number>([r, g, b]: [T; 3]) -> [T; 3] {
    let (zero, one, six) = (T::zero(), T::one(), T::of(6));
    // Of a pair with NaN the second is taken, which `max` and `min` would not.
    let larger = |a: T, b: T| if a > b { a } else { b };
    let smaller = |a: T, b: T| if a < b { a } else { b };
    let value = larger(larger(r, g), b);
    let range = value - smaller(smaller(r, g), b);
    let saturation = if value > zero { range / value } else { zero };
    let norm = (one / range) * (one / six);
    let hue = if r == value {
        norm * (g - b)
    } else if g == value {
        norm * (b - r) + T::of(2) / six
    } else {
        norm * (r - g) + T::of(4) / six
    };
    let hue = if range > zero { hue } else { zero };
    [if hue < zero { hue + one } else { hue }, saturation, value]
}

#[inline(always)]
fn rgb_of_hsv<T: Number>([hue, saturation, value]: [T; 3]) -> [T; 3] {
    let (zero, one, two) = (T::zero(), T::one(), T::of(2));
    let sixths = hue * T::of(6);
    let red = (sixths - T::of(3)).abs() - one;
    let green = two - (sixths - two).abs();
    let blue = two - (sixths - T::of(4)).abs();
    // Comparisons keep NaN where `max` and `min` would not.
    let within = |x: T| {
        if x < zero {
            zero
        } else if x > one {
            one
        } else {
            x
        }
    };
    [red, green, blue].map(|x| ((one - saturation) + saturation * within(x)) * value)
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "RGBToHSV",
                    "",
                    "float[4,3] 1 0 0 0 0.5 0.25 0.1 0.2 0.9 0 0 0",
                    "float[4,3] 0 1 1 0.4166667 1 0.5 0.6458334 0.88888884 0.9 0 0 0",
                ),
                ("RGBToHSV", "", "half[1,3] 0.3 0.2 0.7", "half[1,3] 0.69970703 0.7138672 0.7001953"),
                (
                    "RGBToHSV",
                    "",
                    "bfloat16[1,3] 0.3 0.2 0.25",
                    "bfloat16[1,3] 0.91796875 0.33398438 0.30078125",
                ),
                ("RGBToHSV", "", "double[0,3]", "double[0,3]"),
                (
                    "RGBToHSV",
                    "",
                    "float[2] 1 2",
                    "FAILED_PRECONDITION: input must have 3 channels but input only has 2 channels.",
                ),
                ("RGBToHSV", "", "float[] 1", "INVALID_ARGUMENT: input must be at least 1D[]"),
                (
                    "HSVToRGB",
                    "",
                    "float[4,3] 0 1 1 0.4 0.5 0.25 0.1 0.2 0.9 0.7 0 0.5",
                    "float[4,3] 1 0 0 0.125 0.25 0.17500001 0.9 0.828 0.71999997 0.5 0.5 0.5",
                ),
                ("HSVToRGB", "", "half[1,3] 0.3 0.2 0.7", "half[1,3] 0.5878906 0.7001953 0.5600586"),
                ("HSVToRGB", "", "bfloat16[1,3] 0.3 0.2 0.25", "bfloat16[1,3] 0.20996094 0.25 0.20019531"),
                ("HSVToRGB", "", "double[1,1,3] 1.25 0.5 2", "double[1,1,3] 2 1 1"),
                (
                    "HSVToRGB",
                    "",
                    "float[2,4] 1 2 3 4 5 6 7 8",
                    "FAILED_PRECONDITION: input must have 3 channels but input only has 4 channels.",
                ),
            ],
        );
    }
}
