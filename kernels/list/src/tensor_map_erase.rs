//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::Result;

use crate::tensor_map::{Key, TensorMap, missing};

/// Takes a key and its value out of a map.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorMapErase>
pub const OP: Op = Op {
    name: "TensorMapErase",
    inputs: &["input_handle: variant", "key: key_dtype"],
    outputs: &["output_handle: variant"],
    attrs: &["key_dtype: type", "value_dtype: type"],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let key = Key::new(ctx.take(1))?;
        let map = TensorMap::change(ctx, |map| {
            let found = map.entries.shift_remove(&key);
            found.map(drop).ok_or_else(|| missing("Trying to erase non-existent item.", &key))
        })?;
        ctx.set(0, map);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::OP;
    use crate::tensor_map::cases::{call, map};
    use savedmodel_tensor::DType;

    #[test]
    fn table() {
        let three = map(&[("int8[] 1", "float[] 1"), ("int8[] 2", "float[] 2"), ("int8[] 3", "float[] 3")]);
        let erase = |key| call(&OP, Some(DType::Int32), three.clone(), &[key]);
        assert_eq!(erase("int8[] 1"), "int8[] 2; float[] 2 | int8[] 3; float[] 3");
        assert!(erase("int8[] 4").starts_with("INVALID_ARGUMENT: Trying to erase non-existent item."));
    }
}
