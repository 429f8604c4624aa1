//! `Pow`.

use half::{bf16, f16};
use num_complex::Complex;
use num_traits::Float;
use savedmodel_math::binary;
use savedmodel_op::Op;
use savedmodel_tensor::{Complex32, Complex64, Error, Result};

use crate::complex::multiply;
use crate::elementwise::{zip, zip_kernels};

/// Raises `x` to the power of `y`; they broadcast.
///
/// Integers wrap around and refuse negative exponents. A complex power is `e^(y log x)`, so that zero to the power of
/// zero is NaN. See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/Pow`.
pub const OP: Op = zip::op(
    "Pow",
    &["T: {bfloat16, float, half, double, int8, int16, int32, int64, complex64, complex128}"],
    zip_kernels!("T", NS;
        slices [f32 f64 f16 bf16] binary::pow,
        not_negative [i8 i16 i32] |x, y| x.wrapping_pow(y as u32),
        not_negative [i64] |x: i64, y: i64| {
            let (low, high) = (y as u32, (y >> 32) as u32);
            x.wrapping_pow(low).wrapping_mul(x.wrapping_pow(1 << 16).wrapping_pow(1 << 16).wrapping_pow(high))
        },
        each [Complex32 Complex64] |x, y| exponential(multiply(y, x.ln()))),
);

const NS: f64 = 4.0;

fn not_negative<T: PartialOrd + Default>(exponents: &[T]) -> Result<()> {
    if exponents.iter().any(|y| *y < T::default()) {
        return Err(Error::invalid_argument("Integers to negative integer powers are not allowed"));
    }
    Ok(())
}

/// `e^z` as the C standard has it where a part is infinite or no number.
fn exponential<F: Float>(z: Complex<F>) -> Complex<F> {
    if z.re.is_finite() {
        return if z.im.is_finite() { z.exp() } else { Complex::new(F::nan(), F::nan()) };
    }
    if z.re.is_nan() {
        return Complex::new(z.re, if z.im == F::zero() { z.im } else { F::nan() });
    }
    let size = if z.re > F::zero() { z.re } else { F::zero() };
    if z.im == F::zero() {
        Complex::new(size, z.im)
    } else if z.im.is_finite() {
        Complex::new(size.copysign(z.im.cos()), size.copysign(z.im.sin()))
    } else if z.re > F::zero() {
        Complex::new(size, F::nan())
    } else {
        Complex::new(size, size.copysign(z.im))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use savedmodel_tensor::{Element, Tensor};

    fn row<T: Element>(x: &[T], y: &[T], want: &[T]) {
        let tensor = |v: &[T]| Tensor::from_slice([v.len()], v).unwrap();
        check(op(&[OP], "Pow"), [tensor(x), tensor(y)], tensor(want));
    }

    #[test]
    fn values() {
        row(&[2.0_f32, 0.0, -8.0, -2.0], &[1.5, 0.0, 0.5, 3.0], &[2.828_427, 1.0, f32::NAN, -8.0]);
        row(&[2.0_f64], &[10.0], &[1024.0]);
        row(&[f16::from_f32(2.0)], &[f16::from_f32(0.5)], &[f16::from_f32(1.414)]);
        row(&[2, -3, 0, 5], &[31, 3, 0, 0], &[i32::MIN, -27, 1, 1]);
        row(&[2_i8, 3], &[9], &[0, -29]);
        let odd = (1 << 40) + 1;
        row(&[2_i64, -3, 3], &[64, odd, odd], &[0, 5_135_550_532_504_518_653, -5_135_550_532_504_518_653]);
        row(&[Complex32::new(1.0, 1.0)], &[Complex32::new(2.0, 0.0)], &[Complex32::new(-8.742_278e-8, 2.0)]);
        let complex = Complex64::new;
        let (zero, bare, nan) = (complex(0.0, 0.0), complex(0.0, f64::INFINITY), f64::NAN);
        let powers = [zero, complex(0.0, -0.0), complex(f64::INFINITY, nan), complex(nan, nan)];
        row(
            &[zero, zero, bare, zero],
            &[complex(1.0, nan), complex(1.0, 0.0), complex(1.0, nan), zero],
            &powers,
        );
        let (x, y) = (Tensor::scalar(1), Tensor::scalar(-1));
        error(op(&[OP], "Pow"), [x, y], "Integers to negative integer powers are not allowed");
    }
}
