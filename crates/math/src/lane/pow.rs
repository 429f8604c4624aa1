//! Powers.

use super::poly64;
use crate::simd::Isa;

/// log2(m) / s for s = (m - 1) / (m + 1), as a polynomial in s^2, for m between the square roots of 1/2 and 2.
const LOG2: [f64; 6] = [
    2.885_390_081_777_844_8,
    0.961_796_694_123_715_8,
    0.577_077_939_125_694_5,
    0.412_209_600_040_645,
    0.319_890_678_790_601_73,
    0.283_124_684_982_707_26,
];
/// 2^x for |x| up to 1/2.
const EXP2: [f64; 9] = [
    1.000_000_000_000_027_6,
    0.693_147_180_545_704_7,
    0.240_226_506_954_603_65,
    0.055_504_109_421_175_17,
    0.009_618_129_229_925_624,
    0.001_333_344_969_604_313,
    1.540_341_070_803_37e-4,
    1.531_031_115_878_756_5e-5,
    1.326_425_659_238_793e-6,
];
const ROUND: f64 = 6_755_399_441_055_744.0;

/// The binary logarithm of a positive normal number.
#[inline(always)]
fn log2<I: Isa>(x: f64) -> f64 {
    let bits = x.to_bits() as i64;
    let n = bits.wrapping_sub(std::f64::consts::FRAC_1_SQRT_2.to_bits() as i64) >> 52;
    let m = f64::from_bits(bits.wrapping_sub(n << 52) as u64);
    // The exponent becomes a float by way of the low bits, which needs no conversion instruction.
    let n = f64::from_bits((ROUND.to_bits() as i64).wrapping_add(n) as u64) - ROUND;
    let s = (m - 1.0) / (m + 1.0);
    I::fma64(s, poly64::<I, 6>(s * s, LOG2), n)
}

/// 2 to the power of `x`, brought between -300 and 300.
#[inline(always)]
fn exp2<I: Isa>(x: f64) -> f64 {
    let x = if x < -300.0 { -300.0 } else { x };
    let x = if x > 300.0 { 300.0 } else { x };
    let shifted = x + ROUND;
    let r = x - (shifted - ROUND);
    let scale = f64::from_bits((shifted.to_bits() as i64).wrapping_add(1023).wrapping_shl(52) as u64);
    poly64::<I, 9>(r, EXP2) * scale
}

/// `x` to the power of `y`, with the special cases of the C function.
#[inline(always)]
pub fn pow<I: Isa>(x: f32, y: f32) -> f32 {
    let (ax, ay) = (x.abs(), y.abs());
    let magnitude = exp2::<I>(f64::from(y) * log2::<I>(f64::from(ax))) as f32;
    let end = if (ax == 0.0) == (y < 0.0) { f32::INFINITY } else { 0.0 };
    let magnitude = if (ax == 0.0) | (ax == f32::INFINITY) { end } else { magnitude };

    // Every float from 2^23 on is an integer, from 2^24 on an even one; below, adding 2^23 rounds to an integer.
    let shifted = ay + 8_388_608.0;
    let large = ay >= 8_388_608.0;
    let integer = large | (shifted - 8_388_608.0 == ay);
    let low = if large { ay.to_bits() } else { shifted.to_bits() } & 1;
    let odd = integer & (low == 1) & (ay < 16_777_216.0);
    let root_of_negative = (x < 0.0) & !integer & (ax < f32::INFINITY);

    let signed = if x.is_sign_negative() & odd { -magnitude } else { magnitude };
    let result = if root_of_negative | x.is_nan() | y.is_nan() { f32::NAN } else { signed };
    let one = (y == 0.0) | (x == 1.0) | ((ax == 1.0) & (ay == f32::INFINITY));
    if one { 1.0 } else { result }
}
