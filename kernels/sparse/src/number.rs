//! Numbers as the operators of this family compute with them.

use savedmodel_tensor::{Complex32, Complex64, Element, bf16, f16};

/// Elements that can be added and multiplied: integers wrap, 16-bit floats round each time.
pub(crate) trait Number: Element {
    /// What sums of many elements are kept in.
    type Sum: Copy + Default;
    /// `self + other`.
    fn plus(self, other: Self) -> Self;
    /// `self * other`.
    fn times(self, other: Self) -> Self;
    /// The complex conjugate.
    fn conjugate(self) -> Self;
    /// `sum + self * factor`.
    fn add_product(self, factor: Self, sum: Self::Sum) -> Self::Sum;
    /// `sum + self`.
    fn add_to(self, sum: Self::Sum) -> Self::Sum;
    /// The sum as an element.
    fn from_sum(sum: Self::Sum) -> Self;
}

/// Elements that are ordered.
pub(crate) trait Real: Number + PartialOrd {
    /// The least element.
    const LOWEST: Self;
    /// `self / other`, which is not an integer zero.
    fn over(self, other: Self) -> Self;
    /// The larger of two; NaN if either is.
    fn larger(self, other: Self) -> Self;
    /// The smaller of two; NaN if either is.
    fn smaller(self, other: Self) -> Self;
}

macro_rules! floats {
    ($($type:ty, $conjugate:expr;)*) => {
        $(impl Number for $type {
            type Sum = $type;
            #[inline(always)]
            fn plus(self, other: Self) -> Self { self + other }
            #[inline(always)]
            fn times(self, other: Self) -> Self { self * other }
            #[inline(always)]
            fn conjugate(self) -> Self { let f: fn(&$type) -> $type = $conjugate; f(&self) }
            #[inline(always)]
            fn add_product(self, factor: Self, sum: Self) -> Self { sum + self * factor }
            #[inline(always)]
            fn add_to(self, sum: Self) -> Self { sum + self }
            #[inline(always)]
            fn from_sum(sum: Self) -> Self { sum }
        })*
    };
}

floats! {
    f32, |x| *x;
    f64, |x| *x;
    Complex32, Complex32::conj;
    Complex64, Complex64::conj;
}

macro_rules! narrow_floats {
    ($($type:ident)*) => {
        $(impl Number for $type {
            type Sum = f32;
            #[inline(always)]
            fn plus(self, other: Self) -> Self { $type::from_f32(self.to_f32() + other.to_f32()) }
            #[inline(always)]
            fn times(self, other: Self) -> Self { $type::from_f32(self.to_f32() * other.to_f32()) }
            #[inline(always)]
            fn conjugate(self) -> Self { self }
            #[inline(always)]
            fn add_product(self, factor: Self, sum: f32) -> f32 { sum + self.to_f32() * factor.to_f32() }
            #[inline(always)]
            fn add_to(self, sum: f32) -> f32 { sum + self.to_f32() }
            #[inline(always)]
            fn from_sum(sum: f32) -> Self { $type::from_f32(sum) }
        })*
    };
}

narrow_floats!(f16 bf16);

macro_rules! integers {
    ($($type:ident)*) => {
        $(impl Number for $type {
            type Sum = $type;
            #[inline(always)]
            fn plus(self, other: Self) -> Self { self.wrapping_add(other) }
            #[inline(always)]
            fn times(self, other: Self) -> Self { self.wrapping_mul(other) }
            #[inline(always)]
            fn conjugate(self) -> Self { self }
            #[inline(always)]
            fn add_product(self, factor: Self, sum: Self) -> Self { sum.wrapping_add(self.wrapping_mul(factor)) }
            #[inline(always)]
            fn add_to(self, sum: Self) -> Self { sum.wrapping_add(self) }
            #[inline(always)]
            fn from_sum(sum: Self) -> Self { sum }
        }

        impl Real for $type {
            const LOWEST: $type = $type::MIN;
            #[inline(always)]
            fn over(self, other: Self) -> Self { if other == 0 { 0 } else { self.wrapping_div(other) } }
            #[inline(always)]
            fn larger(self, other: Self) -> Self { self.max(other) }
            #[inline(always)]
            fn smaller(self, other: Self) -> Self { self.min(other) }
        })*
    };
}

integers!(i8 i16 i32 i64 u8 u16 u32 u64);

macro_rules! reals {
    ($($type:ident: $lowest:expr, $over:expr;)*) => {
        $(impl Real for $type {
            const LOWEST: $type = $lowest;
            #[inline(always)]
            fn over(self, other: Self) -> Self { let f: fn($type, $type) -> $type = $over; f(self, other) }
            #[inline(always)]
            fn larger(self, other: Self) -> Self { if self >= other || self.is_nan() { self } else { other } }
            #[inline(always)]
            fn smaller(self, other: Self) -> Self { if self <= other || self.is_nan() { self } else { other } }
        })*
    };
}

reals! {
    f32: f32::NEG_INFINITY, |a, b| a / b;
    f64: f64::NEG_INFINITY, |a, b| a / b;
    f16: f16::NEG_INFINITY, |a, b| f16::from_f32(a.to_f32() / b.to_f32());
    bf16: bf16::NEG_INFINITY, |a, b| bf16::from_f32(a.to_f32() / b.to_f32());
}
