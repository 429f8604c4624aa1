//! Order of two tensors, element by element.
//!
//! NaN compares false with everything. All broadcast. See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/Less`
//! and the pages of the other names.

use savedmodel_op::{Effect, Kernels, Op, shape};

use crate::elementwise::{CHEAP, zip_kernels};

/// The operators of this file.
pub const OPS: &[Op] = &[
    op(
        "Less",
        zip_kernels!("T" => bool, CHEAP; floats |x, y| x < y, hot [i32 i64] |x, y| x < y,
            each [i8 i16 u8 u16 u32 u64] |x, y| x < y),
    ),
    op(
        "LessEqual",
        zip_kernels!("T" => bool, CHEAP; floats |x, y| x <= y, hot [i32 i64] |x, y| x <= y,
            each [i8 i16 u8 u16 u32 u64] |x, y| x <= y),
    ),
    op(
        "Greater",
        zip_kernels!("T" => bool, CHEAP; floats |x, y| x > y, hot [i32 i64] |x, y| x > y,
            each [i8 i16 u8 u16 u32 u64] |x, y| x > y),
    ),
    op(
        "GreaterEqual",
        zip_kernels!("T" => bool, CHEAP; floats |x, y| x >= y, hot [i32 i64] |x, y| x >= y,
            each [i8 i16 u8 u16 u32 u64] |x, y| x >= y),
    ),
];

const fn op(name: &'static str, kernels: Kernels) -> Op {
    Op {
        name,
        inputs: &["x: T", "y: T"],
        outputs: &["z: bool"],
        attrs: &["T: realnumbertype"],
        effect: Effect::Pure,
        shape: shape::broadcast,
        kernels,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use half::f16;
    use savedmodel_tensor::{Element, Tensor};

    fn rows<T: Element>(x: [T; 3], y: T, want: [[bool; 3]; 4]) {
        for (name, want) in ["Less", "LessEqual", "Greater", "GreaterEqual"].into_iter().zip(want) {
            let want = Tensor::from_slice([3], &want).unwrap();
            check(op(OPS, name), [Tensor::from_slice([3], &x).unwrap(), Tensor::scalar(y)], want);
        }
    }

    #[test]
    fn values() {
        let (t, f) = (true, false);
        let ascending = [[t, f, f], [t, t, f], [f, f, t], [f, t, t]];
        rows([1.0_f32, 2.0, 3.0], 2.0, ascending);
        rows([1.0_f64, 2.0, f64::INFINITY], 2.0, ascending);
        rows([-1_i8, 2, 127], 2, ascending);
        rows([0, 1_u64 << 63, u64::MAX], 1 << 63, ascending);
        rows([1.0, 2.0, 3.0].map(f16::from_f32), f16::from_f32(2.0), ascending);
        rows([f32::NAN; 3], f32::NAN, [[f; 3]; 4]);
        let (x, y) =
            (Tensor::from_slice([2], &[1, 2]).unwrap(), Tensor::from_slice([3], &[1, 2, 3]).unwrap());
        error(op(OPS, "Less"), [x, y], "Incompatible shapes: [2] vs. [3]");
    }
}
