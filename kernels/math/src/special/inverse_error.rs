//! Inverses of the error function and of the normal distribution.

use std::f64::consts::{FRAC_2_SQRT_PI, SQRT_2};

/// The number whose error function is `x`; NaN outside of -1 to 1.
fn erfinv(x: f64) -> f64 {
    let y = x.abs();
    match y {
        _ if y < 1e-8 => x / FRAC_2_SQRT_PI,
        _ if y < 0.5 => {
            let root = |t: f64| t - (libm::erf(t) - y) / (FRAC_2_SQRT_PI * (-t * t).exp());
            // Newton's method from a tangent; the curve bends so little that it converges at once.
            let start = y / FRAC_2_SQRT_PI * (1.0 + 0.261_799_387_799_149_4 * y * y);
            (0..4).fold(start, |t, _| root(t)).copysign(x)
        }
        _ => erfcinv(1.0 - y).copysign(x),
    }
}

/// The number whose complementary error function is `x`, for `x` up to 1; NaN below zero.
fn erfcinv(x: f64) -> f64 {
    if x == 0.0 {
        return f64::INFINITY;
    }
    if x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    // Newton's method for the logarithm, which is nearly a parabola.
    let target = x.ln();
    let mut t = (-target).sqrt();
    for _ in 0..50 {
        let scaled = scaled_erfc(t);
        let step = (scaled.ln() - t * t - target) * scaled / FRAC_2_SQRT_PI;
        t += step;
        if step.abs() <= 1e-15 * t {
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
    if p > 0.5 { SQRT_2 * inverse(1.0 - p) } else { -SQRT_2 * inverse(p) }
}

/// The number whose complementary error function is twice `p`, for `p` up to a half.
fn inverse(p: f64) -> f64 {
    if p > 0.25 { erfinv(1.0 - 2.0 * p) } else { erfcinv(2.0 * p) }
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
            assert!(close(erfinv(x), want), "{x}: {}", erfinv(x));
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
        }
    }
}
