//! Whole numbers near the elements of one tensor.
//!
//! See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/Floor` and the pages of the other names.

use savedmodel_op::Op;

use crate::elementwise::{CHEAP, map, map_kernels};

/// The operators of this file.
///
/// `Round` and `Rint` round halves to even. `Round` of integers is zero: TensorFlow computes with a half that is zero in
/// their type.
pub const OPS: &[Op] = &[
    map::op(
        "Floor",
        &["T: {bfloat16, half, float, double}"],
        map_kernels!("T", CHEAP; single |x| x.floor(), hot [f64] |x| x.floor()),
    ),
    map::op(
        "Ceil",
        &["T: {bfloat16, half, float, double}"],
        map_kernels!("T", CHEAP; single |x| x.ceil(), hot [f64] |x| x.ceil()),
    ),
    map::op(
        "Round",
        &["T: {bfloat16, half, float, double, int8, int16, int32, int64, complex64, complex128}"],
        map_kernels!("T", CHEAP; single |x| x.round_ties_even(), hot [f64] |x| x.round_ties_even(),
            each [i32 i64] |_| 0),
    ),
    map::op(
        "Rint",
        &["T: {bfloat16, half, float, double}"],
        map_kernels!("T", CHEAP; hot [f32 f64] |x| x.round_ties_even()),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use half::bf16;
    use savedmodel_tensor::{Element, Tensor};

    fn row<T: Element>(name: &str, x: &[T], want: &[T]) {
        let tensor = |v: &[T]| Tensor::from_slice([v.len()], v).unwrap();
        check(op(OPS, name), [tensor(x)], tensor(want));
    }

    #[test]
    fn values() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        row("Floor", &[2.5, -2.5, inf, nan], &[2.0, -3.0, inf, nan]);
        row("Ceil", &[2.5, -2.5, -inf, nan], &[3.0, -2.0, -inf, nan]);
        row("Round", &[0.5, 1.5, 2.5, -2.5, 8_388_609.0], &[0.0, 2.0, 2.0, -2.0, 8_388_609.0]);
        row("Rint", &[0.5, 1.5, -2.5], &[0.0, 2.0, -2.0]);
        row("Floor", &[-0.1_f64], &[-1.0]);
        row("Round", &[bf16::from_f32(3.5)], &[bf16::from_f32(4.0)]);
        row("Round", &[3_i32, -7], &[0, 0]);
        let negative = op(OPS, "Round").input(Tensor::scalar(-0.5_f32)).run().unwrap().remove(0);
        assert!(negative.to_scalar::<f32>().unwrap().is_sign_negative());
        error(op(OPS, "Round"), [Tensor::scalar(1_i8)], "operator Round has no kernel for attr T = int8");
    }
}
