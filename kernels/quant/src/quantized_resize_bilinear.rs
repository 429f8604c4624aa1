//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Element, Error, PartialShape, Qint32, Quint8, Result};

use crate::range::{Range, give, with_range};

/// Resizes images by linear interpolation in fixed-point arithmetic: 7 bits after the point for 8-bit codes, 30 for
/// 32-bit ones. Floats are interpolated as floats. The range stays.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QuantizedResizeBilinear>
pub const OP: Op = Op {
    name: "QuantizedResizeBilinear",
    inputs: &["images: T", "size: int32", "min: float", "max: float"],
    outputs: &["resized_images: T", "out_min: float", "out_max: float"],
    attrs: &["T: {quint8, qint32, float}", "align_corners: bool = false", "half_pixel_centers: bool = false"],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: Quint8 Qint32 f32),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let images = ctx.input(0);
    let size = ctx.integers(1).unwrap_or_default();
    let side = |i: usize| size.get(i).and_then(|&side| usize::try_from(side).ok());
    Ok(with_range(PartialShape::new([images.dim(0), side(0), side(1), images.dim(3)])))
}

/// An element type that is interpolated.
trait Interpolate: Element {
    /// The number between `a` and `b`, and between `c` and `d`, at two places between zero and one.
    fn between(corners: [Self; 4], x: f32, y: f32) -> Self;
}

impl Interpolate for f32 {
    fn between([a, b, c, d]: [f32; 4], x: f32, y: f32) -> f32 {
        let (top, bottom) = (a + (b - a) * x, c + (d - c) * x);
        top + (bottom - top) * y
    }
}

macro_rules! fixed {
    ($($t:ident($inner:ty) in $wide:ty, $bits:literal;)*) => {$(
        impl Interpolate for $t {
            fn between(corners: [$t; 4], x: f32, y: f32) -> $t {
                const ONE: $wide = 1 << $bits;
                let [a, b, c, d] = corners.map(|corner| <$wide>::from(corner.0));
                let [x, y] = [x, y].map(|place| (place * ONE as f32) as $wide);
                let (top, bottom) = (a * ONE + (b - a) * x, c * ONE + (d - c) * x);
                let out = top.wrapping_add(((bottom - top) / ONE).wrapping_mul(y));
                $t((out.wrapping_add(ONE / 2) / ONE) as $inner)
            }
        }
    )*};
}

fixed! { Quint8(u8) in i32, 7; Qint32(i32) in i64, 30; }

/// Neighbours of the places of an output line, and where between them each lies.
struct Line {
    low: Vec<usize>,
    high: Vec<usize>,
    place: Vec<f32>,
}

impl Line {
    fn of(input: usize, output: usize, aligned: bool, centers: bool) -> Line {
        let scale = if aligned && output > 1 {
            (input - 1) as f32 / (output - 1) as f32
        } else {
            input as f32 / output as f32
        };
        let mut line = Line { low: Vec::new(), high: Vec::new(), place: Vec::new() };
        for i in 0..output {
            let at = if centers { (i as f32 + 0.5) * scale - 0.5 } else { i as f32 * scale };
            let high = (at.ceil().max(0.0) as usize).min(input - 1);
            line.high.push(high);
            line.low.push((at.floor().max(0.0) as usize).min(high));
            line.place.push(at - at.floor());
        }
        line
    }
}

fn build<T: Interpolate>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let aligned: bool = node.attr("align_corners")?;
    let centers: bool = node.attr("half_pixel_centers")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let range = Range::input(ctx, 2, ["min", "max"])?;
        let images = ctx.input(0);
        let &[batch, height, width, channels] = images.shape().dims() else {
            return Err(Error::invalid_argument(format!("input must be 4-dimensional{}", images.shape())));
        };
        let size = ctx.input(1);
        let &[rows, columns] = size.as_slice::<i32>()? else {
            return Err(Error::invalid_argument(format!("shape_t must have two elements{}", size.shape())));
        };
        if size.rank() != 1 {
            return Err(Error::invalid_argument(format!("shape_t must be 1-dimensional{}", size.shape())));
        }
        let (Ok(rows @ 1..), Ok(columns @ 1..)) = (usize::try_from(rows), usize::try_from(columns)) else {
            return Err(Error::invalid_argument("output dimensions must be positive"));
        };
        if height == 0 || width == 0 || channels == 0 {
            return Err(Error::invalid_argument("input image must be of non-zero size"));
        }
        let mut out = ctx.allocate(T::DTYPE, [batch, rows, columns, channels])?;
        let (from, to) = (images.as_slice::<T>()?, out.as_mut_slice::<T>()?);
        if (rows, columns) == (height, width) {
            to.copy_from_slice(from);
        } else {
            let (ys, xs) =
                (Line::of(height, rows, aligned, centers), Line::of(width, columns, aligned, centers));
            for (i, to) in to.chunks_exact_mut(columns * channels).enumerate() {
                let (image, y) = (i / rows * height, i % rows);
                let line = |y: usize| &from[(image + y) * width * channels..][..width * channels];
                resize([line(ys.low[y]), line(ys.high[y])], &xs, ys.place[y], channels, to);
            }
        }
        give(ctx, out, range);
        Ok(())
    }))
}

/// Fills one line from the two lines around it.
fn resize<T: Interpolate>([above, below]: [&[T]; 2], xs: &Line, y: f32, channels: usize, to: &mut [T]) {
    for (x, to) in to.chunks_exact_mut(channels).enumerate() {
        let (low, high) = (xs.low[x] * channels, xs.high[x] * channels);
        for (c, to) in to.iter_mut().enumerate() {
            let corners = [above[low + c], above[high + c], below[low + c], below[high + c]];
            *to = T::between(corners, xs.place[x], y);
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "QuantizedResizeBilinear";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    "",
                    "quint8[1,2,2,1] 1 100 50 255; int32[2] 3 4; float[] 0; float[] 10",
                    "quint8[1,3,4,1] 1 51 100 100 34 118 203 203 50 153 255 255; float[] 0; float[] 10",
                ),
                (
                    op,
                    "align_corners=true",
                    "quint8[1,2,2,1] 1 100 50 255; int32[2] 3 4; float[] 0; float[] 10",
                    "quint8[1,3,4,1] 1 33 67 100 26 75 126 178 50 117 186 255; float[] 0; float[] 10",
                ),
                (
                    op,
                    "half_pixel_centers=true",
                    "qint32[1,2,2,1] 1 100 50 1073741824; int32[2] 3 4; float[] 0; float[] 10",
                    "qint32[1,3,4,1] 1 26 75 100 26 134217759 402653228 536870962 50 268435494 805306381 1073741824; \
                     float[] 0; float[] 10",
                ),
                (
                    op,
                    "",
                    "float[1,1,2,1] 1 100; int32[2] 1 4; float[] 0; float[] 10",
                    "float[1,1,4,1] 1 50.5 100 100; float[] 0; float[] 10",
                ),
                (
                    op,
                    "",
                    "quint8[1,1,1,1] 1; int32[2] 1 1; float[1] 0; float[] 10",
                    "INVALID_ARGUMENT: `min` must be rank 0 but is rank 1",
                ),
                (
                    op,
                    "",
                    "quint8[1,1,1,1] 1; int32[2] 0 1; float[] 0; float[] 10",
                    "INVALID_ARGUMENT: output dimensions must be positive",
                ),
            ],
        );
    }
}
