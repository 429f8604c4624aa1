//! Sums and differences of elements as TensorFlow's kernels compute them.

use half::{bf16, f16};
use num_complex::{Complex32, Complex64};
use savedmodel_tensor::Element;

/// Elements that can be added to a variable: integers wrap, 16-bit floats round each time.
pub(crate) trait Arithmetic: Element {
    /// `self + other`.
    fn plus(self, other: Self) -> Self;
    /// `self - other`.
    fn minus(self, other: Self) -> Self;
}

macro_rules! arithmetic {
    ($($type:ty: $a:ident, $b:ident => $plus:expr, $minus:expr;)*) => {
        $(impl Arithmetic for $type {
            #[inline(always)]
            fn plus(self, $b: Self) -> Self { let $a = self; $plus }
            #[inline(always)]
            fn minus(self, $b: Self) -> Self { let $a = self; $minus }
        })*
    };
}

arithmetic! {
    f32: a, b => a + b, a - b;
    f64: a, b => a + b, a - b;
    Complex32: a, b => a + b, a - b;
    Complex64: a, b => a + b, a - b;
    f16: a, b => f16::from_f32(a.to_f32() + b.to_f32()), f16::from_f32(a.to_f32() - b.to_f32());
    bf16: a, b => bf16::from_f32(a.to_f32() + b.to_f32()), bf16::from_f32(a.to_f32() - b.to_f32());
    i8: a, b => a.wrapping_add(b), a.wrapping_sub(b);
    i16: a, b => a.wrapping_add(b), a.wrapping_sub(b);
    i32: a, b => a.wrapping_add(b), a.wrapping_sub(b);
    i64: a, b => a.wrapping_add(b), a.wrapping_sub(b);
    u8: a, b => a.wrapping_add(b), a.wrapping_sub(b);
    u16: a, b => a.wrapping_add(b), a.wrapping_sub(b);
    u32: a, b => a.wrapping_add(b), a.wrapping_sub(b);
    u64: a, b => a.wrapping_add(b), a.wrapping_sub(b);
}
