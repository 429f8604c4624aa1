//! See [`OPS`].

mod regions;

use std::ops::Range;

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Element, Error, PartialShape, Result, Tensor};

use regions::Regions;

/// The mean or maximum of regions of random sizes, so that a dimension shrinks by a ratio that is no whole number.
///
/// The regions' bounds are given, too. With `deterministic` they stay as the first run drew them; with `overlapping` the
/// cell at a bound belongs to both sides. Means of integers are cut off toward zero.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/FractionalMaxPool>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/FractionalAvgPool>
pub const OPS: &[Op] = &[
    op("FractionalAvgPool", by_dtype!("T"; mean: f32 f64 i32 i64)),
    op("FractionalMaxPool", by_dtype!("T"; max: f32 f64 i32 i64)),
];

const fn op(name: &'static str, kernels: Kernels) -> Op {
    Op {
        name,
        inputs: &["value: T"],
        outputs: &["output: T", "row_pooling_sequence: int64", "col_pooling_sequence: int64"],
        attrs: &[
            "pooling_ratio: list(float) >= 4",
            "pseudo_random: bool = false",
            "overlapping: bool = false",
            "deterministic: bool = false",
            "seed: int = 0",
            "seed2: int = 0",
            "T: {float, double, int32, int64}",
        ],
        effect: Effect::Random,
        shape,
        kernels,
    }
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    if let Some(rank) = ctx.input(0).rank().filter(|&rank| rank != 4) {
        return Err(Error::invalid_argument(format!("Shape must be rank 4 but is rank {rank}")));
    }
    let ratio: Vec<f32> = ctx.attr("pooling_ratio").unwrap_or_default();
    let dim = |axis: usize| Some(shrink(ctx.input(0).dim(axis)?, *ratio.get(axis)?));
    let output = PartialShape::new((0..4).map(dim));
    Ok(vec![output, PartialShape::of_rank(1), PartialShape::of_rank(1)])
}

fn shrink(size: usize, ratio: f32) -> usize {
    (size as f32 / ratio) as usize
}

/// An element type that is pooled.
trait Pooled: Element {
    const LOWEST: Self;
    fn add(self, other: Self) -> Self;
    fn max(self, other: Self) -> Self;
    fn divide(self, count: usize) -> Self;
}

macro_rules! pooled {
    ($($t:ty: |$x:ident, $y:ident| $add:expr;)*) => {$(
        impl Pooled for $t {
            const LOWEST: $t = <$t>::MIN;
            #[inline(always)]
            fn add(self, other: $t) -> $t {
                let ($x, $y) = (self, other);
                $add
            }
            #[inline(always)]
            fn max(self, other: $t) -> $t {
                if self < other { other } else { self }
            }
            #[inline(always)]
            fn divide(self, count: usize) -> $t {
                self / count as $t
            }
        }
    )*};
}

pooled! {
    f32: |x, y| x + y; f64: |x, y| x + y;
    i32: |x, y| x.wrapping_add(y); i64: |x, y| x.wrapping_add(y);
}

fn mean<T: Pooled>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build::<T>(node, T::default(), T::add, T::divide)
}

fn max<T: Pooled>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build::<T>(node, T::LOWEST, T::max, |x, _| x)
}

fn build<T: Pooled>(
    node: &Construction<'_>,
    start: T,
    step: impl Fn(T, T) -> T + Send + Sync + 'static,
    finish: impl Fn(T, usize) -> T + Send + Sync + 'static,
) -> Result<Box<dyn Kernel>> {
    let ratio = ratio(node)?;
    let overlapping: bool = node.attr("overlapping")?;
    let regions = Regions::of(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let value = ctx.input(0);
        let sizes = sizes(value, &ratio)?;
        let [rows, columns] = regions.draw([1, 2].map(|axis| [value.shape()[axis], sizes[axis]]));
        let mut output = ctx.allocate(T::DTYPE, sizes)?;
        let input = value.as_slice::<T>()?;
        let [height, width, channels] = [1, 2, 3].map(|axis| value.shape()[axis]);
        let cells = |bounds: &[i64], i: usize, size: usize| -> Range<usize> {
            bounds[i] as usize..size.min(bounds[i + 1] as usize + usize::from(overlapping))
        };
        par::for_rows_mut(output.as_mut_slice::<T>()?, sizes[2] * channels, 1, |first, out| {
            for (row, out) in (first..).zip(out.chunks_exact_mut(sizes[2] * channels)) {
                let image = &input[row / sizes[1] * height * width * channels..];
                let down = cells(&rows, row % sizes[1], height);
                for (column, out) in out.chunks_exact_mut(channels).enumerate() {
                    let across = cells(&columns, column, width);
                    out.fill(start);
                    for y in down.clone() {
                        let row = &image
                            [(y * width + across.start) * channels..(y * width + across.end) * channels];
                        for cell in row.chunks_exact(channels) {
                            out.iter_mut().zip(cell).for_each(|(to, &x)| *to = step(*to, x));
                        }
                    }
                    let count = down.len() * across.len();
                    out.iter_mut().for_each(|x| *x = finish(*x, count));
                }
            }
        });
        ctx.set(0, output);
        ctx.set(1, Tensor::from_vec([rows.len()], rows)?);
        ctx.set(2, Tensor::from_vec([columns.len()], columns)?);
        Ok(())
    }))
}

