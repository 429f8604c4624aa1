//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Result, Tensor};

use crate::tensor_map::{Key, TensorMap};

/// Whether a map has a key.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorMapHasKey>
pub const OP: Op = Op {
    name: "TensorMapHasKey",
    inputs: &["input_handle: variant", "key: key_dtype"],
    outputs: &["has_key: bool"],
    attrs: &["key_dtype: type"],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let key = Key::new(ctx.take(1))?;
        let found = TensorMap::of(ctx.input(0))?.entries.contains_key(&key);
        ctx.set(0, Tensor::scalar(found));
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::OP;
    use crate::tensor_map::cases::{call, map};

    #[test]
    fn table() {
        let has = |key| call(&OP, None, map(&[("bool[2] true false", "float[] 2")]), &[key]);
        assert_eq!(has("bool[2] true false"), "bool[] true");
        assert_eq!(has("bool[1,2] true false"), "bool[] false");
        let two = map(&[]).reshape([1]).unwrap();
        assert_eq!(
            call(&OP, None, two, &["int8[] 1"]),
            "INVALID_ARGUMENT: Input map must be a scalar. Saw: [1]"
        );
    }
}
