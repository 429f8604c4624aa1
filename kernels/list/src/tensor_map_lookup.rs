//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Result};

use crate::tensor_map::{Key, TensorMap, missing};

/// The value of a key.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorMapLookup>
pub const OP: Op = Op {
    name: "TensorMapLookup",
    inputs: &["input_handle: variant", "key: key_dtype"],
    outputs: &["value: value_dtype"],
    attrs: &["key_dtype: type", "value_dtype: type"],
    effect: Effect::Pure,
    shape: shape::unknown,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("value_dtype")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let key = Key::new(ctx.take(1))?;
        let value = TensorMap::of(ctx.input(0))?.entries.get(&key);
        let value = value.ok_or_else(|| missing("Trying to lookup non-existent key.", &key))?.clone();
        if value.dtype() != dtype {
            return Err(Error::internal(format!(
                "Output 0 of type {} does not match declared output type {dtype}",
                value.dtype()
            )));
        }
        ctx.set(0, value);
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
        let look = |dtype, key| call(&OP, Some(dtype), map(&[("int32[1] 1", "float[1] 2")]), &[key]);
        assert_eq!(look(DType::Float, "int32[1] 1"), "float[1] 2");
        assert!(
            look(DType::Int32, "int32[1] 1").starts_with("INTERNAL: Output 0 of type float does not match")
        );
        let missing = "INVALID_ARGUMENT: Trying to lookup non-existent key.";
        assert!(look(DType::Float, "int32[] 1").starts_with(missing));
    }
}
