//! Products with one row, at the speed of reading B.

use super::Finish;
use super::driver::{Scalar, TASK_MACS};
use super::epilogue::Epilogue;
use super::pack::View;
use crate::par;
use crate::simd::{self, Isa, Kernel};

/// Columns whose sums stay in the first-level cache.
const COLUMNS: usize = 2048;
const LANES: usize = 64;

/// One row of C; rows or columns of B are contiguous.
pub fn row<T: Scalar>(epilogue: &Epilogue<T>, k: usize, (a, b): (View<T>, View<T>), c: &mut [T]) {
    let a: Vec<T> = (0..k).map(|p| a.data[p * a.column_stride]).collect();
    let grain = if b.column_stride == 1 {
        (TASK_MACS / 4 / k.max(1)).next_multiple_of(64).clamp(256, COLUMNS)
    } else {
        (TASK_MACS / 4 / k.max(1)).max(1)
    };
    par::for_chunks_mut(c, grain, |start, c| {
        if b.column_stride == 1 {
            c.fill(T::default());
            let (mut row, width) = (0, c.len());
            for a in a.chunks(8) {
                let at = |p: usize| &b.data[(row + p) * b.row_stride + start..][..width];
                match *a {
                    [a0, a1, a2, a3, a4, a5, a6, a7] => {
                        let factors = [a0, a1, a2, a3, a4, a5, a6, a7];
                        let rows = [at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)];
                        simd::dispatch(Eight(factors, rows, c));
                    }
                    _ => (0..a.len()).for_each(|p| simd::dispatch(Axpy(a[p], at(p), c))),
                }
                row += a.len();
            }
        } else {
            for (j, c) in c.iter_mut().enumerate() {
                *c = simd::dispatch(Dot(&a, b.data.get((start + j) * b.column_stride..).unwrap_or_default()));
            }
        }
        let part = |x: &'_ [T]| if x.is_empty() { 0..0 } else { start..start + c.len() };
        let (bias, residual) = (part(epilogue.bias), part(epilogue.residual));
        simd::dispatch(Finish {
            row: c,
            residual: &epilogue.bias[bias],
            activation: super::Activation::Identity,
        });
        let residual = &epilogue.residual[residual];
        simd::dispatch(Finish { row: c, residual, activation: epilogue.activation });
    });
}

struct Eight<'a, T>([T; 8], [&'a [T]; 8], &'a mut [T]);

impl<T: Scalar> Kernel for Eight<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let Eight(a, b, c) = self;
        let b = b.map(|row| &row[..c.len()]);
        for (j, c) in c.iter_mut().enumerate() {
            let mut sum = *c;
            for p in 0..8 {
                sum = T::fma::<I>(a[p], b[p][j], sum);
            }
            *c = sum;
        }
    }
}

struct Axpy<'a, T>(T, &'a [T], &'a mut [T]);

impl<T: Scalar> Kernel for Axpy<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for (c, &b) in self.2.iter_mut().zip(self.1) {
            *c = T::fma::<I>(self.0, b, *c);
        }
    }
}

struct Dot<'a, T>(&'a [T], &'a [T]);

impl<T: Scalar> Kernel for Dot<'_, T> {
    type Output = T;
    #[inline(always)]
    fn run<I: Isa>(self) -> T {
        let (a, b) = (self.0, &self.1[..self.0.len()]);
        let mut sums = [T::default(); LANES];
        let (a_chunks, a_rest) = a.as_chunks::<LANES>();
        let (b_chunks, b_rest) = b.as_chunks::<LANES>();
        for (a, b) in a_chunks.iter().zip(b_chunks) {
            for lane in 0..LANES {
                sums[lane] = T::fma::<I>(a[lane], b[lane], sums[lane]);
            }
        }
        for (sum, (&a, &b)) in sums.iter_mut().zip(a_rest.iter().zip(b_rest)) {
            *sum = T::fma::<I>(a, b, *sum);
        }
        let mut width = LANES / 2;
        while width > 0 {
            let (low, high) = sums.split_at_mut(width);
            T::add::<I>(low, &high[..width]);
            width /= 2;
        }
        sums[0]
    }
}
