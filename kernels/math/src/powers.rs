//! Squares, square roots and reciprocals of one tensor.
//!
//! See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/Square` and the pages of the other names.

use half::{bf16, f16};
use savedmodel_math::unary;
use savedmodel_op::Op;
use savedmodel_tensor::{Complex32, Complex64};

use crate::elementwise::{CHEAP, map, map_kernels};
use crate::{complex, complex_packets};

/// The operators of this file.
///
/// `Reciprocal`, of which `Inv` is the older name, has no kernel for integers, though its declaration has them.
pub const OPS: &[Op] = &[
    map::op(
        "Square",
        &[
            "T: {bfloat16, half, float, double, int8, int16, int32, int64, uint8, uint16, uint32, uint64, complex64, \
           complex128}",
        ],
        map_kernels!("T", CHEAP;
            floats |x| x * x,
            each [i8 i16 i32 i64 u8 u16 u32 u64] |x| x.wrapping_mul(x),
            slices [Complex32 Complex64] complex_packets::squares),
    ),
    map::op(
        "Sqrt",
        &["T: {bfloat16, half, float, double, complex64, complex128}"],
        map_kernels!("T", CHEAP;
            slices [f32 f64 f16 bf16] unary::sqrt,
            slices [Complex32 Complex64] complex_packets::roots),
    ),
    map::op(
        "Rsqrt",
        &["T: {bfloat16, half, float, double, complex64, complex128}"],
        map_kernels!("T", CHEAP;
            slices [f32 f64 f16 bf16] unary::rsqrt,
            each [Complex32 Complex64] complex::rsqrt),
    ),
    reciprocal("Reciprocal"),
    reciprocal("Inv"),
];

const fn reciprocal(name: &'static str) -> Op {
    map::op(
        name,
        &["T: {bfloat16, half, float, double, int8, int16, int32, int64, complex64, complex128}"],
        map_kernels!("T", CHEAP;
            slices [f32 f64 f16 bf16] unary::reciprocal,
            slices [Complex32 Complex64] complex_packets::reciprocals),
    )
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
        row("Square", &[-3.0, inf, nan], &[9.0, inf, nan]);
        row("Square", &[46_341, -3], &[-2_147_479_015, 9]);
        row("Square", &[Complex32::new(-2.5, 0.3)], &[Complex32::new(6.16, -1.5)]);
        row("Sqrt", &[2.5, -1.0, -0.0], &[1.581_138_8, nan, -0.0]);
        row("Sqrt", &[Complex32::new(-4.0, 0.0)], &[Complex32::new(0.0, 2.0)]);
        row("Rsqrt", &[0.0, -0.0, 4.0, inf], &[inf, -inf, 0.5, 0.0]);
        row("Rsqrt", &[Complex32::new(4.0, 0.0)], &[Complex32::new(0.5, 0.0)]);
        row("Reciprocal", &[0.0, -0.0, -2.5], &[inf, -inf, -0.4]);
        row("Inv", &[f16::from_f32(4.0)], &[f16::from_f32(0.25)]);
        row("Inv", &[Complex64::new(0.0, 1.0)], &[Complex64::new(0.0, -1.0)]);
        error(
            op(OPS, "Reciprocal"),
            [Tensor::scalar(1)],
            "operator Reciprocal has no kernel for attr T = int32",
        );
    }
}