/// The ratio of each dimension.
fn ratio(node: &Construction<'_>) -> Result<[f32; 4]> {
    let ratio: Vec<f32> = node.attr("pooling_ratio")?;
    let Ok(ratio) = <[f32; 4]>::try_from(ratio) else {
        return Err(Error::invalid_argument("pooling_ratio field must specify 4 dimensions"));
    };
    if let Some(small) = ratio.iter().find(|&&ratio| ratio < 1.0 || ratio.is_nan()) {
        return Err(Error::invalid_argument(format!("pooling_ratio cannot be smaller than 1, got: {small}")));
    }
    if ratio[0] != 1.0 || ratio[3] != 1.0 {
        let kind = if node.op() == "FractionalAvgPool" { "average" } else { "max" };
        return Err(Error::unimplemented(format!(
            "Fractional {kind} pooling is not yet supported on the batch nor channel dimension."
        )));
    }
    let seeds: [i64; 2] = [node.attr("seed")?, node.attr("seed2")?];
    if !node.attr::<bool>("deterministic")? && seeds != [0, 0] {
        return Err(Error::invalid_argument("Both seed and seed2 should be 0 if deterministic is false."));
    }
    Ok(ratio)
}

/// The shape of the output, without zeros.
fn sizes(value: &Tensor, ratio: &[f32; 4]) -> Result<[usize; 4]> {
    let Ok(input) = <[usize; 4]>::try_from(value.shape().dims()) else {
        return Err(Error::invalid_argument("tensor_in must be 4-dimensional"));
    };
    for (axis, (&size, &ratio)) in input.iter().zip(ratio).enumerate() {
        if (size as f32) < ratio {
            return Err(Error::invalid_argument(format!(
                "Pooling ratio is higher than input dimension size for dimension {axis}. Input dim size: {size} \
                 pooling ratio: {ratio}"
            )));
        }
        if i32::try_from(size).is_err() {
            return Err(Error::invalid_argument(format!("Input dim size {size} does not fit 32 bits")));
        }
    }
    Ok([0, 1, 2, 3].map(|axis| shrink(input[axis], ratio[axis])))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let (mean, max) = ("FractionalAvgPool", "FractionalMaxPool");
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    max,
                    "pooling_ratio=[1,4,2,1] deterministic=true seed=3 seed2=4",
                    "int32[1,4,4,1] 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15",
                    "int32[1,1,2,1] 13 15; int64[2] 0 4; int64[3] 0 2 4",
                ),
                (
                    mean,
                    "pooling_ratio=[1,2,2,1] overlapping=true",
                    "int64[1,4,4,1] 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15",
                    "int64[1,2,2,1] 5 6 11 12; int64[3] 0 2 4; int64[3] 0 2 4",
                ),
                (
                    mean,
                    "pooling_ratio=[1,2,2,1]",
                    "float[1,2,2,2] 0 1 2 3 4 5 6 7",
                    "float[1,1,1,2] 3 4; int64[2] 0 2; int64[2] 0 2",
                ),
                (
                    mean,
                    "pooling_ratio=[1,5,1,1]",
                    "float[1,1,1,1] 0",
                    "INVALID_ARGUMENT: Pooling ratio is higher than input dimension size for dimension 1. Input dim \
                     size: 1 pooling ratio: 5",
                ),
                (
                    max,
                    "pooling_ratio=[1,1,1,1]",
                    "float[0,1,1,1]",
                    "INVALID_ARGUMENT: Pooling ratio is higher than input dimension size for dimension 0.",
                ),
                (
                    max,
                    "pooling_ratio=[2,1,1,1]",
                    "float[1,1,1,1] 0",
                    "UNIMPLEMENTED: Fractional max pooling is not yet supported on the batch nor channel dimension.",
                ),
                (
                    max,
                    "pooling_ratio=[1,NaN,1,1]",
                    "float[1,1,1,1] 0",
                    "INVALID_ARGUMENT: pooling_ratio cannot be smaller than 1, got: NaN",
                ),
                (
                    max,
                    "pooling_ratio=[1,1,1,1,1]",
                    "float[1,1,1,1] 0",
                    "INVALID_ARGUMENT: pooling_ratio field must specify 4 dimensions",
                ),
                (
                    max,
                    "pooling_ratio=[1,1,1,1] seed=1",
                    "float[1,1,1,1] 0",
                    "INVALID_ARGUMENT: Both seed and seed2 should be 0 if deterministic is false.",
                ),
                (
                    max,
                    "pooling_ratio=[1,1,1,1]",
                    "float[1] 0",
                    "INVALID_ARGUMENT: tensor_in must be 4-dimensional",
                ),
            ],
        );
    }
}
