//! The logarithm of the gamma function and its derivative.

use std::f64::consts::PI;

/// `log |Γ(x)|`; infinite at the poles.
pub fn log_gamma(x: f64) -> f64 {
    if x.is_infinite() { f64::INFINITY } else { libm::lgamma_r(x).0 }
}

/// The derivative of `log Γ(x)`; NaN at the poles.
pub fn digamma(x: f64) -> f64 {
    if x <= 0.0 {
        if x == x.floor() {
            return f64::NAN;
        }
        // The fraction alone goes through the tangent, of which πx would be too coarse an argument.
        let fraction = x - x.round();
        return digamma(1.0 - x) - PI / (PI * fraction).tan();
    }
    let (mut x, mut below) = (x, 0.0);
    while x < 12.0 {
        below += 1.0 / x;
        x += 1.0;
    }
    /// `B(2k) / 2k`.
    const TERMS: [f64; 8] = [
        1.0 / 12.0,
        -1.0 / 120.0,
        1.0 / 252.0,
        -1.0 / 240.0,
        1.0 / 132.0,
        -691.0 / 32760.0,
        1.0 / 12.0,
        -3617.0 / 8160.0,
    ];
    let square = 1.0 / (x * x);
    let tail = TERMS.iter().rev().fold(0.0, |sum, term| (sum + term) * square);
    x.ln() - 0.5 / x - tail - below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let rows = [
            (1.0, -0.577_215_664_901_532_9),
            (0.3, -3.502_524_222_200_132_5),
            (-0.7, -2.073_952_793_628_703_4),
            (20.0, 2.970_523_992_242_149),
        ];
        for (x, want) in rows {
            assert!((digamma(x) - want).abs() < 1e-14, "{x}: {}", digamma(x));
        }
        assert!(digamma(0.0).is_nan() && digamma(-3.0).is_nan() && digamma(f64::NEG_INFINITY).is_nan());
        assert_eq!(digamma(f64::INFINITY), f64::INFINITY);
        assert_eq!(
            (log_gamma(-2.0), log_gamma(f64::NEG_INFINITY), log_gamma(1.0)),
            (f64::INFINITY, f64::INFINITY, 0.0)
        );
    }
}
