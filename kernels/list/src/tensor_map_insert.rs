//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::Result;

use crate::tensor_map::{Key, TensorMap};

/// Puts a value into a map, in place of the one that the key had.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorMapInsert>
pub const OP: Op = Op {
    name: "TensorMapInsert",
    inputs: &["input_handle: variant", "key: key_dtype", "value: value_dtype"],
    outputs: &["output_handle: variant"],
    attrs: &["key_dtype: type", "value_dtype: type"],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let (key, value) = (Key::new(ctx.take(1))?, ctx.take(2));
        let map = TensorMap::change(ctx, |map| {
            map.entries.insert(key, value);
            Ok(())
        })?;
        ctx.set(0, map);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::OP;
    use crate::tensor_map::cases::{call, map};
    use savedmodel_tensor::{Tensor, Variant};

    #[test]
    fn table() {
        let one = || map(&[("int32[] 1", "float[] 2")]);
        assert_eq!(call(&OP, None, one(), &["int32[] 1", "float[1] 5"]), "int32[] 1; float[1] 5");
        let two = "int32[] 1; float[] 2 | int64[] 1; string[] 'a'";
        assert_eq!(call(&OP, None, one(), &["int64[] 1", "string[] 'a'"]), two);
        let shared = one();
        call(&OP, None, shared.clone(), &["int32[] 1", "float[1] 5"]);
        assert_eq!(call(&OP, None, shared, &["int64[] 1", "string[] 'a'"]), two);
        let other = Tensor::from_variants([], vec![Variant::default()]).unwrap();
        let text = call(&OP, None, other, &["int32[] 1", "float[] 5"]);
        assert!(text.starts_with("INVALID_ARGUMENT: Input handle is not a map."), "{text}");
    }
}
