//! See [`OP`].

use savedmodel_math::depthwise::Taps;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Element, Error, PartialShape, Result, Shape, bf16, f16};

use crate::conv::forward::axis;
use crate::layout::Images;
use crate::pool::for_lines;
use crate::window::{self, Dim, Padding, UNIT};

/// Grey-scale dilation: for each channel the maximum of input plus filter `[height, width, channels]` over a window.
///
/// NaN is skipped, and the result is never less than the lowest finite number. Integers wrap.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Dilation2D>
pub const OP: Op = Op {
    name: "Dilation2D",
    inputs: &["input: T", "filter: T"],
    outputs: &["output: T"],
    attrs: &[
        "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}",
        "strides: list(int) >= 4",
        "rates: list(int) >= 4",
        "padding: {'SAME', 'VALID'}",
    ],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let (input, filter) = (ctx.input(0), ctx.input(1));
    check_ranks(input.rank().unwrap_or(4), &input, filter.rank().unwrap_or(3), &filter)?;
    let list = |name: &str| ctx.attr::<Vec<i64>>(name).unwrap_or_default();
    let padding = window::explicit(&ctx.attr::<String>("padding").unwrap_or_default(), &[], 2, false)?;
    let windows = Windows::new([&list("strides"), &list("rates")], padding)?;
    let size = |axis: usize| -> Result<Option<usize>> {
        let known = input.dim(axis + 1).zip(filter.dim(axis));
        known.map(|(input, window)| Ok(windows.dim(axis, input, window)?.output)).transpose()
    };
    let channels = input.dim(3).or_else(|| filter.dim(2));
    Ok(vec![PartialShape::new([input.dim(0), size(0)?, size(1)?, channels])])
}

fn check_ranks(
    input_rank: usize,
    input: &dyn std::fmt::Display,
    filter_rank: usize,
    filter: &dyn std::fmt::Display,
) -> Result<()> {
    if input_rank != 4 {
        return Err(Error::invalid_argument(format!("input must be 4-dimensional{input}")));
    }
    if filter_rank != 3 {
        return Err(Error::invalid_argument(format!("filter must be 3-dimensional: {filter}")));
    }
    Ok(())
}

/// How windows move.
struct Windows {
    /// Stride and rate of height and width.
    steps: [[usize; 2]; 2],
    padding: Padding,
}

impl Windows {
    fn new([strides, rates]: [&[i64]; 2], padding: Padding) -> Result<Windows> {
        let mut steps = [[1; 2]; 2];
        for (name, values) in [("strides", strides), ("rates", rates)] {
            window::check_steps(name, values)?;
        }
        for (i, (name, values)) in [("Stride", strides), ("Rate", rates)].into_iter().enumerate() {
            let &[batch, height, width, channels] = values else {
                return Err(Error::invalid_argument(format!(
                    "Sliding window {} field must specify 4 dimensions",
                    name.to_lowercase()
                )));
            };
            for (step, value) in steps.iter_mut().zip([height, width]) {
                step[i] = usize::try_from(value)
                    .map_err(|_| Error::invalid_argument(format!("{name} must be > 0, but got {value}")))?;
            }
            if [batch, channels] != [1, 1] {
                return Err(Error::unimplemented(format!(
                    "{name} is only supported across spatial dimensions."
                )));
            }
        }
        Ok(Windows { steps, padding })
    }

    fn dim(&self, axis: usize, input: usize, window: usize) -> Result<Dim> {
        Dim::new(input, window, self.steps[axis], &self.padding, axis)
    }

    fn dims(&self, input: &Shape, filter: &Shape) -> Result<[Dim; 3]> {
        Ok([UNIT, self.dim(0, input[1], filter[0])?, self.dim(1, input[2], filter[1])?])
    }
}

/// A type with sums and a lowest number.
trait Dilate: Element + PartialOrd {
    const LOWEST: Self;
    fn sum(self, other: Self) -> Self;
}

macro_rules! dilate {
    ($($t:ty)*, |$a:ident, $b:ident| $sum:expr) => {$(
        impl Dilate for $t {
            const LOWEST: $t = <$t>::MIN;
            #[inline(always)]
            fn sum(self, other: $t) -> $t {
                let ($a, $b) = (self, other);
                $sum
            }
        }
    )*};
}

dilate!(f32 f64 f16 bf16, |a, b| a + b);
dilate!(i8 i16 i32 i64 u8 u16 u32 u64, |a, b| a.wrapping_add(b));

