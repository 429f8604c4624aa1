//! Sums, differences, products and quotients of two tensors, and the greater or lesser of them.
//!
//! Integers wrap around. All broadcast. See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/AddV2` and the
//! pages of the other names.

use half::{bf16, f16};
use savedmodel_math::packet::Float;
use savedmodel_op::{Construction, Kernel, Kernels, Op};
use savedmodel_tensor::{Complex32, Complex64, DType, Result};

use crate::complex_packets;
use crate::elementwise::{CHEAP, zip, zip_kernels};

/// The operators of this file.
///
/// `Maximum` and `Minimum` are NaN where an operand is; of zeros of both signs, 16-bit floats keep the first, others the
/// second. `DivNoNan` and `MulNoNan` are zero where `y` is, whatever `x`.
/// `SquaredDifference` of 16-bit floats rounds the difference before it squares it.
pub const OPS: &[Op] = &[
    zip::op(
        "AddV2",
        &[
            "T: {bfloat16, half, float, double, uint8, uint16, uint32, uint64, int8, int16, int32, int64, complex64, \
           complex128}",
        ],
        zip_kernels!("T", CHEAP;
            floats |x, y| x + y,
            hot [i32 i64] |x, y| x.wrapping_add(y),
            each [i8 i16 u8 u16 u32 u64] |x, y| x.wrapping_add(y),
            each [Complex32 Complex64] |x, y| x + y),
    ),
    zip::op(
        "Sub",
        &[
            "T: {bfloat16, half, float, double, uint8, int8, uint16, int16, int32, int64, complex64, complex128, uint32, \
           uint64}",
        ],
        zip_kernels!("T", CHEAP;
            floats |x, y| x - y,
            hot [i32 i64] |x, y| x.wrapping_sub(y),
            each [i8 i16 u8 u16 u32 u64] |x, y| x.wrapping_sub(y),
            each [Complex32 Complex64] |x, y| x - y),
    ),
    zip::op(
        "Mul",
        &[NUMBERS],
        zip_kernels!("T", CHEAP;
            floats |x, y| x * y,
            hot [i32 i64] |x, y| x.wrapping_mul(y),
            each [i8 i16 u8 u16 u32 u64] |x, y| x.wrapping_mul(y),
            slices [Complex32 Complex64] complex_packets::products),
    ),
    zip::op(
        "RealDiv",
        &[NUMBERS],
        zip_kernels!("T", CHEAP;
            floats |x, y| x / y,
            slices [Complex32 Complex64] complex_packets::quotients),
    ),
    zip::op(
        "DivNoNan",
        &["T: {half, float, bfloat16, double, complex64, complex128}"],
        zip_kernels!("T", CHEAP;
        floats |x, y| if y == 0.0 { 0.0 } else { x / y },
        slices [Complex32 Complex64] complex_packets::quotients_no_nan),
    ),
    zip::op(
        "MulNoNan",
        &["T: {bfloat16, half, float, double, complex64, complex128}"],
        zip_kernels!("T", CHEAP;
            floats |x, y| if y == 0.0 { 0.0 } else { x * y },
            slices [Complex32 Complex64] complex_packets::products_no_nan),
    ),
    zip::op(
        "Maximum",
        &[REAL],
        zip_kernels!("T", CHEAP;
            hot [f32] |x, y| (if x > y || x.is_nan() { x } else { y }).flushed(),
            each [f64] |x, y| (if x > y || x.is_nan() { x } else { y }).flushed(),
            narrow [f16 bf16] |x, y| if x < y || y.is_nan() { y } else { x },
            each [i8 i16 i32 i64 u8 u16 u32 u64] |x, y| x.max(y)),
    ),
    zip::op(
        "Minimum",
        &[REAL],
        zip_kernels!("T", CHEAP;
            hot [f32] |x, y| (if x < y || x.is_nan() { x } else { y }).flushed(),
            each [f64] |x, y| (if x < y || x.is_nan() { x } else { y }).flushed(),
            narrow [f16 bf16] |x, y| if x > y || y.is_nan() { y } else { x },
            each [i8 i16 i32 i64 u8 u16 u32 u64] |x, y| x.min(y)),
    ),
    zip::op(
        "SquaredDifference",
        &["T: {bfloat16, half, float, double, int32, int64, complex64, complex128}"],
        zip_kernels!("T", CHEAP;
            hot [f32] |x, y| (x - y) * (x - y),
            each [f64 f16 bf16] |x, y| (x - y) * (x - y),
            each [i32 i64] |x, y| x.wrapping_sub(y).wrapping_mul(x.wrapping_sub(y)),
            slices [Complex32 Complex64] complex_packets::squared_differences),
    ),
];

