//! `ReadVariableOp`, and `DisableCopyOnRead`, which has nothing to do here.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Result};

/// `ReadVariableOp` gives the value that a variable has at that moment, without a copy.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ReadVariableOp>
pub const OPS: &[Op] = &[
    Op {
        name: "ReadVariableOp",
        inputs: &["resource: resource"],
        outputs: &["value: dtype"],
        attrs: &["dtype: type"],
        effect: Effect::Read,
        shape: shape::unknown,
        kernels: Kernels::one(build),
    },
    Op {
        name: "DisableCopyOnRead",
        inputs: &["resource: resource"],
        outputs: &[],
        attrs: &[],
        effect: Effect::Read,
        shape: shape::none,
        kernels: Kernels::one(build_nothing),
    },
];

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("dtype")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        // Whatever is wrong with a handle, TensorFlow finds no variable by it.
        let missing = |error: Error| Error::failed_precondition(format!("Could not find variable: {error}"));
        let variable = ctx.variable(0).map_err(missing)?;
        if variable.dtype() != dtype {
            return Err(Error::invalid_argument(format!(
                "Trying to read variable with wrong dtype. Expected {dtype} got {}",
                variable.dtype()
            )));
        }
        let value = variable.read()?;
        ctx.set(0, value);
        Ok(())
    }))
}

fn build_nothing(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|_: &mut Context<'_>| Ok(())))
}
