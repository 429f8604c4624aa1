//! Complex arithmetic as TensorFlow has it in packets of 32 bytes, and one by one in what fills no packet at the end of a tensor.
//!
//! Its packets multiply and divide by the formulas of school; single numbers go through the C++ library and the C standard, which know
//! of infinities. The two differ where a part is infinite or no number.

use num_complex::Complex;
use num_traits::Float;
use savedmodel_tensor::Complex32;

use crate::complex::{self, Number, divide, multiply, quotient};
use crate::elementwise::loops;

fn whole<C>(len: usize) -> usize {
    let packet = 32 / size_of::<C>();
    len / packet * packet
}

/// `out[i] = packet(x[i])`, but `single(x[i])` at the end.
pub fn map<C: Copy>(x: &[C], out: &mut [C], packet: impl Fn(C) -> C, single: impl Fn(C) -> C) {
    let (head, rest) = out.split_at_mut(whole::<C>(x.len()));
    loops::map(&x[..head.len()], head, packet);
    loops::map(&x[head.len()..], rest, single);
}

/// `value`, or zero where `x` is.
fn unless_zero<F: Float>(x: Complex<F>, value: Complex<F>) -> Complex<F> {
    let zero = Complex::new(F::zero(), F::zero());
    if x == zero { zero } else { value }
}

/// `out[i] = packet(x[i], y[i])`, but `single(x[i], y[i])` at the end.
pub fn zip<C: Copy>(x: &[C], y: &[C], out: &mut [C], packet: impl Fn(C, C) -> C, single: impl Fn(C, C) -> C) {
    let (head, rest) = out.split_at_mut(whole::<C>(x.len()));
    let len = head.len();
    loops::zip(&x[..len], &y[..len], head, packet);
    loops::zip(&x[len..], &y[len..], rest, single);
}

/// `x y`.
pub fn products<F: Float>(x: &[Complex<F>], y: &[Complex<F>], out: &mut [Complex<F>]) {
    zip(x, y, out, |x, y| x * y, multiply);
}

/// `x / y`.
pub fn quotients<F: Float>(x: &[Complex<F>], y: &[Complex<F>], out: &mut [Complex<F>]) {
    zip(x, y, out, divide, quotient);
}

/// `x y`, or zero where `y` is.
pub fn products_no_nan<F: Float>(x: &[Complex<F>], y: &[Complex<F>], out: &mut [Complex<F>]) {
    zip(x, y, out, |x, y| unless_zero(y, x * y), |x, y| unless_zero(y, multiply(x, y)));
}

/// `x / y`, or zero where `y` is.
pub fn quotients_no_nan<F: Float>(x: &[Complex<F>], y: &[Complex<F>], out: &mut [Complex<F>]) {
    zip(x, y, out, |x, y| unless_zero(y, divide(x, y)), |x, y| unless_zero(y, quotient(x, y)));
}

/// `x / y`, or zero where `x` is.
pub fn xdivy<F: Float>(x: &[Complex<F>], y: &[Complex<F>], out: &mut [Complex<F>]) {
    zip(x, y, out, |x, y| unless_zero(x, divide(x, y)), |x, y| unless_zero(x, quotient(x, y)));
}

/// `x log y`, or zero where `x` is.
pub fn xlogy<F: Float>(x: &[Complex<F>], y: &[Complex<F>], out: &mut [Complex<F>])
where
    Complex<F>: Number,
{
    let packet = |x, y| unless_zero(x, x * complex::log(y));
    zip(x, y, out, packet, |x, y| unless_zero(x, multiply(x, complex::log(y))));
}

/// `(x - y)* (x - y)`.
pub fn squared_differences<F: Float>(x: &[Complex<F>], y: &[Complex<F>], out: &mut [Complex<F>]) {
    let conj = |x: Complex<F>| Complex::new(x.re, -x.im);
    zip(x, y, out, |x, y| conj(x - y) * (x - y), |x, y| multiply(conj(x - y), x - y));
}

/// `x²`.
pub fn squares<F: Float>(x: &[Complex<F>], out: &mut [Complex<F>]) {
    map(x, out, |x| x * x, |x| multiply(x, x));
}

/// `1 / x`.
pub fn reciprocals<F: Float>(x: &[Complex<F>], out: &mut [Complex<F>]) {
    map(x, out, |x| divide(F::one().into(), x), |x| quotient(F::one().into(), x));
}

/// `sqrt(x)`; single numbers left of zero have the half plane told by comparison with zero.
pub fn roots<F: Float>(x: &[Complex<F>], out: &mut [Complex<F>])
where
    Complex<F>: Number,
{
    map(x, out, complex::sqrt, |x| match complex::sqrt(x) {
        y if x.re < F::zero() && !x.im.is_infinite() => {
            Complex::new(y.re, if x.im < F::zero() { -y.im.abs() } else { y.im.abs() })
        }
        y => y,
    });
}

/// What `packet` gives; single numbers with a part that is no number have no sign.
pub fn signs<F: Float>(x: &[Complex<F>], out: &mut [Complex<F>], packet: impl Fn(Complex<F>) -> Complex<F>) {
    map(x, out, &packet, |x| match x.re.is_nan() || x.im.is_nan() {
        true => Complex::new(F::nan(), F::nan()),
        false => packet(x),
    });
}

/// `e^x` in single precision, whose packets give the infinity of an infinite imaginary part its sign.
pub fn exponentials(x: &[Complex32], out: &mut [Complex32]) {
    let packet = |x: Complex32| match x.re == f32::INFINITY && x.im == f32::NEG_INFINITY {
        true => Complex::new(f32::NEG_INFINITY, f32::NAN),
        false => complex::exp(x),
    };
    map(x, out, packet, complex::exp);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_know_no_infinities() {
        let (inf, nan) = (f64::INFINITY, f64::NAN);
        let number = Complex::new;
        let check = |got: &[Complex<f64>], want: [Complex<f64>; 2]| {
            // Two of a packet, and one that fills none.
            for (got, want) in got.iter().zip([want[0], want[0], want[1]]) {
                let same = |a: f64, b: f64| a == b || a.is_nan() && b.is_nan();
                assert!(same(got.re, want.re) && same(got.im, want.im), "{got} for {want}");
            }
        };
        let mut out = [Complex::default(); 3];
        let lost = number(nan, nan);
        products(&[number(inf, inf); 3], &[number(1.0, 0.0); 3], &mut out);
        check(&out, [lost, number(inf, inf)]);
        quotients(&[number(1.0, 0.0); 3], &[number(0.0, 0.0); 3], &mut out);
        check(&out, [lost, number(inf, nan)]);
        quotients(&[number(1.0, 1.0); 3], &[number(inf, 1.0); 3], &mut out);
        check(&out, [lost, number(0.0, 0.0)]);
        quotients(&[number(inf, 1.0); 3], &[number(2.0, 1.0); 3], &mut out);
        check(&out, [number(inf, -inf), number(inf, -inf)]);
        quotients_no_nan(&[lost; 3], &[number(0.0, 0.0); 3], &mut out);
        check(&out, [number(0.0, 0.0); 2]);
        reciprocals(&[number(0.0, inf); 3], &mut out);
        check(&out, [lost, number(0.0, 0.0)]);
        roots(&[number(-1.0, -0.0); 3], &mut out);
        check(&out, [number(0.0, -1.0), number(0.0, 1.0)]);
    }
}
