//! Functions of complex numbers that more than one operator uses.

use num_complex::Complex;
use num_traits::Float;

/// `x / y`, scaled by the larger part of `y` so that its square neither overflows nor vanishes.
#[inline(always)]
pub fn divide<F: Float>(x: Complex<F>, y: Complex<F>) -> Complex<F> {
    let scale = if y.re.abs() > y.im.abs() { y.re.abs() } else { y.im.abs() };
    let (re, im) = (y.re / scale, y.im / scale);
    let square = re * re + im * im;
    Complex::new((x.re * re + x.im * im) / square / scale, (x.im * re - x.re * im) / square / scale)
}
