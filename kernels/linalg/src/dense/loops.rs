//! Loops over adjacent elements, compiled for each instruction set.

use savedmodel_math::simd::{self, Isa, Kernel};

use super::Scalar;

/// `y += factor * x`.
pub fn add_scaled<T: Scalar>(factor: T, x: &[T], y: &mut [T]) {
    if x.len() < SHORT {
        x.iter().zip(y).for_each(|(&x, y)| *y += factor * x);
    } else {
        simd::dispatch(AddScaled(factor, x, y));
    }
}

/// The sum of `conjugate(x) * y`.
pub fn dot<T: Scalar>(x: &[T], y: &[T]) -> T {
    if x.len() < SHORT {
        x.iter().zip(y).fold(T::zero(), |sum, (x, &y)| sum + x.conjugate() * y)
    } else {
        simd::dispatch(Dot(x, y))
    }
}

/// Sets `x, y` to `c x + conjugate(s) y, conjugate(c) y - s x`.
pub fn rotate<T: Scalar>(c: T, s: T, x: &mut [T], y: &mut [T]) {
    if x.len() < SHORT {
        turn(c, s, x, y);
    } else {
        simd::dispatch(Rotate(c, s, x, y));
    }
}

/// Lengths below which a call costs more than the loop.
const SHORT: usize = 16;

struct AddScaled<'a, T>(T, &'a [T], &'a mut [T]);

impl<T: Scalar> Kernel for AddScaled<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let factor = self.0;
        self.1.iter().zip(self.2).for_each(|(&x, y)| *y += factor * x);
    }
}

struct Dot<'a, T>(&'a [T], &'a [T]);

/// Sums taken side by side.
const LANES: usize = 16;

impl<T: Scalar> Kernel for Dot<'_, T> {
    type Output = T;
    #[inline(always)]
    fn run<I: Isa>(self) -> T {
        let mut sums = [T::zero(); LANES];
        let (x, y) = (self.0.chunks_exact(LANES), self.1.chunks_exact(LANES));
        let rest = x.remainder().iter().zip(y.remainder());
        let rest = rest.fold(T::zero(), |sum, (x, &y)| sum + x.conjugate() * y);
        for (x, y) in x.zip(y) {
            for ((sum, x), &y) in sums.iter_mut().zip(x).zip(y) {
                *sum += x.conjugate() * y;
            }
        }
        sums.into_iter().fold(rest, |sum, x| sum + x)
    }
}

struct Rotate<'a, T>(T, T, &'a mut [T], &'a mut [T]);

impl<T: Scalar> Kernel for Rotate<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        turn(self.0, self.1, self.2, self.3);
    }
}

#[inline(always)]
fn turn<T: Scalar>(c: T, s: T, x: &mut [T], y: &mut [T]) {
    let (c_conjugate, s_conjugate) = (c.conjugate(), s.conjugate());
    for (x, y) in x.iter_mut().zip(y) {
        (*x, *y) = (c * *x + s_conjugate * *y, c_conjugate * *y - s * *x);
    }
}
