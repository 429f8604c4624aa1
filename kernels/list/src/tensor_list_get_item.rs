//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op};
use savedmodel_tensor::{DType, Error, Result};

use crate::dtypes::ELEMENTS;
use crate::tensor_list::{known_shape, list_of, to_integer};

/// Gives one element of a list.
///
/// An element that is not set is zeros, if `element_shape`, the list and its other elements tell the shape.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorListGetItem>
pub const OP: Op = Op {
    name: "TensorListGetItem",
    inputs: &["input_handle: variant", "index: int32", "element_shape: Tshape"],
    outputs: &["item: element_dtype"],
    attrs: &["element_dtype: type", "Tshape: {int32, int64} = DT_INT32"],
    effect: Effect::Pure,
    shape: |ctx| Ok(vec![known_shape(ctx, 2)]),
    kernels: Kernels::All(&[("element_dtype", ELEMENTS)], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("element_dtype")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let list = list_of(ctx, 0, dtype)?;
        let index =
            to_integer(ctx.input(1), |shape| format!("Expected argument 1 to be a scalar, got {shape}"))?;
        let len = list.elements.len();
        let at = usize::try_from(index).ok().filter(|&i| i < len).ok_or_else(|| {
            Error::invalid_argument(format!(
                "Trying to access element {index} in a list with {len} elements."
            ))
        })?;
        let item = list.get(at, ctx.input(2), &ctx.run())?;
        ctx.set(0, item);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "TensorListGetItem";
        crate::cases::check(&[
            (op, "element_dtype=float", "list float [2] | 1 2 | 3 4; int32[] 1; int32[1] 2", "float[2] 3 4"),
            (op, "element_dtype=float", "list float [2] | -; int32[1] 0; int64[] -1", "float[2] 0 0"),
            (op, "element_dtype=float", "list float [?] | -; int32[] 0; int64[1] 1", "float[1] 0"),
            (
                op,
                "element_dtype=string",
                "list string [?] | - | string[1] 'a'; int32[] 0; int64[] -1",
                "string[1] ''",
            ),
            (
                op,
                "element_dtype=float",
                "list float [?] | -; int32[] 0; int64[] -1",
                "INVALID_ARGUMENT: Trying to read an uninitialized tensor but element_shape is not fully defined: [?] \
                 and no list element is set.",
            ),
            (
                op,
                "element_dtype=float",
                "list float [?] | -; int32[] 1; int64[] -1",
                "INVALID_ARGUMENT: Trying to access element 1 in a list with 1 elements.",
            ),
            (
                op,
                "element_dtype=float",
                "list float [?] | -; int32[] -1; int64[] -1",
                "INVALID_ARGUMENT: Trying to access element -1 in a list with 1 elements.",
            ),
            (
                op,
                "element_dtype=float",
                "list float [?] | -; int32[] 0; int64[2] 2 2",
                "INVALID_ARGUMENT: PartialTensorShape: Incompatible ranks during merge: 2 vs. 1",
            ),
            (
                op,
                "element_dtype=int32",
                "list float [?] | -; int32[] 0; int64[] -1",
                "INVALID_ARGUMENT: Invalid data types; op elements int32 but list elements float",
            ),
            (
                op,
                "element_dtype=float",
                "[list float [2] & list float [2]]; int32[] 0; int64[] -1",
                "INVALID_ARGUMENT: Input list must be a scalar saw: [2]",
            ),
        ]);
    }
}
