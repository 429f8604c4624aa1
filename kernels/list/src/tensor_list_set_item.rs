//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Result};

use crate::tensor_list::{TensorList, list_of, to_integer};

/// Replaces one element of a list, in place if nobody else holds the list.
///
/// With `resize_if_index_out_of_bounds`, an index beyond the end makes the list longer.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorListSetItem>
pub const OP: Op = Op {
    name: "TensorListSetItem",
    inputs: &["input_handle: variant", "index: int32", "item: element_dtype"],
    outputs: &["output_handle: variant"],
    attrs: &["element_dtype: type", "resize_if_index_out_of_bounds: bool = false"],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("element_dtype")?;
    let resize: bool = node.attr("resize_if_index_out_of_bounds")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let list = list_of(ctx, 0, dtype)?;
        let index = ctx.input(1);
        let refuse = |shape: &_| format!("Expected argument 1 to be a scalar, got {shape}");
        if index.rank() != 0 {
            return Err(Error::invalid_argument(refuse(index.shape())));
        }
        let index = to_integer(index, refuse)?;
        let len = list.elements.len();
        let at = usize::try_from(index).ok().filter(|&i| i < len || resize).ok_or_else(|| {
            Error::invalid_argument(format!(
                "Trying to modify element {index} in a list with {len} elements."
            ))
        })?;
        let item = ctx.input(2).shape();
        if !list.shape.accepts(item) {
            return Err(Error::invalid_argument(format!(
                "Tried to set a tensor with incompatible shape at a list index. Item element shape: {item} list \
                 shape: {}",
                list.shape
            )));
        }
        let (mut handle, item) = (ctx.take(0), ctx.take(2));
        let list = TensorList::of_mut(&mut handle)?;
        if at >= len {
            list.resize(at + 1, &ctx.run())?;
        }
        list.elements[at] = Some(item);
        ctx.set(0, handle);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::OpTest;
    use savedmodel_tensor::{PartialShape, Tensor};

    #[test]
    fn table() {
        let op = "TensorListSetItem";
        let grow = "resize_if_index_out_of_bounds=true";
        crate::cases::check(&[
            (op, "", "list float [2] | - | -; int32[] 1; float[2] 3 4", "list float [2] | - | 3 4"),
            (op, "", "list float [?] | float[1] 1; int32[] 0; float[0]", "list float [?] | float[0]"),
            (op, grow, "list string [1]; int32[] 1; string[1] 'a'", "list string [1] | - | 'a'"),
            (
                op,
                "",
                "list float [2] | -; int32[] 1; float[2] 3 4",
                "INVALID_ARGUMENT: Trying to modify element 1 in a list with 1 elements.",
            ),
            (
                op,
                grow,
                "list float [2] | -; int32[] -1; float[2] 3 4",
                "INVALID_ARGUMENT: Trying to modify element -1 in a list with 1 elements.",
            ),
            (
                op,
                "",
                "list float [2] | -; int32[] 0; float[3] 3 4 5",
                "INVALID_ARGUMENT: Tried to set a tensor with incompatible shape at a list index. Item element shape: \
                 [3] list shape: [2]",
            ),
            (
                op,
                "",
                "list float [2] | -; int32[] 0; int32[2] 3 4",
                "INVALID_ARGUMENT: Invalid data types; op elements int32 but list elements float",
            ),
        ]);
    }

    #[test]
    fn in_place() {
        let elements = vec![None; 2];
        let shape = PartialShape::unknown();
        let list = TensorList { dtype: DType::Int32, shape, max_elements: None, elements };
        let handle = list.into_tensor().unwrap();
        let before: *const TensorList = TensorList::of(&handle).unwrap();
        let set = |handle: Tensor, i: i32| {
            OpTest::new(&OP)
                .input(handle)
                .input(Tensor::scalar(i))
                .input(Tensor::scalar(7_i32))
                .run()
                .unwrap()
                .remove(0)
        };
        let handle = set(set(handle, 0), 1);
        assert!(std::ptr::eq(before, TensorList::of(&handle).unwrap()));
        let other = set(handle.clone(), 0);
        assert!(!std::ptr::eq(before, TensorList::of(&other).unwrap()));
    }
}
