//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor};

use crate::dtypes::ELEMENTS;
use crate::tensor_list::{TensorList, to_partial_shape};

/// Makes a list of the rows of a tensor, which share the tensor's memory.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorListFromTensor>
pub const OP: Op = Op {
    name: "TensorListFromTensor",
    inputs: &["tensor: element_dtype", "element_shape: shape_type"],
    outputs: &["output_handle: variant"],
    attrs: &["element_dtype: type", "shape_type: {int32, int64}"],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::All(&[("element_dtype", ELEMENTS)], build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let sizes = ctx.input(1);
        if sizes.rank() > 1 {
            return Err(Error::invalid_argument(format!(
                "TensorListFromTensor: element_shape must be at most rank 1 but has the shape of {}",
                sizes.shape()
            )));
        }
        let shape = to_partial_shape(sizes)?;
        let tensor = ctx.input(0);
        check_rows(tensor, &shape)?;
        let rows = tensor.shape()[0];
        let elements = (0..rows).map(|i| tensor.row(i).map(Some)).collect::<Result<_>>()?;
        ctx.set(0, TensorList { dtype: tensor.dtype(), shape, max_elements: None, elements }.into_tensor()?);
        Ok(())
    }))
}

/// Checks that the rows of a tensor fit into a list of elements of `shape`, and gives their shape.
pub(crate) fn check_rows(tensor: &Tensor, shape: &PartialShape) -> Result<Shape> {
    let mut row = tensor.shape().clone();
    if row.rank() == 0 {
        return Err(Error::invalid_argument("Tensor must be at least a vector, but saw shape: []"));
    }
    row.remove(0);
    if !shape.accepts(&row) {
        return Err(Error::invalid_argument(format!(
            "Specified a list with shape {shape} from a tensor with shape {row}"
        )));
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "TensorListFromTensor";
        crate::cases::check(&[
            (op, "", "float[2,2] 1 2 3 4; int32[1] 2", "list float [2] | 1 2 | 3 4"),
            (op, "", "string[2] 'a' 'b'; int64[] -1", "list string <unknown> | string[] 'a' | string[] 'b'"),
            (op, "", "bool[0,2]; int32[1] -1", "list bool [?]"),
            (op, "", "float[2,0]; int32[1] 0", "list float [0] | |"),
            (
                op,
                "",
                "float[]  1; int32[0]",
                "INVALID_ARGUMENT: Tensor must be at least a vector, but saw shape: []",
            ),
            (
                op,
                "",
                "float[1,2] 1 2; int32[1] 3",
                "INVALID_ARGUMENT: Specified a list with shape [3] from a tensor with shape [2]",
            ),
            (
                op,
                "",
                "float[1,2] 1 2; int32[1,1] 3",
                "INVALID_ARGUMENT: TensorListFromTensor: element_shape must be at most rank 1 but has the shape of [1,1]",
            ),
        ]);
    }
}
