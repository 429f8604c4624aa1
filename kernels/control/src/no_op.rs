//! Operators that only order others: `NoOp` and `ControlTrigger`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::Result;

/// `NoOp` does nothing; `ControlTrigger` does nothing even where a branch is not taken.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/NoOp>
pub const OPS: &[Op] = &[nothing("NoOp"), nothing("ControlTrigger")];

const fn nothing(name: &'static str) -> Op {
    Op {
        name,
        inputs: &[],
        outputs: &[],
        attrs: &[],
        effect: Effect::Pure,
        shape: shape::none,
        kernels: Kernels::one(build),
    }
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|_: &mut Context<'_>| Ok(())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::OpTest;

    #[test]
    fn nothing_happens() {
        for op in OPS {
            assert!(OpTest::new(op).run().unwrap().is_empty());
        }
    }
}
