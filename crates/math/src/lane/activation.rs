//! Activations of neural networks.

use super::erf::tails;
use super::exp::one_and_exp;
use super::{exp, log1p};
use crate::simd::Isa;

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub fn sigmoid<I: Isa>(x: f32) -> f32 {
    1.0 / one_and_exp::<I>(-x)
}

/// `x / (1 + e^-x)`, also called swish.
#[inline(always)]
pub fn silu<I: Isa>(x: f32) -> f32 {
    x / one_and_exp::<I>(-x)
}

/// `log(1 + e^x)`.
#[inline(always)]
pub fn softplus<I: Isa>(x: f32) -> f32 {
    let positive = if x < 0.0 { 0.0 } else { x };
    positive + log1p::<I>(exp::<I>(-x.abs()))
}

/// `x / (1 + |x|)`.
#[inline(always)]
pub fn softsign<I: Isa>(x: f32) -> f32 {
    x / (1.0 + x.abs())
}

/// `x` above zero, else `e^x - 1`, subtracted as TensorFlow does: not as exact near zero as [`super::expm1`].
#[inline(always)]
pub fn elu<I: Isa>(x: f32) -> f32 {
    if x < 0.0 { exp::<I>(x) - 1.0 } else { x }
}

/// The scaled exponential linear unit, with the constants of its paper.
#[inline(always)]
pub fn selu<I: Isa>(x: f32) -> f32 {
    const SCALE: f32 = 1.050_701;
    const SCALE_ALPHA: f32 = 1.758_099_3;
    if x < 0.0 { SCALE_ALPHA * (exp::<I>(x) - 1.0) } else { SCALE * x }
}

/// `x` times the normal distribution function of `x`.
#[inline(always)]
pub fn gelu<I: Isa>(x: f32) -> f32 {
    let tails = tails::<I>(x.abs());
    0.5 * x * (if x < 0.0 { tails } else { 2.0 - tails })
}

/// The approximation of [`gelu`] by a hyperbolic tangent.
#[inline(always)]
pub fn gelu_tanh<I: Isa>(x: f32) -> f32 {
    // Half of 1 + tanh(x) is sigmoid(2x).
    const TWICE_SQRT_2_OVER_PI: f32 = 2.0 * 0.797_884_6;
    let inner = TWICE_SQRT_2_OVER_PI * I::fma(0.044_715 * x * x, x, x);
    x / one_and_exp::<I>(-inner)
}
