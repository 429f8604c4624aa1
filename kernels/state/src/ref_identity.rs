//! `RefIdentity`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::Result;

/// Passes a reference on.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RefIdentity>
pub const OP: Op = Op {
    name: "RefIdentity",
    inputs: &["input: Ref(T)"],
    outputs: &["output: Ref(T)"],
    attrs: &["T: type"],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let reference = ctx.take(0);
        ctx.set(0, reference);
        Ok(())
    }))
}
