//! `SparseSegmentSum`, `…Mean` and `…SqrtN`: sums of chosen rows by segment.

use savedmodel_math::rows;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Element, Error, PartialShape, Result, Tensor, bf16, f16};

/// Each adds up rows of `data`, taken by index, that belong to the same segment, and perhaps divides by their number or
/// its square root.
///
/// Segment ids must not decrease. Segments without rows give zeros; the last id, or `num_segments`, tells how many there
/// are. Half and bfloat16 add up in single precision.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseSegmentSum>
pub const OPS: &[Op] = &[
    Op { attrs: SUM, kernels: SUMS, ..segment("SparseSegmentSum") },
    segment("SparseSegmentMean"),
    segment("SparseSegmentSqrtN"),
    Op { attrs: SUM_NUMBERED, kernels: SUMS, ..numbered("SparseSegmentSumWithNumSegments") },
    numbered("SparseSegmentMeanWithNumSegments"),
    numbered("SparseSegmentSqrtNWithNumSegments"),
];

const REAL: &str =
    "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}";
const INDEX: &str = "Tidx: {int32, int64} = DT_INT32";
const IDS: &str = "Tsegmentids: {int32, int64} = DT_INT32";
const COUNT: &str = "Tnumsegments: {int32, int64} = DT_INT32";
const GRADIENT: &str = "sparse_gradient: bool = false";
const FLOATS: &str = "T: {bfloat16, half, float, double}";
const SUM: &[&str] = &[REAL, INDEX, IDS, GRADIENT];
const SUM_NUMBERED: &[&str] = &[REAL, INDEX, COUNT, IDS, GRADIENT];
const SUMS: Kernels = by_dtype!("T"; build: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64);

const fn segment(name: &'static str) -> Op {
    Op {
        name,
        inputs: &["data: T", "indices: Tidx", "segment_ids: Tsegmentids"],
        outputs: &["output: T"],
        attrs: &[FLOATS, INDEX, IDS, GRADIENT],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; build: f32 f64 f16 bf16),
    }
}

const fn numbered(name: &'static str) -> Op {
    Op {
        inputs: &["data: T", "indices: Tidx", "segment_ids: Tsegmentids", "num_segments: Tnumsegments"],
        attrs: &[FLOATS, INDEX, COUNT, IDS, GRADIENT],
        ..segment(name)
    }
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let segments = ctx.integers(3).and_then(|n| usize::try_from(*n.first()?).ok());
    Ok(vec![match ctx.input(0).dims() {
        Some([_, row @ ..]) => PartialShape::new(std::iter::once(segments).chain(row.iter().copied())),
        _ => PartialShape::unknown(),
    }])
}

/// An element that sums can be made of, in a type wide enough.
trait Summed: Element {
    type Sum: Copy + Default;
    fn add(sum: Self::Sum, value: Self) -> Self::Sum;
    /// The sum times a factor; factors other than one come with floating-point types only.
    fn finish(sum: Self::Sum, divisor: f64) -> Self;
    /// Sums of some rows of a table; `next` are likely to be wanted soon.
    fn sum_rows(table: &[Self], (rows, _next): (&[usize], &[usize]), sums: &mut [Self::Sum]) {
        sums.fill(Self::Sum::default());
        for &from in rows {
            let values = &table[from * sums.len()..][..sums.len()];
            sums.iter_mut().zip(values).for_each(|(sum, &value)| *sum = Self::add(*sum, value));
        }
    }
}

macro_rules! summed {
    ($($type:ty, $sum:ty: $sum_arg:ident, $value:ident, $divisor:ident => $add:expr, $finish:expr $(, $rows:item)?;)*) => {
        $(impl Summed for $type {
            type Sum = $sum;
            #[inline(always)]
            fn add($sum_arg: $sum, $value: $type) -> $sum { $add }
            #[inline(always)]
            fn finish($sum_arg: $sum, $divisor: f64) -> $type { $finish }
            $($rows)?
        })*
    };
}

summed! {
    f32, f32: s, v, d => s + v, if d == 1.0 { s } else { s / d as f32 },
        fn sum_rows(table: &[f32], rows: (&[usize], &[usize]), sums: &mut [f32]) {
            rows::sum(table, rows, 1.0, sums);
        };
    f64, f64: s, v, d => s + v, if d == 1.0 { s } else { s / d };
    f16, f32: s, v, d => s + v.to_f32(), f16::from_f32(if d == 1.0 { s } else { s / d as f32 });
    bf16, f32: s, v, d => s + v.to_f32(), bf16::from_f32(if d == 1.0 { s } else { s / d as f32 });
}

macro_rules! wrapping {
    ($($type:ty)*) => { summed! { $($type, $type: s, v, _d => s.wrapping_add(v), s;)* } };
}

wrapping! { i8 i16 i32 i64 u8 u16 u32 u64 }

