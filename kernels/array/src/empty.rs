//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result};

use crate::dtypes::POD_STRING;
use crate::index;

/// Makes a tensor of a given shape whose content does not matter: zeros.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Empty>
pub const OP: Op = Op {
    name: "Empty",
    inputs: &["shape: int32"],
    outputs: &["output: dtype"],
    attrs: &["dtype: type", "init: bool = false"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("dtype", POD_STRING)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![index::shape_of_value(ctx, 0)?])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("dtype")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let shape = ctx.input(0);
        if shape.rank() != 1 {
            let text = format!("shape must be a vector of int32, got shape {}", shape.shape());
            return Err(Error::invalid_argument(text));
        }
        let output = ctx.run().allocate(dtype, index::shape(&shape.to_i64s()?)?)?;
        ctx.set(0, output);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("Empty", "dtype=float init=true", "int32[2] 2 1", "float[2,1] 0 0"),
                ("Empty", "dtype=string", "int32[1] 2", "string[2] '' ''"),
                ("Empty", "dtype=bool init=true", "int32[0]", "bool[] false"),
                (
                    "Empty",
                    "dtype=float init=true",
                    "int32[] 2",
                    "INVALID_ARGUMENT: shape must be a vector of int32, got shape []",
                ),
                (
                    "Empty",
                    "dtype=float init=true",
                    "int32[1] -2",
                    "INVALID_ARGUMENT: Dimension -2 must be >= 0",
                ),
            ],
        );
    }
}
