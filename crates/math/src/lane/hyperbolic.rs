//! Hyperbolic functions and their inverses.

use super::few::Few;
use super::{log, log1p, poly};
use crate::simd::Isa;

/// (sinh(x) / x - 1) / x^2 as a polynomial in x^2, for |x| up to 1.
const SINH: [f32; 4] = [0.166_666_66, 0.008_333_351, 1.983_606_6e-4, 2.817_439_5e-6];

/// The hyperbolic tangent.
#[inline(always)]
pub fn tanh<I: Isa>(x: f32) -> f32 {
    Few([x]).tanh::<I>().0[0]
}

impl<const N: usize> Few<N> {
    /// The hyperbolic tangent.
    #[inline(always)]
    pub fn tanh<I: Isa>(self) -> Self {
        let bounded = self.map(|x| if x.abs() > 10.0 { 10.0 } else { x.abs() });
        let t = (bounded * -2.0).expm1_negative::<I>();
        (-t / (t + 2.0)).zip(self, f32::copysign)
    }
}

/// The hyperbolic sine.
#[inline(always)]
pub fn sinh<I: Isa>(x: f32) -> f32 {
    let a = x.abs();
    let half = Few([a]).exp_halved::<I>(1).0[0];
    let large = half - 0.25 / half;
    let square = x * x;
    let small = I::fma(a * square, poly::<I, 4>(square, SINH), a);
    (if a < 1.0 { small } else { large }).copysign(x)
}

/// The hyperbolic cosine.
#[inline(always)]
pub fn cosh<I: Isa>(x: f32) -> f32 {
    let half = Few([x.abs()]).exp_halved::<I>(1).0[0];
    half + 0.25 / half
}

/// The inverse hyperbolic sine.
#[inline(always)]
pub fn asinh<I: Isa>(x: f32) -> f32 {
    let a = x.abs();
    let square = a * a;
    let small = log1p::<I>(a + square / (1.0 + (square + 1.0).sqrt()));
    let large = log::<I>(a) + std::f32::consts::LN_2;
    (if a < 1e9 { small } else { large }).copysign(x)
}

/// The inverse hyperbolic cosine.
#[inline(always)]
pub fn acosh<I: Isa>(x: f32) -> f32 {
    let t = x - 1.0;
    let small = log1p::<I>(t + (t * (t + 2.0)).sqrt());
    let large = log::<I>(x) + std::f32::consts::LN_2;
    let y = if x > 1e9 { large } else { small };
    if x < 1.0 { f32::NAN } else { y }
}

/// The inverse hyperbolic tangent.
#[inline(always)]
pub fn atanh<I: Isa>(x: f32) -> f32 {
    let a = x.abs();
    (0.5 * log1p::<I>(2.0 * a / (1.0 - a))).copysign(x)
}
