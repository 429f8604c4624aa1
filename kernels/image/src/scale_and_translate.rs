//! See [`OP`].

use savedmodel_math::simd::{self, Isa};
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype};
use savedmodel_tensor::{DType, Error, Result, Tensor, bf16, f16};

use crate::pixel::{Images, Pixel, Rows};
use crate::resize::{Sizes, for_rows, shape};
use crate::sampling::Curve;

/// Scales and moves images, sampled through a curve such as Lanczos'.
///
/// With `antialias` the curve is as wide as the pixels of the result when these are larger than the image's. Pixels
/// whose centres lie outside of the image are zero.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ScaleAndTranslate>
pub const OP: Op = Op {
    name: "ScaleAndTranslate",
    inputs: &["images: T", "size: int32", "scale: float", "translation: float"],
    outputs: &["resized_images: float"],
    attrs: &[
        "T: {int8, uint8, int16, uint16, int32, int64, bfloat16, half, float, double}",
        "kernel_type: string = 'lanczos3'",
        "antialias: bool = true",
    ],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: i8 u8 i16 u16 i32 i64 bf16 f16 f32 f64),
};

fn build<T: Pixel>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let name: String = node.attr("kernel_type")?;
    let curve = Curve::named(&name)
        .ok_or_else(|| Error::invalid_argument(format!("Unrecognized kernel type: {name}")))?;
    let antialias = node.attr("antialias")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let sizes = sizes(ctx)?;
        let scale = pair(ctx.input(2))?;
        if !scale.iter().all(|&scale| scale > 0.0) {
            return Err(Error::invalid_argument("Scale must be greater than zero."));
        }
        let translation = pair(ctx.input(3))?;
        let mut output = ctx.allocate(DType::Float, sizes.shape())?;
        if output.elements() > 0 {
            let spans = |axis: usize| {
                let sides = [sizes.from[axis], sizes.to[axis]];
                Spans::of(ctx, curve, sides, [scale[axis], translation[axis]], antialias)
            };
            let images = Images::new(ctx.input(0).as_slice::<T>()?, sizes.row_from());
            sample(&images, output.as_mut_slice()?, &sizes, [spans(0)?, spans(1)?])?;
        }
        ctx.set(0, output);
        Ok(())
    }))
}

/// The sizes, checked in TensorFlow's order and words, which are not those of the other operators.
fn sizes(ctx: &Context<'_>) -> Result<Sizes> {
    let refuse = |text: String| Err(Error::invalid_argument(text));
    let (images, size) = (ctx.input(0).shape(), ctx.input(1).shape());
    let &[batch, height, width, channels] = images.dims() else {
        return refuse(format!("input must be 4-dimensional{images}"));
    };
    if size.rank() != 1 {
        return refuse(format!("output_shape_t must be 1-dimensional{size}"));
    }
    let &[to_height, to_width] = ctx.input(1).as_slice::<i32>()? else {
        return refuse(format!("output_shape_t must have two elements{size}"));
    };
    if height.max(width) >= i32::MAX as usize {
        return refuse("input sizes must be between 0 and max int32".to_owned());
    }
    if to_height <= 0 || to_width <= 0 {
        return refuse("output dimensions must be positive".to_owned());
    }
    if channels == 0 {
        return refuse("image must have at least one channel".to_owned());
    }
    if height == 0 || width == 0 {
        return refuse("input image must be of non-zero size".to_owned());
    }
    let to = [to_height as usize, to_width as usize];
    Ok(Sizes { batch, from: [height, width], to, channels, scale: [1.0; 2] })
}

/// The two numbers that a vector holds.
///
/// # Errors
/// `INVALID_ARGUMENT` for another tensor.
pub fn pair(tensor: &Tensor) -> Result<[f32; 2]> {
    if tensor.rank() != 1 {
        return Err(Error::invalid_argument(format!("t must be 1-dimensional{}", tensor.shape())));
    }
    let pair = tensor.as_slice::<f32>()?.try_into();
    pair.map_err(|_| Error::invalid_argument(format!("t must have two elements{}", tensor.shape())))
}

