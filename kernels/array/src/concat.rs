//! Concatenation.

use savedmodel_math::par;
use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor, Unit, by_unit};

use crate::dtypes::POD_STRING_Q5_F8;
use crate::{index, strided};

/// Joins tensors along an axis, which comes last (`ConcatV2`) or first (`Concat`).
///
/// All other dimensions must be equal; scalars are refused.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ConcatV2>.
pub const OPS: &[Op] = &[
    Op {
        name: "ConcatV2",
        inputs: &["values: N * T", "axis: Tidx"],
        outputs: &["output: T"],
        attrs: &["N: int >= 2", "T: type", "Tidx: {int32, int64} = DT_INT32"],
        effect: Effect::Pure,
        shape: shape_v2,
        kernels: Kernels::All(&[("T", POD_STRING_Q5_F8), ("Tidx", INDICES)], build_v2),
    },
    Op {
        name: "Concat",
        inputs: &["concat_dim: int32", "values: N * T"],
        outputs: &["output: T"],
        attrs: &["N: int >= 2", "T: type"],
        effect: Effect::Pure,
        shape: shape_v1,
        kernels: Kernels::All(&[("T", POD_STRING_Q5_F8)], build_v1),
    },
];

/// Where axis and values lie among the inputs.
struct Places {
    name: &'static str,
    axis: usize,
    values: usize,
    count: usize,
}

fn places_v2(inputs: usize) -> Places {
    Places { name: "axis", axis: inputs.saturating_sub(1), values: 0, count: inputs.saturating_sub(1) }
}

fn places_v1(inputs: usize) -> Places {
    Places { name: "concat_dim", axis: 0, values: 1, count: inputs.saturating_sub(1) }
}

fn shape_v2(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    partial(ctx, &places_v2(ctx.inputs.len()))
}

fn shape_v1(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    partial(ctx, &places_v1(ctx.inputs.len()))
}

fn partial(ctx: &ShapeContext<'_>, places: &Places) -> Result<Vec<PartialShape>> {
    index::of_rank(ctx, places.axis, 0)?;
    let values = &ctx.inputs[places.values..places.values + places.count];
    let Some(rank) = values.iter().find_map(PartialShape::rank) else {
        return Ok(vec![PartialShape::unknown()]);
    };
    let Some(&[axis]) = ctx.integers(places.axis).as_deref() else {
        return Ok(vec![PartialShape::of_rank(rank)]);
    };
    let axis = place(axis, rank)?;
    let mut joined = Some(0);
    let mut others = PartialShape::of_rank(rank);
    for (i, value) in values.iter().enumerate() {
        joined = joined.zip(value.dim(axis)).map(|(sum, dim)| sum + dim);
        let Some(dims) = value.dims() else { continue };
        let rest = dims.iter().enumerate().map(|(j, &dim)| dim.filter(|_| j != axis));
        others = others.merge(&PartialShape::new(rest)).ok_or_else(|| {
            Error::invalid_argument(format!(
                "Dimensions must be equal or ranks must match: shape[0] = {} vs. shape[{i}] = {value}",
                values[0]
            ))
        })?;
    }
    let mut dims = others.dims().unwrap_or_default().to_vec();
    dims[axis] = joined;
    Ok(vec![PartialShape::new(dims)])
}

/// The axis from the front. TensorFlow keeps it in 32 bits, and what lies above is lost.
fn place(axis: i64, rank: usize) -> Result<usize> {
    let from_front = if axis < 0 { axis.wrapping_add(rank as i64) } else { axis } as i32;
    usize::try_from(from_front).ok().filter(|&axis| axis < rank).ok_or_else(|| out_of_range(axis, rank))
}

fn out_of_range(axis: i64, rank: usize) -> Error {
    Error::invalid_argument(format!(
        "ConcatOp : Expected concatenating dimensions in the range [{}, {rank}), but got {axis}",
        -(rank as i64)
    ))
}

fn build_v2(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| compute(ctx, &places_v2(ctx.input_len()))))
}

fn build_v1(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| compute(ctx, &places_v1(ctx.input_len()))))
}

fn compute(ctx: &mut Context<'_>, places: &Places) -> Result<()> {
    let (axis, shape) = joined(ctx, places)?;
    let first = ctx.input(places.values);
    let dtype = first.dtype();
    let mut filled = (0..places.count).filter(|&i| ctx.input(places.values + i).elements() > 0);
    let output = match (filled.next(), filled.next()) {
        (Some(only), None) => ctx.take(places.values + only).reshape(shape)?,
        _ => {
            let values: Vec<&Tensor> = (0..places.count).map(|i| ctx.input(places.values + i)).collect();
            let mut output = ctx.allocate(dtype, shape)?;
            by_unit!(dtype, U => join::<U>(&mut output, &values, axis))?;
            output
        }
    };
    ctx.set(0, output);
    Ok(())
}

