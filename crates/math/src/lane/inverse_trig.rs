//! Inverse trigonometric functions.

use super::poly;
use crate::simd::Isa;
use std::f32::consts::{FRAC_PI_2, PI};

/// (atan(x) / x - 1) / x^2 as a polynomial in x^2, for |x| up to 1.
const ATAN: [f32; 9] = [
    -0.333_333_02,
    0.199_986_39,
    -0.142_652_45,
    0.109_575_756,
    -0.084_194_54,
    0.058_234_445,
    -0.031_455_58,
    0.011_064_368,
    -0.001_827_195_6,
];
/// (asin(x) / x - 1) / x^2 as a polynomial in x^2, for |x| up to 1/2.
const ASIN: [f32; 6] = [0.166_666_6, 0.075_005_11, 0.044_515_718, 0.031_817_63, 0.014_402_54, 0.037_565_29];

/// What single precision leaves out of half of pi.
const FRAC_PI_2_LO: f32 = -4.371_139e-8;

/// The arc tangent of `x` between 0 and 1.
#[inline(always)]
fn atan_unit<I: Isa>(x: f32) -> f32 {
    let square = x * x;
    I::fma(x * square, poly::<I, 9>(square, ATAN), x)
}

/// The arc sine of `x` between 0 and 1/2, given its square.
#[inline(always)]
fn asin_half<I: Isa>(x: f32, square: f32) -> f32 {
    I::fma(x * square, poly::<I, 6>(square, ASIN), x)
}

/// The arc tangent.
#[inline(always)]
pub fn atan<I: Isa>(x: f32) -> f32 {
    let a = x.abs();
    let steep = a > 1.0;
    let y = atan_unit::<I>(if steep { 1.0 } else { a } / if steep { a } else { 1.0 });
    let y = if steep { FRAC_PI_2 - (y - FRAC_PI_2_LO) } else { y };
    y.copysign(x)
}

/// The angle of the point (`x`, `y`), with the signs of zeros and the infinities of the C function.
#[inline(always)]
pub fn atan2<I: Isa>(y: f32, x: f32) -> f32 {
    let (ay, ax) = (y.abs(), x.abs());
    let steep = ay > ax;
    let (small, large) = (if steep { ax } else { ay }, if steep { ay } else { ax });
    let q = small / large;
    let q = if small == large { 1.0 } else { q };
    let q = if large == 0.0 { 0.0 } else { q };
    let angle = atan_unit::<I>(q);
    let angle = if steep { FRAC_PI_2 - (angle - FRAC_PI_2_LO) } else { angle };
    let angle = if x.is_sign_negative() { PI - (angle - 2.0 * FRAC_PI_2_LO) } else { angle };
    let angle = if x.is_nan() | y.is_nan() { f32::NAN } else { angle };
    angle.copysign(y)
}

/// The arc sine.
#[inline(always)]
pub fn asin<I: Isa>(x: f32) -> f32 {
    let a = x.abs();
    let outer = a > 0.5;
    let half = 0.5 * (1.0 - a);
    let square = if outer { half } else { a * a };
    let y = asin_half::<I>(if outer { half.sqrt() } else { a }, square);
    let y = if outer { FRAC_PI_2 - (2.0 * y - FRAC_PI_2_LO) } else { y };
    y.copysign(x)
}

/// The arc cosine.
#[inline(always)]
pub fn acos<I: Isa>(x: f32) -> f32 {
    let a = x.abs();
    let outer = a > 0.5;
    let half = 0.5 * (1.0 - a);
    let square = if outer { half } else { a * a };
    let y = asin_half::<I>(if outer { half.sqrt() } else { a }, square);
    let inner = FRAC_PI_2 - (y.copysign(x) - FRAC_PI_2_LO);
    let outer_y = if x < 0.0 { PI - (2.0 * y - 2.0 * FRAC_PI_2_LO) } else { 2.0 * y };
    if outer { outer_y } else { inner }
}
