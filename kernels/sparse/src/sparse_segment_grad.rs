//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{DType, Element, Error, PartialShape, Result, Tensor, bf16, f16};

/// The gradients of `SparseSegmentSum`, `…Mean` and `…SqrtN`: each row takes the gradients of the segments that it is in,
/// over their size or its square root.
///
/// The later versions give the rows that are in segments only, and which they are, in order. Half and bfloat16 add up in single
/// precision.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseSegmentSumGrad> and the pages of the other names.
pub const OPS: &[Op] = &[
    whole("SparseSegmentSumGrad"),
    whole("SparseSegmentMeanGrad"),
    whole("SparseSegmentSqrtNGrad"),
    compact("SparseSegmentSumGradV2"),
    compact("SparseSegmentMeanGradV2"),
    compact("SparseSegmentSqrtNGradV2"),
];

const fn whole(name: &'static str) -> Op {
    Op {
        name,
        inputs: &["grad: T", "indices: Tidx", "segment_ids: Tsegmentids", "output_dim0: int32"],
        outputs: &["output: T"],
        attrs: &[
            "T: {bfloat16, half, float, double}",
            "Tidx: {int32, int64} = DT_INT32",
            "Tsegmentids: {int32, int64} = DT_INT32",
        ],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; build: f32 f64 f16 bf16),
    }
}

const fn compact(name: &'static str) -> Op {
    Op {
        inputs: &["grad: T", "indices: Tidx", "segment_ids: Tsegmentids", "dense_output_dim0: int32"],
        outputs: &["output: T", "sorted_unique_indices: Tidx"],
        ..whole(name)
    }
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let rows = ctx.integers(3).and_then(|n| usize::try_from(*n.first()?).ok()).filter(|_| ctx.outputs == 1);
    let output = match ctx.input(0).dims() {
        Some([_, row @ ..]) => PartialShape::new(std::iter::once(rows).chain(row.iter().copied())),
        _ => PartialShape::unknown(),
    };
    Ok(std::iter::once(output).chain((1..ctx.outputs).map(|_| PartialShape::of_rank(1))).collect())
}

/// An element that sums can be made of, in a type wide enough.
trait Summed: Element {
    type Sum: Copy + Default;
    fn add(sum: Self::Sum, value: Self, factor: f64) -> Self::Sum;
    fn finish(sum: Self::Sum) -> Self;
}

macro_rules! summed {
    ($($type:ty, $sum:ty: $wide:expr, $finish:expr;)*) => {$(
        impl Summed for $type {
            type Sum = $sum;
            #[inline(always)]
            fn add(sum: $sum, value: $type, factor: f64) -> $sum {
                let wide: fn($type) -> $sum = $wide;
                sum + wide(value) * factor as $sum
            }
            #[inline(always)]
            fn finish(sum: $sum) -> $type {
                let finish: fn($sum) -> $type = $finish;
                finish(sum)
            }
        }
    )*};
}

summed! {
    f32, f32: |value| value, |sum| sum;
    f64, f64: |value| value, |sum| sum;
    f16, f32: f16::to_f32, f16::from_f32;
    bf16, f32: bf16::to_f32, bf16::from_f32;
}

fn build<T: Summed>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let factor: fn(usize) -> f64 = match node.op().trim_end_matches("GradV2").trim_end_matches("Grad") {
        "SparseSegmentMean" => |n| 1.0 / n as f64,
        "SparseSegmentSqrtN" => |n| 1.0 / (n as f64).sqrt(),
        _ => |_| 1.0,
    };
    let is_compact = node.op().ends_with("V2");
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (gradient, indices) = (ctx.input(0), ctx.input(1));
        let rows = Rows::of(ctx)?;
        let mut places = rows.indices.clone();
        if is_compact {
            places.sort_unstable();
            places.dedup();
            let index = |index: usize| places.binary_search(&index).unwrap_or_default();
            let targets = rows.indices.iter().map(|&i| index(i)).collect::<Vec<_>>();
            let out = sums::<T>(ctx, gradient, &rows, &targets, places.len(), factor)?;
            let indices = match indices.dtype() {
                DType::Int32 => Tensor::from_vec([places.len()], places.iter().map(|&i| i as i32).collect()),
                _ => Tensor::from_vec([places.len()], places.iter().map(|&i| i as i64).collect()),
            };
            ctx.set(0, out);
            ctx.set(1, indices?);
            return Ok(());
        }
        let out = sums::<T>(ctx, gradient, &rows, &rows.indices, rows.limit, factor)?;
        ctx.set(0, out);
        Ok(())
    }))
}

