//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::Result;

use crate::tensor_map::TensorMap;

/// A map without entries.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/EmptyTensorMap>
pub const OP: Op = Op {
    name: "EmptyTensorMap",
    inputs: &[],
    outputs: &["handle: variant"],
    attrs: &[],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        ctx.set(0, TensorMap::default().into_tensor()?);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::OpTest;

    #[test]
    fn is_empty() {
        let map = OpTest::new(&OP).run().unwrap().remove(0);
        assert!(TensorMap::of(&map).unwrap().entries.is_empty());
    }
}
