//! Division and remainders, rounded towards zero or down.
//!
//! Integers refuse a divisor of zero anywhere, and the least integer divided by -1 is itself. 16-bit floats round the
//! quotient before it is made whole. See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/FloorDiv` and the pages
//! of the other names.

use half::{bf16, f16};
use num_traits::{Float, Zero};
use savedmodel_op::Op;
use savedmodel_tensor::{Complex32, Complex64, Error, Result};

use crate::complex_packets;
use crate::elementwise::{zip, zip_kernels};

/// The operators of this file.
///
/// `FloorMod` has the sign of the divisor, `Mod` and `TruncateMod` that of the dividend.
pub const OPS: &[Op] = &[
    zip::op(
        "Div",
        &[NUMBERS],
        zip_kernels!("T", NS;
            floats |x, y| x / y,
            nonzero [i8 i16 i32 i64] |x, y| x.wrapping_div(y),
            nonzero [u8 u16 u32 u64] |x, y| x / y,
            slices [Complex32 Complex64] complex_packets::quotients),
    ),
    zip::op(
        "FloorDiv",
        &[NUMBERS],
        zip_kernels!("T", NS;
            hot [f32] |x, y| (x / y).floor(),
            each [f64 f16 bf16] |x, y| (x / y).floor(),
            nonzero [i8 i16 i32 i64] |x, y| {
                let quotient = x.wrapping_div(y);
                if x.wrapping_rem(y) != 0 && (x < 0) != (y < 0) { quotient - 1 } else { quotient }
            },
            nonzero [u8 u16 u32 u64] |x, y| x / y),
    ),
    zip::op(
        "TruncateDiv",
        &[NUMBERS],
        zip_kernels!("T", NS;
            hot [f32] |x, y| (x / y).trunc(),
            each [f64 f16 bf16] |x, y| (x / y).trunc(),
            nonzero_truncating [i8 i16 i32 i64] |x, y| x.wrapping_div(y),
            nonzero_truncating [u8 u16 u32 u64] |x, y| x / y),
    ),
    zip::op(
        "FloorMod",
        &["T: {int8, int16, int32, int64, uint8, uint16, uint32, uint64, bfloat16, half, float, double}"],
        zip_kernels!("T", NS;
            each [f32 f64 bf16] floor_mod,
            each [f16] |x, y| f16::from_f32(floor_mod(x.to_f32(), y.to_f32())),
            nonzero [i8 i16 i32 i64] |x, y| {
                let rest = x.wrapping_rem(y);
                if rest != 0 && (rest < 0) != (y < 0) { rest + y } else { rest }
            },
            nonzero [u8 u16 u32 u64] |x, y| x % y),
    ),
    zip::op(
        "Mod",
        &["T: {int32, int64, half, half, bfloat16, float, double}"],
        zip_kernels!("T", NS;
            each [f32 f64] truncate_mod,
            nonzero [i32 i64] |x, y| x.wrapping_rem(y)),
    ),
    zip::op(
        "TruncateMod",
        &["T: {int32, int64, bfloat16, half, float, double}"],
        zip_kernels!("T", NS;
            each [f32 f64] truncate_mod,
            nonzero_truncating [i32 i64] |x, y| x.wrapping_rem(y)),
    ),
];

/// Nanoseconds per element of a division.
const NS: f64 = 2.0;

const NUMBERS: &str = "T: {bfloat16, half, float, double, uint8, int8, uint16, int16, int32, uint32, uint64, int64, \
                       complex64, complex128}";

fn nonzero<T: Zero>(divisors: &[T]) -> Result<()> {
    if divisors.iter().any(Zero::is_zero) {
        return Err(Error::invalid_argument("Integer division by zero"));
    }
    Ok(())
}

/// TensorFlow does not expect these operators to fail.
fn nonzero_truncating<T: Zero>(divisors: &[T]) -> Result<()> {
    const TEXT: &str = "Unexpected error in binary operator (only integer div and mod should have errors)";
    nonzero(divisors).map_err(|_| Error::internal(TEXT))
}

