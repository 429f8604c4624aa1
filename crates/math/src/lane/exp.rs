//! The exponential function.

use super::few::Few;
use crate::simd::Isa;

/// Adding it to a number below 2^22 rounds that number to an integer, which then stands in the low bits.
const ROUND: f32 = 12_582_912.0;
/// log 2 in two parts; products of the first with an exponent are exact.
const LN2_HI: f32 = 0.693_359_4;
const LN2_LO: f32 = -2.121_944_4e-4;

/// (e^r - 1 - r) / r^2 for |r| up to log(2) / 2.
const SHORT: [f32; 5] = [0.5, 0.166_665_13, 0.041_666_187, 0.008_369_598, 0.001_395_171_3];
const LONG: [f32; 6] = [0.5, 0.166_666_67, 0.041_666_342, 0.008_333_271, 0.001_394_204_6, 1.991_562_6e-4];

/// `x / log 2` rounded and added to `shift`, which is [`ROUND`] and an integer, and `x` less that multiple of log 2.
#[inline(always)]
fn reduce<I: Isa, const N: usize>(x: Few<N>, shift: f32) -> (Few<N>, Few<N>) {
    let shifted = x.fma::<I>(std::f32::consts::LOG2_E, shift);
    let n = shifted - shift;
    (shifted, n.fma::<I>(-LN2_LO, n.fma::<I>(-LN2_HI, x)))
}

/// `e^r` for |r| up to log(2) / 2.
#[inline(always)]
fn exp_reduced<I: Isa, const N: usize>(r: Few<N>) -> Few<N> {
    r.poly::<I, 5>(SHORT).fma::<I>(r * r, r) + 1.0
}

/// The integer in the low bits of what [`reduce`] gives for [`ROUND`].
#[inline(always)]
fn integer(shifted: f32) -> i32 {
    (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32)
}

/// 2 to the power of `n`, for `n` from -126 to 127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// `e^x`.
#[inline(always)]
pub fn exp<I: Isa>(x: f32) -> f32 {
    Few([x]).exp::<I>().0[0]
}

/// `e^x - 1`.
#[inline(always)]
pub fn expm1<I: Isa>(x: f32) -> f32 {
    let (shifted, r) = reduce::<I, 1>(Few([x]).clamp(-20.0, 89.0), ROUND);
    let tail = r.poly::<I, 6>(LONG).fma::<I>(r * r, r);
    // Half the result, because 2^128 is no number.
    let scale = shifted.map(|shifted| power_of_two(integer(shifted).wrapping_sub(1)));
    let y = (2.0 * scale.fma::<I>(tail, scale - 0.5).0[0]).copysign(x);
    // Half of the least normal number would be flushed to zero.
    if x.abs() < 1e-10 { x } else { y }
}

impl<const N: usize> Few<N> {
    /// `e^x`.
    #[inline(always)]
    pub fn exp<I: Isa>(self) -> Self {
        self.exp_halved::<I>(0)
    }

    /// `e^x / 2^halvings` without overflow between, for few halvings.
    #[inline(always)]
    pub(super) fn exp_halved<I: Isa>(self, halvings: i32) -> Self {
        let (shifted, r) = reduce::<I, N>(self.clamp(-105.0, 91.0), ROUND);
        exp_reduced::<I, N>(r).zip(shifted, |y, shifted| {
            let n = integer(shifted).wrapping_sub(halvings);
            let half = n >> 1;
            y * power_of_two(half) * power_of_two(n.wrapping_sub(half))
        })
    }

    /// `e^x`, with `x` first brought between -87 and 88, so that the result is a normal number.
    #[inline(always)]
    pub(super) fn exp_bounded<I: Isa>(self) -> Self {
        self.clamp(-87.0, 88.0).exp_in_range::<I>()
    }

    /// `e^x` for `x` from -87 to 88; anything for other numbers.
    #[inline(always)]
    pub(super) fn exp_in_range<I: Isa>(self) -> Self {
        let (shifted, r) = reduce::<I, N>(self, ROUND);
        exp_reduced::<I, N>(r).zip(shifted, |y, shifted| y * power_of_two(integer(shifted)))
    }

    /// `1 + e^x`.
    #[inline(always)]
    pub(super) fn one_and_exp<I: Isa>(self) -> Self {
        // The low bits of what it rounds to are those of half a power of two, as 2^128 is no number.
        let (shifted, r) = reduce::<I, N>(self.clamp(-87.0, 89.0), ROUND + 126.0);
        let y = exp_reduced::<I, N>(r);
        y.zip(shifted, |y, shifted| y * f32::from_bits(shifted.to_bits() << 23)).fma::<I>(2.0, 1.0)
    }

    /// `e^x - 1` for `x` from -80 to 0, without a care for the sign of zero.
    #[inline(always)]
    pub(super) fn expm1_negative<I: Isa>(self) -> Self {
        let (shifted, r) = reduce::<I, N>(self, ROUND);
        let tail = r.poly::<I, 6>(LONG).fma::<I>(r * r, r);
        let scale = shifted.map(|shifted| power_of_two(integer(shifted)));
        scale.fma::<I>(tail, scale - 1.0)
    }
}
