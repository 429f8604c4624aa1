//! `Pow`.

use half::{bf16, f16};
use savedmodel_math::binary;
use savedmodel_op::Op;
use savedmodel_tensor::{Complex32, Complex64, Error, Result};

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
        each [Complex32 Complex64] |x, y| (y * x.ln()).exp()),
);

const NS: f64 = 4.0;

fn not_negative<T: PartialOrd + Default>(exponents: &[T]) -> Result<()> {
    if exponents.iter().any(|y| *y < T::default()) {
        return Err(Error::invalid_argument("Integers to negative integer powers are not allowed"));
    }
    Ok(())
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
        let (x, y) = (Tensor::scalar(1), Tensor::scalar(-1));
        error(op(&[OP], "Pow"), [x, y], "Integers to negative integer powers are not allowed");
    }
}