fn build<T: Dilate>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let read = |name: &str| node.attr::<Vec<i64>>(name);
    let windows = Windows::new([&read("strides")?, &read("rates")?], window::padding(node, 2, false)?)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (input, filter) = (ctx.input(0), ctx.input(1));
        check_ranks(input.rank(), input.shape(), filter.rank(), filter.shape())?;
        let images = Images::of(input.shape(), false);
        if images.channels != filter.shape()[2] {
            return Err(Error::invalid_argument(format!(
                "input and filter must have the same depth: {} vs {}",
                images.channels,
                filter.shape()[2]
            )));
        }
        let dims = windows.dims(input.shape(), filter.shape())?;
        let output = Images { space: dims.map(|dim| dim.output), ..images };
        let mut out = ctx.allocate(T::DTYPE, output.shape(2, false))?;
        let (data, taps) = (input.as_slice::<T>()?, filter.as_slice::<T>()?);
        let channels = images.channels;
        let size = images.pixels() * channels;
        let axes = dims.map(|dim| axis(&dim));
        for_lines(&output, &dims, out.as_mut_slice::<T>()?, |index, at, out| {
            let image = &data[index * size..(index + 1) * size];
            out.fill(T::LOWEST);
            let line =
                Taps { image, held: axes[0].cells * axes[1].cells, filter: taps, axes: &axes, at, channels };
            line.each(out, |out, cells, taps| {
                for ((out, &cell), &tap) in out.iter_mut().zip(cells).zip(taps) {
                    let sum = cell.sum(tap);
                    if sum > *out {
                        *out = sum;
                    }
                }
            });
        });
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
                    "Dilation2D",
                    "strides=[1,1,1,1] rates=[1,1,1,1] padding=VALID",
                    "float[1,3,3,1] 1 8 4 0 7 3 10 6 2; float[2,2,1] 0 1 -1 0.5",
                    "float[1,2,2,1] 9 8 9 7",
                ),
                (
                    "Dilation2D",
                    "strides=[1,2,1,1] rates=[1,1,2,1] padding=SAME",
                    "float[1,3,3,2] 1 8 15 3 10 17 5 12 0 7 14 2 9 16 4 11 18 6; float[2,2,2] 0 1 -1 0.5 1 2 3 4",
                    "float[1,2,3,2] 14 11 17 17.5 15 9 3 11.5 17 17 4 12",
                ),
                (
                    "Dilation2D",
                    "strides=[1,1,1,1] rates=[1,1,1,1] padding=SAME",
                    "float[1,1,2,1] NaN 1; float[1,2,1] 0 0",
                    "float[1,1,2,1] 1 1",
                ),
                (
                    "Dilation2D",
                    "strides=[1,1,1,1] rates=[1,1,1,1] padding=SAME",
                    "float[1,1,2,1] -inf -inf; float[1,2,1] 0 0",
                    "float[1,1,2,1] -3.402823e+38 -3.402823e+38",
                ),
                (
                    "Dilation2D",
                    "strides=[1,1,1,1] rates=[1,1,1,1] padding=VALID",
                    "int8[1,1,2,1] 100 1; int8[1,2,1] 100 5",
                    "int8[1,1,1,1] 6",
                ),
                (
                    "Dilation2D",
                    "strides=[1,1,1,1] rates=[1,1,1,1] padding=VALID",
                    "half[1,1,1,1] 2048; half[1,1,1] 1",
                    "half[1,1,1,1] 2048",
                ),
                (
                    "Dilation2D",
                    "strides=[1,1,1,1] rates=[1,1,1,1] padding=VALID",
                    "float[1,1,1,1] 2048; float[2,1,1] 1 2",
                    "float[1,0,1,1]",
                ),
                (
                    "Dilation2D",
                    "strides=[1,1,1,1] rates=[1,1,1,1] padding=VALID",
                    "float[1,1,1,1] 2048; float[3,1,1] 1 2 3",
                    "INVALID_ARGUMENT: Computed output size would be negative: -1 [input_size: 1, effective_filter_size: 3, stride: 1]",
                ),
                (
                    "Dilation2D",
                    "strides=[1,1,1,1] rates=[1,1,1,1] padding=VALID",
                    "float[1,1,1,2] 1 2; float[1,1,3] 1 2 3",
                    "INVALID_ARGUMENT: input and filter must have the same depth: 2 vs 3",
                ),
                (
                    "Dilation2D",
                    "strides=[1,1,1,1] rates=[1,1,1,1] padding=VALID",
                    "float[1,1,2] 1 2; float[1,1,2] 1 2",
                    "INVALID_ARGUMENT: input must be 4-dimensional[1,1,2]",
                ),
                (
                    "Dilation2D",
                    "strides=[1,1,1,1] rates=[1,1,1,1] padding=VALID",
                    "float[1,1,1,2] 1 2; float[1,2] 1 2",
                    "INVALID_ARGUMENT: filter must be 3-dimensional: [1,2]",
                ),
                (
                    "Dilation2D",
                    "strides=[1,0,1,1] rates=[1,1,1,1] padding=VALID",
                    "float[1,1,1,1] 1; float[1,1,1] 1",
                    "INVALID_ARGUMENT: Stride must be > 0, but got 0",
                ),
                (
                    "Dilation2D",
                    "strides=[2,1,1,1] rates=[1,1,1,1] padding=VALID",
                    "float[1,1,1,1] 1; float[1,1,1] 1",
                    "UNIMPLEMENTED: Stride is only supported across spatial dimensions.",
                ),
                (
                    "Dilation2D",
                    "strides=[1,1,1,1] rates=[1,1,1,2] padding=VALID",
                    "float[1,1,1,1] 1; float[1,1,1] 1",
                    "UNIMPLEMENTED: Rate is only supported across spatial dimensions.",
                ),
                (
                    "Dilation2D",
                    "strides=[1,1,1,1] rates=[1,1,1,1] padding=VALID",
                    "float[0,1,1,1]; float[1,1,1] 1",
                    "float[0,1,1,1]",
                ),
                (
                    "Dilation2D",
                    "strides=[1,1,1,1] rates=[1,1,1,1] padding=SAME",
                    "float[1,1,1,1] 1; float[0,1,1]",
                    "float[1,1,1,1] -3.402823e+38",
                ),
                (
                    "Dilation2D",
                    "strides=[1,1,1,1] rates=[1,1,1,1] padding=VALID",
                    "float[1,1,1,0]; float[1,1,0]",
                    "float[1,1,1,0]",
                ),
                (
                    "Dilation2D",
                    "strides=[1,1,1,1] rates=[1,1,1,1] padding=VALID",
                    "uint16[1,2,1,1] 1 65535; uint16[1,1,1] 1",
                    "uint16[1,2,1,1] 2 0",
                ),
            ],
        );
    }
}
