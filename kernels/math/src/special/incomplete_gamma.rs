//! The incomplete gamma functions, and what they change with their parameter.

use std::f64::consts::PI;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::gamma::{digamma, log_gamma};

/// A number with its derivative, so that one algorithm gives both.
#[derive(Clone, Copy)]
struct Dual {
    value: f64,
    slope: f64,
}

const fn constant(value: f64) -> Dual {
    Dual { value, slope: 0.0 }
}

impl Dual {
    fn ln(self) -> Dual {
        Dual { value: self.value.ln(), slope: self.slope / self.value }
    }

    fn exp(self) -> Dual {
        let value = self.value.exp();
        Dual { value, slope: self.slope * value }
    }

    fn log_gamma(self) -> Dual {
        Dual { value: log_gamma(self.value), slope: self.slope * digamma(self.value) }
    }

    fn is_negligible(self, sum: Dual) -> bool {
        const LIMIT: f64 = f64::EPSILON / 8.0;
        self.value.abs() <= LIMIT * sum.value.abs()
            && self.slope.abs() <= LIMIT * sum.slope.abs().max(sum.value.abs())
    }
}

macro_rules! operators {
    ($($trait:ident $method:ident |$a:ident, $b:ident| $value:expr, $slope:expr;)*) => {
        $(impl $trait for Dual {
            type Output = Dual;
            fn $method(self, other: Dual) -> Dual {
                let ($a, $b) = (self, other);
                Dual { value: $value, slope: $slope }
            }
        })*
    };
}

operators! {
    Add add |a, b| a.value + b.value, a.slope + b.slope;
    Sub sub |a, b| a.value - b.value, a.slope - b.slope;
    Mul mul |a, b| a.value * b.value, a.slope * b.value + a.value * b.slope;
    Div div |a, b| a.value / b.value, (a.slope - a.value / b.value * b.slope) / b.value;
}

impl Neg for Dual {
    type Output = Dual;
    fn neg(self) -> Dual {
        Dual { value: -self.value, slope: -self.slope }
    }
}

/// Terms after which a series is given up.
const MOST: u32 = 100_000;

/// `x^a e^-x / Γ(a + 1)`.
fn weight(a: Dual, x: f64) -> Dual {
    if a.value < 20.0 {
        return (a * constant(x.ln()) - constant(x) - (a + constant(1.0)).log_gamma()).exp();
    }
    // As a deviation from Stirling's formula, of which the large parts cancel.
    let relative = (constant(x) - a) / a;
    let square = constant(1.0) / (a * a);
    let stirling = (constant(1.0 / 12.0)
        - square
            * (constant(1.0 / 360.0) - square * (constant(1.0 / 1260.0) - square * constant(1.0 / 1680.0))))
        / a;
    (a * log1p_less(relative) - stirling).exp()
        / (constant((2.0 * PI).sqrt()) * (a.ln() * constant(0.5)).exp())
}

/// `log(1 + x) - x`.
fn log1p_less(x: Dual) -> Dual {
    let value = if x.value.abs() > 0.3 {
        x.value.ln_1p() - x.value
    } else {
        let mut power = -x.value;
        let mut sum = 0.0;
        for k in 2..60 {
            power *= -x.value;
            sum -= power / f64::from(k);
        }
        sum
    };
    Dual { value, slope: -x.slope * x.value / (1.0 + x.value) }
}

/// The lower function by its power series.
fn lower(a: Dual, x: f64) -> Dual {
    let (mut term, mut sum, mut r) = (constant(1.0), constant(1.0), a);
    for _ in 0..MOST {
        r = r + constant(1.0);
        term = term * constant(x) / r;
        sum = sum + term;
        if term.is_negligible(sum) {
            break;
        }
    }
    sum * weight(a, x)
}

/// The upper function by its continued fraction, evaluated from its front (Lentz).
fn upper(a: Dual, x: f64) -> Dual {
    let mut b = constant(x + 1.0) - a;
    let mut c = constant(1e300);
    let mut d = constant(1.0) / b;
    let mut h = d;
    for i in 1..MOST {
        let i = constant(f64::from(i));
        let n = -i * (i - a);
        b = b + constant(2.0);
        d = constant(1.0) / (n * d + b);
        c = b + n / c;
        let change = c * d;
        h = h * change;
        if (change - constant(1.0)).is_negligible(constant(1.0)) {
            break;
        }
    }
    h * a * weight(a, x)
}

/// Both functions where they are neither trivial nor undefined.
fn both(a: f64, x: f64) -> [Dual; 2] {
    let a = Dual { value: a, slope: 1.0 };
    if x > 1.0 && x > a.value {
        let upper = upper(a, x);
        [constant(1.0) - upper, upper]
    } else {
        let lower = lower(a, x);
        [lower, constant(1.0) - lower]
    }
}

/// Which of the cases without a formula this is: the two functions there.
fn special(a: f64, x: f64) -> Option<[f64; 2]> {
    match () {
        _ if a.is_nan() || x.is_nan() || x < 0.0 || a <= 0.0 => Some([f64::NAN; 2]),
        _ if a.is_infinite() && x.is_infinite() => Some([f64::NAN; 2]),
        _ if a.is_infinite() || x == 0.0 => Some([0.0, 1.0]),
        _ if x.is_infinite() => Some([1.0, 0.0]),
        _ => None,
    }
}

/// The regularised lower incomplete gamma function; zero at zero, else NaN unless `a` is above zero and `x` not below.
pub fn igamma(a: f64, x: f64) -> f64 {
    if x == 0.0 {
        return 0.0;
    }
    special(a, x).map_or_else(|| both(a, x)[0].value, |known| known[0])
}

/// The regularised upper incomplete gamma function; NaN unless `a` is above zero and `x` not below.
pub fn igammac(a: f64, x: f64) -> f64 {
    special(a, x).map_or_else(|| both(a, x)[1].value, |known| known[1])
}

/// The derivative of [`igamma`] by `a`.
pub fn igamma_grad_a(a: f64, x: f64) -> f64 {
    if x == 0.0 && !a.is_nan() {
        return 0.0;
    }
    special(a, x).map_or_else(|| both(a, x)[0].slope, |known| if known[0].is_nan() { f64::NAN } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        let rows = [
            (0.5, 0.5, 0.682_689_492_137_086, 0.317_310_507_862_914_04, -0.647_200_352_377_753_9),
            (1.0, 10.0, 0.999_954_600_070_237_5, 4.539_992_976_248_486e-5, -1.348_997_210_680_952e-4),
            (10.0, 1.0, 1.114_254_783_387_205_2e-7, 0.999_999_888_574_521_7, -2.630_331_275_915_801e-7),
            (100.0, 100.0, 0.513_298_798_279_131_3, 0.486_701_201_720_835_2, -0.039_927_497_857_784_7),
            (-1.0, 1.0, nan, nan, nan),
            (0.0, 1.0, nan, nan, nan),
            (inf, 1.0, 0.0, 1.0, 0.0),
            (2.0, inf, 1.0, 0.0, 0.0),
            (1.0, -0.0, 0.0, 1.0, 0.0),
            (1.0, -1.0, nan, nan, nan),
            (0.0, 0.0, 0.0, nan, 0.0),
            (0.0, inf, nan, nan, nan),
        ];
        for (a, x, low, high, grad) in rows {
            for (got, want) in [(igamma(a, x), low), (igammac(a, x), high), (igamma_grad_a(a, x), grad)] {
                let same = (got - want).abs() <= 1e-13 * want.abs() || got.is_nan() && want.is_nan();
                assert!(same, "{a} {x}: {got}, not {want}");
            }
        }
    }
}
