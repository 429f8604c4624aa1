//! Sine, cosine and tangent.

use super::poly;
use crate::simd::Isa;

/// Above this magnitude the reduction of [`sin`], [`cos`] and [`tan`] loses accuracy; use double precision there.
pub const TRIG_LIMIT: f32 = 1.5e6;

/// (sin(x) / x - 1) / x^2 and (cos(x) - 1 + x^2 / 2) / x^4 as polynomials in x^2, for |x| up to pi / 4.
const SIN: [f32; 3] = [-0.166_666_55, 0.008_332_178, -1.951_723_4e-4];
const COS: [f32; 3] = [0.041_666_647, -0.001_388_736_7, 2.443_838e-5];

/// Adding it to a double below 2^51 rounds to an integer, which then stands in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// Half of pi: its first 33 bits and the rest, so that multiples of the first are exact up to [`TRIG_LIMIT`].
const HALF_PI_HI: f64 = 1.570_796_326_734_125_6;
const HALF_PI_LO: f64 = 6.077_100_506_506_192e-11;

/// The quadrant of `x`, and the sine and cosine of its distance from the middle of that quadrant.
#[inline(always)]
fn reduce<I: Isa>(x: f32) -> (i32, f32, f32) {
    let x = f64::from(x);
    let shifted = x * std::f64::consts::FRAC_2_PI + ROUND;
    let n = shifted - ROUND;
    let r = ((x - n * HALF_PI_HI) - n * HALF_PI_LO) as f32;
    let square = r * r;
    let sin = I::fma(r * square, poly::<I, 3>(square, SIN), r);
    let cos = I::fma(square * square, poly::<I, 3>(square, COS), I::fma(square, -0.5, 1.0));
    (shifted.to_bits() as i32, sin, cos)
}

/// The sine, for `x` up to [`TRIG_LIMIT`].
#[inline(always)]
pub fn sin<I: Isa>(x: f32) -> f32 {
    let (quadrant, sin, cos) = reduce::<I>(x);
    let y = if quadrant & 1 == 0 { sin } else { cos };
    let y = if quadrant & 2 == 0 { y } else { -y };
    if x == 0.0 { x } else { y }
}

/// The cosine, for `x` up to [`TRIG_LIMIT`].
#[inline(always)]
pub fn cos<I: Isa>(x: f32) -> f32 {
    let (quadrant, sin, cos) = reduce::<I>(x);
    let y = if quadrant & 1 == 0 { cos } else { sin };
    if quadrant.wrapping_add(1) & 2 == 0 { y } else { -y }
}

/// The tangent, for `x` up to [`TRIG_LIMIT`].
#[inline(always)]
pub fn tan<I: Isa>(x: f32) -> f32 {
    let (quadrant, sin, cos) = reduce::<I>(x);
    let y = if quadrant & 1 == 0 { sin } else { -cos } / if quadrant & 1 == 0 { cos } else { sin };
    if x == 0.0 { x } else { y }
}
