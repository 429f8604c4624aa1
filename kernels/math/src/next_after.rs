//! `NextAfter`.

use savedmodel_op::{Effect, Op, shape};

use crate::elementwise::zip_kernels;

/// The number next to `x1` on the way to `x2`; they broadcast.
///
/// See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/NextAfter`.
pub const OP: Op = Op {
    name: "NextAfter",
    inputs: &["x1: T", "x2: T"],
    outputs: &["output: T"],
    attrs: &["T: {double, float} = DT_FLOAT"],
    effect: Effect::Pure,
    shape: shape::broadcast,
    kernels: zip_kernels!("T", 2.0; each [f32] libm::nextafterf, each [f64] libm::nextafter),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, op};
    use savedmodel_tensor::Tensor;

    #[test]
    fn values() {
        let vector = |v: [f32; 5]| Tensor::from_slice([5], &v).unwrap();
        let inputs =
            [vector([1.0, 2.0, 1.0, 1.0, f32::MAX]), vector([2.0, 1.0, 1.0, f32::NAN, f32::INFINITY])];
        check(
            op(&[OP], "NextAfter"),
            inputs,
            vector([1.000_000_1, 1.999_999_9, 1.0, f32::NAN, f32::INFINITY]),
        );
        let up = [Tensor::scalar(1.0_f64), Tensor::scalar(9.0_f64)];
        let next =
            up.into_iter().fold(op(&[OP], "NextAfter"), |test, x| test.input(x)).run().unwrap().remove(0);
        assert_eq!(next.to_scalar::<f64>().unwrap(), 1.0 + f64::EPSILON);
    }
}
