//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Error, PartialShape, Qint8, Qint32, Quint8, Result, Tensor};

use crate::code::Code;
use crate::range::{Range, ToCode, ToFloat, give, with_range};

/// Joins tensors of codes along a dimension, over a range that holds all of theirs.
///
/// For signed codes the range is symmetric.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QuantizedConcat>
pub const OPS: &[Op] = &[
    Op {
        name: "QuantizedConcat",
        inputs: &["concat_dim: int32", "values: N * T", "input_mins: N * float", "input_maxes: N * float"],
        outputs: &["output: T", "output_min: float", "output_max: float"],
        attrs: &["N: int >= 2", "T: type"],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; build: Quint8 Qint32),
    },
    Op {
        name: "QuantizedConcatV2",
        inputs: &["values: N * T", "axis: Tidx", "input_mins: N * float", "input_maxes: N * float"],
        outputs: &["output: T", "output_min: float", "output_max: float"],
        attrs: &["N: int >= 2", "T: type", "Tidx: {int32, int64} = DT_INT32"],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; build: Quint8 Qint8),
    },
];

fn shape(_: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(with_range(PartialShape::unknown()))
}

/// Where the inputs of a node stand.
#[derive(Clone, Copy)]
struct Places {
    axis: usize,
    values: usize,
    ranges: usize,
    count: usize,
}

fn build<T: Code>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let count: usize = node.attr("N")?;
    let second = node.op() == "QuantizedConcatV2";
    let places = match second {
        true => Places { axis: count, values: 0, ranges: count + 1, count },
        false => Places { axis: 0, values: 1, ranges: count + 1, count },
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let axis = axis(ctx, places, second)?;
        let ranges = (0..count).map(|i| range(ctx, places, i)).collect::<Result<Vec<Range>>>()?;
        let total = total::<T>(&ranges, second);
        let values: Vec<&Tensor> = (0..count).map(|i| ctx.input(places.values + i)).collect();
        let mut shape = values[0].shape().clone();
        let joined = values.iter().try_fold(0_usize, |sum, value| sum.checked_add(value.shape()[axis]));
        shape.dims_mut()[axis] =
            joined.ok_or_else(|| Error::invalid_argument("the joined dimension overflows"))?;
        let mut out = ctx.allocate(T::DTYPE, &shape)?;
        let inner: usize = shape[axis + 1..].iter().product();
        let (mut start, row) = (0, shape[axis] * inner);
        // TensorFlow leaves empty values out, but not their ranges: the next value is read in the range of the empty one.
        let filled = values.iter().filter(|value| value.elements() > 0);
        for (value, &range) in filled.zip(&ranges) {
            let width = value.shape()[axis] * inner;
            let (float, code) = (ToFloat::of::<T>(range), ToCode::of::<T>(total));
            let from = value.as_slice::<T>()?.chunks_exact(width.max(1));
            for (from, to) in from.zip(out.as_mut_slice::<T>()?.chunks_exact_mut(row.max(1))) {
                let to = &mut to[start..start + width];
                if range == total {
                    to.copy_from_slice(from);
                } else {
                    to.iter_mut().zip(from).for_each(|(to, &x)| *to = code.code(float.float(x)));
                }
            }
            start += width;
        }
        give(ctx, out, total);
        Ok(())
    }))
}

