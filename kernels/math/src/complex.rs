//! Functions of complex numbers.
//!
//! They are computed in double precision and rounded, which keeps single precision exact to the last places where the
//! parts cancel.

use std::f64::consts::FRAC_PI_2;

use num_complex::Complex;
use num_traits::Float;
use savedmodel_tensor::{Complex32, Complex64};

/// A complex number of either precision.
pub trait Number: Copy {
    /// In double precision.
    fn widen(self) -> Complex64;
    /// Rounded from double precision.
    fn narrow(wide: Complex64) -> Self;
}

impl Number for Complex32 {
    fn widen(self) -> Complex64 {
        Complex::new(self.re.into(), self.im.into())
    }
    fn narrow(wide: Complex64) -> Complex32 {
        Complex::new(wide.re as f32, wide.im as f32)
    }
}

impl Number for Complex64 {
    fn widen(self) -> Complex64 {
        self
    }
    fn narrow(wide: Complex64) -> Complex64 {
        wide
    }
}

/// `x / y`, scaled by the larger part of `y` so that its square neither overflows nor vanishes.
pub fn divide<F: Float>(x: Complex<F>, y: Complex<F>) -> Complex<F> {
    let scale = if y.re.abs() > y.im.abs() { y.re.abs() } else { y.im.abs() };
    let (re, im) = (y.re / scale, y.im / scale);
    let square = re * re + im * im;
    Complex::new((x.re * re + x.im * im) / square / scale, (x.im * re - x.re * im) / square / scale)
}

/// `x / y` as in C: infinite where zero divides or what is infinite is divided, zero where what is infinite divides.
pub fn quotient<F: Float>(x: Complex<F>, y: Complex<F>) -> Complex<F> {
    let plain = divide(x, y);
    if !plain.re.is_nan() || !plain.im.is_nan() {
        return plain;
    }
    let conj = |y: Complex<F>| Complex::new(y.re, -y.im);
    let is_finite = |z: Complex<F>| z.re.is_finite() && z.im.is_finite();
    match () {
        _ if y.re == F::zero() && y.im == F::zero() => x * F::infinity().copysign(y.re),
        _ if infinite(x) && is_finite(y) => boxed(x) * conj(y) * F::infinity(),
        _ if infinite(y) && is_finite(x) => x * conj(boxed(y)) * F::zero(),
        _ => plain,
    }
}

fn infinite<F: Float>(z: Complex<F>) -> bool {
    z.re.is_infinite() || z.im.is_infinite()
}

/// A number whose infinite parts become one, the others zero; one without infinite parts loses its NaN.
fn boxed<F: Float>(z: Complex<F>) -> Complex<F> {
    if infinite(z) {
        let part = |v: F| if v.is_infinite() { v.signum() } else { F::zero().copysign(v) };
        return Complex::new(part(z.re), part(z.im));
    }
    let number = |v: F| if v.is_nan() { F::zero().copysign(v) } else { v };
    Complex::new(number(z.re), number(z.im))
}

/// `x y`, infinite if a factor is and the other one is not zero, as in C.
pub fn multiply<F: Float>(x: Complex<F>, y: Complex<F>) -> Complex<F> {
    let product = x * y;
    if !product.re.is_nan() || !product.im.is_nan() || !infinite(x) && !infinite(y) {
        return product;
    }
    boxed(x) * boxed(y) * F::infinity()
}

/// `e^x - 1`, without cancellation near zero; its real part is NaN where the exponential overflows.
pub fn expm1<F: Float>(x: Complex<F>) -> Complex<F> {
    let two = F::one() + F::one();
    let grown = x.re.exp_m1();
    let (power, half) = (grown + F::one(), (x.im / two).sin());
    Complex::new(grown - two * power * half * half, power * x.im.sin())
}

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident: |$x:ident| $value:expr;)*) => {
        $($(#[$doc])* pub fn $name<C: Number>(x: C) -> C {
            let $x = x.widen();
            C::narrow($value)
        })*
    };
}

