//! Activations of neural networks.

use super::few::Few;
use super::{clamp, exp, log1p};
use crate::simd::Isa;

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub fn sigmoid<I: Isa>(x: f32) -> f32 {
    Few([x]).sigmoid::<I>().0[0]
}

/// `x / (1 + e^-x)`, also called swish.
#[inline(always)]
pub fn silu<I: Isa>(x: f32) -> f32 {
    Few([x]).silu::<I>().0[0]
}

/// `x` times `x + 3` held between 0 and 6, divided by 6.
#[inline(always)]
pub fn hard_swish<I: Isa>(x: f32) -> f32 {
    Few([x]).hard_swish::<I>().0[0]
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
    Few([x]).gelu::<I>().0[0]
}

/// The approximation of [`gelu`] by a hyperbolic tangent.
#[inline(always)]
pub fn gelu_tanh<I: Isa>(x: f32) -> f32 {
    Few([x]).gelu_tanh::<I>().0[0]
}

impl<const N: usize> Few<N> {
    /// See [`sigmoid`].
    #[inline(always)]
    pub fn sigmoid<I: Isa>(self) -> Self {
        Few::from(1.0) / (-self).one_and_exp::<I>()
    }

    /// See [`silu`].
    #[inline(always)]
    pub fn silu<I: Isa>(self) -> Self {
        self / (-self).one_and_exp::<I>()
    }

    /// See [`hard_swish`].
    #[inline(always)]
    pub fn hard_swish<I: Isa>(self) -> Self {
        const SIXTH: f32 = 1.0 / 6.0;
        self.map(|x| x * (clamp(x + 3.0, 0.0, 6.0) * SIXTH))
    }

    /// See [`gelu`].
    #[inline(always)]
    pub fn gelu<I: Isa>(self) -> Self {
        let tails = self.abs().tails::<I>();
        let whole = self.zip(tails, |x, tails| if x < 0.0 { tails } else { 2.0 - tails });
        self * 0.5 * whole
    }

    /// See [`gelu_tanh`].
    #[inline(always)]
    pub fn gelu_tanh<I: Isa>(self) -> Self {
        // Half of 1 + tanh(x) is sigmoid(2x).
        const TWICE_SQRT_2_OVER_PI: f32 = 2.0 * 0.797_884_6;
        let inner = (self * 0.044_715 * self).fma::<I>(self, self) * TWICE_SQRT_2_OVER_PI;
        self / (-inner).one_and_exp::<I>()
    }
}
