//! `SerializeTensor`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, dtypes, shape};
use savedmodel_proto::Message;
use savedmodel_proto::tensor_proto::from_tensor;
use savedmodel_tensor::{Result, Shape, Tensor};

/// Writes a tensor as a serialised `TensorProto`.
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SerializeTensor>.
pub const OP: Op = Op {
    name: "SerializeTensor",
    inputs: &["tensor: T"],
    outputs: &["serialized: string"],
    attrs: &["T: type"],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::All(&[("T", dtypes::POD_AND_POINTERS)], build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let bytes = from_tensor(ctx.input(0))?.encode_to_vec();
        ctx.set(0, Tensor::from_strings(Shape::scalar(), [bytes])?);
        Ok(())
    }))
}
