//! `ParseTensor`.

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
            let text = String::from_utf8_lossy(bytes);
            Error::invalid_argument(format!("Could not parse `serialized` as TensorProto: '{text}'"))
        })?;
        let tensor = to_tensor(&proto)?;
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
