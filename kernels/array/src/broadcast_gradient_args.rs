//! See [`OP`].

use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Result, Shape};

use crate::broadcast_args::{incompatible, operands};
use crate::index;

/// Tells, for each of two shapes that are broadcast together, the axes along which it is repeated.
///
/// These are the axes that a gradient sums over. An axis that is one on both sides counts for both, unless the
/// shapes are equal.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/BroadcastGradientArgs>
pub const OP: Op = Op {
    name: "BroadcastGradientArgs",
    inputs: &["s0: T", "s1: T"],
    outputs: &["r0: T", "r1: T"],
    attrs: &["T: {int32, int64} = DT_INT32"],
    effect: Effect::Pure,
    shape: shape::vector,
    kernels: Kernels::All(&[("T", INDICES)], build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let [a, b] = operands(ctx)?;
        let shape = Shape::broadcast(&a, &b).ok_or_else(|| incompatible(&a, &b))?;
        let dtype = ctx.input(0).dtype();
        for (i, own) in [&a, &b].into_iter().enumerate() {
            let axes = if a == b { Vec::new() } else { repeated(own, &shape) };
            let output = index::tensor(dtype, [axes.len()], &axes)?;
            ctx.set(i, output);
        }
        Ok(())
    }))
}

fn repeated(own: &Shape, shape: &Shape) -> Vec<i64> {
    let lead = shape.rank() - own.rank();
    (0..shape.rank()).filter(|&i| i < lead || own[i - lead] == 1).map(|i| i as i64).collect()
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("BroadcastGradientArgs", "", "int32[2] 2 3; int32[1] 3", "int32[0]; int32[1] 0"),
                ("BroadcastGradientArgs", "", "int32[2] 2 1; int32[2] 1 3", "int32[1] 1; int32[1] 0"),
                ("BroadcastGradientArgs", "", "int64[3] 2 1 3; int64[3] 2 1 1", "int64[1] 1; int64[2] 1 2"),
                ("BroadcastGradientArgs", "", "int32[2] 1 1; int32[2] 1 1", "int32[0]; int32[0]"),
                ("BroadcastGradientArgs", "", "int32[2] 1 1; int32[1] 1", "int32[2] 0 1; int32[2] 0 1"),
                ("BroadcastGradientArgs", "", "int32[0]; int32[2] 2 1", "int32[2] 0 1; int32[1] 1"),
                ("BroadcastGradientArgs", "", "int32[0]; int32[0]", "int32[0]; int32[0]"),
                (
                    "BroadcastGradientArgs",
                    "",
                    "int32[4] 1 2 1 3; int32[2] 1 3",
                    "int32[2] 0 2; int32[3] 0 1 2",
                ),
                ("BroadcastGradientArgs", "", "int32[2] 0 1; int32[2] 1 1", "int32[1] 1; int32[2] 0 1"),
                (
                    "BroadcastGradientArgs",
                    "",
                    "int32[1] 2; int32[1] 3",
                    "INVALID_ARGUMENT: Incompatible shapes: [2] vs. [3]",
                ),
                (
                    "BroadcastGradientArgs",
                    "",
                    "int32[] 2; int32[1] 3",
                    "INVALID_ARGUMENT: In[0] must be a vector.[]",
                ),
            ],
        );
    }
}
