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
    /// `self * other`.
    fn times(self, other: Self) -> Self;
    /// `self / other`; integers are not divided by zero, which callers check.
    fn over(self, other: Self) -> Self;
    /// What maxima and minima make of a subnormal number: a zero of its sign.
    fn flushed(self) -> Self {
        self
    }
}

macro_rules! arithmetic {
    ($($type:ty: $a:ident, $b:ident => $plus:expr, $minus:expr, $times:expr, $over:expr $(, $flushed:expr)?;)*) => {
        $(impl Arithmetic for $type {
            #[inline(always)]
            fn plus(self, $b: Self) -> Self { let $a = self; $plus }
            #[inline(always)]
            fn minus(self, $b: Self) -> Self { let $a = self; $minus }
            #[inline(always)]
            fn times(self, $b: Self) -> Self { let $a = self; $times }
            #[inline(always)]
            fn over(self, $b: Self) -> Self { let $a = self; $over }
            $(fn flushed(self) -> Self { let $a = self; $flushed })?
        })*
    };
}

macro_rules! plain {
    ($($type:ty)*) => { arithmetic! { $($type: a, b => a + b, a - b, a * b, a / b;)* } };
}

macro_rules! integer {
    ($($type:ty)*) => {
        arithmetic! {
            $($type: a, b =>
                a.wrapping_add(b), a.wrapping_sub(b), a.wrapping_mul(b),
                if b == 0 { 0 } else { a.wrapping_div(b) };)*
        }
    };
}

macro_rules! narrow {
    ($($type:ident)*) => {
        arithmetic! {
            $($type: a, b =>
                $type::from_f32(a.to_f32() + b.to_f32()), $type::from_f32(a.to_f32() - b.to_f32()),
                $type::from_f32(a.to_f32() * b.to_f32()), $type::from_f32(a.to_f32() / b.to_f32());)*
        }
    };
}

arithmetic! {
    f32: a, b => a + b, a - b, a * b, a / b, if a.is_subnormal() { 0_f32.copysign(a) } else { a };
    f64: a, b => a + b, a - b, a * b, a / b, if a.is_subnormal() { 0_f64.copysign(a) } else { a };
}
plain! { Complex32 Complex64 }
integer! { i8 i16 i32 i64 u8 u16 u32 u64 }
narrow! { f16 bf16 }
