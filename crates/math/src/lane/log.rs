//! Natural logarithms.

use super::poly;
use crate::simd::Isa;

const LN2_HI: f32 = 0.693_359_4;
const LN2_LO: f32 = -2.121_944_4e-4;

/// (log(1 + f) - f + f^2 / 2) / f^3 for 1 + f between the square roots of 1/2 and 2.
const LOG: [f32; 9] = [
    0.333_333_1,
    -0.249_999_87,
    0.200_022_26,
    -0.166_692_52,
    0.142_186_66,
    -0.123_843_37,
    0.118_729_17,
    -0.117_898_48,
    0.069_155_4,
];

/// `log(x) + tail` for a positive normal `x` and a `tail` far smaller than one, with `exponent` twos taken out before.
#[inline(always)]
fn log_normal<I: Isa>(x: f32, exponent: f32, tail: f32) -> f32 {
    let bits = x.to_bits() as i32;
    let n = bits.wrapping_sub(std::f32::consts::FRAC_1_SQRT_2.to_bits() as i32) >> 23;
    let f = f32::from_bits(bits.wrapping_sub(n << 23) as u32) - 1.0;
    let n = n as f32 + exponent;
    let square = f * f;
    let y = I::fma(f * square, poly::<I, 9>(f, LOG), tail);
    let y = I::fma(n, LN2_LO, y);
    let y = I::fma(-0.5, square, y);
    I::fma(n, LN2_HI, f + y)
}

/// The natural logarithm.
#[inline(always)]
pub fn log<I: Isa>(x: f32) -> f32 {
    let tiny = x < f32::MIN_POSITIVE;
    let scaled = if tiny { x * 33_554_432.0 } else { x };
    let y = log_normal::<I>(scaled, if tiny { -25.0 } else { 0.0 }, 0.0);
    let y = if x < f32::INFINITY { y } else { x };
    let y = if x < 0.0 { f32::NAN } else { y };
    // Tested after the scaling, which flushes denormals where the thread asks for it.
    if scaled == 0.0 { f32::NEG_INFINITY } else { y }
}

/// `log(1 + x)`.
#[inline(always)]
pub fn log1p<I: Isa>(x: f32) -> f32 {
    let u = 1.0 + x;
    // What rounding `u` lost; the larger of the two operands leaves first.
    let lost = if x < 1.0 { x - (u - 1.0) } else { 1.0 - (u - x) };
    let y = log_normal::<I>(u, 0.0, lost / u);
    let y = if x < f32::INFINITY { y } else { x };
    let y = if x < -1.0 { f32::NAN } else { y };
    let y = if x == -1.0 { f32::NEG_INFINITY } else { y };
    y.copysign(x)
}
