//! `PartitionedCall` and `StatefulPartitionedCall`: calls of functions; and the arguments inside of one.

use savedmodel_op::{Effect, Kernels, Op, shape};

const ATTRS: &[&str] = &[
    "Tin: list(type) >= 0",
    "Tout: list(type) >= 0",
    "f: func",
    "config: string = ''",
    "config_proto: string = ''",
    "executor_type: string = ''",
];

/// Calls run the function named by `f` with their inputs as arguments. `_Arg` stands for an argument in a body.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/PartitionedCall>
pub const OPS: &[Op] = &[
    call("PartitionedCall", Effect::Pure),
    call("StatefulPartitionedCall", Effect::External),
    Op {
        name: "_Arg",
        inputs: &[],
        outputs: &["output: T"],
        attrs: &["T: type", "index: int >= 0"],
        effect: Effect::Handle,
        shape: shape::unknown,
        kernels: Kernels::Runtime,
    },
];

const fn call(name: &'static str, effect: Effect) -> Op {
    Op {
        name,
        inputs: &["args: Tin"],
        outputs: &["output: Tout"],
        attrs: ATTRS,
        effect,
        shape: shape::unknown,
        kernels: Kernels::Runtime,
    }
}