/// The dimension to join along; checks that the others agree.
fn axis(ctx: &Context<'_>, places: Places, from_end: bool) -> Result<usize> {
    let axis = ctx.input(places.axis);
    if axis.elements() != 1 || axis.rank() > usize::from(from_end) {
        return Err(Error::invalid_argument(format!(
            "Concat dim tensor should be a scalar integer, but got shape {}",
            axis.shape()
        )));
    }
    let axis = axis.to_i64s()?[0];
    let first = ctx.input(places.values).shape();
    let rank = first.rank() as i64;
    let found = if axis < 0 && from_end { axis + rank } else { axis };
    let Some(found) = usize::try_from(found).ok().filter(|&found| found < first.rank()) else {
        let low = if from_end { -rank } else { 0 };
        return Err(Error::invalid_argument(format!(
            "ConcatOp : Expected concatenating dimensions in the range [{low}, {rank}), but got {axis}"
        )));
    };
    for i in 1..places.count {
        let shape = ctx.input(places.values + i).shape();
        let what = if shape.rank() != first.rank() {
            "Ranks of all input tensors"
        } else if (0..first.rank()).any(|axis| axis != found && shape[axis] != first[axis]) {
            "Dimensions of inputs"
        } else {
            continue;
        };
        return Err(Error::invalid_argument(format!(
            "ConcatOp : {what} should match: shape[0] = {first} vs. shape[{i}] = {shape}"
        )));
    }
    Ok(found)
}

/// The range of one value; one element stands for a scalar.
fn range(ctx: &Context<'_>, places: Places, i: usize) -> Result<Range> {
    let end = |place: usize, name: &str| match ctx.input(place).as_slice::<f32>()? {
        [value] => Ok(*value),
        values => Err(Error::invalid_argument(format!(
            "{name} each tensor's num elements must be 1, given num elements {} in index {i}",
            values.len()
        ))),
    };
    Ok(Range {
        min: end(places.ranges + i, "input_mins")?,
        max: end(places.ranges + places.count + i, "input_maxes")?,
    })
}

/// The range that holds all others; it has zero at its end or in its middle if `scaled`, and for signed codes.
fn total<T: Code>(ranges: &[Range], scaled: bool) -> Range {
    let min = ranges.iter().fold(f32::MAX, |min, range| min.min(range.min));
    let max = ranges.iter().fold(f32::MIN, |max, range| max.max(range.max));
    if T::LOWEST == 0 && !scaled {
        return Range { min: min.min(0.0), max };
    }
    let largest = min.abs().max(max.abs());
    Range { min: if T::LOWEST == 0 { 0.0 } else { -largest }, max: largest }
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let (first, second) = ("QuantizedConcat", "QuantizedConcatV2");
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    first,
                    "N=2",
                    "int32[] 0; quint8[2,3] 1 2 3 4 5 200; quint8[1,3] 7 8 9; float[] 0; float[] -1; float[] 1; \
                     float[] 2",
                    "quint8[3,3] 85 86 86 86 87 152 7 8 9; float[] -1; float[] 2",
                ),
                (
                    first,
                    "N=2",
                    "int32[] 0; qint32[2] 1 2; qint32[1] 5; float[] 0; float[] -1; float[] 1; float[] 2",
                    "qint32[3] 536870912 536870912 536870912; float[] -2; float[] 2",
                ),
                (
                    second,
                    "N=2",
                    "quint8[1,1] 1; quint8[1,2] 2 3; int64[] -1; float[] 0; float[] 0; float[] 1; float[] 1",
                    "quint8[1,3] 1 2 3; float[] 0; float[] 1",
                ),
                (
                    first,
                    "N=2",
                    "int32[] -1; quint8[1] 1; quint8[1] 1; float[] 0; float[] 0; float[] 1; float[] 1",
                    "INVALID_ARGUMENT: ConcatOp : Expected concatenating dimensions in the range [0, 1), but got -1",
                ),
                (
                    first,
                    "N=2",
                    "int32[] 0; quint8[1] 1; quint8[1,1] 1; float[] 0; float[] 0; float[] 1; float[] 1",
                    "INVALID_ARGUMENT: ConcatOp : Ranks of all input tensors should match",
                ),
                (
                    first,
                    "N=2",
                    "int32[] 0; quint8[1] 1; quint8[1] 1; float[0]; float[] 0; float[] 1; float[] 1",
                    "INVALID_ARGUMENT: input_mins each tensor's num elements must be 1, given num elements 0 in index 0",
                ),
            ],
        );
    }
}
