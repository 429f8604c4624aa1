//! Element-wise loops from closures: compiled for each instruction set, split over threads.
//!
//! `ns` is a rough cost of one element in nanoseconds ([`CHEAP`] for anything limited by memory); it only sets the size
//! of tasks. The closure is inlined into the loop when it is small; a longer scalar function needs `#[inline(always)]`. What it uses should
//! be its own (`move`): behind a reference it is read again for each element, and the loop does not vectorise.
//!
//! ```
//! use savedmodel_math::map;
//! let mut sum = [0.0f32; 3];
//! map::zip(&[1.0, 2.0, 3.0], &[10.0, 20.0, 30.0], &mut sum, map::CHEAP, |a, b| a + b);
//! assert_eq!(sum, [11.0, 22.0, 33.0]);
//! ```

use crate::narrow::Narrow;
use crate::par;
use crate::simd::{self, Isa, Kernel};

/// Cost in nanoseconds of an element whose arithmetic is cheaper than fetching it.
pub const CHEAP: f64 = 0.25;

/// Elements converted at a time by the loops over narrow floats.
pub(crate) const BLOCK: usize = 512;

/// `dst[i] = f(src[i])`.
///
/// # Panics
/// When the lengths differ.
pub fn map<T: Copy + Sync, U: Copy + Send>(
    src: &[T],
    dst: &mut [U],
    ns: f64,
    f: impl Fn(T) -> U + Sync + Copy,
) {
    par::for_zip(dst, src, par::grain(ns), |dst, src| simd::dispatch_narrow(Map(src, dst, &f)));
}

/// `dst[i] = f(dst[i])`.
pub fn map_in_place<T: Copy + Send>(dst: &mut [T], ns: f64, f: impl Fn(T) -> T + Sync + Copy) {
    par::for_chunks_mut(dst, par::grain(ns), |_, dst| simd::dispatch_narrow(MapInPlace(dst, &f)));
}

/// `dst[i] = f(a[i], b[i])`.
///
/// # Panics
/// When the lengths differ.
pub fn zip<A: Copy + Sync, B: Copy + Sync, U: Copy + Send>(
    a: &[A],
    b: &[B],
    dst: &mut [U],
    ns: f64,
    f: impl Fn(A, B) -> U + Sync + Copy,
) {
    par::for_zip2(dst, a, b, par::grain(ns), |dst, a, b| simd::dispatch_narrow(Zip(a, b, dst, &f)));
}

/// `dst[i] = f(dst[i], b[i])`.
///
/// # Panics
/// When the lengths differ.
pub fn zip_in_place<T: Copy + Send, B: Copy + Sync>(
    dst: &mut [T],
    b: &[B],
    ns: f64,
    f: impl Fn(T, B) -> T + Sync + Copy,
) {
    par::for_zip(dst, b, par::grain(ns), |dst, b| simd::dispatch_narrow(ZipInPlace(dst, b, &f)));
}

/// `dst[i] = f(src[i])` for half or bfloat16, in single precision, each result rounded to nearest even.
///
/// # Panics
/// When the lengths differ.
pub fn map_narrow<T: Narrow>(src: &[T], dst: &mut [T], ns: f64, f: impl Fn(f32) -> f32 + Sync + Copy) {
    par::for_zip(dst, src, par::grain(ns), |dst, src| {
        let mut x = [0.0; BLOCK];
        for (src, dst) in src.chunks(BLOCK).zip(dst.chunks_mut(BLOCK)) {
            let x = &mut x[..src.len()];
            T::widen(src, x);
            simd::dispatch_narrow(MapInPlace(x, &f));
            T::narrow(x, dst);
        }
    });
}

/// `dst[i] = f(a[i], b[i])` for half or bfloat16, in single precision, each result rounded to nearest even.
///
/// # Panics
/// When the lengths differ.
pub fn zip_narrow<T: Narrow>(
    a: &[T],
    b: &[T],
    dst: &mut [T],
    ns: f64,
    f: impl Fn(f32, f32) -> f32 + Sync + Copy,
) {
    par::for_zip2(dst, a, b, par::grain(ns), |dst, a, b| {
        let (mut x, mut y) = ([0.0; BLOCK], [0.0; BLOCK]);
        for ((a, b), dst) in a.chunks(BLOCK).zip(b.chunks(BLOCK)).zip(dst.chunks_mut(BLOCK)) {
            let (x, y) = (&mut x[..a.len()], &mut y[..a.len()]);
            T::widen(a, x);
            T::widen(b, y);
            simd::dispatch_narrow(ZipInPlace(x, y, &f));
            T::narrow(x, dst);
        }
    });
}

struct Map<'a, T, U, F>(&'a [T], &'a mut [U], &'a F);

impl<T: Copy, U, F: Fn(T) -> U + Copy> Kernel for Map<'_, T, U, F> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let f = *self.2;
        for (dst, &src) in self.1.iter_mut().zip(self.0) {
            *dst = f(src);
        }
    }
}

struct MapInPlace<'a, T, F>(&'a mut [T], &'a F);

impl<T: Copy, F: Fn(T) -> T + Copy> Kernel for MapInPlace<'_, T, F> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let f = *self.1;
        for dst in self.0.iter_mut() {
            *dst = f(*dst);
        }
    }
}

struct Zip<'a, A, B, U, F>(&'a [A], &'a [B], &'a mut [U], &'a F);

impl<A: Copy, B: Copy, U, F: Fn(A, B) -> U + Copy> Kernel for Zip<'_, A, B, U, F> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let f = *self.3;
        for ((dst, &a), &b) in self.2.iter_mut().zip(self.0).zip(self.1) {
            *dst = f(a, b);
        }
    }
}

struct ZipInPlace<'a, T, B, F>(&'a mut [T], &'a [B], &'a F);

impl<T: Copy, B: Copy, F: Fn(T, B) -> T + Copy> Kernel for ZipInPlace<'_, T, B, F> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let f = *self.2;
        for (dst, &b) in self.0.iter_mut().zip(self.1) {
            *dst = f(*dst, b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::{bf16, f16};

    #[test]
    fn closures_meet_every_element() {
        for len in [0, 1, 17, 1000, 200_000] {
            let a: Vec<i32> = (0..len).collect();
            let mut dst = vec![0i64; a.len()];
            map(&a, &mut dst, 1.0, |x| i64::from(x) * 3);
            assert!(dst.iter().zip(&a).all(|(d, a)| *d == i64::from(*a) * 3));
            map_in_place(&mut dst, 1.0, |x| x + 1);
            zip_in_place(&mut dst, &a, 1.0, |d, a| d - i64::from(a));
            assert!(dst.iter().zip(&a).all(|(d, a)| *d == i64::from(*a) * 2 + 1));
            let mut out = vec![false; a.len()];
            zip(&a, &dst, &mut out, 1.0, |a, d| d == i64::from(a) * 2 + 1);
            assert!(out.iter().all(|&same| same));
        }
    }

    #[test]
    fn narrow_floats_round_each_result() {
        let a = vec![bf16::from_f32(256.0); 1025];
        let one = vec![bf16::ONE; 1025];
        let mut dst = vec![bf16::ZERO; 1025];
        zip_narrow(&a, &one, &mut dst, CHEAP, |a, b| a + b);
        assert_eq!(dst, a);
        let mut dst = vec![f16::ZERO; 3];
        map_narrow(&[f16::MAX, f16::ONE, f16::NAN], &mut dst, CHEAP, |x| x * 2.0);
        assert_eq!((dst[0], dst[1]), (f16::INFINITY, f16::from_f32(2.0)));
        assert!(dst[2].is_nan());
    }
}
