//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Result, Tensor};

use crate::tensor_map::TensorMap;

/// The number of keys of a map.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorMapSize>
pub const OP: Op = Op {
    name: "TensorMapSize",
    inputs: &["input_handle: variant"],
    outputs: &["size: int32"],
    attrs: &[],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let size = TensorMap::of(ctx.input(0))?.entries.len();
        ctx.set(0, Tensor::scalar(size as i32));
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::OP;
    use crate::tensor_map::cases::{call, map};

    #[test]
    fn table() {
        let two = map(&[("int8[] 1", "float[] 1"), ("int8[1] 1", "float[] 2")]);
        assert_eq!(call(&OP, None, two, &[]), "int32[] 2");
        assert_eq!(call(&OP, None, map(&[]), &[]), "int32[] 0");
    }
}
