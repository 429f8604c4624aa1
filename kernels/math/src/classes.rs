//! Which elements are not finite numbers.
//!
//! See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/IsNan` and the pages of the other names.

use savedmodel_op::{Effect, Kernels, Op, shape};

use crate::elementwise::{CHEAP, map_kernels};

/// The operators of this file.
pub const OPS: &[Op] = &[
    op("IsNan", map_kernels!("T" => bool, CHEAP; floats |x| x.is_nan())),
    op("IsInf", map_kernels!("T" => bool, CHEAP; floats |x| x.is_infinite())),
    op("IsFinite", map_kernels!("T" => bool, CHEAP; floats |x| x.is_finite())),
];

const fn op(name: &'static str, kernels: Kernels) -> Op {
    Op {
        name,
        inputs: &["x: T"],
        outputs: &["y: bool"],
        attrs: &["T: {bfloat16, half, float, double}"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, op};
    use half::f16;
    use savedmodel_tensor::Tensor;

    #[test]
    fn values() {
        let x = [1.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0];
        let rows = [
            ("IsNan", [false, true, false, false, false]),
            ("IsInf", [false, false, true, true, false]),
            ("IsFinite", [true, false, false, false, true]),
        ];
        for (name, want) in rows {
            let want = Tensor::from_slice([5, 1], &want).unwrap();
            check(op(OPS, name), [Tensor::from_slice([5, 1], &x).unwrap()], want.clone());
            check(op(OPS, name), [Tensor::from_slice([5, 1], &x.map(f64::from)).unwrap()], want.clone());
            check(op(OPS, name), [Tensor::from_slice([5, 1], &x.map(f16::from_f32)).unwrap()], want);
        }
    }
}
