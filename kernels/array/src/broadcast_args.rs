//! See [`OP`].

use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result};

use crate::index;

/// Tells the shape that two shapes broadcast to.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/BroadcastArgs>
pub const OP: Op = Op {
    name: "BroadcastArgs",
    inputs: &["s0: T", "s1: T"],
    outputs: &["r0: T"],
    attrs: &["T: {int32, int64} = DT_INT32"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", INDICES)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let rank = ctx.input(0).dim(0).zip(ctx.input(1).dim(0)).map(|(a, b)| a.max(b));
    Ok(vec![PartialShape::new([rank])])
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        // Nobody asks whether they are sizes at all.
        let [a, b] = [numbers(ctx, 0)?, numbers(ctx, 1)?];
        let sizes = broadcast(&a, &b).ok_or_else(|| {
            Error::invalid_argument(format!("Incompatible shapes: {} vs. {}", Sizes(&a), Sizes(&b)))
        })?;
        let output = index::tensor(ctx.input(0).dtype(), [sizes.len()], &sizes)?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// What two lists of sizes broadcast to, from their ends.
fn broadcast(a: &[i64], b: &[i64]) -> Option<Vec<i64>> {
    let rank = a.len().max(b.len());
    let size = |of: &[i64], axis: usize| (axis + of.len()).checked_sub(rank).map_or(1, |axis| of[axis]);
    let joined = |axis| match (size(a, axis), size(b, axis)) {
        (1, b) => Some(b),
        (a, 1) => Some(a),
        (a, b) => (a == b).then_some(a),
    };
    (0..rank).map(joined).collect()
}

/// Numbers as a shape is written.
pub(crate) struct Sizes<'a>(pub &'a [i64]);

impl std::fmt::Display for Sizes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        write!(f, "[{}]", numbers.join(","))
    }
}

/// The numbers of input `i`, which must be a vector.
pub(crate) fn numbers(ctx: &Context<'_>, i: usize) -> Result<Vec<i64>> {
    let t = ctx.input(i);
    if t.rank() != 1 {
        return Err(Error::invalid_argument(format!("In[{i}] must be a vector.{}", t.shape())));
    }
    t.to_i64s()
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("BroadcastArgs", "", "int32[2] 2 1; int32[1] 3", "int32[2] 2 3"),
                ("BroadcastArgs", "", "int64[0]; int64[2] 3 0", "int64[2] 3 0"),
                ("BroadcastArgs", "", "int32[1] 0; int32[1] 1", "int32[1] 0"),
                (
                    "BroadcastArgs",
                    "",
                    "int32[1] 2; int32[1] 3",
                    "INVALID_ARGUMENT: Incompatible shapes: [2] vs. [3]",
                ),
                ("BroadcastArgs", "", "int32[] 2; int32[1] 3", "INVALID_ARGUMENT: In[0] must be a vector.[]"),
            ],
        );
    }
}
