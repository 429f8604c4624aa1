//! `TensorListStack` and `TensorListGather`: elements of a list as one tensor.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

use crate::dtypes::ELEMENTS;
use crate::tensor_list::{TensorList, known_shape, list_of, merge_all, stacked, write_all};

/// Stacks all elements of a list, or those at some indices, along a new first dimension.
///
/// The elements must have one shape; those that are not set are zeros of it. Indices of any shape count as a vector.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorListStack>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorListGather>
pub const OPS: &[Op] = &[
    Op {
        name: "TensorListStack",
        inputs: &["input_handle: variant", "element_shape: int32"],
        outputs: &["tensor: element_dtype"],
        attrs: &["element_dtype: type", "num_elements: int = -1"],
        effect: Effect::Pure,
        shape: |ctx| {
            let len = ctx.attr("num_elements").and_then(|n: i64| usize::try_from(n).ok());
            Ok(vec![stacked(len, &known_shape(ctx, 1))])
        },
        kernels: Kernels::All(&[("element_dtype", ELEMENTS)], build_stack),
    },
    Op {
        name: "TensorListGather",
        inputs: &["input_handle: variant", "indices: int32", "element_shape: int32"],
        outputs: &["values: element_dtype"],
        attrs: &["element_dtype: type"],
        effect: Effect::Pure,
        shape: gathered,
        kernels: Kernels::All(&[("element_dtype", ELEMENTS)], build_gather),
    },
];

fn gathered(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let count = ctx.input(1).known().map(|indices| indices.elements());
    Ok(vec![stacked(count, &known_shape(ctx, 2))])
}

fn build_stack(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("element_dtype")?;
    let wanted: i64 = node.attr("num_elements")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let list = list_of(ctx, 0, dtype)?;
        let len = list.elements.len();
        if wanted != -1 && len as i64 != wanted {
            return Err(Error::invalid_argument(format!(
                "Operation expected a list with {wanted} elements but got a list with {len} elements."
            )));
        }
        let shape = list.merged_shape(ctx.input(1))?;
        if len == 0 && shape.known().is_none() {
            return Err(Error::invalid_argument(format!(
                "Tried to stack elements of an empty list with non-fully-defined element_shape: {shape}"
            )));
        }
        let refuse = "Tried to stack list which only contains uninitialized tensors and has a";
        let output = join(ctx, list, list.elements.iter().map(Option::as_ref), (shape, refuse))?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn build_gather(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("element_dtype")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let list = list_of(ctx, 0, dtype)?;
        let indices = ctx.input(1).as_slice::<i32>()?;
        let shape = list.merged_shape(ctx.input(2))?;
        if indices.is_empty() && shape.known().is_none() {
            return Err(Error::invalid_argument(format!(
                "Tried to gather 0-elements from a list with non-fully-defined shape: {shape}"
            )));
        }
        let element = |&i: &i32| {
            let found = usize::try_from(i).ok().and_then(|i| list.elements.get(i));
            found.map(Option::as_ref).ok_or_else(|| {
                Error::invalid_argument(format!(
                    "Index {i} out o range; list only has {} elements.",
                    list.elements.len()
                ))
            })
        };
        let elements = indices.iter().map(element).collect::<Result<Vec<_>>>()?;
        let refuse = "Tried to gather uninitialized tensors from a list with";
        let output = join(ctx, list, elements.iter().copied(), (shape, refuse))?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// Stacks elements of the shape that `shape` and the elements tell together.
fn join<'a>(
    ctx: &Context<'_>,
    list: &TensorList,
    elements: impl ExactSizeIterator<Item = Option<&'a Tensor>> + Clone,
    (mut shape, refuse): (PartialShape, &str),
) -> Result<Tensor> {
    if list.shape.known().is_none() {
        shape = merge_all(shape, elements.clone().flatten())?;
    }
    let mut shape = shape.known().ok_or_else(|| {
        Error::invalid_argument(format!("{refuse} non-fully-defined element_shape: {shape}"))
    })?;
    let len = shape.elements();
    shape.insert(0, elements.len());
    let mut output = ctx.allocate(list.dtype, shape)?;
    write_all(&mut output, elements.map(|element| (element, len)))?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    #[test]
    fn stack() {
        crate::cases::check(&[
            (
                "TensorListStack",
                "element_dtype=float",
                "list float [2] | 1 2 | - | 3 4; int32[1] 2",
                "float[3,2] 1 2 0 0 3 4",
            ),
            (
                "TensorListStack",
                "element_dtype=string num_elements=2",
                "list string <unknown> | string[1] 'a' | -; int32[] -1",
                "string[2,1] 'a' ''",
            ),
            ("TensorListStack", "element_dtype=int8", "list int8 [?]; int32[1] 3", "int8[0,3]"),
            (
                "TensorListStack",
                "element_dtype=int8",
                "list int8 [?]; int32[1] -1",
                "INVALID_ARGUMENT: Tried to stack elements of an empty list with non-fully-defined element_shape: [?]",
            ),
            (
                "TensorListStack",
                "element_dtype=int8",
                "list int8 [?] | -; int32[] -1",
                "INVALID_ARGUMENT: Tried to stack list which only contains uninitialized tensors and has a \
                 non-fully-defined element_shape: [?]",
            ),
            (
                "TensorListStack",
                "element_dtype=int8",
                "list int8 [?] | int8[1] 1 | int8[2] 1 2; int32[] -1",
                "INVALID_ARGUMENT: PartialTensorShape: Incompatible shapes during merge: [1] vs. [2]",
            ),
            (
                "TensorListStack",
                "element_dtype=int8",
                "list int8 <unknown> | int8[1] 1 | int8[2,1] 1 2; int32[] -1",
                "INVALID_ARGUMENT: PartialTensorShape: Incompatible ranks during merge: 1 vs. 2",
            ),
            (
                "TensorListStack",
                "element_dtype=int8 num_elements=2",
                "list int8 [?]; int32[1] 3",
                "INVALID_ARGUMENT: Operation expected a list with 2 elements but got a list with 0 elements.",
            ),
            (
                "TensorListStack",
                "element_dtype=int16",
                "list int8 [?]; int32[1] 3",
                "INVALID_ARGUMENT: Invalid data types; op elements int16 but list elements int8",
            ),
        ]);
    }

    #[test]
    fn gather() {
        crate::cases::check(&[
            (
                "TensorListGather",
                "element_dtype=float",
                "list float [?] | float[2] 1 2 | - | float[2] 3 4; int32[2,2] 2 0 1 2; int32[] -1",
                "float[4,2] 3 4 1 2 0 0 3 4",
            ),
            ("TensorListGather", "element_dtype=float", "list float [2]; int32[0]; int32[] -1", "float[0,2]"),
            (
                "TensorListGather",
                "element_dtype=float",
                "list float [2] | -; int32[1] -1; int32[] -1",
                "INVALID_ARGUMENT: Index -1 out o range; list only has 1 elements.",
            ),
            (
                "TensorListGather",
                "element_dtype=float",
                "list float [?] | -; int32[0]; int32[] -1",
                "INVALID_ARGUMENT: Tried to gather 0-elements from a list with non-fully-defined shape: [?]",
            ),
            (
                "TensorListGather",
                "element_dtype=float",
                "list float [?] | -; int32[1] 0; int32[] -1",
                "INVALID_ARGUMENT: Tried to gather uninitialized tensors from a list with non-fully-defined",
            ),
        ]);
    }
}
