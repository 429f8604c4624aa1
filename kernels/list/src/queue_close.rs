//! `QueueCloseV2`, `QueueIsClosedV2`, `QueueSizeV2` and their older forms.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Result, Tensor};

use crate::queue::Queue;

/// They close a queue, tell whether it is closed, and how many tuples it has.
///
/// Closing a closed queue is an error, unless what waits to be put in is cancelled: nothing ever waits here.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QueueCloseV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QueueIsClosedV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QueueSizeV2>
pub const OPS: &[Op] = &[
    close("QueueClose", &["handle: Ref(string)"]),
    close("QueueCloseV2", &["handle: resource"]),
    ask("QueueIsClosed", &["handle: Ref(string)"], &["is_closed: bool"]),
    ask("QueueIsClosedV2", &["handle: resource"], &["is_closed: bool"]),
    ask("QueueSize", &["handle: Ref(string)"], &["size: int32"]),
    ask("QueueSizeV2", &["handle: resource"], &["size: int32"]),
];

const fn close(name: &'static str, inputs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs,
        outputs: &[],
        attrs: &["cancel_pending_enqueues: bool = false"],
        effect: Effect::Write,
        shape: shape::none,
        kernels: Kernels::one(build_close),
    }
}

const fn ask(name: &'static str, inputs: &'static [&'static str], outputs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs,
        outputs,
        attrs: &[],
        effect: Effect::Read,
        shape: shape::scalar,
        kernels: Kernels::one(build_ask),
    }
}

fn build_close(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let cancel: bool = node.attr("cancel_pending_enqueues")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| ctx.resource::<Queue>(0)?.close(cancel)))
}

fn build_ask(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let wants_size = node.op.contains("Size");
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let queue = ctx.resource::<Queue>(0)?;
        let answer = match wants_size {
            true => Tensor::scalar(queue.len() as i32),
            false => Tensor::scalar(queue.is_closed()),
        };
        ctx.set(0, answer);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use crate::queue::cases::Pairs;

    #[test]
    fn closed_once() {
        let pairs = Pairs::new(9, vec![]);
        assert_eq!(pairs.call("QueueIsClosedV2", vec![], ""), "bool[] false");
        assert_eq!(pairs.call("QueueSize", vec![], ""), "int32[] 0");
        assert_eq!(pairs.call("QueueCloseV2", vec![], ""), "");
        assert_eq!(pairs.call("QueueIsClosed", vec![], ""), "bool[] true");
        assert_eq!(pairs.call("QueueClose", vec![], ""), "CANCELLED: Queue 'q' is already closed.");
        assert_eq!(pairs.call("QueueCloseV2", vec![("cancel_pending_enqueues", true.into())], ""), "");
    }
}
