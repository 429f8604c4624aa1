//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Result, Shape, Tensor, Variant};

use crate::TensorList;
use crate::dtypes::ELEMENTS;

/// Adds to each list of a vector of lists the row of a tensor.
///
/// Limits on the number of elements are not looked at, as in TensorFlow.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorListPushBackBatch>
pub const OP: Op = Op {
    name: "TensorListPushBackBatch",
    inputs: &["input_handles: variant", "tensor: element_dtype"],
    outputs: &["output_handles: variant"],
    attrs: &["element_dtype: type"],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::All(&[("element_dtype", ELEMENTS)], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("element_dtype")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        check(ctx.input(0), ctx.input(1), dtype)?;
        let mut handles = ctx.take(0);
        let tensor = ctx.input(1);
        for (i, list) in handles.units_mut::<Variant>()?.iter_mut().enumerate() {
            let list =
                list.make_mut::<TensorList>().ok_or_else(|| Error::internal("a list changed its type"))?;
            list.elements.push(Some(tensor.row(i)?));
        }
        ctx.set(0, handles);
        Ok(())
    }))
}

fn check(handles: &Tensor, tensor: &Tensor, dtype: DType) -> Result<()> {
    let refuse = |what: String| Err(Error::invalid_argument(what));
    let Some((&rows, element)) = tensor.shape().split_first() else {
        return refuse("Expected tensor to be at least a vector, but saw shape: []".to_owned());
    };
    if handles.rank() != 1 {
        return refuse(format!("Expected input_handles to be a vector, but saw shape: {}", handles.shape()));
    }
    if rows != handles.elements() {
        return refuse(format!(
            "Expected tensor.shape[0] == input_handles.size, but saw {rows} vs. {}",
            handles.elements()
        ));
    }
    let element = Shape::from(element);
    for (i, variant) in handles.variants()?.iter().enumerate() {
        let Some(list) = variant.get::<TensorList>() else {
            return refuse(format!("Input handle at index {i} is not a list. Saw: '{variant:?}'"));
        };
        if !list.shape.accepts(&element) {
            return refuse(format!(
                "Tried to append a tensor with incompatible shape to a list at index {i}. Op element shape: {element} \
                 list shape: {}",
                list.shape
            ));
        }
        if list.dtype != dtype {
            return refuse(format!(
                "Invalid data type at index {i}; op elements {dtype} but list elements {}",
                list.dtype
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "TensorListPushBackBatch";
        crate::cases::check(&[
            (
                op,
                "",
                "[list int8 [2] & list int8 [?] | int8[1] 5]; int8[2,2] 1 2 3 4",
                "[list int8 [2] | 1 2 & list int8 [?] | int8[1] 5 | int8[2] 3 4]",
            ),
            (
                op,
                "",
                "[list int8 [2]]; int8[] 1",
                "INVALID_ARGUMENT: Expected tensor to be at least a vector, but saw shape: []",
            ),
            (
                op,
                "",
                "list int8 [2]; int8[1,2] 1 2",
                "INVALID_ARGUMENT: Expected input_handles to be a vector, but saw shape: []",
            ),
            (
                op,
                "",
                "[list int8 [2]]; int8[2,1] 1 2",
                "INVALID_ARGUMENT: Expected tensor.shape[0] == input_handles.size, but saw 2 vs. 1",
            ),
            (
                op,
                "",
                "[list int8 [2]]; int8[1,1] 1",
                "INVALID_ARGUMENT: Tried to append a tensor with incompatible shape to a list at index 0. Op element \
                 shape: [1] list shape: [2]",
            ),
            (
                op,
                "",
                "[list int8 [2]]; int16[1,2] 1 2",
                "INVALID_ARGUMENT: Invalid data type at index 0; op elements int16 but list elements int8",
            ),
        ]);
    }
}
