//! `QueueDequeueV2`, `QueueDequeueManyV2`, `QueueDequeueUpToV2` and their older forms.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result};

use crate::queue::{Queue, Wanted};
use crate::queue_enqueue::check_timeout;

/// Each takes tuples of tensors out of a queue: one, so many, or up to so many, stacked.
///
/// Where TensorFlow waits until there are enough, this is an error, and nothing is taken out; a closed queue that has too
/// few is at its end (`OUT_OF_RANGE`).
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QueueDequeueV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QueueDequeueManyV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QueueDequeueUpToV2>
pub const OPS: &[Op] = &[
    dequeue("QueueDequeue", &["handle: Ref(string)"]),
    dequeue("QueueDequeueV2", &["handle: resource"]),
    dequeue("QueueDequeueMany", &["handle: Ref(string)", "n: int32"]),
    dequeue("QueueDequeueManyV2", &["handle: resource", "n: int32"]),
    dequeue("QueueDequeueUpTo", &["handle: Ref(string)", "n: int32"]),
    dequeue("QueueDequeueUpToV2", &["handle: resource", "n: int32"]),
];

const fn dequeue(name: &'static str, inputs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs,
        outputs: &["components: component_types"],
        attrs: &["component_types: list(type) >= 1", "timeout_ms: int = -1"],
        effect: Effect::Write,
        shape: |ctx: &ShapeContext<'_>| Ok(vec![PartialShape::unknown(); ctx.outputs]),
        kernels: Kernels::one(build),
    }
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    check_timeout(node)?;
    let dtypes: Vec<DType> = node.attr("component_types")?;
    let op = node.op.trim_end_matches("V2").to_owned();
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let queue = ctx.resource::<Queue>(0)?;
        queue.check_dtypes(&dtypes)?;
        let wanted = match op.as_str() {
            "QueueDequeue" => Wanted::One,
            "QueueDequeueMany" => Wanted::Many(count(ctx, &op)?),
            _ => Wanted::UpTo(count(ctx, &op)?),
        };
        let tuple = queue.dequeue(wanted, ctx)?;
        tuple.into_iter().enumerate().for_each(|(i, tensor)| ctx.set(i, tensor));
        Ok(())
    }))
}

fn count(ctx: &Context<'_>, op: &str) -> Result<usize> {
    // As TensorFlow, which takes the first number of any tensor.
    let count = ctx.input(1).as_slice::<i32>()?.first().copied();
    let count =
        count.ok_or_else(|| Error::invalid_argument(format!("{op} requested no number of elements")))?;
    usize::try_from(count)
        .map_err(|_| Error::invalid_argument(format!("{op} requested {count} < 0 elements")))
}

#[cfg(test)]
mod tests {
    use crate::queue::cases::Pairs;
    use savedmodel_tensor::PartialShape;

    #[test]
    fn table() {
        let check = |pairs: &Pairs, name: &str, inputs: &str, want: &str| {
            let got = pairs.dequeue(name, inputs);
            assert!(got == want || want.contains(": ") && got.starts_with(want), "{got}\n{want}");
        };
        let (one, many, up_to) = ("QueueDequeueV2", "QueueDequeueManyV2", "QueueDequeueUpToV2");
        let pairs = Pairs::new(9, vec![PartialShape::from([]); 2]);
        let few = "DEADLINE_EXCEEDED: FIFOQueue 'q' has insufficient elements (requested 1, current size 0)";
        check(&pairs, one, "", few);
        check(&pairs, many, "int32[] 0", "float[0]; string[0]");
        pairs.call("QueueEnqueueManyV2", vec![], "float[5] 1 2 3 4 5; string[5] 'a' 'b' 'c' 'd' 'e'");
        check(&pairs, one, "", "float[] 1; string[] 'a'");
        check(&pairs, many, "int32[] 2", "float[2] 2 3; string[2] 'b' 'c'");
        check(&pairs, many, "int32[] 3", "DEADLINE_EXCEEDED: ");
        check(&pairs, "QueueDequeueUpTo", "int32[] 3", "DEADLINE_EXCEEDED: ");
        check(&pairs, many, "int32[] -1", "INVALID_ARGUMENT: QueueDequeueMany requested -1 < 0 elements");
        pairs.call("QueueClose", vec![], "");
        let end = "OUT_OF_RANGE: FIFOQueue 'q' is closed and has insufficient elements (requested";
        check(&pairs, "QueueDequeueMany", "int32[] 3", end);
        check(&pairs, up_to, "int32[] 3", "float[2] 4 5; string[2] 'd' 'e'");
        check(&pairs, up_to, "int32[] 3", end);
        check(&pairs, "QueueDequeue", "", end);
        check(&pairs, up_to, "int32[] 0", "float[0]; string[0]");
        let any = Pairs::new(9, vec![]);
        check(
            &any,
            many,
            "int32[] 1",
            "INVALID_ARGUMENT: FIFOQueue's DequeueMany and DequeueUpTo require the",
        );
        let wrong = any.call(one, vec![("component_types", vec![savedmodel_tensor::DType::Int8].into())], "");
        assert!(wrong.starts_with("INVALID_ARGUMENT: Signature mismatch"), "{wrong}");
    }
}
