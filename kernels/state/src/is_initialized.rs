//! `VarIsInitializedOp` and `IsVariableInitialized`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Result, Tensor};

/// Each tells whether a variable has a value.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/VarIsInitializedOp>
pub const OPS: &[Op] = &[
    asking("VarIsInitializedOp", &["resource: resource"], &[]),
    asking("IsVariableInitialized", &["ref: Ref(dtype)"], &["dtype: type"]),
];

const fn asking(name: &'static str, inputs: &'static [&'static str], attrs: &'static [&'static str]) -> Op {
    Op {
        name,
        inputs,
        outputs: &["is_initialized: bool"],
        attrs,
        effect: Effect::Read,
        shape: shape::scalar,
        kernels: Kernels::one(build),
    }
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let known = ctx.variable(0).is_ok_and(|variable| variable.is_initialized());
        ctx.set(0, Tensor::scalar(known));
        Ok(())
    }))
}