/// The pixels of the image, along one axis, that make each pixel of the result.
pub struct Spans {
    /// The first pixel of each.
    pub starts: Vec<usize>,
    /// Weights for each pixel of the result; those that a span does not need are zero, and count.
    pub weights: Tensor,
    /// Weights of each.
    pub length: usize,
}

impl Spans {
    /// Those along an axis of a side that becomes another one.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` for too many weights.
    pub fn of(
        ctx: &Context<'_>,
        curve: Curve,
        [from, to]: [usize; 2],
        [scale, translation]: [f32; 2],
        antialias: bool,
    ) -> Result<Spans> {
        let inverse = (1.0 / f64::from(scale)) as f32;
        let offset = -inverse * translation;
        let width = if antialias { inverse.max(1.0) } else { 1.0 };
        let reach = curve.radius() * width;
        let length = (reach.ceil() as usize).saturating_mul(2).saturating_add(1).min(from);
        let mut weights = ctx.run().allocate(DType::Float, [to, length])?;
        let mut starts = vec![0; to];
        for (x, (start, weights)) in
            starts.iter_mut().zip(weights.as_mut_slice::<f32>()?.chunks_exact_mut(length)).enumerate()
        {
            let place = (x as f32 + 0.5) * inverse + offset;
            if !(0.0..=from as f32).contains(&place) {
                continue;
            }
            let last = from as i64 - 1;
            let first = ((place - reach - 0.5).ceil() as i64).clamp(0, last) as usize;
            let end = ((place + reach - 0.5).floor() as i64).clamp(0, last) as usize + 1;
            if end.saturating_sub(first) > length {
                let span = end - first;
                return Err(Error::internal(format!("Span is too large: {span} vs {length}.")));
            }
            *start = first;
            let mut sum = 0.0;
            for (weight, source) in weights.iter_mut().zip(first..end) {
                let distance = source as f32 + 0.5 - place;
                *weight = curve.at((distance * (1.0 / width)).abs());
                sum += *weight;
            }
            let factor = if f32::abs(sum) >= 1000.0 * f32::MIN_POSITIVE { 1.0 / sum } else { 0.0 };
            weights.iter_mut().for_each(|weight| *weight *= factor);
        }
        Ok(Spans { starts, weights, length })
    }
}

fn sample(images: &dyn Rows, out: &mut [f32], sizes: &Sizes, [ys, xs]: [Spans; 2]) -> Result<()> {
    let from = sizes.row_from();
    let (down, across) = (ys.weights.as_slice::<f32>()?, xs.weights.as_slice::<f32>()?);
    let ratio = from as f64 / sizes.row_to() as f64;
    let ns = 0.3 * (ys.length as f64 * ratio + 2.0 * xs.length as f64);
    let room = || (Vec::new(), vec![0.0; from]);
    for_rows(out, sizes, ns, room, |(room, blended), image, y, out| {
        blended.fill(0.0);
        let rows = ys.starts[y]..sizes.from[0];
        for (row, &weight) in rows.zip(&down[y * ys.length..][..ys.length]) {
            let src = images.part(image * sizes.from[0] + row, 0..from, room);
            simd::dispatch(Add { src, weight, out: blended });
        }
        simd::dispatch(Across {
            src: blended,
            starts: &xs.starts,
            weights: across,
            channels: sizes.channels,
            out,
        });
    });
    Ok(())
}

/// `out += src * weight`, rounded twice.
struct Add<'a> {
    src: &'a [f32],
    weight: f32,
    out: &'a mut [f32],
}

impl simd::Kernel for Add<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        self.out.iter_mut().zip(self.src).for_each(|(out, x)| *out += self.weight * x);
    }
}

/// A row, sampled across.
struct Across<'a> {
    src: &'a [f32],
    starts: &'a [usize],
    weights: &'a [f32],
    channels: usize,
    out: &'a mut [f32],
}

