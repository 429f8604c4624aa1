//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{PartialShape, Result};

/// Gives all its inputs as they are.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/IdentityN>
pub const OP: Op = Op {
    name: "IdentityN",
    inputs: &["input: T"],
    outputs: &["output: T"],
    attrs: &["T: list(type) >= 1"],
    effect: Effect::Pure,
    shape: shapes,
    kernels: Kernels::one(build),
};

fn shapes(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(ctx.inputs.to_vec())
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        for i in 0..ctx.input_len() {
            let input = ctx.take(i);
            ctx.set(i, input);
        }
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
                ("IdentityN", "", "float[1] 1", "float[1] 1"),
                (
                    "IdentityN",
                    "",
                    "float[1] 1; string[] 'a'; int32[0,2]",
                    "float[1] 1; string[] 'a'; int32[0,2]",
                ),
            ],
        );
    }
}
