//! Bits of integers.
//!
//! Shift counts outside of the width of the type are moved to the nearest that is not. See
//! `https://www.tensorflow.org/api_docs/python/tf/raw_ops/BitwiseAnd` and the pages of the other names.

use savedmodel_op::{Effect, Op, shape};

use crate::elementwise::{CHEAP, map, map_kernels, zip, zip_kernels};

/// The operators of this file.
pub const OPS: &[Op] = &[
    zip::op("BitwiseAnd", &[T], zip_kernels!("T", CHEAP; each [i8 i16 i32 i64 u8 u16 u32 u64] |x, y| x & y)),
    zip::op("BitwiseOr", &[T], zip_kernels!("T", CHEAP; each [i8 i16 i32 i64 u8 u16 u32 u64] |x, y| x | y)),
    zip::op("BitwiseXor", &[T], zip_kernels!("T", CHEAP; each [i8 i16 i32 i64 u8 u16 u32 u64] |x, y| x ^ y)),
    zip::op(
        "LeftShift",
        &[T],
        zip_kernels!("T", CHEAP;
            each [i8 i16 i32 i64] |x, y| x << y.clamp(0, (8 * size_of_val(&y) - 1) as _),
            each [u8 u16 u32 u64] |x, y| x << y.min((8 * size_of_val(&y) - 1) as _)),
    ),
    zip::op(
        "RightShift",
        &[T],
        zip_kernels!("T", CHEAP;
            each [i8 i16 i32 i64] |x, y| x >> y.clamp(0, (8 * size_of_val(&y) - 1) as _),
            each [u8 u16 u32 u64] |x, y| x >> y.min((8 * size_of_val(&y) - 1) as _)),
    ),
    map::op("Invert", &[T], map_kernels!("T", CHEAP; each [i8 i16 i32 i64 u8 u16 u32 u64] |x| !x)),
    Op {
        name: "PopulationCount",
        inputs: &["x: T"],
        outputs: &["y: uint8"],
        attrs: &[T],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: map_kernels!("T" => u8, CHEAP; each [i8 i16 i32 i64 u8 u16 u32 u64] |x| x.count_ones() as u8),
    },
];

const T: &str = "T: {int8, int16, int32, int64, uint8, uint16, uint32, uint64}";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use savedmodel_tensor::{Element, Tensor};

    fn row<T: Element>(name: &str, x: &[T], y: &[T], want: &[T]) {
        let tensor = |v: &[T]| Tensor::from_slice([v.len()], v).unwrap();
        check(op(OPS, name), [tensor(x), tensor(y)], tensor(want));
    }

    #[test]
    fn values() {
        row("BitwiseAnd", &[0b1100_u8], &[0b1010], &[0b1000]);
        row("BitwiseOr", &[0b1100_i64], &[0b1010], &[0b1110]);
        row("BitwiseXor", &[-1_i16], &[1], &[-2]);
        row("LeftShift", &[1, 1, -8], &[32, -1, 40], &[i32::MIN, 1, 0]);
        row("LeftShift", &[1_u8, 255], &[8, 1], &[128, 254]);
        row("RightShift", &[-8, 8, -8], &[40, -1, 1], &[-1, 8, -4]);
        row("RightShift", &[u64::MAX, 4], &[1 << 40, 1], &[1, 2]);
        check(op(OPS, "Invert"), [Tensor::scalar(5_u16)], Tensor::scalar(0xfffa_u16));
        check(op(OPS, "PopulationCount"), [Tensor::scalar(-1_i64)], Tensor::scalar(64_u8));
        error(op(OPS, "Invert"), [Tensor::scalar(true)], "not in the list");
    }
}
