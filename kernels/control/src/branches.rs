//! `If`, `Case`, `While`, and their stateless and compiled forms: control flow by functions.

use savedmodel_op::{Effect, Kernels, Op, shape};

/// Each runs functions of the library, chosen or repeated by the value of a tensor.
///
/// `If` takes any scalar as condition by its truth, and other tensors by whether they have elements. `Case` runs the
/// last branch when the index is out of range. TensorFlow's kernel of `XlaIf` refuses every node that there can be.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/If>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Case>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/While>
pub const OPS: &[Op] = &[
    conditional("If", Effect::External),
    conditional("StatelessIf", Effect::Pure),
    case("Case", Effect::External),
    case("StatelessCase", Effect::Pure),
    repeated("While", Effect::External),
    repeated("StatelessWhile", Effect::Pure),
    Op {
        name: "XlaWhile",
        attrs: &["T: list(type) >= 0", "cond: func", "body: func"],
        ..repeated("", Effect::External)
    },
    // What TensorFlow's own rewrites leave in a graph.
    Op {
        name: "_If",
        attrs: &[
            "Tcond: type",
            "Tin: list(type) >= 1",
            "Tout: list(type) >= 1",
            "then_branch: func",
            "else_branch: func",
        ],
        ..conditional("", Effect::External)
    },
    Op {
        name: "_While",
        attrs: &["T: list(type) >= 0", "cond: func", "body: func"],
        ..repeated("", Effect::External)
    },
];

const fn conditional(name: &'static str, effect: Effect) -> Op {
    Op {
        name,
        inputs: &["cond: Tcond", "input: Tin"],
        outputs: &["output: Tout"],
        attrs: &[
            "Tcond: type",
            "Tin: list(type) >= 0",
            "Tout: list(type) >= 0",
            "then_branch: func",
            "else_branch: func",
            "output_shapes: list(shape) = []",
        ],
        effect,
        shape: shape::unknown,
        kernels: Kernels::Runtime,
    }
}

const fn case(name: &'static str, effect: Effect) -> Op {
    Op {
        name,
        inputs: &["branch_index: int32", "input: Tin"],
        outputs: &["output: Tout"],
        attrs: &[
            "Tin: list(type) >= 0",
            "Tout: list(type) >= 0",
            "branches: list(func) >= 1",
            "output_shapes: list(shape) = []",
        ],
        effect,
        shape: shape::unknown,
        kernels: Kernels::Runtime,
    }
}

const fn repeated(name: &'static str, effect: Effect) -> Op {
    Op {
        name,
        inputs: &["input: T"],
        outputs: &["output: T"],
        attrs: &[
            "T: list(type) >= 0",
            "cond: func",
            "body: func",
            "output_shapes: list(shape) = []",
            "parallel_iterations: int = 10",
        ],
        effect,
        shape: shape::unknown,
        kernels: Kernels::Runtime,
    }
}
