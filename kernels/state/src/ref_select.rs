//! `RefSelect`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result};

/// Passes on one of several references, the one at an index.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RefSelect>
pub const OP: Op = Op {
    name: "RefSelect",
    inputs: &["index: int32", "inputs: Ref(N * T)"],
    outputs: &["output: Ref(T)"],
    attrs: &["T: type", "N: int >= 1"],
    effect: Effect::Pure,
    shape: shape::unknown,
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let index = ctx.input(0);
        if index.rank() != 0 {
            return Err(Error::invalid_argument(format!(
                "Index must be a scalar, but it has shape {}",
                index.shape()
            )));
        }
        let index = index.to_scalar::<i32>()?;
        let count = ctx.input_len() - 1;
        let place = usize::try_from(index).ok().filter(|&index| index < count).ok_or_else(|| {
            Error::invalid_argument(format!("Index must be in the range [0, {count}) but got {index}"))
        })?;
        let reference = ctx.take(place + 1);
        ctx.set(0, reference);
        Ok(())
    }))
}
