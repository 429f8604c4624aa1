//! Numbers that are computed side by side.

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::simd::Isa;

/// A few numbers, each step of whose computation is done to all of them before the next.
///
/// Processors look only so far ahead for instructions whose operands are there. In a long chain of dependent steps these
/// are few, even where a loop goes on with other numbers behind it; several chains that take turns keep the arithmetic busy.
/// A loop over `i` that takes [`Few::of`] of `i` and equal distances from it vectorises with `N` registers under way.
#[derive(Clone, Copy, Debug)]
pub struct Few<const N: usize>(pub [f32; N]);

impl<const N: usize> Few<N> {
    /// What `f` gives for `0..N`.
    #[inline(always)]
    pub fn of(f: impl Fn(usize) -> f32) -> Self {
        // `std::array::from_fn` is not always inlined, and would not be compiled for the instruction set then.
        let mut few = [0.0; N];
        for (i, x) in few.iter_mut().enumerate() {
            *x = f(i);
        }
        Few(few)
    }

    /// `f` of each.
    #[inline(always)]
    pub fn map(self, f: impl Fn(f32) -> f32) -> Self {
        Few::of(|i| f(self.0[i]))
    }

    /// `f` of each pair.
    #[inline(always)]
    pub fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Few::of(|i| f(self.0[i], other.0[i]))
    }

    /// `self * b + c`, as [`Isa::fma`].
    #[inline(always)]
    pub fn fma<I: Isa>(self, b: impl Into<Self>, c: impl Into<Self>) -> Self {
        let (b, c) = (b.into(), c.into());
        Few::of(|i| I::fma(self.0[i], b.0[i], c.0[i]))
    }

    /// [`super::clamp`] of each.
    #[inline(always)]
    pub fn clamp(self, lo: f32, hi: f32) -> Self {
        self.map(|x| super::clamp(x, lo, hi))
    }

    /// Each without its sign.
    #[inline(always)]
    pub fn abs(self) -> Self {
        self.map(f32::abs)
    }

    /// The polynomial with these coefficients, lowest power first, by Horner's rule.
    #[inline(always)]
    pub fn poly<I: Isa, const M: usize>(self, coefficients: [f32; M]) -> Self {
        let mut y = Few::from(coefficients[M - 1]);
        for i in (0..M - 1).rev() {
            y = y.fma::<I>(self, coefficients[i]);
        }
        y
    }
}

impl<const N: usize> From<f32> for Few<N> {
    #[inline(always)]
    fn from(x: f32) -> Self {
        Few([x; N])
    }
}

impl<const N: usize> Neg for Few<N> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        self.map(|x| -x)
    }
}

macro_rules! operators {
    ($($trait:ident $name:ident;)*) => {$(
        impl<const N: usize, T: Into<Self>> $trait<T> for Few<N> {
            type Output = Self;
            #[inline(always)]
            fn $name(self, b: T) -> Self {
                self.zip(b.into(), |a, b| a.$name(b))
            }
        }
    )*};
}

operators! {
    Add add;
    Sub sub;
    Mul mul;
    Div div;
}
