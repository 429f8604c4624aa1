//! Signs and absolute values of one tensor.
//!
//! The least integer is its own opposite and absolute value. See
//! `https://www.tensorflow.org/api_docs/python/tf/raw_ops/Abs` and the pages of the other names.

use half::{bf16, f16};
use num_complex::Complex;
use num_traits::{Float, FloatConst};
use savedmodel_math::packet;
use savedmodel_op::Op;
use savedmodel_tensor::{Complex32, Complex64};

use crate::complex_packets;
use crate::elementwise::{CHEAP, Map, denormal, loops, map, map_kernels};

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
            slices [f32] |x, out| sign(|x, out| loops::map_hot(x, out, of_float), x, out),
            slices [f64] |x, out| sign(|x, out| loops::map(x, out, of_float), x, out),
            slices [bf16] |x, out| sign(|x, out| loops::map(x, out, of_float), x, out),
            each [f16] of_float,
            each [i8 i16 i32 i64] |x| x.signum(),
            slices [Complex32 Complex64] |x, out| complex_packets::signs(x, out, of_complex)),
    ),
];

fn of_float<F: Float>(x: F) -> F {
    match () {
        _ if x > F::zero() => F::one(),
        _ if x < F::zero() => -F::one(),
        _ if x == F::zero() => F::zero(),
        _ => x,
    }
}

/// Denormals give their absolute value in TensorFlow's packets, zero in the rest.
fn sign<T: packet::Float + Float>(f: Map<T, T>, x: &[T], out: &mut [T]) {
    f(x, out);
    if !denormal::any(x) {
        return;
    }
    packet::head(x, out, |x| x.abs());
    packet::rest(x, out, |_| num_traits::Zero::zero());
}

fn of_complex<F: Float + FloatConst>(x: Complex<F>) -> Complex<F> {
    let norm = x.norm();
    if norm == F::zero() {
        return Complex::new(F::zero(), F::zero());
    }
    // A part beside NaN counts as being as large as that.
    let beside_nan =
        |part: F| if part == F::zero() || part.is_nan() { part.abs() } else { part.signum() / F::SQRT_2() };
    if norm.is_nan() { Complex::new(beside_nan(x.re), beside_nan(x.im)) } else { x / norm }
}

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
