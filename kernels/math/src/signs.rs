//! Signs and absolute values of one tensor.
//!
//! The least integer is its own opposite and absolute value. See
//! `https://www.tensorflow.org/api_docs/python/tf/raw_ops/Abs` and the pages of the other names.

use half::{bf16, f16};
use num_traits::Float;
use savedmodel_op::Op;
use savedmodel_tensor::{Complex32, Complex64};

use crate::elementwise::{CHEAP, map, map_kernels};

/// The operators of this file.
///
/// The sign of a zero of any kind is zero, of NaN it is NaN, and of a complex number it is the number over its modulus.
pub const OPS: &[Op] = &[
    map::op(
        "Neg",
        &["T: {bfloat16, half, float, double, int8, int16, int32, int64, complex64, complex128}"],
        map_kernels!("T", CHEAP;
            hot [f32] |x| -x,
            each [f64 f16 bf16 Complex32 Complex64] |x| -x,
            each [i8 i16 i32 i64] |x| x.wrapping_neg()),
    ),
    map::op(
        "Abs",
        &["T: {bfloat16, half, float, double, int8, int16, int32, int64}"],
        map_kernels!("T", CHEAP;
            hot [f32] |x| x.abs(),
            each [f64] |x| x.abs(),
            each [f16 bf16] |x| x.abs(),
            each [i8 i16 i32 i64] |x| x.wrapping_abs()),
    ),
    map::op(
        "Sign",
        &["T: {bfloat16, half, float, double, int8, int16, int32, int64, complex64, complex128}"],
        map_kernels!("T", CHEAP;
            floats |x| if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else if x == 0.0 { 0.0 } else { x },
            each [i8 i16 i32 i64] |x| x.signum(),
            each [Complex32 Complex64] |x| if x.norm() == 0.0 { 0.0.into() } else { x / x.norm() }),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use savedmodel_tensor::{Element, Tensor};

    fn row<T: Element>(name: &str, x: &[T], want: &[T]) {
        let tensor = |v: &[T]| Tensor::from_slice([v.len()], v).unwrap();
        check(op(OPS, name), [tensor(x)], tensor(want));
    }

    #[test]
    fn values() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        row("Neg", &[1.0, -inf, nan], &[-1.0, inf, nan]);
        row("Neg", &[i32::MIN, 5], &[i32::MIN, -5]);
        row("Neg", &[bf16::from_f32(1.5)], &[bf16::from_f32(-1.5)]);
        row("Neg", &[Complex32::new(1.0, -2.0)], &[Complex32::new(-1.0, 2.0)]);
        row("Abs", &[-1.5, -inf, nan], &[1.5, inf, nan]);
        row("Abs", &[-128_i8, -5], &[-128, 5]);
        row("Abs", &[f16::from_f32(-1.5)], &[f16::from_f32(1.5)]);
        row("Sign", &[-2.5, 0.0, inf, nan], &[-1.0, 0.0, 1.0, nan]);
        row("Sign", &[i64::MIN, 0, 7], &[-1, 0, 1]);
        row(
            "Sign",
            &[Complex32::new(3.0, 4.0), Complex32::default()],
            &[Complex32::new(0.6, 0.8), Complex32::default()],
        );
        error(op(OPS, "Abs"), [Tensor::scalar(1_u8)], "not in the list");
    }
}
