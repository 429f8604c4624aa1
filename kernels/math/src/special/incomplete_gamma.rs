//! The incomplete gamma functions, and what they change with their parameter.

use std::f64::consts::PI;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::gamma::{digamma, log_gamma};

/// What the algorithms count in: plain numbers, or such with their derivative.
trait Number:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    fn constant(value: f64) -> Self;
    fn value(self) -> f64;
    fn ln(self) -> Self;
    fn exp(self) -> Self;
    fn log_gamma(self) -> Self;
    /// `log(1 + self) - self`.
    fn log1p_less(self) -> Self;
    fn is_negligible(self, sum: Self) -> bool;
}

const NEGLIGIBLE: f64 = f64::EPSILON / 8.0;

impl Number for f64 {
    fn constant(value: f64) -> f64 {
        value
    }

    fn value(self) -> f64 {
        self
    }

    fn ln(self) -> f64 {
        f64::ln(self)
    }

    fn exp(self) -> f64 {
        f64::exp(self)
    }

    fn log_gamma(self) -> f64 {
        log_gamma(self)
    }

    fn log1p_less(self) -> f64 {
        if self.abs() > 0.3 {
            return self.ln_1p() - self;
        }
        let mut power = -self;
        let mut sum = 0.0;
        for k in 2..60 {
            power *= -self;
            sum -= power / f64::from(k);
        }
        sum
    }

    fn is_negligible(self, sum: f64) -> bool {
        self.abs() <= NEGLIGIBLE * sum.abs()
    }
}

/// A number with its derivative.
#[derive(Clone, Copy)]
struct Dual {
    value: f64,
    slope: f64,
}

impl Number for Dual {
    fn constant(value: f64) -> Dual {
        Dual { value, slope: 0.0 }
    }

    fn value(self) -> f64 {
        self.value
    }

    fn ln(self) -> Dual {
        Dual { value: self.value.ln(), slope: self.slope / self.value }
    }

    fn exp(self) -> Dual {
        let value = self.value.exp();
        // What is nothing changes by nothing, however steep the exponent.
        Dual { value, slope: if value == 0.0 { 0.0 } else { self.slope * value } }
    }

    fn log_gamma(self) -> Dual {
        Dual { value: log_gamma(self.value), slope: self.slope * digamma(self.value) }
    }

    fn log1p_less(self) -> Dual {
        Dual { value: self.value.log1p_less(), slope: -self.slope * self.value / (1.0 + self.value) }
    }

    fn is_negligible(self, sum: Dual) -> bool {
        self.value.is_negligible(sum.value)
            && self.slope.abs() <= NEGLIGIBLE * sum.slope.abs().max(sum.value.abs())
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

/// Terms after which a series is given up, as TensorFlow does.
const MOST: u32 = 2000;

/// `x^a e^-x / Γ(a + 1)`.
fn weight<N: Number>(a: N, x: f64) -> N {
    let one = N::constant(1.0);
    let x = N::constant(x);
    if a.value() < 20.0 {
        return (a * x.ln() - x - (a + one).log_gamma()).exp();
    }
    // As a deviation from Stirling's formula, of which the large parts cancel.
    let relative = (x - a) / a;
    let square = one / (a * a);
    let part = |n: f64| N::constant(1.0 / n);
    let stirling =
        (part(12.0) - square * (part(360.0) - square * (part(1260.0) - square * part(1680.0)))) / a;
    let root = (a.ln() * N::constant(0.5)).exp();
    (a * relative.log1p_less() - stirling).exp() / (N::constant((2.0 * PI).sqrt()) * root)
}

/// The lower function by its power series.
fn lower<N: Number>(a: N, x: f64) -> N {
    let one = N::constant(1.0);
    let (mut term, mut sum, mut r) = (one, one, a);
    for _ in 0..MOST {
        r = r + one;
        term = term * N::constant(x) / r;
        sum = sum + term;
        if term.is_negligible(sum) {
            break;
        }
    }
    sum * weight(a, x)
}

/// The upper function by its continued fraction, evaluated from its front (Lentz).
fn upper<N: Number>(a: N, x: f64) -> N {
    let one = N::constant(1.0);
    let mut b = N::constant(x + 1.0) - a;
    let mut c = N::constant(1e300);
    let mut d = one / b;
    let mut h = d;
    for i in 1..MOST {
        let i = N::constant(f64::from(i));
        let n = -i * (i - a);
        b = b + N::constant(2.0);
        d = one / (n * d + b);
        c = b + n / c;
        let change = c * d;
        h = h * change;
        if (change - one).is_negligible(one) {
            break;
        }
    }
    h * a * weight(a, x)
}

/// Both functions where they are neither trivial nor undefined.
fn both<N: Number>(a: N, x: f64) -> [N; 2] {
    let one = N::constant(1.0);
    if x > 1.0 && x > a.value() {
        let upper = upper(a, x);
        [one - upper, upper]
    } else {
        let lower = lower(a, x);
        [lower, one - lower]
    }
}

/// Which of the cases without a formula this is: the two functions there.
fn special(a: f64, x: f64) -> Option<[f64; 2]> {
    match () {
        _ if a.is_nan() || x.is_nan() || x < 0.0 || a <= 0.0 => Some([f64::NAN; 2]),
        // No probabilities, but what TensorFlow says.
        _ if a.is_infinite() && x.is_infinite() => Some([0.0; 2]),
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
    special(a, x).map_or_else(|| both(a, x)[0], |known| known[0])
}

/// The regularised upper incomplete gamma function; NaN unless `a` is above zero and `x` not below.
pub fn igammac(a: f64, x: f64) -> f64 {
    special(a, x).map_or_else(|| both(a, x)[1], |known| known[1])
}

/// The derivative of [`igamma`] by `a`.
pub fn igamma_grad_a(a: f64, x: f64) -> f64 {
    if x == 0.0 {
        return 0.0;
    }
    special(a, x).map_or_else(
        || both(Dual { value: a, slope: 1.0 }, x)[0].slope,
        |known| if known[0].is_nan() { f64::NAN } else { 0.0 },
    )
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
            (inf, inf, 0.0, 0.0, 0.0),
            (nan, 0.0, 0.0, nan, 0.0),
            (100.0, 1e-30, 0.0, 1.0, 0.0),
            (50.5, 1e300, 1.0, 0.0, 0.0),
            (1e30, 2.0, 0.0, 1.0, 0.0),
        ];
        for (a, x, low, high, grad) in rows {
            for (got, want) in [(igamma(a, x), low), (igammac(a, x), high), (igamma_grad_a(a, x), grad)] {
                let same = (got - want).abs() <= 1e-13 * want.abs() || got.is_nan() && want.is_nan();
                assert!(same, "{a} {x}: {got}, not {want}");
            }
        }
    }
}
