//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Element, Error, PartialShape, Result, Shape, bf16, f16};

use crate::resize::{Centers, Sizes};
use crate::resize_bicubic::Taps;
use crate::resize_bilinear::{Neighbours, neighbours};
use crate::resize_nearest_neighbor::nearest;

/// The gradients of resized images: each pixel of the image takes from the pixels that were made of it, by their weights.
///
/// `ResizeNearestNeighborGrad` takes the size of the image, the others the image itself. Each part is rounded to the type of
/// the result and added there, in the order of the pixels.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ResizeBilinearGrad> and the pages of the other names.
pub const OPS: &[Op] = &[
    Op {
        name: "ResizeBilinearGrad",
        attrs: &["T: {float, bfloat16, half, double}", ALIGN, HALF],
        kernels: by_dtype!("T"; bilinear: f32 f64 f16 bf16),
        ..BICUBIC
    },
    BICUBIC,
    Op {
        name: "ResizeNearestNeighborGrad",
        inputs: &["grads: T", "size: int32"],
        outputs: &["output: T"],
        attrs: &["T: {uint8, int8, int32, half, float, double, bfloat16}", ALIGN, HALF],
        effect: Effect::Pure,
        shape: crate::resize::shape,
        kernels: by_dtype!("T"; nearest_neighbor: f32 f64 f16 bf16 i8 u8 i32),
    },
];

const BICUBIC: Op = Op {
    name: "ResizeBicubicGrad",
    inputs: &["grads: float", "original_image: T"],
    outputs: &["output: T"],
    attrs: &["T: {float, double}", ALIGN, HALF],
    effect: Effect::Pure,
    shape: |ctx: &ShapeContext<'_>| {
        let (gradient, image) = (ctx.input(0), ctx.input(1));
        Ok(vec![PartialShape::new([gradient.dim(0), image.dim(1), image.dim(2), gradient.dim(3)])])
    },
    kernels: by_dtype!("T"; bicubic: f32 f64),
};

const ALIGN: &str = "align_corners: bool = false";
const HALF: &str = "half_pixel_centers: bool = false";

/// A type that gradients are added up in.
trait Gradient: Element {
    /// Whether products of weights are taken in double precision.
    const IS_DOUBLE: bool = false;
    /// A number, rounded.
    fn narrow(value: f64) -> Self;
    fn plus(self, other: Self) -> Self;

    /// Single precision, rounded.
    #[inline(always)]
    fn round(value: f32) -> Self {
        Self::narrow(value.into())
    }

    /// A gradient times two weights, in this type.
    #[inline(always)]
    fn weigh(gradient: f32, [down, across]: [f32; 2]) -> Self {
        match Self::IS_DOUBLE {
            true => Self::narrow(f64::from(gradient) * f64::from(down) * f64::from(across)),
            false => Self::round(gradient * down * across),
        }
    }
}

macro_rules! gradients {
    ($($t:ty, $is_double:literal: |$x:ident| $narrow:expr, |$a:ident, $b:ident| $sum:expr;)*) => {$(
        impl Gradient for $t {
            const IS_DOUBLE: bool = $is_double;
            #[inline(always)]
            fn narrow($x: f64) -> $t {
                $narrow
            }
            #[inline(always)]
            fn plus(self, other: $t) -> $t {
                let ($a, $b) = (self, other);
                $sum
            }
        }
    )*};
}

gradients! {
    f32, false: |x| x as f32, |a, b| a + b;
    f64, true: |x| x, |a, b| a + b;
    f16, false: |x| f16::from_f32(x as f32), |a, b| a + b;
    bf16, false: |x| bf16::from_f32(x as f32), |a, b| a + b;
    i8, false: |x| x as i8, |a, b| a.wrapping_add(b);
    u8, false: |x| x as u8, |a, b| a.wrapping_add(b);
    i32, false: |x| x as i32, |a, b| a.wrapping_add(b);
}

