//! Scalar functions that vectorise: branch-free, `#[inline(always)]`, for use inside a [`crate::simd::Kernel`].
//!
//! Each takes the instruction set as a type and follows the thread's denormal mode, as its arithmetic does. Errors are
//! at most a few units in the last place of the result; the tests of [`crate::unary`] and [`crate::binary`] state them.

mod activation;
pub mod double;
mod erf;
mod exp;
mod few;
mod hyperbolic;
mod integer;
mod inverse_trig;
mod log;
mod pow;
mod trig;

pub use activation::{elu, gelu, gelu_tanh, hard_swish, selu, sigmoid, silu, softplus, softsign};
pub use erf::{erf, erfc};
pub use exp::{exp, expm1};
pub use few::Few;
pub use hyperbolic::{acosh, asinh, atanh, cosh, sinh, tanh};
pub use integer::{round_away, truncate_i32, truncate_i32_f64, truncate_i64};
pub use inverse_trig::{acos, asin, atan, atan2};
pub use log::{log, log1p};
pub use pow::pow;
pub use trig::{TRIG_LIMIT, cos, sin, tan};

use crate::simd::Isa;

/// The polynomial with these coefficients, lowest power first, by Horner's rule.
#[inline(always)]
pub fn poly<I: Isa, const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut y = coefficients[N - 1];
    for i in (0..N - 1).rev() {
        y = I::fma(y, x, coefficients[i]);
    }
    y
}

/// [`poly`] in double precision.
#[inline(always)]
pub fn poly64<I: Isa, const N: usize>(x: f64, coefficients: [f64; N]) -> f64 {
    let mut y = coefficients[N - 1];
    for i in (0..N - 1).rev() {
        y = I::fma64(y, x, coefficients[i]);
    }
    y
}

/// `x` between `lo` and `hi`; NaN stays NaN.
#[inline(always)]
pub fn clamp(x: f32, lo: f32, hi: f32) -> f32 {
    let x = if x < lo { lo } else { x };
    if x > hi { hi } else { x }
}

/// The square root.
#[inline(always)]
pub fn sqrt<I: Isa>(x: f32) -> f32 {
    x.sqrt()
}

/// `1 / sqrt(x)`.
#[inline(always)]
pub fn rsqrt<I: Isa>(x: f32) -> f32 {
    1.0 / x.sqrt()
}

/// `1 / x`.
#[inline(always)]
pub fn reciprocal<I: Isa>(x: f32) -> f32 {
    1.0 / x
}
