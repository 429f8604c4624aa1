//! Integrals of elementary functions.

use std::f64::consts::{FRAC_2_SQRT_PI, FRAC_PI_2, PI};

use num_complex::Complex64;

use super::series;

/// Dawson's integral, `e^-x² ∫ e^t² dt` from zero.
pub fn dawson(x: f64) -> f64 {
    let y = x.abs();
    match y {
        _ if y.is_nan() => x,
        _ if y < 0.2 => {
            let mut term = x;
            series(|k| {
                if k > 0 {
                    term *= -2.0 * x * x / f64::from(2 * k + 1);
                }
                term
            })
        }
        _ if y < 12.0 => sampled(y).copysign(x),
        // TensorFlow loses the sign out here.
        _ if y > 1e9 => 0.5 / y,
        _ => {
            let mut term = 0.5 / x;
            series(|k| {
                if k > 0 {
                    term *= f64::from(2 * k - 1) / (2.0 * x * x);
                }
                term
            })
        }
    }
}

/// Dawson's integral as a sum over samples of a Gaussian (Rybicki), which converges exponentially with their density.
fn sampled(x: f64) -> f64 {
    const STEP: f64 = 0.25;
    const SAMPLES: i32 = 26;
    let centre = 2.0 * (0.5 * x / STEP).round();
    let rest = x - centre * STEP;
    let odd = (-SAMPLES..=SAMPLES).filter(|n| n % 2 != 0).map(f64::from);
    let sum: f64 = odd.map(|n| (-(rest - n * STEP).powi(2)).exp() / (n + centre)).sum();
    0.5 * FRAC_2_SQRT_PI * sum
}

/// The exponential integral, the principal value of `∫ e^t / t dt` up to `x`; NaN below zero and at infinity.
pub fn expint(x: f64) -> f64 {
    match x {
        _ if x == 0.0 => f64::NEG_INFINITY,
        // Where the reciprocal is no normal number it counts as zero.
        _ if x < 0.0 || x.recip() < f64::MIN_POSITIVE => f64::NAN,
        _ if x < 40.0 => {
            let mut power = 1.0;
            let tail = series(|k| {
                power *= x / f64::from(k + 1);
                power / f64::from(k + 1)
            });
            0.577_215_664_901_532_9 + x.ln() + tail
        }
        _ => {
            let mut term = 1.0;
            let sum = series(|k| {
                if k > 0 {
                    term *= f64::from(k) / x;
                }
                term
            });
            x.exp() / x * sum
        }
    }
}

/// Spence's function, `∫ log t / (1 - t) dt` from 1 to `x`; NaN below zero and at infinity.
pub fn spence(x: f64) -> f64 {
    const LIMIT: f64 = PI * PI / 6.0;
    match x {
        _ if x < 0.0 || x.is_infinite() => f64::NAN,
        _ if x == 0.0 => LIMIT,
        _ if x < 0.5 => LIMIT - x.ln() * (-x).ln_1p() - dilogarithm(-(-x).ln_1p()),
        _ if x > 2.0 => {
            let (log, less) = (x.ln(), (x - 1.0).ln());
            // The argument of the other dilogarithm is 1 / (1 - x), and one less that is x / (x - 1).
            -LIMIT - 0.5 * less * less - dilogarithm(less - log)
        }
        _ => dilogarithm(-x.ln()),
    }
}

/// The dilogarithm of `1 - e^-u`, for small `u`: a series with Bernoulli's numbers.
fn dilogarithm(u: f64) -> f64 {
    /// `B(2k) / (2k + 1)!`.
    const TERMS: [f64; 9] = [
        0.027_777_777_777_777_776,
        -0.000_277_777_777_777_777_8,
        4.724_111_866_969_01e-6,
        -9.185_773_074_661_964e-8,
        1.897_886_998_897_1e-9,
        -4.064_761_645_144_225_6e-11,
        8.921_691_020_456_452e-13,
        -1.993_929_586_072_107_4e-14,
        4.518_980_029_619_918e-16,
    ];
    let square = u * u;
    let tail = TERMS.iter().rev().fold(0.0, |sum, term| (sum + term) * square);
    u - 0.25 * square + u * tail
}

/// Fresnel's integrals of sine and cosine, `∫ sin(π t² / 2) dt` and `∫ cos(π t² / 2) dt` from zero.
fn fresnel(x: f64) -> [f64; 2] {
    let y = x.abs();
    let values = match y {
        _ if y.is_nan() => [y; 2],
        _ if y < 1.6 => fresnel_series(y),
        _ if y > 36_974.0 => [0.5; 2],
        _ => fresnel_fraction(y),
    };
    values.map(|value| value.copysign(x))
}

fn fresnel_series(x: f64) -> [f64; 2] {
    let t = FRAC_PI_2 * x * x;
    let mut sums = [0.0, 0.0];
    let mut power = x;
    for k in 0..60 {
        let sign = if k % 4 < 2 { 1.0 } else { -1.0 };
        // Even powers belong to the cosine, odd ones to the sine.
        sums[1 - k % 2] += sign * power / (2 * k + 1) as f64;
        power *= t / (k + 1) as f64;
    }
    sums
}

/// By the continued fraction of the complementary error function in the complex plane.
fn fresnel_fraction(x: f64) -> [f64; 2] {
    let square = PI * x * x;
    let mut b = Complex64::new(1.0, -square);
    let mut c = Complex64::new(1e300, 0.0);
    let mut d = b.inv();
    let mut h = d;
    let mut n = -1.0;
    for _ in 0..1000 {
        n += 2.0;
        let a = -n * (n + 1.0);
        b += 4.0;
        d = (d * a + b).inv();
        c = b + c.inv() * a;
        let change = c * d;
        h *= change;
        if (change.re - 1.0).abs() + change.im.abs() < f64::EPSILON {
            break;
        }
    }
    h *= Complex64::new(x, -x);
    // The square of the argument in quarters of a turn, without the rounding of π.
    let turns = (0.5 * x * x).rem_euclid(2.0) + 0.5 * x.mul_add(x, -(x * x));
    let rotation = Complex64::new((PI * turns).cos(), (PI * turns).sin());
    let value = Complex64::new(0.5, 0.5) * (Complex64::new(1.0, 0.0) - rotation * h);
    [value.im, value.re]
}

/// Fresnel's integral of the sine.
pub fn fresnel_sin(x: f64) -> f64 {
    fresnel(x)[0]
}

/// Fresnel's integral of the cosine.
pub fn fresnel_cos(x: f64) -> f64 {
    fresnel(x)[1]
}
