//! `QueueEnqueueV2`, `QueueEnqueueManyV2` and their older forms.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Result, Tensor};

use crate::queue::Queue;

/// Each puts a tuple of tensors into a queue, or (`Many`) one for each of their rows.
///
/// Where TensorFlow waits until there is room, this is an error, and nothing is put in.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QueueEnqueueV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QueueEnqueueManyV2>
pub const OPS: &[Op] = &[
    enqueue("QueueEnqueue", REFERENCE),
    enqueue("QueueEnqueueV2", RESOURCE),
    enqueue("QueueEnqueueMany", REFERENCE),
    enqueue("QueueEnqueueManyV2", RESOURCE),
];

const REFERENCE: &[&str] = &["handle: Ref(string)", "components: Tcomponents"];
const RESOURCE: &[&str] = &["handle: resource", "components: Tcomponents"];

const fn enqueue(name: &'static str, inputs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs,
        outputs: &[],
        attrs: &["Tcomponents: list(type) >= 1", "timeout_ms: int = -1"],
        effect: Effect::Write,
        shape: shape::none,
        kernels: Kernels::one(build),
    }
}

/// Refuses a timeout, as TensorFlow does.
pub(crate) fn check_timeout(node: &Construction<'_>) -> Result<()> {
    match node.attr::<i64>("timeout_ms")? {
        -1 => Ok(()),
        _ => Err(Error::invalid_argument("Timeout not supported yet.")),
    }
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    check_timeout(node)?;
    let is_many = node.op.contains("Many");
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let tuple: Vec<Tensor> = ctx.inputs(1).cloned().collect();
        let queue = ctx.resource::<Queue>(0)?;
        let dtypes: Vec<DType> = tuple.iter().map(Tensor::dtype).collect();
        queue.check_dtypes(&dtypes)?;
        if is_many { queue.enqueue_rows(&tuple) } else { queue.enqueue(tuple) }
    }))
}

#[cfg(test)]
mod tests {
    use crate::queue::cases::Pairs;
    use savedmodel_tensor::PartialShape;

    #[test]
    fn table() {
        let check = |pairs: &Pairs, name: &str, inputs: &str, want: &str| {
            let got = pairs.call(name, vec![], inputs);
            assert!(got == want || !want.is_empty() && got.starts_with(want), "{got}\n{want}");
        };
        let (one, many) = ("QueueEnqueueV2", "QueueEnqueueManyV2");
        let pairs = Pairs::new(3, vec![PartialShape::from([]), PartialShape::from([1])]);
        check(&pairs, one, "float[] 1; string[1] 'a'", "");
        check(&pairs, many, "float[0]; string[0,1]", "");
        check(&pairs, many, "float[2] 2 3; string[2,1] 'b' 'c'", "");
        check(
            &pairs,
            "QueueEnqueue",
            "float[] 1; string[1] 'a'",
            "DEADLINE_EXCEEDED: FIFOQueue 'q' has no room",
        );
        assert_eq!(pairs.call("QueueSizeV2", vec![], ""), "int32[] 3");
        check(
            &pairs,
            one,
            "float[1] 1; string[1] 'a'",
            "INVALID_ARGUMENT: Shape mismatch in tuple component 0. Expected [], got [1]",
        );
        check(&pairs, one, "float[] 1; int8[1] 1", "INVALID_ARGUMENT: Signature mismatch");
        check(&pairs, one, "float[] 1", "INVALID_ARGUMENT: Signature mismatch");
        check(
            &pairs,
            many,
            "float[2] 1 2; string[1,1] 'a'",
            "INVALID_ARGUMENT: All input tensors must have the same size in the 0th dimension. Component 1 has 1, and",
        );
        check(
            &pairs,
            many,
            "float[1] 1; string[1] 'a'",
            "INVALID_ARGUMENT: Shape mismatch in tuple component 1. Expected [1,1], got [1]",
        );
        check(&pairs, many, "float[] 1; string[1,1] 'a'", "INVALID_ARGUMENT: All input tensors must have");
        pairs.call("QueueCloseV2", vec![], "");
        check(
            &pairs,
            "QueueEnqueueMany",
            "float[1] 1; string[1,1] 'a'",
            "CANCELLED: FIFOQueue 'q' is closed.",
        );
        check(&pairs, many, "float[0]; string[0,1]", "");
        let timeout = pairs.call(one, vec![("timeout_ms", 5.into())], "float[] 1; string[1] 'a'");
        assert_eq!(timeout, "INVALID_ARGUMENT: Timeout not supported yet.");
        let unlimited = Pairs::new(-1, vec![]);
        check(
            &unlimited,
            many,
            "float[9] 1 2 3 4 5 6 7 8 9; string[9] 'a' 'b' 'c' 'd' 'e' 'f' 'g' 'h' 'i'",
            "",
        );
    }
}
