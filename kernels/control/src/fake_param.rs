//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, PartialShape, Result, Shape, Tensor};

/// A tensor that stands for a value that is never looked at, such as what the other branch of an `If` gives.
///
/// Sizes that are not known are zero.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/FakeParam>
pub const OP: Op = Op {
    name: "FakeParam",
    inputs: &[],
    outputs: &["output: dtype"],
    attrs: &["dtype: type", "shape: shape"],
    effect: Effect::Pure,
    shape: |ctx: &ShapeContext<'_>| Ok(vec![(&filled(&ctx.attr("shape").unwrap_or_default())).into()]),
    kernels: Kernels::one(build),
};

fn filled(shape: &PartialShape) -> Shape {
    shape.dims().unwrap_or_default().iter().map(|dim| dim.unwrap_or(0)).collect()
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (dtype, shape): (DType, PartialShape) = (node.attr("dtype")?, node.attr("shape")?);
    let shape = filled(&shape);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        // Refuses a shape beyond the limits of the session.
        ctx.allocate(dtype, &shape)?;
        ctx.set(0, Tensor::zeros(dtype, &shape)?);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            OPS,
            &[
                ("FakeParam", "dtype=float shape=[2]", "", "float[2] 0 0"),
                ("FakeParam", "dtype=string shape=[-1,2]", "", "string[0,2]"),
                ("FakeParam", "dtype=int8 shape=?", "", "int8[] 0"),
                ("FakeParam", "dtype=int8 shape=[1152921504606846976]", "", "RESOURCE_EXHAUSTED: OOM"),
            ],
        );
    }
}