/// The kernel of `AddV2` for a dtype.
///
/// # Errors
/// `UNIMPLEMENTED` when there is none.
pub fn add(dtype: DType, node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let Kernels::ByDType(_, rows) = OPS[0].kernels else { return Err(node.no_kernel("T")) };
    let row = rows.iter().find(|row| row.0 == dtype).ok_or_else(|| node.no_kernel("T"))?;
    row.1(node)
}

const NUMBERS: &str = "T: {bfloat16, half, float, double, uint8, int8, uint16, int16, int32, uint32, uint64, int64, \
                       complex64, complex128}";

const REAL: &str =
    "T: {bfloat16, half, float, double, int8, uint8, int16, uint16, int32, uint32, int64, uint64}";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use savedmodel_tensor::Tensor;

    fn floats(values: &[f32]) -> Tensor {
        Tensor::from_slice([values.len()], values).unwrap()
    }

    #[test]
    fn values() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        type Row<'a> = (&'a str, &'a [f32], &'a [f32], &'a [f32]);
        let rows: [Row<'_>; 9] = [
            ("AddV2", &[1.0, inf, nan], &[2.0, -inf, 1.0], &[3.0, nan, nan]),
            ("Sub", &[1.0, inf], &[2.0, inf], &[-1.0, nan]),
            ("Mul", &[3.0, inf], &[2.0, 0.0], &[6.0, nan]),
            ("RealDiv", &[1.0, -1.0, 0.0], &[0.0, 0.0, 0.0], &[inf, -inf, nan]),
            ("DivNoNan", &[1.0, nan, 6.0], &[0.0, 0.0, 4.0], &[0.0, 0.0, 1.5]),
            ("MulNoNan", &[inf, nan, 2.0], &[0.0, 0.0, 4.0], &[0.0, 0.0, 8.0]),
            ("Maximum", &[1.0, nan, 1.0, -inf], &[2.0, 1.0, nan, -1.0], &[2.0, nan, nan, -1.0]),
            ("Minimum", &[1.0, nan, 1.0, -inf], &[2.0, 1.0, nan, -1.0], &[1.0, nan, nan, -inf]),
            ("SquaredDifference", &[1.0, -2.0], &[4.0, 1.0], &[9.0, 9.0]),
        ];
        for (name, x, y, want) in rows {
            check(op(OPS, name), [floats(x), floats(y)], floats(want));
        }
    }

    #[test]
    fn dtypes_and_shapes() {
        let half = |v: f32| Tensor::scalar(f16::from_f32(v));
        let brain = |v: f32| Tensor::scalar(bf16::from_f32(v));
        check(op(OPS, "AddV2"), [Tensor::scalar(i32::MAX), Tensor::scalar(1)], Tensor::scalar(i32::MIN));
        check(op(OPS, "AddV2"), [Tensor::scalar(250_u8), Tensor::scalar(9_u8)], Tensor::scalar(3_u8));
        check(op(OPS, "AddV2"), [brain(256.0), brain(1.0)], brain(256.0));
        check(op(OPS, "Mul"), [half(300.0), half(300.0)], half(f32::INFINITY));
        check(op(OPS, "SquaredDifference"), [brain(257.0), brain(0.0)], brain(65536.0));
        let (x, y) = (Complex32::new(1.0, 2.0), Complex32::new(3.0, -1.0));
        check(
            op(OPS, "Mul"),
            [Tensor::scalar(x), Tensor::scalar(y)],
            Tensor::scalar(Complex32::new(5.0, 5.0)),
        );
        check(
            op(OPS, "SquaredDifference"),
            [Tensor::scalar(x), Tensor::scalar(y)],
            Tensor::scalar(Complex32::new(13.0, 0.0)),
        );
        let rows = Tensor::from_slice([2, 1], &[10_i64, 20]).unwrap();
        let columns = Tensor::from_slice([3], &[1_i64, 2, 3]).unwrap();
        let want = Tensor::from_slice([2, 3], &[9_i64, 8, 7, 19, 18, 17]).unwrap();
        check(op(OPS, "Sub"), [rows, columns], want);
        let empty = Tensor::from_slice([0, 2], &[0_i8; 0]).unwrap();
        check(op(OPS, "Sub"), [empty.clone(), Tensor::scalar(1_i8)], empty);
        error(op(OPS, "Mul"), [floats(&[1.0, 2.0]), floats(&[1.0; 3])], "Incompatible shapes: [2] vs. [3]");
    }

    #[test]
    fn long_operands() {
        let n = 300_000;
        let long: Vec<f32> = (0..n).map(|i| i as f32).collect();
        let want: Vec<f32> = long.iter().map(|v| v + 1.0).collect();
        check(op(OPS, "AddV2"), [floats(&long), Tensor::scalar(1.0_f32)], floats(&want));
        check(op(OPS, "AddV2"), [Tensor::scalar(1.0_f32), floats(&long)], floats(&want));
        check(op(OPS, "AddV2"), [floats(&long), floats(&vec![1.0; n])], floats(&want));
    }
}
