//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

use crate::dtypes::ELEMENTS;
use crate::tensor_list::{TensorList, known_shape, list_of, zeros};

/// Takes the last element from a list.
///
/// An element that is not set is zeros, if `element_shape` and the list tell the shape; other elements are not asked.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorListPopBack>
pub const OP: Op = Op {
    name: "TensorListPopBack",
    inputs: &["input_handle: variant", "element_shape: int32"],
    outputs: &["output_handle: variant", "tensor: element_dtype"],
    attrs: &["element_dtype: type"],
    effect: Effect::Pure,
    shape: |ctx| Ok(vec![PartialShape::of_rank(0), known_shape(ctx, 1)]),
    kernels: Kernels::All(&[("element_dtype", ELEMENTS)], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("element_dtype")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let tensor = last(ctx, dtype)?;
        let mut handle = ctx.take(0);
        TensorList::of_mut(&mut handle)?.elements.pop();
        ctx.set(0, handle);
        ctx.set(1, tensor);
        Ok(())
    }))
}

fn last(ctx: &Context<'_>, dtype: DType) -> Result<Tensor> {
    let list = list_of(ctx, 0, dtype)?;
    match list.elements.last() {
        None => Err(Error::invalid_argument("Trying to pop from an empty list.")),
        Some(Some(tensor)) => Ok(tensor.clone()),
        Some(None) => {
            let shape = list.merged_shape(ctx.input(1))?;
            let shape = shape.known().ok_or_else(|| {
                Error::invalid_argument(format!(
                    "Trying to read an uninitialized tensor but element_shape is not fully defined.{shape}"
                ))
            })?;
            zeros(dtype, shape, &ctx.run())
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "TensorListPopBack";
        crate::cases::check(&[
            (
                op,
                "element_dtype=int8",
                "list int8 [2] | - | 1 2; int32[] -1",
                "list int8 [2] | -; int8[2] 1 2",
            ),
            (op, "element_dtype=int8", "list int8 [?] | -; int32[1] 3", "list int8 [?]; int8[3] 0 0 0"),
            (
                op,
                "element_dtype=int8",
                "list int8 [?] | int8[1] 1 | -; int32[] -1",
                "INVALID_ARGUMENT: Trying to read an uninitialized tensor but element_shape is not fully defined.[?]",
            ),
            (
                op,
                "element_dtype=int8",
                "list int8 [?]; int32[] -1",
                "INVALID_ARGUMENT: Trying to pop from an empty list.",
            ),
            (
                op,
                "element_dtype=int32",
                "list int8 [?]; int32[] -1",
                "INVALID_ARGUMENT: Invalid data types; op elements int32 but list elements int8",
            ),
        ]);
    }
}