fn build<T: Summed>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let stem = node.op.trim_end_matches("WithNumSegments");
    let divisor: fn(usize) -> f64 = match stem {
        "SparseSegmentMean" => |n| n as f64,
        "SparseSegmentSqrtN" => |n| (n as f64).sqrt(),
        _ => |_| 1.0,
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (data, indices, ids) = (ctx.input(0), ctx.input(1), ctx.input(2));
        let segments = if ctx.input_len() == 4 { Some(ctx.input(3)) } else { None };
        let plan = Segments::of(data, indices, ids, segments)?;
        let mut shape = data.shape().clone();
        shape.dims_mut()[0] = plan.count;
        let mut out = ctx.allocate(T::DTYPE, shape)?;
        let row = data.shape()[1..].iter().product::<usize>();
        sum::<T>(data.as_slice()?, row, &plan, divisor, out.as_mut_slice()?);
        ctx.set(0, out);
        Ok(())
    }))
}

/// Checked indices and segment ids.
struct Segments {
    rows: Vec<usize>,
    ids: Vec<usize>,
    count: usize,
}

impl Segments {
    fn of(data: &Tensor, indices: &Tensor, ids: &Tensor, count: Option<&Tensor>) -> Result<Segments> {
        let refuse = |text: String| Err(Error::invalid_argument(text));
        if data.rank() == 0 {
            return refuse("Shape must be at least rank 1 but is rank 0".to_owned());
        }
        if indices.rank() != 1 || ids.rank() != 1 {
            return refuse(format!(
                "indices and segment_ids should be vectors, got {} and {}",
                indices.shape(),
                ids.shape()
            ));
        }
        if indices.elements() != ids.elements() {
            return refuse("segment_ids and indices should have same size.".to_owned());
        }
        let ids = ids.to_i64s()?;
        if let Some(pair) = ids.windows(2).find(|pair| pair[0] > pair[1]) {
            return refuse(format!("segment ids are not increasing: {} then {}", pair[0], pair[1]));
        }
        if ids.first().is_some_and(|&id| id < 0) {
            return refuse("segment ids must be >= 0".to_owned());
        }
        let last = ids.last().map_or(0, |&id| id.saturating_add(1));
        let count = match count {
            Some(count) if count.rank() != 0 => {
                return refuse(format!("num_segments should be a scalar, not shape {}", count.shape()));
            }
            Some(count) => count.to_i64s()?[0],
            None => last,
        };
        if count < last {
            return refuse("segment ids must be < num_segments".to_owned());
        }
        let Ok(count) = usize::try_from(count) else { return refuse(format!("num_segments is {count}")) };
        let limit = data.shape()[0];
        let row = |(i, index): (usize, i64)| {
            usize::try_from(index).ok().filter(|&index| index < limit).ok_or_else(|| {
                Error::invalid_argument(format!("indices[{i}] == {index} out of range [0, {limit})"))
            })
        };
        let rows = indices.to_i64s()?.into_iter().enumerate().map(row).collect::<Result<_>>()?;
        Ok(Segments { rows, ids: ids.into_iter().map(|id| id as usize).collect(), count })
    }
}

fn sum<T: Summed>(data: &[T], row: usize, plan: &Segments, divisor: fn(usize) -> f64, out: &mut [T]) {
    out.fill(T::default());
    if row == 0 {
        return;
    }
    let mut sums = vec![T::Sum::default(); row];
    let mut start = 0;
    while start < plan.ids.len() {
        let id = plan.ids[start];
        let end = start + plan.ids[start..].iter().take_while(|&&other| other == id).count();
        T::sum_rows(data, (&plan.rows[start..end], &plan.rows[end..]), &mut sums);
        let by = divisor(end - start);
        let target = &mut out[id * row..(id + 1) * row];
        target.iter_mut().zip(&sums).for_each(|(out, &sum)| *out = T::finish(sum, by));
        start = end;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let data = "float[3,2] 1 2 3 4 5 6; int32[3] 0 2 1; int32[3] 0 0 2";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                ("SparseSegmentSum", "", data, "float[3,2] 6 8 0 0 3 4"),
                ("SparseSegmentMean", "", data, "float[3,2] 3 4 0 0 3 4"),
                (
                    "SparseSegmentSqrtN",
                    "",
                    "double[4,1] 1 2 3 4; int64[4] 0 1 2 3; int64[4] 0 0 0 0",
                    "double[1,1] 5",
                ),
                ("SparseSegmentSum", "", "int8[1,1] 100; int32[2] 0 0; int32[2] 0 0", "int8[1,1] -56"),
                (
                    "SparseSegmentSumWithNumSegments",
                    "",
                    "half[1,1] 2; int32[1] 0; int32[1] 0; int32[] 2",
                    "half[2,1] 2 0",
                ),
                ("SparseSegmentSum", "", "float[2,1] 1 2; int32[0]; int32[0]", "float[0,1]"),
                (
                    "SparseSegmentSum",
                    "",
                    "float[2,1] 1 2; int32[1] 2; int32[1] 0",
                    "INVALID_ARGUMENT: indices[0] == 2 out of range [0, 2)",
                ),
            ],
        );
    }
}
