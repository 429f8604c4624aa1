//! Units in the last place, and samples of all floats, for tests.

/// The distance of `got` from `want` in units of the last place of a float near `want`; zero when both are NaN or the
/// same infinity.
pub fn ulps(got: f32, want: f64) -> f64 {
    let nearest = want as f32;
    if nearest.is_nan() && got.is_nan() || nearest == got && nearest.is_infinite() {
        return 0.0;
    }
    if nearest.is_infinite() && got == f32::MAX.copysign(nearest) {
        return 1.0;
    }
    let exponent = ((nearest.abs().max(f32::MIN_POSITIVE).to_bits() >> 23) as i32 - 127).min(127);
    (f64::from(got) - want).abs() / 2f64.powi(exponent - 23)
}

/// About a quarter of a million floats of every sign and exponent, with all special values.
pub fn floats() -> Vec<f32> {
    let special =
        [0.0, 1.0, 0.5, 0.95, 2.0, 10.0, 88.0, 88.722_84, 89.0, 87.336_55, 103.9, 104.1, 1.5e6, 1e-45, 1e-40]
            .into_iter()
            .chain([f32::MAX, f32::MIN_POSITIVE, f32::INFINITY, f32::NAN, f32::EPSILON])
            .flat_map(|x: f32| [x, -x, x.next_up(), x.next_down(), -x.next_up(), -x.next_down()]);
    let spread = (0..u32::MAX / 32_771).map(|i| f32::from_bits(i * 32_771));
    let middle = (-60_000..60_000).map(|i| i as f32 * 0.001_234);
    special.chain(spread).chain(middle).collect()
}
