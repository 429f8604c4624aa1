//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result};

/// Gives its input if that has the wanted shape, and fails otherwise.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/EnsureShape>
pub const OP: Op = Op {
    name: "EnsureShape",
    inputs: &["input: T"],
    outputs: &["output: T"],
    attrs: &["shape: shape", "T: type"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::one(build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let (input, wanted) = (ctx.input(0), ctx.attr::<PartialShape>("shape").unwrap_or_default());
    match input.merge(&wanted) {
        Some(shape) => Ok(vec![shape]),
        None => Err(incompatible(&input, &wanted)),
    }
}

fn incompatible(found: &dyn std::fmt::Display, wanted: &PartialShape) -> Error {
    Error::invalid_argument(format!(
        "Shape of tensor input {found} is not compatible with expected shape {wanted}."
    ))
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let wanted: PartialShape = node.attr("shape")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let found = ctx.input(0).shape();
        if !wanted.accepts(found) {
            return Err(incompatible(found, &wanted));
        }
        let input = ctx.take(0);
        ctx.set(0, input);
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
                ("EnsureShape", "shape=[2,-1]", "float[2,1] 1 2", "float[2,1] 1 2"),
                ("EnsureShape", "shape=?", "string[1] 'a'", "string[1] 'a'"),
                ("EnsureShape", "shape=[]", "int32[] 1", "int32[] 1"),
                (
                    "EnsureShape",
                    "shape=[2]",
                    "float[2,1] 1 2",
                    "INVALID_ARGUMENT: Shape of tensor input [2,1] is not compatible with expected shape [2].",
                ),
                (
                    "EnsureShape",
                    "shape=[3,-1]",
                    "float[2,1] 1 2",
                    "INVALID_ARGUMENT: Shape of tensor input [2,1] is not compatible with expected shape [3,?].",
                ),
            ],
        );
    }
}
