//! See [`OP`].

use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result};

use crate::broadcast_args::{Sizes, numbers};
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
        // TensorFlow takes negative sizes here as it takes others.
        let [a, b] = [numbers(ctx, 0)?, numbers(ctx, 1)?];
        let rank = a.len().max(b.len());
        let size = |sizes: &[i64], i: usize| (i + sizes.len()).checked_sub(rank).map_or(1, |i| sizes[i]);
        if (0..rank).any(|i| size(&a, i) != size(&b, i) && size(&a, i) != 1 && size(&b, i) != 1) {
            let text = format!("Incompatible shapes: {} vs. {}", Sizes(&a), Sizes(&b));
            return Err(Error::invalid_argument(text));
        }
        let dtype = ctx.input(0).dtype();
        for (i, own) in [&a, &b].into_iter().enumerate() {
            let is_repeated = |axis: &usize| a != b && size(own, *axis) == 1;
            let axes: Vec<i64> = (0..rank).filter(is_repeated).map(|axis| axis as i64).collect();
            ctx.set(i, index::tensor(dtype, [axes.len()], &axes)?);
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
                ("BroadcastGradientArgs", "", "int32[2] 2 3; int32[1] 3", "int32[0]; int32[1] 0"),
                ("BroadcastGradientArgs", "", "int32[2] 2 1; int32[2] 1 3", "int32[1] 1; int32[1] 0"),
                ("BroadcastGradientArgs", "", "int64[3] 2 1 3; int64[3] 2 1 1", "int64[1] 1; int64[2] 1 2"),
                ("BroadcastGradientArgs", "", "int32[2] 1 1; int32[2] 1 1", "int32[0]; int32[0]"),
                ("BroadcastGradientArgs", "", "int32[2] 1 1; int32[1] 1", "int32[2] 0 1; int32[2] 0 1"),
                ("BroadcastGradientArgs", "", "int32[0]; int32[2] 2 1", "int32[2] 0 1; int32[1] 1"),
                ("BroadcastGradientArgs", "", "int32[0]; int32[0]", "int32[0]; int32[0]"),
                ("BroadcastGradientArgs", "", "int32[2] 2 1; int32[1] -1", "int32[1] 1; int32[1] 0"),
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
