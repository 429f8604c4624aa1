//! Inverses of the error function and of the normal distribution.

use std::f64::consts::{FRAC_2_SQRT_PI, SQRT_2};

/// The error that a last step of Newton's method leaves is the square of that step: steps as small as these are the last.
const DOUBLE: f64 = 1e-8;
const SINGLE: f64 = 1e-4;

/// The number whose error function is `x`; NaN outside of -1 to 1.
fn erfinv(x: f64, last: f64) -> f64 {
    let y = x.abs();
    match y {
        _ if y < 1e-8 => x / FRAC_2_SQRT_PI,
        _ if y < 0.5 => {
            let mut t = near(1.0 - y);
            for _ in 0..4 {
                let step = (libm::erf(t) - y) / (FRAC_2_SQRT_PI * (-t * t).exp());
                t -= step;
                if step.abs() <= last * t {
                    break;
                }
            }
            t.copysign(x)
        }
        _ => erfcinv(1.0 - y, last).copysign(x),
    }
}

/// The number whose complementary error function is `x`, for `x` from 1e-7 to 1, to six digits (M. Giles, Approximating the erfinv
/// function, 2012).
fn near(x: f64) -> f64 {
    let w = -(x * (2.0 - x)).ln();
    let polynomial =
        |w: f64, coefficients: [f64; 9]| coefficients.into_iter().rev().fold(0.0, |y, c| y * w + c);
    let factor = if w < 5.0 {
        polynomial(
            w - 2.5,
            [
                1.501_409_41,
                0.246_640_727,
                -0.004_177_681_64,
                -0.001_253_725_03,
                0.000_218_580_87,
                -4.391_506_54e-6,
                -3.523_387_7e-6,
                3.432_739_39e-7,
                2.810_226_36e-8,
            ],
        )
    } else {
        polynomial(
            w.sqrt() - 3.0,
            [
                2.832_976_82,
                1.001_674_06,
                0.009_438_870_47,
                -0.007_622_461_3,
                0.005_739_507_73,
                -0.003_673_428_44,
                0.001_349_343_22,
                0.000_100_950_558,
                -0.000_200_214_257,
            ],
        )
    };
    factor * (1.0 - x)
}

/// The number whose complementary error function is `x`, for `x` up to 1; NaN below zero.
fn erfcinv(x: f64, last: f64) -> f64 {
    if x == 0.0 {
        return f64::INFINITY;
    }
    if x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    // Newton's method for the logarithm, which is nearly a parabola.
    let target = x.ln();
    let mut t = if x > 1e-7 { near(x) } else { (-target).sqrt() };
    for _ in 0..50 {
        let scaled = scaled_erfc(t);
        let step = (scaled.ln() - t * t - target) * scaled / FRAC_2_SQRT_PI;
        t += step;
        if step.abs() <= last * t {
            break;
        }
    }
    t
}

/// `erfc(x) e^x²`, which does not vanish.
fn scaled_erfc(x: f64) -> f64 {
    if x < 5.0 {
        return libm::erfc(x) * (x * x).exp();
    }
    // The continued fraction from its end, which is far enough for all that is left here.
    let tail = (1..=40).rev().fold(x, |below, k| x + 0.5 * f64::from(k) / below);
    0.5 * FRAC_2_SQRT_PI / tail
}

/// The number below which the normal distribution has the weight `p`.
pub fn ndtri(p: f64) -> f64 {
    quantile(p, DOUBLE)
}

/// [`ndtri`] to single precision.
pub fn ndtri_f32(p: f64) -> f32 {
    quantile(p, SINGLE) as f32
}

fn quantile(p: f64, last: f64) -> f64 {
    if p > 0.5 { SQRT_2 * inverse(1.0 - p, last) } else { -SQRT_2 * inverse(p, last) }
}

/// The number whose complementary error function is twice `p`, for `p` up to a half.
fn inverse(p: f64, last: f64) -> f64 {
    if p > 0.25 { erfinv(1.0 - 2.0 * p, last) } else { erfcinv(2.0 * p, last) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let close = |a: f64, b: f64| a == b || (a - b).abs() <= 4e-15 * b.abs() || a.is_nan() && b.is_nan();
        let inf = f64::INFINITY;
        let rows = [
            (1e-10, 8.862_269_254_527_58e-11),
            (0.1, 0.088_855_990_494_257_69),
            (0.5, 0.476_936_276_204_469_9),
            (-0.9999, -2.751_063_905_712_08),
            (1.0, inf),
            (-1.0, -inf),
            (1.5, f64::NAN),
        ];
        for (x, want) in rows {
            assert!(close(erfinv(x, DOUBLE), want), "{x}: {}", erfinv(x, DOUBLE));
        }
        let rows = [
            (1e-10, -6.361_340_902_404_056),
            (0.1, -1.281_551_565_544_600_4),
            (0.5, 0.0),
            (0.9, 1.281_551_565_544_600_4),
            (1e-300, -37.047_096_299_361_2),
            (2.3e-308, -37.518_497_245_012_29),
            (0.0, -inf),
            (1.0, inf),
            (-1.0, f64::NAN),
        ];
        for (x, want) in rows {
            assert!(close(ndtri(x), want), "{x}: {}", ndtri(x));
            let (single, want) = (f64::from(ndtri_f32(x)), f64::from(want as f32));
            assert!(close(single, want) || (single - want).abs() <= 1.2e-7 * want.abs(), "{x}: {single}");
        }
    }
}
