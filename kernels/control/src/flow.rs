//! `Switch`, `Merge`, `Enter`, `Exit`, `NextIteration`, `LoopCond`: control flow of V1 graphs.

use savedmodel_op::{Effect, Kernels, Op, shape};

/// The operators that V1 conditionals and loops are made of, for tensors and for references.
///
/// `Switch` gives its data to one output and leaves the other dead; what takes a dead tensor does not run and is dead
/// itself, but for `Merge`, which passes on the input that is alive. The others mark the borders of loops.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Switch>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Enter>
pub const OPS: &[Op] = &[
    flow("Switch", &["data: T", "pred: bool"], &["output_false: T", "output_true: T"], &["T: type"]),
    flow(
        "RefSwitch",
        &["data: Ref(T)", "pred: bool"],
        &["output_false: Ref(T)", "output_true: Ref(T)"],
        &["T: type"],
    ),
    flow("Merge", &["inputs: N * T"], &["output: T", "value_index: int32"], &["T: type", "N: int >= 1"]),
    flow(
        "RefMerge",
        &["inputs: Ref(N * T)"],
        &["output: Ref(T)", "value_index: int32"],
        &["T: type", "N: int >= 1"],
    ),
    flow("Enter", &["data: T"], &["output: T"], ENTER),
    flow("RefEnter", &["data: Ref(T)"], &["output: Ref(T)"], ENTER),
    flow("Exit", &["data: T"], &["output: T"], &["T: type"]),
    flow("RefExit", &["data: Ref(T)"], &["output: Ref(T)"], &["T: type"]),
    flow("NextIteration", &["data: T"], &["output: T"], &["T: type"]),
    flow("RefNextIteration", &["data: Ref(T)"], &["output: Ref(T)"], &["T: type"]),
    flow("LoopCond", &["input: bool"], &["output: bool"], &[]),
];

const ENTER: &[&str] =
    &["T: type", "frame_name: string", "is_constant: bool = false", "parallel_iterations: int = 10"];

const fn flow(
    name: &'static str,
    inputs: &'static [&'static str],
    outputs: &'static [&'static str],
    attrs: &'static [&'static str],
) -> Op {
    Op {
        name,
        inputs,
        outputs,
        attrs,
        effect: Effect::Pure,
        shape: shape::unknown,
        kernels: Kernels::Runtime,
    }
}
