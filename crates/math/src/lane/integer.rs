//! Floats as integers, in the forms that vectorise: the language's own conversion, which saturates, goes number by number.

/// The integer part; the least integer for NaN and for what does not fit, as x86 has it.
#[inline(always)]
pub fn truncate_i32(x: f32) -> i32 {
    const LIMIT: f32 = 2_147_483_648.0;
    let x = if (-LIMIT..LIMIT).contains(&x) { x } else { -LIMIT };
    // SAFETY: the number is finite and its integer part fits.
    unsafe { x.to_int_unchecked() }
}

/// [`truncate_i32`] of a number in double precision.
#[inline(always)]
pub fn truncate_i32_f64(x: f64) -> i32 {
    const LIMIT: f64 = 2_147_483_648.0;
    let x = if x > -LIMIT - 1.0 && x < LIMIT { x } else { -LIMIT };
    // SAFETY: as above.
    unsafe { x.to_int_unchecked() }
}

/// [`truncate_i32`] to 64 bits.
#[inline(always)]
pub fn truncate_i64(x: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let x = if (-LIMIT..LIMIT).contains(&x) { x } else { -LIMIT };
    // SAFETY: as above.
    unsafe { x.to_int_unchecked() }
}

/// The nearest integer; of two that are as near, the one farther from zero.
#[inline(always)]
pub fn round_away(x: f32) -> f32 {
    // The number before a half: what lies between it and the half is rounded up by the sum, and nothing else is.
    (x + 0.499_999_97_f32.copysign(x)).trunc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_slow_ways() {
        let edges = [
            0.0,
            0.5,
            1.5,
            2.5,
            0.49999997,
            8_388_607.5,
            8_388_609.0,
            2_147_483_648.0,
            9.3e18,
            f32::MAX,
            f32::INFINITY,
            f32::NAN,
        ];
        let spread = (0..200_000_u32).map(|i| f32::from_bits(i.wrapping_mul(21_473)));
        for x in edges.into_iter().chain(spread).flat_map(|x| [x, -x]) {
            let fits = |limit: f64| f64::from(x) >= -limit && f64::from(x) < limit;
            assert_eq!(truncate_i32(x), if fits(2_147_483_648.0) { x as i32 } else { i32::MIN }, "{x}");
            let wide = f64::from(x) + 0.25;
            let inside = wide > -2_147_483_649.0 && wide < 2_147_483_648.0;
            assert_eq!(truncate_i32_f64(wide), if inside { wide as i32 } else { i32::MIN }, "{wide}");
            let inside = fits(9_223_372_036_854_775_808.0);
            assert_eq!(truncate_i64(x.into()), if inside { x as i64 } else { i64::MIN }, "{x}");
            assert!(
                round_away(x).to_bits() == x.round().to_bits() || x.is_nan() && round_away(x).is_nan(),
                "{x}"
            );
        }
    }
}
