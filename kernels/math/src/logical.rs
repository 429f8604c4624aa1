//! Truth values.
//!
//! See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/LogicalAnd` and the pages of the other names.

use savedmodel_op::{Effect, Kernels, Op, shape};

use crate::elementwise::{CHEAP, loops, map, zip};

/// The operators of this file.
pub const OPS: &[Op] = &[
    op(
        "LogicalAnd",
        Kernels::one(|_| zip::kernel(CHEAP, |a, b, out| loops::zip(a, b, out, |x: bool, y: bool| x & y))),
    ),
    op(
        "LogicalOr",
        Kernels::one(|_| zip::kernel(CHEAP, |a, b, out| loops::zip(a, b, out, |x: bool, y: bool| x | y))),
    ),
    Op {
        name: "LogicalNot",
        inputs: &["x: bool"],
        outputs: &["y: bool"],
        attrs: &[],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::one(|_| map::kernel(CHEAP, |x, out| loops::map(x, out, |x: bool| !x))),
    },
];

const fn op(name: &'static str, kernels: Kernels) -> Op {
    Op {
        name,
        inputs: &["x: bool", "y: bool"],
        outputs: &["z: bool"],
        attrs: &[],
        effect: Effect::Pure,
        shape: shape::broadcast,
        kernels,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use savedmodel_tensor::Tensor;

    #[test]
    fn values() {
        let bools = |v: &[bool]| Tensor::from_slice([v.len()], v).unwrap();
        let (x, y) = (bools(&[false, false, true, true]), bools(&[false, true, false, true]));
        check(op(OPS, "LogicalAnd"), [x.clone(), y.clone()], bools(&[false, false, false, true]));
        check(op(OPS, "LogicalOr"), [x.clone(), y], bools(&[false, true, true, true]));
        check(op(OPS, "LogicalAnd"), [x.clone(), Tensor::scalar(true)], x.clone());
        check(op(OPS, "LogicalNot"), [x.clone()], bools(&[true, true, false, false]));
        error(op(OPS, "LogicalOr"), [x, bools(&[true, true])], "Incompatible shapes: [4] vs. [2]");
    }
}