/// For each pixel of a resized image along one axis: the pixels of the image that it was made of, with their weights.
type Parts = Vec<Vec<(usize, f32)>>;

fn bilinear<T: Gradient>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let along = |centers, sizes: &Sizes, axis| {
        let of = |n: &Neighbours| vec![(n.lower, 1.0 - n.weight), (n.upper, n.weight)];
        neighbours(centers, sizes, axis).iter().map(of).collect()
    };
    kernel::<T>(node, along, |gradient, [down, across]| T::round(gradient * down * across))
}

fn bicubic<T: Gradient>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let along = |centers, sizes: &Sizes, axis: usize| {
        let of = |at| {
            let Taps { at, weights } = Taps::of(at, centers, sizes.scale[axis], sizes.from[axis]);
            at.into_iter().zip(weights).collect()
        };
        (0..sizes.to[axis]).map(of).collect()
    };
    kernel::<T>(node, along, T::weigh)
}

/// A kernel of gradients in single precision, and the image in input 1, of which only height and width count.
fn kernel<T: Gradient>(
    node: &Construction<'_>,
    along: fn(Centers, &Sizes, usize) -> Parts,
    weigh: impl Fn(f32, [f32; 2]) -> T + Copy + Send + Sync + 'static,
) -> Result<Box<dyn Kernel>> {
    let centers = Centers::of(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (gradient, image) = (ctx.input(0), ctx.input(1));
        let &[_, height, width, _] = image.shape().dims() else {
            let text = format!("original_image must be 4-dimensional{}", image.shape());
            return Err(Error::invalid_argument(text));
        };
        let sizes = sizes(gradient.shape(), [height, width], centers)?;
        let mut out = ctx.allocate(T::DTYPE, Shape::from([sizes.batch, height, width, sizes.channels]))?;
        let parts = [0, 1].map(|axis| along(centers, &sizes, axis));
        scatter(gradient.as_slice::<f32>()?, out.as_mut_slice::<T>()?, &sizes, &parts, weigh);
        ctx.set(0, out);
        Ok(())
    }))
}

/// The sizes of gradients and of the image that they go back to.
fn sizes(gradient: &Shape, from: [usize; 2], centers: Centers) -> Result<Sizes> {
    let refuse = |text: String| Err(Error::invalid_argument(text));
    if centers.align_corners && centers.half_pixel {
        return refuse("If half_pixel_centers is True, align_corners must be False.".to_owned());
    }
    let &[batch, height, width, channels] = gradient.dims() else {
        return refuse(format!("input_grad must be 4-dimensional{gradient}"));
    };
    if height * width == 0 {
        return refuse("input_grad must be of non-zero size".to_owned());
    }
    if from.contains(&0) || channels == 0 {
        return refuse("original_image must be of non-zero size".to_owned());
    }
    let scale = [centers.scale(from[0], height), centers.scale(from[1], width)];
    Ok(Sizes { batch, from, to: [height, width], channels, scale })
}

fn scatter<T: Gradient>(
    gradient: &[f32],
    out: &mut [T],
    sizes: &Sizes,
    [ys, xs]: &[Parts; 2],
    weigh: impl Fn(f32, [f32; 2]) -> T,
) {
    out.fill(T::default());
    let channels = sizes.channels;
    for (row, gradient) in gradient.chunks_exact(sizes.row_to()).enumerate() {
        let above = row / sizes.to[0] * sizes.from[0];
        for (gradient, parts) in gradient.chunks_exact(channels).zip(xs) {
            for (y, down) in &ys[row % sizes.to[0]] {
                for (x, across) in parts {
                    let pixel = ((above + y) * sizes.from[1] + x) * channels;
                    for (out, &gradient) in out[pixel..pixel + channels].iter_mut().zip(gradient) {
                        *out = out.plus(weigh(gradient, [*down, *across]));
                    }
                }
            }
        }
    }
}

