//! Hurwitz's zeta function and the derivatives of the digamma function.

use super::gamma::digamma;

/// `Σ (q + n)^-x` over all `n` from zero.
///
/// NaN for `x` below 1, and where `q` is negative and `x` no integer; infinite for `x` of 1, and at the poles of even `x`.
pub fn zeta(x: f64, q: f64) -> f64 {
    sum(x, q, 12, 9.0, f64::EPSILON / 8.0)
}

/// [`zeta`] in single precision, which takes as many terms whatever `q` is; far below zero they are too few.
pub fn zeta_single(x: f32, q: f32) -> f32 {
    sum(x.into(), q.into(), 9, f64::NEG_INFINITY, f64::from(f32::EPSILON) / 2.0) as f32
}

/// At least `most` terms and those below `smooth`, unless one is no more than `least` of the sum, and the rest.
fn sum(x: f64, q: f64, most: u32, smooth: f64, least: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    if x < 1.0 || x.is_nan() || q.is_nan() {
        return f64::NAN;
    }
    if q <= 0.0 {
        if q == q.floor() {
            return if x.is_infinite() || x == x.floor() && x % 2.0 == 0.0 {
                f64::INFINITY
            } else {
                f64::NAN
            };
        }
        if x != x.floor() {
            return f64::NAN;
        }
    }
    if q.is_infinite() {
        return 0.0;
    }
    // Euler and Maclaurin's formula from where the terms are smooth.
    let mut sum = 0.0;
    let (mut a, mut n) = (q, 0);
    while n < most || a < smooth {
        let term = a.powf(-x);
        sum += term;
        if term.abs() < least * f64::abs(sum) || n > 1_000_000 {
            return sum;
        }
        a += 1.0;
        n += 1;
    }
    let power = a.powf(-x);
    if power == 0.0 {
        return sum;
    }
    sum + power * (a / (x - 1.0) + 0.5) + corrections(x, a, power)
}

/// The terms with Bernoulli's numbers.
fn corrections(x: f64, a: f64, power: f64) -> f64 {
    /// `B(2k) / (2k)!`.
    const TERMS: [f64; 12] = [
        0.083_333_333_333_333_33,
        -0.001_388_888_888_888_889,
        3.306_878_306_878_307e-5,
        -8.267_195_767_195_768e-7,
        2.087_675_698_786_81e-8,
        -5.284_190_138_687_493e-10,
        1.338_253_653_068_467_9e-11,
        -3.389_680_296_322_582_7e-13,
        8.586_062_056_277_845e-15,
        -2.174_868_698_558_062e-16,
        5.509_002_828_360_229_5e-18,
        -1.395_446_468_581_252_2e-19,
    ];
    let mut factor = x * power / a;
    let mut sum = 0.0;
    for (k, term) in TERMS.iter().enumerate() {
        sum += term * factor;
        let order = x + 2.0 * k as f64;
        factor *= (order + 1.0) * (order + 2.0) / (a * a);
    }
    sum
}

/// Derivative number `n` of the digamma function; NaN unless `n` is a whole number from zero on.
pub fn polygamma(n: f64, x: f64) -> f64 {
    match n {
        _ if n == 0.0 => digamma(x),
        _ if n < 0.0 || n != n.floor() => f64::NAN,
        _ => {
            let next = n + 1.0;
            // A power, as of huge numbers the next one is even too.
            (-1.0_f64).powf(next) * libm::tgamma(next) * zeta(next, x)
        }
    }
}

/// [`polygamma`] in single precision, where the factorial of 35 is infinite already.
pub fn polygamma_single(n: f32, x: f32) -> f32 {
    if n <= 0.0 || n != n.floor() {
        return polygamma(n.into(), x.into()) as f32;
    }
    let next = n + 1.0;
    let sign = (-1.0_f32).powf(next);
    sign * libm::tgamma(next.into()) as f32 * zeta_single(next, x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let close = |a: f64, b: f64| a == b || (a - b).abs() <= 1e-14 * b.abs() || a.is_nan() && b.is_nan();
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        let x = [2.0, 1.0, 0.5, 3.0, 3.0, 4.0, 4.0, 3.5, 2.0, 50.0, 2.0, 2.0, 1.0001, inf, inf, 1e300];
        let q = [1.0, 1.0, 1.0, -1.5, 0.0, -1.5, -2.0, -1.5, 1e6, 1.0, 1e-3, inf, 1.0, 2.0, 1e30, 2.0];
        let want = [
            1.644_934_066_848_226_6,
            inf,
            nan,
            0.118_102_025_820_864_3,
            nan,
            32.432_379_369_864_6,
            inf,
            nan,
            1.000_000_500_000_166_7e-6,
            1.000_000_000_000_000_9,
            1_000_001.642_533_195_9,
            0.0,
            10_000.577_222_947_54,
            0.0,
            0.0,
            0.0,
        ];
        for ((x, q), want) in x.into_iter().zip(q).zip(want) {
            assert!(close(zeta(x, q), want), "{x} {q}: {}, not {want}", zeta(x, q));
        }
        let n = [0.0, 1.0, 2.0, -1.0, 1.5, 1.0, 3.0, 10.0, 1.0, 1e30];
        let x = [1.0, 1.0, 2.0, 1.0, 1.0, -0.5, 0.0, 0.1, -1.0, 0.5];
        let want = [
            -0.577_215_664_901_532_3,
            1.644_934_066_848_226_6,
            -0.404_113_806_319_188_6,
            nan,
            nan,
            8.934_802_200_544_68,
            inf,
            -3.628_800_000_012_735_4e17,
            inf,
            inf,
        ];
        for ((n, x), want) in n.into_iter().zip(x).zip(want) {
            assert!(close(polygamma(n, x), want), "{n} {x}: {}, not {want}", polygamma(n, x));
        }
    }
}
