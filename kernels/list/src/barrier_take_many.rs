//! `BarrierTakeMany`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result};

use crate::barrier::Barrier;
use crate::queue_enqueue::check_timeout;

/// Takes the complete values out of a barrier whose keys came first: when they came, the keys, and the components.
///
/// Where TensorFlow waits until there are enough, this is an error, and nothing is taken.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/BarrierTakeMany>
pub const OP: Op = Op {
    name: "BarrierTakeMany",
    inputs: &["handle: Ref(string)", "num_elements: int32"],
    outputs: &["indices: int64", "keys: string", "values: component_types"],
    attrs: &[
        "component_types: list(type) >= 1",
        "allow_small_batch: bool = false",
        "wait_for_incomplete: bool = false",
        "timeout_ms: int = -1",
    ],
    effect: Effect::Write,
    shape: |ctx: &ShapeContext<'_>| Ok(vec![PartialShape::unknown(); ctx.outputs]),
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    check_timeout(node)?;
    let dtypes: Vec<DType> = node.attr("component_types")?;
    let may_be_less: bool = node.attr("allow_small_batch")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let barrier = ctx.resource::<Barrier>(0)?;
        if ctx.input(1).rank() != 0 {
            return Err(Error::invalid_argument("num_elements must be a scalar."));
        }
        if barrier.dtypes() != dtypes {
            return Err(Error::invalid_argument("Signature mismatch: the barrier has other component types"));
        }
        let taken = barrier.take(ctx.input(1).to_scalar()?, may_be_less, ctx)?;
        taken.into_iter().enumerate().for_each(|(i, tensor)| ctx.set(i, tensor));
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use crate::barrier_close::cases::Parts;

    #[test]
    fn table() {
        let parts = Parts::new();
        let check = |may_be_less: bool, inputs: &str, want: &str| {
            let got = parts.take(may_be_less, inputs);
            assert!(got == want || want.contains(": ") && got.starts_with(want), "{got}\n{want}");
        };
        parts.insert(0, "string[2] 'a' 'b'; float[2,2] 1 2 3 4");
        parts.insert(1, "string[3] 'c' 'b' 'a'; string[3] 'C' 'B' 'A'");
        check(false, "int32[] 3", "DEADLINE_EXCEEDED: PriorityQueue 'b_queue' has insufficient elements");
        check(false, "int32[1] 1", "INVALID_ARGUMENT: num_elements must be a scalar.");
        check(false, "int32[] -1", "INVALID_ARGUMENT: requested -1 < 0 elements");
        check(false, "int32[] 0", "int64[0]; string[0]; float[0,2]; string[0]");
        check(
            false,
            "int32[] 1",
            "int64[1] -9223372036854775808; string[1] 'b'; float[1,2] 3 4; string[1] 'B'",
        );
        parts.call("BarrierClose", vec![], "");
        check(
            false,
            "int32[] 3",
            "OUT_OF_RANGE: Barrier 'b' is closed and has insufficient elements (requested 3, to",
        );
        check(false, "int32[] 2", "DEADLINE_EXCEEDED: ");
        check(
            true,
            "int32[] 9",
            "int64[1] -9223372036854775808; string[1] 'a'; float[1,2] 1 2; string[1] 'A'",
        );
        check(
            true,
            "int32[] 9",
            "OUT_OF_RANGE: Barrier 'b' is closed and has insufficient elements (requested 0, to",
        );
        parts.insert(0, "string[1] 'c'; float[1,2] 5 6");
        check(
            false,
            "int32[] 1",
            "int64[1] -9223372036854775807; string[1] 'c'; float[1,2] 5 6; string[1] 'C'",
        );
    }
}
