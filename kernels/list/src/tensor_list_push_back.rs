//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Result};

use crate::tensor_list::{TensorList, list_of};

/// Adds an element to the end of a list, in place if nobody else holds the list.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorListPushBack>
pub const OP: Op = Op {
    name: "TensorListPushBack",
    inputs: &["input_handle: variant", "tensor: element_dtype"],
    outputs: &["output_handle: variant"],
    attrs: &["element_dtype: type"],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("element_dtype")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let list = list_of(ctx, 0, dtype)?;
        let shape = ctx.input(1).shape();
        if !list.shape.accepts(shape) {
            return Err(Error::invalid_argument(format!(
                "Tried to append a tensor with incompatible shape to a list. Op element shape: {shape} list shape: {}",
                list.shape
            )));
        }
        let len = list.elements.len();
        if let Some(max) = list.max_elements.filter(|&max| len >= max) {
            return Err(Error::invalid_argument(format!(
                "Tried to push item into a full list list size: {len} max_num_elements: {max}"
            )));
        }
        let (mut handle, tensor) = (ctx.take(0), ctx.take(1));
        TensorList::of_mut(&mut handle)?.elements.push(Some(tensor));
        ctx.set(0, handle);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "TensorListPushBack";
        crate::cases::check(&[
            (op, "", "list float [2] | -; float[2] 1 2", "list float [2] | - | 1 2"),
            (
                op,
                "",
                "list string <unknown> max 1; string[] 'a'",
                "list string <unknown> max 1 | string[] 'a'",
            ),
            (
                op,
                "",
                "list float [2] max 1 | -; float[2] 1 2",
                "INVALID_ARGUMENT: Tried to push item into a full list list size: 1 max_num_elements: 1",
            ),
            (
                op,
                "",
                "list float [2]; float[1] 1",
                "INVALID_ARGUMENT: Tried to append a tensor with incompatible shape to a list. Op element shape: [1] \
                 list shape: [2]",
            ),
            (
                op,
                "",
                "list float [2]; int8[2] 1 2",
                "INVALID_ARGUMENT: Invalid data types; op elements int8 but list elements float",
            ),
        ]);
    }
}