functions! {
    /// `e^x`.
    // A real number stays one where its exponential overflows.
    exp: |x| if x.im == 0.0 { Complex::new(x.re.exp(), x.im) } else { x.exp() };
    /// The principal logarithm.
    log: |x| logarithm(x);
    /// `log(1 + x)`, without cancellation near zero.
    log1p: |x| match () {
        _ if x.is_finite() => Complex::new(modulus_log1p(x), x.im.atan2(1.0 + x.re)),
        _ if x.re > 0.0 && x.im == 0.0 => x,
        _ => Complex::new(f64::NAN, f64::NAN),
    };
    /// `1 / (1 + e^-x)`.
    sigmoid: |x| {
        // Of the two forms, the one whose exponential can't overflow.
        let e = if x.re < 0.0 { x.exp() } else { (-x).exp() };
        if x.re < 0.0 { divide(e, e + 1.0) } else { divide(Complex::new(1.0, 0.0), e + 1.0) }
    };
    /// The square root in the right half plane.
    sqrt: |x| root(x.re, x.im);
    /// `1 / sqrt(x)`; a negative zero as imaginary part counts as zero.
    rsqrt: |x| match root(x.re, x.im + 0.0) {
        _ if x.re == 0.0 && x.im == 0.0 => Complex::new(f64::INFINITY, f64::NAN),
        y if y.re.is_infinite() || y.im.is_infinite() => Complex::new(0.0, 0.0),
        y => divide(Complex::new(1.0, 0.0), y),
    };
    /// The sine.
    sin: |x| match overflows(x.im, x.re) {
        true => Complex::new(f64::NAN, f64::INFINITY),
        false => Complex::new(scaled(x.re.sin(), x.im.cosh()), scaled(x.re.cos(), x.im.sinh())),
    };
    /// The cosine.
    cos: |x| match overflows(x.im, x.re) {
        true => Complex::new(f64::INFINITY, f64::NAN),
        false => Complex::new(scaled(x.re.cos(), x.im.cosh()), -scaled(x.re.sin(), x.im.sinh())),
    };
    /// The tangent.
    tan: |x| turn_back(tangent(turn(x)));
    /// The principal arc sine.
    asin: |x| turn_back(arsinh(turn(x)));
    /// The principal arc cosine.
    acos: |x| arccosine(x);
    /// The principal arc tangent.
    atan: |x| turn_back(artanh(turn(x)));
    /// The hyperbolic sine.
    sinh: |x| match overflows(x.re, x.im) {
        true => Complex::new(f64::INFINITY, f64::NAN),
        false => Complex::new(scaled(x.im.cos(), x.re.sinh()), scaled(x.im.sin(), x.re.cosh())),
    };
    /// The hyperbolic cosine.
    cosh: |x| match overflows(x.re, x.im) {
        true => Complex::new(f64::INFINITY, f64::NAN),
        false => Complex::new(scaled(x.im.cos(), x.re.cosh()), scaled(x.im.sin(), x.re.sinh())),
    };
    /// The hyperbolic tangent.
    tanh: |x| tangent(x);
    /// The principal inverse hyperbolic sine.
    asinh: |x| arsinh(x);
    /// The principal inverse hyperbolic cosine.
    acosh: |x| {
        let y = arccosine(x);
        Complex::new(y.im.abs(), y.re.copysign(x.im))
    };
    /// The principal inverse hyperbolic tangent.
    atanh: |x| artanh(x);
}

/// `i x`.
fn turn(x: Complex64) -> Complex64 {
    Complex::new(-x.im, x.re)
}

/// `-i x`.
fn turn_back(x: Complex64) -> Complex64 {
    Complex::new(x.im, -x.re)
}

/// `x y`, but zero if a factor is, even if the other one is no finite number.
fn scaled(x: f64, y: f64) -> f64 {
    match () {
        _ if x == 0.0 => {
            if y < 0.0 {
                -x
            } else {
                x
            }
        }
        _ if y == 0.0 && x.is_nan() => y,
        _ => x * y,
    }
}

/// Whether a hyperbolic function of infinity meets a circular one that is none.
fn overflows(hyperbolic: f64, circular: f64) -> bool {
    hyperbolic.is_infinite() && !circular.is_finite()
}

