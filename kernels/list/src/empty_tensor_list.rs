//! `EmptyTensorList` and `TensorListReserve`: where lists begin.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Result};

use crate::tensor_list::{TensorList, to_integer, to_partial_shape};

/// A list without elements, and a list of elements that are not set.
///
/// `max_num_elements` limits what can be pushed; -1 is no limit.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/EmptyTensorList>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorListReserve>
pub const OPS: &[Op] = &[
    Op {
        name: "EmptyTensorList",
        inputs: &["element_shape: shape_type", "max_num_elements: int32"],
        outputs: &["handle: variant"],
        attrs: &["element_dtype: type", "shape_type: {int32, int64}"],
        effect: Effect::Pure,
        shape: shape::scalar,
        kernels: Kernels::one(build_empty),
    },
    Op {
        name: "TensorListReserve",
        inputs: &["element_shape: shape_type", "num_elements: int32"],
        outputs: &["handle: variant"],
        attrs: &["element_dtype: type", "shape_type: {int32, int64}"],
        effect: Effect::Pure,
        shape: shape::scalar,
        kernels: Kernels::one(build_reserve),
    },
];

fn build_empty(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("element_dtype")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let max = ctx.input(1);
        let refuse = |shape: &_| format!("max_num_elements expected to be a scalar but got shape: {shape}");
        if max.rank() != 0 {
            return Err(Error::invalid_argument(refuse(max.shape())));
        }
        let max_elements = usize::try_from(to_integer(max, refuse)?).ok();
        let shape = to_partial_shape(ctx.input(0))?;
        ctx.set(0, TensorList { dtype, shape, max_elements, elements: Vec::new() }.into_tensor()?);
        Ok(())
    }))
}

fn build_reserve(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("element_dtype")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let shape = to_partial_shape(ctx.input(0))?;
        let len = ctx.input(1);
        let refuse =
            |shape: &_| format!("The num_elements to reserve must be a tensor size 1, but got {shape}");
        if len.rank() != 0 {
            return Err(Error::invalid_argument(refuse(len.shape())));
        }
        let len = to_integer(len, refuse)?;
        let len = usize::try_from(len).map_err(|_| {
            Error::invalid_argument(format!(
                "The num_elements to reserve must be a non negative number, but got {len}"
            ))
        })?;
        ctx.set(0, TensorList::unset(dtype, shape, len, &ctx.run())?.into_tensor()?);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        crate::cases::check(&[
            ("EmptyTensorList", "element_dtype=float", "int32[] -1; int32[] -1", "list float <unknown>"),
            ("EmptyTensorList", "element_dtype=int32", "int64[2] -1 3; int32[] 2", "list int32 [?,3] max 2"),
            ("EmptyTensorList", "element_dtype=int32", "int64[0]; int32[] 0", "list int32 [] max 0"),
            (
                "EmptyTensorList",
                "element_dtype=int32",
                "int32[1] 2; int32[1] 3",
                "INVALID_ARGUMENT: max_num_elements expected to be a scalar but got shape: [1]",
            ),
            (
                "EmptyTensorList",
                "element_dtype=int32",
                "int32[1] -2; int32[] 3",
                "INVALID_ARGUMENT: Dimension -2 must be >= -1",
            ),
            (
                "TensorListReserve",
                "element_dtype=string",
                "int32[] -1; int32[] 2",
                "list string <unknown> | - | -",
            ),
            ("TensorListReserve", "element_dtype=float", "int32[1] 4; int32[] 0", "list float [4]"),
            (
                "TensorListReserve",
                "element_dtype=float",
                "int32[1] 4; int32[] -1",
                "INVALID_ARGUMENT: The num_elements to reserve must be a non negative number, but got -1",
            ),
            (
                "TensorListReserve",
                "element_dtype=float",
                "int32[1] 4; int32[1] 1",
                "INVALID_ARGUMENT: The num_elements to reserve must be a tensor size 1, but got [1]",
            ),
        ]);
    }
}