/// The axis and the output's shape.
fn joined(ctx: &Context<'_>, places: &Places) -> Result<(usize, Shape)> {
    let axis = ctx.input(places.axis);
    let single = axis.rank() == 0 || axis.shape().dims() == [1];
    let Some(&axis) = axis.to_i64s()?.first().filter(|_| single) else {
        let text =
            format!("{} tensor should be a scalar integer, but got shape {}", places.name, axis.shape());
        return Err(Error::invalid_argument(text));
    };
    let first = ctx.input(places.values).shape();
    if first.rank() == 0 {
        return Err(Error::invalid_argument("ConcatOp : Can't concatenate scalars (use tf.stack instead)"));
    }
    let axis = place(axis, first.rank())?;
    let mut shape = first.clone();
    for i in 1..places.count {
        let other = ctx.input(places.values + i).shape();
        let versus = || format!("shape[0] = {first} vs. shape[{i}] = {other}");
        if other.rank() != first.rank() {
            return Err(Error::invalid_argument(format!(
                "ConcatOp : Ranks of all input tensors should match: {}",
                versus()
            )));
        }
        if let Some(j) = (0..first.rank()).find(|&j| j != axis && first[j] != other[j]) {
            return Err(Error::invalid_argument(format!(
                "ConcatOp : Dimension {j} in both shapes must be equal: {}",
                versus()
            )));
        }
        shape.dims_mut()[axis] += other[axis];
    }
    Ok((axis, shape))
}

/// Writes the values into `output` side by side along `axis`; all dimensions before it must be equal.
pub(crate) fn join<U: Unit>(output: &mut Tensor, values: &[&Tensor], axis: usize) -> Result<()> {
    let rows: usize = output.shape()[..axis].iter().product();
    let out = output.units_mut::<U>()?;
    if out.is_empty() {
        return Ok(());
    }
    let row_len = out.len() / rows;
    let sources: Vec<&[U]> = values.iter().map(|value| value.units::<U>()).collect::<Result<_>>()?;
    if rows == 1 {
        let mut rest = out;
        for source in sources {
            let (part, tail) = rest.split_at_mut(source.len());
            par::for_zip(part, source, strided::grain::<U>(), |out, source| out.clone_from_slice(source));
            rest = tail;
        }
        return Ok(());
    }
    par::for_rows_mut(out, row_len, (strided::grain::<U>() / row_len).max(1), |first, rows_out| {
        let mut at = 0;
        for source in &sources {
            let len = source.len() / rows;
            side_by_side(rows_out, row_len, at, &source[first * len..], len);
            at += len;
        }
    });
    Ok(())
}

/// Copies rows of `len` elements to column `at` of the rows of `out`.
fn side_by_side<U: Unit>(out: &mut [U], row_len: usize, at: usize, source: &[U], len: usize) {
    match len {
        0 => {}
        1 => {
            let column = out[at..].iter_mut().step_by(row_len);
            column.zip(source).for_each(|(o, v)| *o = v.clone());
        }
        _ => {
            for (row, value) in out.chunks_exact_mut(row_len).zip(source.chunks_exact(len)) {
                row[at..at + len].clone_from_slice(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("ConcatV2", "", "float[2,1] 1 2; float[2,2] 3 4 5 6; int32[] 1", "float[2,3] 1 3 4 2 5 6"),
                ("ConcatV2", "", "float[2,1] 1 2; float[2,1] 3 4; int32[] -1", "float[2,2] 1 3 2 4"),
                (
                    "ConcatV2",
                    "",
                    "string[1] 'a'; string[0]; string[2] 'b' 'c'; int64[] 0",
                    "string[3] 'a' 'b' 'c'",
                ),
                ("ConcatV2", "", "int32[0,2]; int32[1,2] 5 6; int32[] -2", "int32[1,2] 5 6"),
                ("ConcatV2", "", "bool[0,2]; bool[0,2]; int32[] 0", "bool[0,2]"),
                ("ConcatV2", "", "qint16[1] 1; qint16[1] -2; int32[] 0", "qint16[2] 1 -2"),
                (
                    "Concat",
                    "",
                    "int32[] 0; complex128[1] 1+2i; complex128[1] 3-4i",
                    "complex128[2] 1+2i 3-4i",
                ),
                ("Concat", "", "int32[] 1; int8[1,2,2] 1 2 3 4; int8[1,1,2] 5 6", "int8[1,3,2] 1 2 3 4 5 6"),
                (
                    "ConcatV2",
                    "",
                    "float[1] 1; float[1] 2; int32[] 1",
                    "INVALID_ARGUMENT: ConcatOp : Expected concatenating dimensions in the range [-1, 1), but got 1",
                ),
                (
                    "ConcatV2",
                    "",
                    "float[] 1; float[] 2; int32[] 0",
                    "INVALID_ARGUMENT: ConcatOp : Can't concatenate scalars (use tf.stack instead)",
                ),
                (
                    "ConcatV2",
                    "",
                    "float[1] 1; float[1,1] 2; int32[] 0",
                    "INVALID_ARGUMENT: ConcatOp : Ranks of all input tensors should match: shape[0] = [1] vs. shape[1] = [1,1]",
                ),
                (
                    "ConcatV2",
                    "",
                    "float[1,2] 1 2; float[1,1] 2; int32[] 0",
                    "INVALID_ARGUMENT: ConcatOp : Dimension 1 in both shapes must be equal: shape[0] = [1,2] vs. shape[1] = [1,1]",
                ),
                ("ConcatV2", "", "float[1] 1; float[1] 2; int64[] 4294967296", "float[2] 1 2"),
                (
                    "ConcatV2",
                    "",
                    "float[1] 1; float[1] 2; int32[2] 0 0",
                    "INVALID_ARGUMENT: axis tensor should be a scalar integer, but got shape [2]",
                ),
            ],
        );
    }
}
