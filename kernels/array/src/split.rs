//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::DType::{self, *};
use savedmodel_tensor::{Error, PartialShape, Result, Tensor, Unit, by_unit};

use crate::layout::Layout;
use crate::{index, strided};

/// Cuts a tensor into equal parts along an axis.
///
/// Parts along the outermost axis that is larger than one share the input's memory.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Split>
pub const OP: Op = Op {
    name: "Split",
    inputs: &["split_dim: int32", "value: T"],
    outputs: &["output: num_split * T"],
    attrs: &["num_split: int >= 1", "T: type"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", DTYPES)], build),
};

/// The dtypes that `Split` and `SplitV` take.
pub(crate) const DTYPES: &[DType] = &[
    Float,
    Double,
    Half,
    Bfloat16,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Bool,
    Complex64,
    Complex128,
    String,
    Resource,
    Variant,
    Quint8,
    Int4,
    Uint4,
    Float8E5m2,
    Float8E4m3fn,
];

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let value = ctx.input(1);
    let Some(dims) = value.dims() else { return Ok(vec![value; ctx.outputs]) };
    let mut dims = dims.to_vec();
    match ctx.integers(0).as_deref() {
        Some(&[axis]) => {
            let axis = place(axis, dims.len())?;
            dims[axis] = dims[axis].map(|size| part(axis, size, ctx.outputs)).transpose()?;
        }
        _ => dims.fill(None),
    }
    Ok(vec![PartialShape::new(dims); ctx.outputs])
}

/// The axis that `split_dim` means.
pub(crate) fn place(axis: i64, rank: usize) -> Result<usize> {
    index::axis(axis, rank).ok_or_else(|| {
        Error::invalid_argument(format!(
            "-input rank(-{rank}) <= split_dim < input rank ({rank}), but got {axis}"
        ))
    })
}

fn part(axis: usize, size: usize, count: usize) -> Result<usize> {
    if !size.is_multiple_of(count) {
        return Err(Error::invalid_argument(format!(
            "Number of ways to split should evenly divide the split dimension, but got split_dim {axis} (size = \
             {size}) and num_split {count}"
        )));
    }
    Ok(size / count)
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let axis = ctx.input(0);
        let axis = index::scalar(axis, || {
            Error::invalid_argument(format!("split_dim must be a scalar but has rank {}", axis.rank()))
        })?;
        let value = ctx.take(1);
        let axis = place(axis, value.rank())?;
        let size = part(axis, value.shape()[axis], ctx.output_len())?;
        for i in 0..ctx.output_len() {
            let output = by_unit!(value.dtype(), U => cut::<U>(ctx, &value, axis, i * size, size))?;
            ctx.set(i, output);
        }
        Ok(())
    }))
}

/// The part of `value` that begins at `begin` along `axis` and is `size` long there, which must lie inside.
pub(crate) fn cut<U: Unit>(
    ctx: &Context<'_>,
    value: &Tensor,
    axis: usize,
    begin: usize,
    size: usize,
) -> Result<Tensor> {
    if axis == 0 {
        return value.rows(begin, begin + size);
    }
    let mut shape = value.shape().clone();
    shape.dims_mut()[axis] = size;
    if value.shape()[..axis].iter().all(|&dim| dim == 1) {
        return value.clone().reshape(&value.shape()[axis..])?.rows(begin, begin + size)?.reshape(shape);
    }
    let mut from = vec![0; value.rank()];
    from[axis] = begin;
    let layout = Layout::window(value.shape(), &from, &shape);
    let mut output = ctx.allocate(value.dtype(), shape)?;
    strided::gather(output.units_mut::<U>()?, value.units()?, &layout);
    Ok(output)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("Split", "num_split=2", "int32[] 0; float[4] 1 2 3 4", "float[2] 1 2; float[2] 3 4"),
                (
                    "Split",
                    "num_split=2",
                    "int32[] 1; float[2,4] 1 2 3 4 5 6 7 8",
                    "float[2,2] 1 2 5 6; float[2,2] 3 4 7 8",
                ),
                (
                    "Split",
                    "num_split=2",
                    "int32[] -2; string[2,2,1] 'a' 'b' 'c' 'd'",
                    "string[2,1,1] 'a' 'c'; string[2,1,1] 'b' 'd'",
                ),
                ("Split", "num_split=1", "int32[] 0; bool[2] true false", "bool[2] true false"),
                ("Split", "num_split=3", "int32[] 0; float[0,2]", "float[0,2]; float[0,2]; float[0,2]"),
                ("Split", "num_split=2", "int32[] 1; quint8[1,2] 1 2", "quint8[1,1] 1; quint8[1,1] 2"),
                (
                    "Split",
                    "num_split=3",
                    "int32[] 0; float[4] 1 2 3 4",
                    "INVALID_ARGUMENT: Number of ways to split should evenly divide the split dimension, but got split_dim 0 (size = 4) and num_split 3",
                ),
                (
                    "Split",
                    "num_split=2",
                    "int32[] 1; float[4] 1 2 3 4",
                    "INVALID_ARGUMENT: -input rank(-1) <= split_dim < input rank (1), but got 1",
                ),
                (
                    "Split",
                    "num_split=2",
                    "int32[1] 0; float[4] 1 2 3 4",
                    "INVALID_ARGUMENT: split_dim must be a scalar but has rank 1",
                ),
                (
                    "Split",
                    "num_split=1",
                    "int32[] 0; float[] 1",
                    "INVALID_ARGUMENT: -input rank(-0) <= split_dim < input rank (0), but got 0",
                ),
            ],
        );
    }
}