/// Checked indices and segments.
struct Rows {
    indices: Vec<usize>,
    segments: Vec<usize>,
    /// Rows of the tensor that the indices point into.
    limit: usize,
}

impl Rows {
    fn of(ctx: &Context<'_>) -> Result<Rows> {
        let [gradient, indices, segments, limit] = [0, 1, 2, 3].map(|i| ctx.input(i));
        let refuse = |text: String| Err(Error::invalid_argument(text));
        if gradient.rank() == 0 {
            return refuse("Shape must be at least rank 1 but is rank 0".to_owned());
        }
        for (name, tensor) in [("indices", indices), ("segment_ids", segments)] {
            if tensor.rank() != 1 {
                return refuse(format!("{name} should be a vector."));
            }
        }
        if limit.rank() != 0 {
            return refuse("output_dim0 should be a scalar.".to_owned());
        }
        if indices.elements() != segments.elements() {
            return refuse("segment_ids and indices should have same size.".to_owned());
        }
        let bounded = |name: &str, tensor: &Tensor, limit: usize| -> Result<Vec<usize>> {
            let check = |value: i64| usize::try_from(value).ok().filter(|&value| value < limit);
            let wrong = |value| Error::invalid_argument(format!("{name} {value} out of range [0, {limit})."));
            tensor.to_i64s()?.into_iter().map(|value| check(value).ok_or_else(|| wrong(value))).collect()
        };
        let limit: i32 = limit.to_scalar()?;
        let Ok(limit) = usize::try_from(limit) else {
            return refuse(format!("output_dim0 is {limit}"));
        };
        let segments = bounded("Segment id", segments, gradient.shape()[0])?;
        Ok(Rows { indices: bounded("Index", indices, limit)?, segments, limit })
    }
}

fn sums<T: Summed>(
    ctx: &Context<'_>,
    gradient: &Tensor,
    rows: &Rows,
    targets: &[usize],
    count: usize,
    factor: fn(usize) -> f64,
) -> Result<Tensor> {
    let mut shape = gradient.shape().clone();
    shape.dims_mut()[0] = count;
    let row = gradient.shape()[1..].iter().product::<usize>();
    let mut out = ctx.allocate(T::DTYPE, shape)?;
    let mut sizes = vec![0_usize; gradient.shape()[0]];
    rows.segments.iter().for_each(|&segment| sizes[segment] += 1);
    let mut sums = vec![T::Sum::default(); out.elements()];
    let data = gradient.as_slice::<T>()?;
    for (&target, &segment) in targets.iter().zip(&rows.segments) {
        let factor = factor(sizes[segment]);
        let from = &data[segment * row..][..row];
        sums[target * row..][..row].iter_mut().zip(from).for_each(|(sum, &x)| *sum = T::add(*sum, x, factor));
    }
    out.as_mut_slice::<T>()?.iter_mut().zip(sums).for_each(|(out, sum)| *out = T::finish(sum));
    Ok(out)
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let inputs = "float[2,1] 6 8; int32[4] 3 1 3 0; int64[4] 0 0 1 1; int32[] 5";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                ("SparseSegmentSumGrad", "", inputs, "float[5,1] 8 6 0 14 0"),
                ("SparseSegmentMeanGrad", "", inputs, "float[5,1] 4 3 0 7 0"),
                ("SparseSegmentMeanGradV2", "", inputs, "float[3,1] 4 3 7; int32[3] 0 1 3"),
                (
                    "SparseSegmentSqrtNGrad",
                    "",
                    "half[1,1] 6; int32[4] 0 0 1 0; int32[4] 0 0 0 0; int32[] 2",
                    "half[2,1] 9 3",
                ),
                (
                    "SparseSegmentSumGrad",
                    "",
                    "float[1,1] 1; int32[1] 5; int32[1] 0; int32[] 5",
                    "INVALID_ARGUMENT: Index 5 out of range [0, 5).",
                ),
                (
                    "SparseSegmentSumGradV2",
                    "",
                    "float[1,1] 1; int32[1] 4; int32[1] 1; int32[] 5",
                    "INVALID_ARGUMENT: Segment id 1 out of range [0, 1).",
                ),
            ],
        );
    }
}
