//! The exponential function.

use super::{clamp, poly};
use crate::simd::Isa;

/// Adding it to a number below 2^22 rounds that number to an integer, which then stands in the low bits.
const ROUND: f32 = 12_582_912.0;
/// log 2 in two parts; products of the first with an exponent are exact.
const LN2_HI: f32 = 0.693_359_4;
const LN2_LO: f32 = -2.121_944_4e-4;

/// (e^r - 1 - r) / r^2 for |r| up to log(2) / 2.
const SHORT: [f32; 5] = [0.5, 0.166_665_13, 0.041_666_187, 0.008_369_598, 0.001_395_171_3];
const LONG: [f32; 6] = [0.5, 0.166_666_67, 0.041_666_342, 0.008_333_271, 0.001_394_204_6, 1.991_562_6e-4];

/// The integer `n` nearest to `x / log 2`, as float and integer, and `x - n log 2`.
#[inline(always)]
fn reduce<I: Isa>(x: f32) -> (f32, i32, f32) {
    let shifted = I::fma(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let exponent = (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
    let r = I::fma(n, -LN2_HI, x);
    (n, exponent, I::fma(n, -LN2_LO, r))
}

/// 2 to the power of `n`, for `n` from -126 to 127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// `e^x`.
#[inline(always)]
pub fn exp<I: Isa>(x: f32) -> f32 {
    exp_halved::<I>(x, 0)
}

/// `e^x / 2^halvings` without overflow between, for few halvings.
#[inline(always)]
pub(super) fn exp_halved<I: Isa>(x: f32, halvings: i32) -> f32 {
    let (_, n, r) = reduce::<I>(clamp(x, -105.0, 91.0));
    let n = n.wrapping_sub(halvings);
    let y = I::fma(poly::<I, 5>(r, SHORT), r * r, r) + 1.0;
    let half = n >> 1;
    y * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// `e^x`, with `x` first brought between -87 and 88, so that the result is a normal number.
#[inline(always)]
pub(super) fn exp_bounded<I: Isa>(x: f32) -> f32 {
    exp_in_range::<I>(clamp(x, -87.0, 88.0))
}

/// `e^x` for `x` from -87 to 88; anything for other numbers.
#[inline(always)]
pub(super) fn exp_in_range<I: Isa>(x: f32) -> f32 {
    let (_, n, r) = reduce::<I>(x);
    let y = I::fma(poly::<I, 5>(r, SHORT), r * r, r) + 1.0;
    y * power_of_two(n)
}

/// `1 + e^x`.
#[inline(always)]
pub(super) fn one_and_exp<I: Isa>(x: f32) -> f32 {
    // The low bits of what it rounds to are those of half a power of two, as 2^128 is no number.
    const SHIFT: f32 = ROUND + 126.0;
    let x = clamp(x, -87.0, 89.0);
    let shifted = I::fma(x, std::f32::consts::LOG2_E, SHIFT);
    let n = shifted - SHIFT;
    let r = I::fma(n, -LN2_LO, I::fma(n, -LN2_HI, x));
    let y = I::fma(poly::<I, 5>(r, SHORT), r * r, r) + 1.0;
    I::fma(y * f32::from_bits(shifted.to_bits() << 23), 2.0, 1.0)
}

/// `e^x - 1`.
#[inline(always)]
pub fn expm1<I: Isa>(x: f32) -> f32 {
    let (_, n, r) = reduce::<I>(clamp(x, -20.0, 89.0));
    let tail = I::fma(poly::<I, 6>(r, LONG), r * r, r);
    // Half the result, because 2^128 is no number.
    let scale = power_of_two(n.wrapping_sub(1));
    let y = (2.0 * I::fma(scale, tail, scale - 0.5)).copysign(x);
    // Half of the least normal number would be flushed to zero.
    if x.abs() < 1e-10 { x } else { y }
}

/// `e^x - 1` for `x` from -80 to 0, without a care for the sign of zero.
#[inline(always)]
pub(super) fn expm1_negative<I: Isa>(x: f32) -> f32 {
    let (_, n, r) = reduce::<I>(x);
    let tail = I::fma(poly::<I, 6>(r, LONG), r * r, r);
    let scale = power_of_two(n);
    I::fma(scale, tail, scale - 1.0)
}
