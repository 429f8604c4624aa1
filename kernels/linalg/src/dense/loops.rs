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

/// Rotates neighbouring rows of a matrix of `columns` columns one after the other: the first two by the first of `rotations`, which are pairs `c, s` of
/// [`rotate`], the second and third by the next, and so on.
pub fn rotate_down<T: Scalar>(rotations: &[(T, T)], rows: &mut [T], columns: usize) {
    if !rotations.is_empty() {
        simd::dispatch(Down(rotations, rows, columns));
    }
}

struct Down<'a, T>(&'a [(T, T)], &'a mut [T], usize);

impl<T: Scalar> Kernel for Down<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let Down(rotations, rows, columns) = self;
        let mut at = 0;
        // Several vectors at once, as each rotation waits for the one before.
        while at + 32 <= columns {
            strip::<T, 32>(rotations, &mut rows[at..], columns);
            at += 32;
        }
        while at + 8 <= columns {
            strip::<T, 8>(rotations, &mut rows[at..], columns);
            at += 8;
        }
        while at < columns {
            strip::<T, 1>(rotations, &mut rows[at..], columns);
            at += 1;
        }
    }
}

/// Rotates some columns; the row that two rotations share stays in registers.
#[inline(always)]
fn strip<T: Scalar, const N: usize>(rotations: &[(T, T)], rows: &mut [T], columns: usize) {
    let mut x = [T::zero(); N];
    x.copy_from_slice(&rows[..N]);
    for (k, &(c, s)) in rotations.iter().enumerate() {
        let mut y = [T::zero(); N];
        y.copy_from_slice(&rows[(k + 1) * columns..][..N]);
        turn(c, s, &mut x, &mut y);
        rows[k * columns..][..N].copy_from_slice(&x);
        x = y;
    }
    rows[rotations.len() * columns..][..N].copy_from_slice(&x);
}

/// Adds rows times factors to `sums`; the rows begin `stride` elements after each other.
pub fn add_rows<T: Scalar>(factors: &[T], rows: &[T], stride: usize, sums: &mut [T]) {
    if !factors.is_empty() {
        simd::dispatch(AddRows(factors, rows, stride, sums));
    }
}

struct AddRows<'a, T>(&'a [T], &'a [T], usize, &'a mut [T]);

impl<T: Scalar> Kernel for AddRows<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let AddRows(factors, rows, stride, sums) = self;
        let mut parts = sums.chunks_exact_mut(LANES);
        let mut at = 0;
        for part in &mut parts {
            // These stay in registers.
            let mut sums = [T::zero(); LANES];
            sums.copy_from_slice(part);
            for (j, &factor) in factors.iter().enumerate() {
                let row = &rows[j * stride + at..][..LANES];
                sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += factor * x);
            }
            part.copy_from_slice(&sums);
            at += LANES;
        }
        let rest = parts.into_remainder();
        for (j, &factor) in factors.iter().enumerate() {
            let row = &rows[j * stride + at..][..rest.len()];
            rest.iter_mut().zip(row).for_each(|(sum, &x)| *sum += factor * x);
        }
    }
}

/// Adds `x` times a factor to each row; the rows begin `stride` elements after each other.
pub fn add_to_rows<T: Scalar>(factors: &[T], x: &[T], rows: &mut [T], stride: usize) {
    if !factors.is_empty() {
        simd::dispatch(AddToRows(factors, x, rows, stride));
    }
}

struct AddToRows<'a, T>(&'a [T], &'a [T], &'a mut [T], usize);

impl<T: Scalar> Kernel for AddToRows<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let AddToRows(factors, x, rows, stride) = self;
        for (j, &factor) in factors.iter().enumerate() {
            let row = &mut rows[j * stride..][..x.len()];
            row.iter_mut().zip(x).for_each(|(y, &x)| *y += factor * x);
        }
    }
}
