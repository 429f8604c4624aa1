//! `ParseTensor`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_proto::TensorProto;
use savedmodel_proto::tensor_proto::to_tensor;
use savedmodel_tensor::{DType, Error, Result};

/// Makes a tensor of a serialised `TensorProto`.
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ParseTensor>.
pub const OP: Op = Op {
    name: "ParseTensor",
    inputs: &["serialized: string"],
    outputs: &["output: out_type"],
    attrs: &["out_type: type"],
    effect: Effect::Pure,
    shape: shape::unknown,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("out_type")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let serialized = ctx.input(0);
        let (0, [bytes]) = (serialized.rank(), serialized.strings()?) else {
            let shape = serialized.shape();
            let message = format!("Expected `serialized` to be a scalar, got shape: {shape}");
            return Err(Error::invalid_argument(message));
        };
        let proto: TensorProto = savedmodel_proto::decode(bytes.clone()).map_err(|_| {
            let text = STANDARD.encode(bytes);
            Error::invalid_argument(format!("Could not parse `serialized` as TensorProto, base64: {text}"))
        })?;
        let tensor = to_tensor(&proto).map_err(|error| {
            let why = error.message();
            Error::invalid_argument(format!("Cannot parse tensor from proto: {why}"))
        })?;
        if tensor.dtype() != dtype {
            let found = tensor.dtype();
            return Err(Error::invalid_argument(format!(
                "Type mismatch between parsed tensor ({found}) and dtype ({dtype})"
            )));
        }
        ctx.set(0, tensor);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::OP;
    use crate::testing::{check, string, vector};
    use savedmodel_op::testing::OpTest;
    use savedmodel_tensor::{DType, Tensor};

    #[test]
    fn as_tensorflow() {
        let parse = |input: Tensor, dtype: DType| OpTest::new(&OP).attr("out_type", dtype).input(input);
        let integers = b"\x08\x03\x12\x04\x12\x02\x08\x02\"\x08\x01\0\0\0\x02\0\0\0";
        check(parse(string(&integers[..]), DType::Int32), "int32[2] 1 2");
        check(parse(string(&b"\x08\x01"[..]), DType::Float), "float[] 0");
        let mismatch = "INVALID_ARGUMENT: Type mismatch between parsed tensor (int32) and dtype (float)";
        check(parse(string(&integers[..]), DType::Float), mismatch);
        let malformed = "INVALID_ARGUMENT: Could not parse `serialized` as TensorProto, base64: eno=";
        check(parse(string("zz"), DType::Int32), malformed);
        let wrong = "INVALID_ARGUMENT: Cannot parse tensor from proto: ";
        check(parse(string(""), DType::Int32), wrong);
        check(parse(string(&b"\x08\x01\x22\x01\0"[..]), DType::Float), wrong);
        let shape = "INVALID_ARGUMENT: Expected `serialized` to be a scalar, got shape: [1]";
        check(parse(vector([b""]), DType::Int32), shape);
    }
}
