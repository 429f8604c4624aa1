//! `AccumulateNV2`.

use savedmodel_op::{Effect, Kernels, Op};

use crate::add_n;

/// Adds tensors of one shape, element by element, to zero.
///
/// TensorFlow rewrites it into additions to a temporary variable, one after the other; where all summands are there
/// at once, the last one comes first. That variable takes the shape of the summands, so that `shape` says nothing.
/// See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/AccumulateNV2`.
pub const OP: Op = Op {
    name: "AccumulateNV2",
    inputs: &["inputs: N * T"],
    outputs: &["sum: T"],
    attrs: &[
        "N: int >= 1",
        "T: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, bfloat16, qint16, \
         quint16, uint16, complex128, half, uint32, uint64}",
        "shape: shape",
    ],
    effect: Effect::Pure,
    shape: add_n::OP.shape,
    kernels: Kernels::ByDType("T", add_n::NUMBERS),
};

#[cfg(test)]
mod tests {
    use savedmodel_tensor::Tensor;

    use super::*;
    use crate::testing::{check, error, op};

    #[test]
    fn values() {
        let vector = |v: &[f32]| Tensor::from_slice([v.len()], v).unwrap();
        let add = || op(&[OP], "AccumulateNV2").attr("shape", savedmodel_tensor::PartialShape::unknown());
        check(add(), [vector(&[1.0, 2.0])], vector(&[1.0, 2.0]));
        check(add(), [vector(&[1e8]), vector(&[-1e8]), vector(&[1.0]), vector(&[3.0])], vector(&[0.0]));
        check(add(), [vector(&[1.0]), vector(&[1e8]), vector(&[3.0]), vector(&[-1e8])], vector(&[1.0]));
        check(add(), [vector(&[-0.0]), vector(&[-0.0])], vector(&[0.0]));
        check(add(), [Tensor::scalar(100_i8), Tensor::scalar(100_i8)], Tensor::scalar(-56_i8));
        error(add(), [vector(&[1.0; 3]), vector(&[1.0])], "Parameters and update must be the same size");
    }
}
