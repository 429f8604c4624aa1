//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor};

use crate::dtypes::ELEMENTS;
use crate::tensor_list::write_all;
use crate::tensor_map::TensorMap;

/// All keys of a map, which must have the same shape, along a new first dimension.
///
/// They stand in the order in which they were inserted; TensorFlow promises none.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorMapStackKeys>
pub const OP: Op = Op {
    name: "TensorMapStackKeys",
    inputs: &["input_handle: variant"],
    outputs: &["keys: key_dtype"],
    attrs: &["key_dtype: type"],
    effect: Effect::Pure,
    shape: |_: &ShapeContext<'_>| Ok(vec![PartialShape::unknown()]),
    kernels: Kernels::All(&[("key_dtype", ELEMENTS)], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("key_dtype")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let keys: Vec<&Tensor> =
            TensorMap::of(ctx.input(0))?.entries.keys().map(|key| key.tensor()).collect();
        let refuse = |text: &str| Err(Error::invalid_argument(text));
        let Some(first) = keys.first().map(|key| key.shape()) else {
            return refuse("TensorMapStackKeys cannot be called on empty map.");
        };
        if keys.iter().any(|key| key.dtype() != dtype) {
            return refuse("Key does not match requested dtype.");
        }
        if keys.iter().any(|key| key.shape() != first) {
            return refuse("Keys must all have the same shape.");
        }
        let shape: Shape = std::iter::once(keys.len()).chain(first.iter().copied()).collect();
        let mut output = ctx.allocate(dtype, shape)?;
        write_all(&mut output, keys.iter().map(|&key| (Some(key), key.elements())))?;
        ctx.set(0, output);
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
        let stack = |dtype, keys: &[&str]| {
            let entries: Vec<(&str, &str)> = keys.iter().map(|&key| (key, "float[] 1")).collect();
            call(&OP, Some(dtype), map(&entries), &[])
        };
        assert_eq!(stack(DType::Int8, &["int8[1] 3", "int8[1] 1"]), "int8[2,1] 3 1");
        assert_eq!(stack(DType::String, &["string[] 'b'"]), "string[1] 'b'");
        let want = "INVALID_ARGUMENT: TensorMapStackKeys cannot be called on empty map.";
        assert_eq!(stack(DType::Int8, &[]), want);
        let want = "INVALID_ARGUMENT: Key does not match requested dtype.";
        assert_eq!(stack(DType::Int8, &["int32[] 3"]), want);
        let want = "INVALID_ARGUMENT: Keys must all have the same shape.";
        assert_eq!(stack(DType::Int8, &["int8[] 3", "int8[1] 3"]), want);
    }
}