/// The square root in the right half plane.
fn root(re: f64, im: f64) -> Complex64 {
    if im.is_infinite() {
        return Complex::new(f64::INFINITY, im);
    }
    if re.is_infinite() {
        let zero = if im.is_nan() { im } else { 0.0 };
        return if re > 0.0 { Complex::new(re, zero) } else { Complex::new(zero, f64::INFINITY) };
    }
    // Halved before the sum, which could overflow.
    let large = (0.5 * re.abs() + 0.5 * re.hypot(im)).sqrt();
    let small = if large == 0.0 { im } else { 0.5 * im / large };
    match re < 0.0 {
        false => Complex::new(large, small),
        true => Complex::new(small.abs(), large.copysign(im)),
    }
}

/// `log |1 + x|`.
fn modulus_log1p(x: Complex64) -> f64 {
    let square = x.re * (2.0 + x.re) + x.im * x.im;
    if square.abs() < 0.5 { 0.5 * square.ln_1p() } else { (1.0 + x.re).hypot(x.im).ln() }
}

/// The logarithm, which near the unit circle is taken of the square of the modulus less one.
fn logarithm(x: Complex64) -> Complex64 {
    let modulus = x.re.hypot(x.im);
    let log = if (0.7..1.4).contains(&modulus) {
        let (large, small) = (x.re.abs().max(x.im.abs()), x.re.abs().min(x.im.abs()));
        0.5 * ((large - 1.0) * (large + 1.0) + small * small).ln_1p()
    } else {
        modulus.ln()
    };
    Complex::new(log, x.im.atan2(x.re))
}

fn tangent(x: Complex64) -> Complex64 {
    if x.re == 0.0 {
        return Complex::new(x.re, x.im.tan());
    }
    if x.im == 0.0 {
        return Complex::new(x.re.tanh(), x.im);
    }
    // Beyond this the tangent is ±1 and the squares would overflow.
    if x.re.abs() > 22.0 {
        let tail = 4.0 * x.im.sin() * x.im.cos() * (-2.0 * x.re.abs()).exp();
        return Complex::new(1.0_f64.copysign(x.re), if tail.is_nan() { 0.0 } else { tail });
    }
    let (sinh, cosh) = (x.re.sinh(), x.re.cosh());
    let (sin, cos) = x.im.sin_cos();
    let scale = sinh * sinh + cos * cos;
    Complex::new(sinh * cosh / scale, sin * cos / scale)
}

fn arccosine(x: Complex64) -> Complex64 {
    if infinite(x) {
        return Complex::new(x.im.abs().atan2(x.re), f64::INFINITY.copysign(-x.im));
    }
    if x.re == 0.0 && x.im.is_nan() {
        return Complex::new(FRAC_PI_2, x.im);
    }
    // Roots of numbers in the plane that is cut along the axis, so that the sign of a zero counts.
    let cut = |re: f64, im: f64| Complex::new(re, im).sqrt();
    let (a, b) = (cut(1.0 - x.re, -x.im), cut(1.0 + x.re, x.im));
    Complex::new(2.0 * a.re.atan2(b.re), (b.re * a.im - b.im * a.re).asinh())
}

fn arsinh(x: Complex64) -> Complex64 {
    if infinite(x) {
        return Complex::new(f64::INFINITY.copysign(x.re), x.im.atan2(x.re.abs()));
    }
    if x.im == 0.0 {
        return Complex::new(libm::asinh(x.re), x.im);
    }
    let cut = |re: f64, im: f64| Complex::new(re, im).sqrt();
    let (a, b) = (cut(1.0 - x.im, x.re), cut(1.0 + x.im, -x.re));
    let re = (a.re * b.im - a.im * b.re).asinh();
    Complex::new(-re, x.im.atan2(a.re * b.re - a.im * b.im))
}

fn artanh(x: Complex64) -> Complex64 {
    if infinite(x) {
        let angle = if x.im.is_nan() { x.im } else { FRAC_PI_2.copysign(x.im) };
        return Complex::new(0.0_f64.copysign(x.re), angle);
    }
    if x.re == 0.0 {
        return Complex::new(x.re, x.im.atan());
    }
    let (size, im2) = (x.re.abs(), x.im * x.im);
    let less = 1.0 - size;
    let re = 0.25 * (4.0 * size / (less * less + im2)).ln_1p();
    Complex::new(re.copysign(x.re), 0.5 * (2.0 * x.im).atan2(less * (1.0 + size) - im2))
}
