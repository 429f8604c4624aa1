//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor};

use crate::dtypes::ELEMENTS;
use crate::tensor_list::{TensorList, to_partial_shape};

/// Makes a list of pieces of a tensor, cut along its first dimension; the pieces share the tensor's memory.
///
/// The first dimension of `element_shape` is not held against the pieces, as in TensorFlow.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorListSplit>
pub const OP: Op = Op {
    name: "TensorListSplit",
    inputs: &["tensor: element_dtype", "element_shape: shape_type", "lengths: int64"],
    outputs: &["output_handle: variant"],
    attrs: &["element_dtype: type", "shape_type: {int32, int64}"],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::All(&[("element_dtype", ELEMENTS)], build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let shape = to_partial_shape(ctx.input(1))?;
        let tensor = ctx.input(0);
        check(tensor, &shape)?;
        let elements = pieces(tensor, ctx.input(2))?;
        ctx.set(0, TensorList { dtype: tensor.dtype(), shape, max_elements: None, elements }.into_tensor()?);
        Ok(())
    }))
}

fn check(tensor: &Tensor, shape: &PartialShape) -> Result<()> {
    let refuse = |what: String| Err(Error::invalid_argument(what));
    if shape.rank() == Some(0) {
        return refuse(
            "TensorListSplit requires element_shape to be at least of rank 1, but saw: []".to_owned(),
        );
    }
    let Some((_, row)) = tensor.shape().split_first() else {
        return refuse("Tensor must be at least a vector, but saw shape: []".to_owned());
    };
    let fits = shape
        .dims()
        .is_none_or(|dims| PartialShape::new(dims[1..].iter().copied()).accepts(&Shape::from(row)));
    if fits {
        return Ok(());
    }
    refuse(format!("tensor shape {} is not compatible with element_shape {shape}", tensor.shape()))
}

fn pieces(tensor: &Tensor, lengths: &Tensor) -> Result<Vec<Option<Tensor>>> {
    let refuse = |what: String| Err(Error::invalid_argument(what));
    if lengths.rank() != 1 {
        return refuse(format!("Expected lengths to be a vector, received shape: {}", lengths.shape()));
    }
    let rows = tensor.shape()[0];
    let mut start = 0;
    let mut pieces = Vec::with_capacity(lengths.elements());
    for &length in lengths.as_slice::<i64>()? {
        let Ok(length) = usize::try_from(length) else {
            return refuse(format!("Invalid value in lengths: {length}"));
        };
        let end = start + length;
        if end > rows {
            return refuse(format!("Attempting to slice [{start}, {end}] from tensor with length {rows}"));
        }
        pieces.push(Some(tensor.rows(start, end)?));
        start = end;
    }
    if start == rows {
        return Ok(pieces);
    }
    refuse(format!("Unused values in tensor. Length of tensor: {rows} Values used: {start}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "TensorListSplit";
        crate::cases::check(&[
            (
                op,
                "",
                "float[3,1] 1 2 3; int32[2] -1 1; int64[3] 1 0 2",
                "list float [?,1] | float[1,1] 1 | float[0,1] | float[2,1] 2 3",
            ),
            (op, "", "string[1] 'a'; int32[1] 5; int64[1] 1", "list string [5] | string[1] 'a'"),
            (
                op,
                "",
                "float[2] 1 2; int32[0]; int64[1] 2",
                "INVALID_ARGUMENT: TensorListSplit requires element_shape to be at least of rank 1, but saw: []",
            ),
            (
                op,
                "",
                "float[1,2] 1 2; int32[2] -1 3; int64[1] 1",
                "INVALID_ARGUMENT: tensor shape [1,2] is not compatible with element_shape [?,3]",
            ),
            (
                op,
                "",
                "float[2] 1 2; int32[] -1; int64[2] 1 2",
                "INVALID_ARGUMENT: Attempting to slice [1, 3] from tensor with length 2",
            ),
            (
                op,
                "",
                "float[2] 1 2; int32[] -1; int64[1] 1",
                "INVALID_ARGUMENT: Unused values in tensor. Length of tensor: 2 Values used: 1",
            ),
            (
                op,
                "",
                "float[2] 1 2; int32[] -1; int64[1] -1",
                "INVALID_ARGUMENT: Invalid value in lengths: -1",
            ),
        ]);
    }
}
