//! See [`OP`].

use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Tensor};

use crate::index;

/// Tells where each of several tensors begins in their concatenation, given their shapes.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ConcatOffset>
pub const OP: Op = Op {
    name: "ConcatOffset",
    inputs: &["concat_dim: int32", "shape: N * shape_type"],
    outputs: &["offset: N * shape_type"],
    attrs: &["N: int >= 2", "shape_type: {int32, int64} = DT_INT32"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("shape_type", INDICES)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(ctx.inputs[1..].to_vec())
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let axis = ctx.input(0);
        let axis = index::scalar(axis, || {
            let text =
                format!("Concat dim tensor should be a scalar integer, but got shape {}", axis.shape());
            Error::invalid_argument(text)
        })?;
        let shapes: Vec<&Tensor> = ctx.inputs(1).collect();
        let dtype = shapes[0].dtype();
        let offsets = offsets(axis, &shapes)?;
        for (i, offset) in offsets.iter().enumerate() {
            ctx.set(i, index::tensor(dtype, [offset.len()], offset)?);
        }
        Ok(())
    }))
}

fn offsets(axis: i64, shapes: &[&Tensor]) -> Result<Vec<Vec<i64>>> {
    if let Some(i) = shapes.iter().position(|shape| shape.rank() != 1) {
        return Err(Error::invalid_argument(format!(
            "input {} should be a vector, but got shape {}",
            i + 1,
            shapes[i].shape()
        )));
    }
    let rank = shapes[0].elements();
    let place = index::axis(axis, rank)
        .ok_or_else(|| Error::invalid_argument(format!("Concat dim is out of range: {axis} vs. {rank}")))?;
    let first = shapes[0].to_i64s()?;
    let mut offset = 0_i64;
    let mut all = Vec::with_capacity(shapes.len());
    for (i, shape) in shapes.iter().enumerate() {
        let dims = shape.to_i64s()?;
        if dims.len() != rank {
            let text = format!("input {i} should contain {rank} elements, but got {}", dims.len());
            return Err(Error::invalid_argument(text));
        }
        if (0..rank).any(|j| j != place && dims[j] != first[j]) {
            return Err(Error::invalid_argument(format!(
                "All dimensions except {place} must match. Input {i} has shape [{}] and doesn't match input 0 with \
                 shape [{}].",
                spaced(&dims),
                spaced(&first)
            )));
        }
        let mut own = vec![0; rank];
        own[place] = offset;
        all.push(own);
        offset = offset.wrapping_add(dims[place]);
    }
    Ok(all)
}

fn spaced(dims: &[i64]) -> String {
    dims.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                (
                    "ConcatOffset",
                    "N=2",
                    "int32[] 1; int32[2] 2 3; int32[2] 2 5",
                    "int32[2] 0 0; int32[2] 0 3",
                ),
                (
                    "ConcatOffset",
                    "N=3",
                    "int32[] -2; int64[2] 2 3; int64[2] 4 3; int64[2] 1 3",
                    "int64[2] 0 0; int64[2] 2 0; int64[2] 6 0",
                ),
                (
                    "ConcatOffset",
                    "N=2",
                    "int32[] 1; int32[2] 2 3; int32[2] 4 5",
                    "INVALID_ARGUMENT: All dimensions except 1 must match. Input 1 has shape [4 5] and doesn't match input 0 with shape [2 3].",
                ),
                (
                    "ConcatOffset",
                    "N=2",
                    "int32[] 2; int32[2] 2 3; int32[2] 4 5",
                    "INVALID_ARGUMENT: Concat dim is out of range: 2 vs. 2",
                ),
                (
                    "ConcatOffset",
                    "N=2",
                    "int32[1] 1; int32[2] 2 3; int32[2] 2 5",
                    "INVALID_ARGUMENT: Concat dim tensor should be a scalar integer, but got shape [1]",
                ),
                (
                    "ConcatOffset",
                    "N=2",
                    "int32[] 1; int32[2] 2 3; int32[3] 2 5 1",
                    "INVALID_ARGUMENT: input 1 should contain 2 elements, but got 3",
                ),
                (
                    "ConcatOffset",
                    "N=2",
                    "int32[] 1; int32[] 2; int32[2] 2 5",
                    "INVALID_ARGUMENT: input 1 should be a vector, but got shape []",
                ),
            ],
        );
    }
}
