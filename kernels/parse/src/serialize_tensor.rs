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

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::OpTest;
    use savedmodel_tensor::{Shape, Tensor};

    #[test]
    fn bytes() {
        let serialize = |tensor| {
            OpTest::new(&super::OP).input(tensor).run().unwrap().remove(0).strings().unwrap().to_vec()
        };
        let integers = serialize(Tensor::from_slice([2], &[1, 2]).unwrap());
        assert_eq!(integers, [&b"\x08\x03\x12\x04\x12\x02\x08\x02\"\x08\x01\0\0\0\x02\0\0\0"[..]]);
        let strings = serialize(Tensor::from_strings([2], ["a", "b"]).unwrap());
        assert_eq!(strings, [&b"\x08\x07\x12\x04\x12\x02\x08\x02B\x01aB\x01b"[..]]);
        let scalar = serialize(Tensor::from_vec(Shape::scalar(), vec![true]).unwrap());
        assert_eq!(scalar, [&b"\x08\n\x12\0\"\x01\x01"[..]]);
    }
}