/// The pixel of the image for each pixel of the resized one, where both attributes may be true.
fn places(centers: Centers, sizes: &Sizes, axis: usize) -> Vec<usize> {
    if !(centers.align_corners && centers.half_pixel) {
        return nearest(centers, sizes, axis);
    }
    let place = |at: usize| ((at as f32 + 0.5) * sizes.scale[axis]).round() as usize;
    (0..sizes.to[axis]).map(|at| place(at).min(sizes.from[axis] - 1)).collect()
}

fn nearest_neighbor<T: Gradient>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let centers = Centers::of(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (gradient, size) = (ctx.input(0), ctx.input(1));
        if gradient.rank() != 4 {
            return Err(Error::invalid_argument(format!("input must be 4-dimensional{}", gradient.shape())));
        }
        let from = match size.as_slice::<i32>()? {
            &[height, width] if size.rank() == 1 && height > 0 && width > 0 => {
                [height as usize, width as usize]
            }
            _ => return Err(Error::invalid_argument("shape_t's elements must be positive")),
        };
        let &[batch, height, width, channels] = gradient.shape().dims() else { return Ok(()) };
        let scale = [centers.scale(from[0], height), centers.scale(from[1], width)];
        let sizes = Sizes { batch, from, to: [height, width], channels, scale };
        let mut out = ctx.allocate(T::DTYPE, Shape::from([sizes.batch, from[0], from[1], sizes.channels]))?;
        let [ys, xs] = [0, 1].map(|axis| places(centers, &sizes, axis));
        let sums = out.as_mut_slice::<T>()?;
        sums.fill(T::default());
        for (row, gradient) in gradient.as_slice::<T>()?.chunks_exact(sizes.row_to().max(1)).enumerate() {
            let line = row / sizes.to[0] * from[0] + ys[row % sizes.to[0]];
            for (gradient, x) in gradient.chunks_exact(sizes.channels).zip(&xs) {
                let sums = &mut sums[(line * from[1] + x) * sizes.channels..][..sizes.channels];
                sums.iter_mut().zip(gradient).for_each(|(sum, &gradient)| *sum = sum.plus(gradient));
            }
        }
        ctx.set(0, out);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "ResizeBilinearGrad",
                    "",
                    "float[1,1,4,1] 1 2 4 8; float[1,1,2,1] 0 0",
                    "float[1,1,2,1] 2 13",
                ),
                (
                    "ResizeBilinearGrad",
                    "half_pixel_centers=true",
                    "float[1,2,1,1] 1 3; half[1,1,1,1] 0",
                    "half[1,1,1,1] 4",
                ),
                (
                    "ResizeBicubicGrad",
                    "align_corners=true",
                    "float[1,1,2,2] 1 2 3 4; double[1,1,2,2] 0 0 0 0",
                    "double[1,1,2,2] 1 2 3 4",
                ),
                (
                    "ResizeNearestNeighborGrad",
                    "",
                    "uint8[1,1,4,1] 200 100 3 4; int32[2] 1 2",
                    "uint8[1,1,2,1] 44 7",
                ),
                (
                    "ResizeNearestNeighborGrad",
                    "",
                    "float[1,1,4,1] 1 2 3 4; int32[2] 0 2",
                    "INVALID_ARGUMENT: shape_t's elements must be positive",
                ),
                (
                    "ResizeBilinearGrad",
                    "",
                    "float[1,1,4,1] 1 2 4 8; float[2,1,2,2] 0 0 0 0 0 0 0 0",
                    "float[1,1,2,1] 2 13",
                ),
                (
                    "ResizeBilinearGrad",
                    "",
                    "float[1,1,4,1] 1 2 4 8; float[1,2,2] 0 0 0 0",
                    "INVALID_ARGUMENT: original_image must be 4-dimensional[1,2,2]",
                ),
            ],
        );
    }
}
