//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Result, Shape, Tensor};

use crate::tensor_list::TensorList;

/// Gives what a list knows of the shape of its elements: -1 for an unknown size, a scalar -1 for an unknown rank.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorListElementShape>
pub const OP: Op = Op {
    name: "TensorListElementShape",
    inputs: &["input_handle: variant"],
    outputs: &["element_shape: shape_type"],
    attrs: &["shape_type: {int32, int64}"],
    effect: Effect::Pure,
    shape: shape::unknown,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("shape_type")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let shape = &TensorList::of(ctx.input(0))?.shape;
        let (dims, sizes) = match shape.dims() {
            None => (Shape::scalar(), vec![-1]),
            Some(dims) => {
                (Shape::from([dims.len()]), dims.iter().map(|d| d.map_or(-1, |d| d as i64)).collect())
            }
        };
        let sizes = match dtype {
            DType::Int32 => Tensor::from_vec(dims, sizes.iter().map(|&size| size as i32).collect()),
            _ => Tensor::from_vec(dims, sizes),
        };
        ctx.set(0, sizes?);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "TensorListElementShape";
        crate::cases::check(&[
            (op, "shape_type=int32", "list float [?,2]", "int32[2] -1 2"),
            (op, "shape_type=int64", "list float []", "int64[0]"),
            (op, "shape_type=int64", "list float <unknown>", "int64[] -1"),
            (
                op,
                "shape_type=int64",
                "[list float []]",
                "INVALID_ARGUMENT: Input list must be a scalar saw: [1]",
            ),
        ]);
    }
}
