//! Bessel functions of order zero and one.

use std::f64::consts::{FRAC_PI_2, PI};

use super::series;

/// Euler's constant.
const GAMMA: f64 = 0.577_215_664_901_532_9;

/// Up to here the power series of I is short.
const SMALL: f64 = 20.0;

/// `I(order, |x|) e^-|x|` for order 0 or 1.
fn scaled_i(order: i32, x: f64) -> f64 {
    let x = x.abs();
    if x.is_infinite() {
        return 0.0;
    }
    if x <= SMALL {
        return power_series(order, x) * (-x).exp();
    }
    let mu = f64::from(4 * order * order);
    let mut term = 1.0;
    let sum = series(|k| {
        if k > 0 {
            let odd = f64::from(2 * k - 1);
            term *= (odd * odd - mu) / (f64::from(8 * k) * x);
        }
        term
    });
    sum / (2.0 * PI * x).sqrt()
}

/// `I(order, x)` by its power series.
fn power_series(order: i32, x: f64) -> f64 {
    let quarter = 0.25 * x * x;
    let mut term = if order == 0 { 1.0 } else { 0.5 * x };
    series(|k| {
        if k > 0 {
            term *= quarter / (f64::from(k) * (f64::from(k) + f64::from(order)));
        }
        term
    })
}

/// `I0(x)`.
pub fn i0(x: f64) -> f64 {
    scaled_i(0, x) * x.abs().exp()
}

/// `I0(x) e^-|x|`.
pub fn i0e(x: f64) -> f64 {
    scaled_i(0, x)
}

/// `I1(x)`.
pub fn i1(x: f64) -> f64 {
    i1e(x) * x.abs().exp()
}

/// `I1(x) e^-|x|`.
pub fn i1e(x: f64) -> f64 {
    scaled_i(1, x).copysign(x)
}

/// `K0(x) e^x` and `K1(x) e^x`; infinite unless `x` is above zero.
fn scaled_k(x: f64) -> [f64; 2] {
    match x {
        _ if x.is_nan() => [x; 2],
        _ if x <= 0.0 => [f64::INFINITY; 2],
        _ if x.is_infinite() => [0.0; 2],
        _ if x <= 2.0 => small_k(x).map(|k| k * x.exp()),
        _ => large_k(x),
    }
}

/// `K0(x)` and `K1(x)` by their power series with a logarithm.
fn small_k(x: f64) -> [f64; 2] {
    let (quarter, log) = (0.25 * x * x, (0.5 * x).ln());
    let (mut term, mut harmonic) = (1.0, 0.0);
    let k0 = series(|k| {
        if k > 0 {
            term *= quarter / f64::from(k * k);
            harmonic += 1.0 / f64::from(k);
        }
        term * (harmonic - log - GAMMA)
    });
    let (mut term, mut harmonic) = (0.5 * x, 1.0);
    let tail = series(|k| {
        if k > 0 {
            term *= quarter / f64::from(k * (k + 1));
            harmonic += 1.0 / f64::from(k) + 1.0 / f64::from(k + 1);
        }
        term * (log + GAMMA - 0.5 * harmonic)
    });
    [k0, 1.0 / x + tail]
}

/// `K0(x) e^x` and `K1(x) e^x` by Steed's continued fraction.
fn large_k(x: f64) -> [f64; 2] {
    let mut b = 2.0 * (1.0 + x);
    let mut d = 1.0 / b;
    let (mut step, mut fraction) = (d, d);
    let (mut before, mut last) = (0.0, 1.0);
    let (mut c, mut q, mut a) = (0.25, 0.25, -0.25);
    let mut sum = 1.0 + q * step;
    for i in 2..10_000 {
        a -= f64::from(2 * (i - 1));
        c *= -a / f64::from(i);
        let next = (before - b * last) / a;
        (before, last) = (last, next);
        q += c * next;
        b += 2.0;
        d = 1.0 / (b + a * d);
        step *= b * d - 1.0;
        fraction += step;
        sum += q * step;
        if (q * step).abs() <= f64::EPSILON / 4.0 * sum.abs() {
            break;
        }
    }
    let k0 = (FRAC_PI_2 / x).sqrt() / sum;
    [k0, k0 * (x + 0.5 - 0.25 * fraction) / x]
}

/// `K0(x)`.
pub fn k0(x: f64) -> f64 {
    scaled_k(x)[0] * decay(x)
}

/// `K0(x) e^x`.
pub fn k0e(x: f64) -> f64 {
    scaled_k(x)[0]
}

/// `K1(x)`.
pub fn k1(x: f64) -> f64 {
    scaled_k(x)[1] * decay(x)
}

/// `K1(x) e^x`.
pub fn k1e(x: f64) -> f64 {
    scaled_k(x)[1]
}

fn decay(x: f64) -> f64 {
    if x <= 0.0 { 1.0 } else { (-x).exp() }
}

/// `J0(x)`; NaN at infinity.
pub fn j0(x: f64) -> f64 {
    if x.is_infinite() { f64::NAN } else { libm::j0(x) }
}

/// `J1(x)`; NaN at infinity.
pub fn j1(x: f64) -> f64 {
    if x.is_infinite() { f64::NAN } else { libm::j1(x) }
}

/// `Y0(x)`; negative infinity unless `x` is above zero, NaN at infinity.
pub fn y0(x: f64) -> f64 {
    match x {
        f64::INFINITY => f64::NAN,
        _ if x <= 0.0 => f64::NEG_INFINITY,
        _ => libm::y0(x),
    }
}

/// `Y1(x)` for single precision and less; NaN at zero, else as [`y1`].
pub fn y1_single(x: f64) -> f64 {
    if x == 0.0 { f64::NAN } else { y1(x) }
}

/// `Y1(x)`; as [`y0`].
pub fn y1(x: f64) -> f64 {
    match x {
        f64::INFINITY => f64::NAN,
        _ if x <= 0.0 => f64::NEG_INFINITY,
        _ => libm::y1(x),
    }
}