impl simd::Kernel for Across<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let length = self.weights.len() / self.starts.len();
        let pixels = self.out.chunks_exact_mut(self.channels);
        for ((out, &start), weights) in pixels.zip(self.starts).zip(self.weights.chunks_exact(length)) {
            out.fill(0.0);
            let sources = self.src[start * self.channels..].chunks_exact(self.channels);
            for (source, weight) in sources.zip(weights) {
                out.iter_mut().zip(source).for_each(|(out, x)| *out += weight * x);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "ScaleAndTranslate",
                    "",
                    "float[1,1,4,1] 1 2 3 9; int32[2] 1 2; float[2] 1 0.5; float[2] 0 0",
                    "float[1,1,2,1] 1.1916491 5.7828345",
                ),
                (
                    "ScaleAndTranslate",
                    "kernel_type=triangle antialias=false",
                    "uint8[1,2,2,1] 0 100 200 30; int32[2] 3 3; float[2] 1.5 1.5; float[2] 0.25 -0.5",
                    "float[1,3,3,1] 16.666668 83.333336 100 68.333336 75.00001 76.66667 171.66666 58.33333 30",
                ),
                (
                    "ScaleAndTranslate",
                    "kernel_type=box",
                    "half[1,1,3,2] 1 2 3 4 5 6; int32[2] 1 4; float[2] 1 1; float[2] 0 1.5",
                    "float[1,1,4,2] 0 0 1 2 2 3 4 5",
                ),
                (
                    "ScaleAndTranslate",
                    "kernel_type=gaussian",
                    "int32[1,3,1,1] 1 5 -3; int32[2] 2 1; float[2] 0.7 1; float[2] 0 0",
                    "float[1,2,1,1] 2.2991843 0.4680091",
                ),
                (
                    "ScaleAndTranslate",
                    "kernel_type=keyscubic",
                    "double[1,1,4,1] 1 2 3 9; int32[2] 1 5; float[2] 1 1.25; float[2] 0 0",
                    "float[1,1,5,1] 0.9567306 1.6480854 2.1875 4.75521 9.259615",
                ),
                (
                    "ScaleAndTranslate",
                    "kernel_type=mitchellcubic",
                    "int8[1,1,4,1] 1 2 3 9; int32[2] 1 5; float[2] 1 1.25; float[2] 0 0",
                    "float[1,1,5,1] 1.0152793 1.6674843 2.3263896 4.848237 8.908324",
                ),
                (
                    "ScaleAndTranslate",
                    "kernel_type=lanczos5",
                    "bfloat16[0,1,4,1]; int32[2] 1 5; float[2] 1 1.25; float[2] 0 0",
                    "float[0,1,5,1]",
                ),
                (
                    "ScaleAndTranslate",
                    "kernel_type=linear",
                    "float[1,1,1,1] 1; int32[2] 1 1; float[2] 1 1; float[2] 0 0",
                    "INVALID_ARGUMENT: Unrecognized kernel type: linear",
                ),
                (
                    "ScaleAndTranslate",
                    "",
                    "float[1,1,1,1] 1; int32[2] 1 1; float[2] 1 0; float[2] 0 0",
                    "INVALID_ARGUMENT: Scale must be greater than zero.",
                ),
                (
                    "ScaleAndTranslate",
                    "",
                    "float[1,1,1,1] 1; int32[2] 1 1; float[2] 1 1; float[1] 0",
                    "INVALID_ARGUMENT: t must have two elements[1]",
                ),
                (
                    "ScaleAndTranslate",
                    "",
                    "float[1,1,1,1] 1; int32[1] 1; float[2] 1 1; float[2] 0 0",
                    "INVALID_ARGUMENT: output_shape_t must have two elements[1]",
                ),
                (
                    "ScaleAndTranslate",
                    "",
                    "float[1,0,1,1]; int32[2] 1 1; float[2] 1 1; float[2] 0 0",
                    "INVALID_ARGUMENT: input image must be of non-zero size",
                ),
            ],
        );
    }
}
