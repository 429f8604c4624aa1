//! Loops from functions of an element.

use savedmodel_math::simd::{Isa, Kernel, dispatch};

/// `out[i] = f(x[i])`.
#[inline(always)]
pub fn map<T: Copy, U>(x: &[T], out: &mut [U], f: impl Fn(T) -> U) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = f(x);
    }
}

/// `out[i] = f(a[i], b[i])`.
#[inline(always)]
pub fn zip<A: Copy, B: Copy, U>(a: &[A], b: &[B], out: &mut [U], f: impl Fn(A, B) -> U) {
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        *out = f(a, b);
    }
}

/// `out[i] = f(out[i], x[i])`.
#[inline(always)]
pub fn fold<T: Copy>(out: &mut [T], x: &[T], f: impl Fn(T, T) -> T) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = f(*out, x);
    }
}

/// [`map`], compiled for every instruction set.
pub fn map_hot<T: Copy, U>(x: &[T], out: &mut [U], f: impl Fn(T) -> U) {
    dispatch(Mapped(x, out, f));
}

/// [`zip`], compiled for every instruction set.
pub fn zip_hot<A: Copy, B: Copy, U>(a: &[A], b: &[B], out: &mut [U], f: impl Fn(A, B) -> U) {
    dispatch(Zipped(a, b, out, f));
}

/// `out[i] = f(out[i])`, compiled for every instruction set.
pub fn update_hot<T: Copy>(out: &mut [T], f: impl Fn(T) -> T) {
    dispatch(Updated(out, f));
}

struct Updated<'a, T, F>(&'a mut [T], F);

impl<T: Copy, F: Fn(T) -> T> Kernel for Updated<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for x in self.0 {
            *x = (self.1)(*x);
        }
    }
}

struct Mapped<'a, T, U, F>(&'a [T], &'a mut [U], F);

impl<T: Copy, U, F: Fn(T) -> U> Kernel for Mapped<'_, T, U, F> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        map(self.0, self.1, self.2);
    }
}

struct Zipped<'a, A, B, U, F>(&'a [A], &'a [B], &'a mut [U], F);

impl<A: Copy, B: Copy, U, F: Fn(A, B) -> U> Kernel for Zipped<'_, A, B, U, F> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        zip(self.0, self.1, self.2, self.3);
    }
}