/// The remainder of a quotient that is rounded toward zero.
fn truncate_mod<F: Float>(x: F, y: F) -> F {
    // A denormal divisor counts as zero; the library's remainder would look at its bits.
    if y.is_subnormal() { F::nan() } else { x % y }
}

/// The remainder of a quotient that is rounded down.
fn floor_mod<F: Float>(x: F, y: F) -> F {
    let rest = truncate_mod(x, y);
    // A denormal counts as zero, as it does where the processor compares.
    if rest.is_normal() && (y < F::zero()) != (rest < F::zero()) { rest + y } else { rest }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use savedmodel_tensor::Tensor;

    #[test]
    fn integers() {
        let (x, y) = ([-7, 7, -7, 6, i32::MIN, i32::MIN, i32::MAX], [2, -2, -2, 3, -1, i32::MAX, i32::MIN]);
        let rows: [(&str, [i32; 7]); 6] = [
            ("Div", [-3, -3, 3, 2, i32::MIN, -1, 0]),
            ("TruncateDiv", [-3, -3, 3, 2, i32::MIN, -1, 0]),
            ("FloorDiv", [-4, -4, 3, 2, i32::MIN, -2, -1]),
            ("FloorMod", [1, -1, -1, 0, 0, i32::MAX - 1, -1]),
            ("Mod", [-1, 1, -1, 0, 0, -1, i32::MAX]),
            ("TruncateMod", [-1, 1, -1, 0, 0, -1, i32::MAX]),
        ];
        for (name, want) in rows {
            let tensor = |v: &[i32]| Tensor::from_slice([v.len()], v).unwrap();
            check(op(OPS, name), [tensor(&x), tensor(&y)], tensor(&want));
            let text = if name.starts_with('T') { "Unexpected error" } else { "Integer division by zero" };
            error(op(OPS, name), [tensor(&x), Tensor::scalar(0)], text);
            check(op(OPS, name), [tensor(&[]), Tensor::scalar(0)], tensor(&[]));
        }
        let (pair, zeros) =
            (Tensor::from_slice([2], &[1, 2]).unwrap(), Tensor::from_slice([3], &[0; 3]).unwrap());
        error(op(OPS, "TruncateDiv"), [pair, zeros], "Incompatible shapes");
        check(op(OPS, "FloorDiv"), [Tensor::scalar(250_u8), Tensor::scalar(7_u8)], Tensor::scalar(35_u8));
        check(op(OPS, "FloorMod"), [Tensor::scalar(-128_i8), Tensor::scalar(-1_i8)], Tensor::scalar(0_i8));
    }

    #[test]
    fn floats() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        let (x, y) = ([5.0, -5.0, 0.0, -7.5, 5.0, -5.0, 7.5], [0.0, 0.0, 0.0, 2.0, inf, inf, -2.0]);
        let rows: [(&str, [f32; 7]); 6] = [
            ("Div", [inf, -inf, nan, -3.75, 0.0, 0.0, -3.75]),
            ("TruncateDiv", [inf, -inf, nan, -3.0, 0.0, 0.0, -3.0]),
            ("FloorDiv", [inf, -inf, nan, -4.0, 0.0, 0.0, -4.0]),
            ("FloorMod", [nan, nan, nan, 0.5, 5.0, inf, -0.5]),
            ("Mod", [nan, nan, nan, -1.5, 5.0, -5.0, 1.5]),
            ("TruncateMod", [nan, nan, nan, -1.5, 5.0, -5.0, 1.5]),
        ];
        for (name, want) in rows {
            let tensor = |v: &[f32]| Tensor::from_slice([v.len()], v).unwrap();
            check(op(OPS, name), [tensor(&x), tensor(&y)], tensor(&want));
        }
        let brain = |v: f32| Tensor::scalar(bf16::from_f32(v));
        check(op(OPS, "FloorDiv"), [brain(100.0), brain(0.1)], brain(1000.0));
        check(op(OPS, "FloorMod"), [brain(3.0), brain(1.1)], brain(0.796_875));
    }
}
