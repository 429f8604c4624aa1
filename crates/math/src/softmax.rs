//! Softmax and its logarithm over rows.
//!
//! The maximum of the row is taken off first. A row with NaN or +inf, or of -inf alone, is NaN throughout, as in
//! TensorFlow's own kernel (its oneDNN kernel keeps zeros beside an infinite element). Half and bfloat16 are computed in single precision and rounded once. Every result is within 4 ulp, besides
//! the error of the row's sum.

use crate::lane;
use crate::narrow::Narrow;
use crate::par;
use crate::side_by_side;
use crate::simd::{self, Isa, Kernel};
use crate::unary::functions;
use half::{bf16, f16};

/// Elements of a row handled together.
const LANES: usize = 32;
const NS: f64 = 0.6;
/// Rows no longer than this go side by side, if there are more than a few.
const SHORT: usize = 8;
const FEW: usize = 4;

/// An element type with a softmax.
pub trait Softmax: Copy + Send + Sync {
    /// One row, `dst` as long as `src`.
    #[doc(hidden)]
    fn row(src: &[Self], dst: &mut [Self], log: bool);

    /// Rows of at most [`SHORT`] elements.
    #[doc(hidden)]
    fn short_rows(src: &[Self], dst: &mut [Self], row_len: usize, log: bool) {
        for (src, dst) in src.chunks_exact(row_len).zip(dst.chunks_exact_mut(row_len)) {
            Self::row(src, dst, log);
        }
    }
}

/// `e^x / sum(e^x)` for each row of `row_len` elements.
///
/// # Panics
/// When the lengths differ or are not whole rows.
pub fn softmax_rows<T: Softmax>(src: &[T], dst: &mut [T], row_len: usize) {
    rows(src, dst, row_len, false);
}

/// `x - log(sum(e^x))` for each row of `row_len` elements.
///
/// # Panics
/// When the lengths differ or are not whole rows.
pub fn log_softmax_rows<T: Softmax>(src: &[T], dst: &mut [T], row_len: usize) {
    rows(src, dst, row_len, true);
}

fn rows<T: Softmax>(src: &[T], dst: &mut [T], row_len: usize, log: bool) {
    assert_eq!(src.len(), dst.len());
    let grain = par::grain(NS) / row_len.max(1);
    // How rows are computed must not depend on the threads that they fall to.
    let is_short = row_len <= SHORT && src.len() > FEW * row_len;
    par::for_rows_mut(dst, row_len, grain, |first, dst| {
        let src = &src[first * row_len..][..dst.len()];
        if is_short {
            return T::short_rows(src, dst, row_len, log);
        }
        for (src, dst) in src.chunks_exact(row_len).zip(dst.chunks_exact_mut(row_len)) {
            T::row(src, dst, log);
        }
    });
}

impl Softmax for f32 {
    fn row(src: &[f32], dst: &mut [f32], log: bool) {
        if log {
            simd::dispatch(LogRow(src, dst));
        } else {
            simd::dispatch(Row(src, dst));
        }
    }

    fn short_rows(src: &[f32], dst: &mut [f32], row_len: usize, log: bool) {
        simd::dispatch(ShortRows { src, dst, row_len, log });
    }
}

impl Softmax for f64 {
    fn row(src: &[f64], dst: &mut [f64], log: bool) {
        let max = src.iter().fold(f64::NEG_INFINITY, |a, &b| if (a > b) | a.is_nan() { a } else { b });
        let mut sum = 0.0;
        for (dst, &x) in dst.iter_mut().zip(src) {
            let e = (x - max).exp();
            *dst = if log { x - max } else { e };
            sum += e;
        }
        let (scale, shift) = if log { (1.0, sum.ln()) } else { (1.0 / sum, 0.0) };
        dst.iter_mut().for_each(|x| *x = *x * scale - shift);
    }
}

impl Softmax for f16 {
    fn row(src: &[f16], dst: &mut [f16], log: bool) {
        narrow_row(src, dst, log);
    }
}

impl Softmax for bf16 {
    fn row(src: &[bf16], dst: &mut [bf16], log: bool) {
        narrow_row(src, dst, log);
    }
}

fn narrow_row<T: Narrow>(src: &[T], dst: &mut [T], log: bool) {
    let mut wide = vec![0.0; 2 * src.len()];
    let (x, y) = wide.split_at_mut(src.len());
    T::widen(src, x);
    f32::row(x, y, log);
    T::narrow(y, dst);
}

/// The largest element of a row, or NaN if there is one.
#[inline(always)]
fn max_of(row: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    let max = |a: f32, b: f32| if (a > b) | a.is_nan() { a } else { b };
    for chunk in chunks {
        for lane in 0..LANES {
            lanes[lane] = max(lanes[lane], chunk[lane]);
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(rest) {
        *lane = max(*lane, x);
    }
    halve(lanes, max)
}

/// Folds lanes pairwise.
#[inline(always)]
fn halve(mut lanes: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] = f(lanes[lane], lanes[lane + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// Adds `e^(x - max)` of a chunk to the sums, and returns it.
#[inline(always)]
fn exp_chunk<I: Isa>(x: &[f32; LANES], max: f32, sums: &mut [f32; LANES]) -> [f32; LANES] {
    let mut y = [0.0; LANES];
    for lane in 0..LANES {
        y[lane] = x[lane] - max;
    }
    side_by_side::row::<I, functions::Exp>(&mut y);
    for lane in 0..LANES {
        sums[lane] += y[lane];
    }
    y
}

/// The last, short chunk of a row, filled up with what adds nothing to the sum.
#[inline(always)]
fn padded(rest: &[f32]) -> [f32; LANES] {
    let mut x = [f32::NEG_INFINITY; LANES];
    x[..rest.len()].copy_from_slice(rest);
    x
}

struct Row<'a>(&'a [f32], &'a mut [f32]);

impl Kernel for Row<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let max = max_of(self.0);
        let mut sums = [0.0; LANES];
        let (chunks, rest) = self.0.as_chunks::<LANES>();
        let (dst_chunks, dst_rest) = self.1.as_chunks_mut::<LANES>();
        for (dst, src) in dst_chunks.iter_mut().zip(chunks) {
            *dst = exp_chunk::<I>(src, max, &mut sums);
        }
        if !rest.is_empty() {
            let y = exp_chunk::<I>(&padded(rest), max, &mut sums);
            // Where the maximum is -inf the padding is NaN, as the row is.
            dst_rest.copy_from_slice(&y[..rest.len()]);
        }
        let scale = 1.0 / halve(sums, |a, b| a + b);
        self.1.iter_mut().for_each(|y| *y *= scale);
    }
}

/// [`Row`] where it lies.
#[inline(always)]
pub(crate) fn in_place<I: Isa>(row: &mut [f32]) {
    let max = max_of(row);
    let mut sums = [0.0; LANES];
    let (chunks, rest) = row.as_chunks_mut::<LANES>();
    for chunk in chunks {
        *chunk = exp_chunk::<I>(chunk, max, &mut sums);
    }
    if !rest.is_empty() {
        let y = exp_chunk::<I>(&padded(rest), max, &mut sums);
        // Where the maximum is -inf the padding is NaN, as the row is.
        rest.copy_from_slice(&y[..rest.len()]);
    }
    let scale = 1.0 / halve(sums, |a, b| a + b);
    row.iter_mut().for_each(|y| *y *= scale);
}

struct LogRow<'a>(&'a [f32], &'a mut [f32]);

impl Kernel for LogRow<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let max = max_of(self.0);
        let mut sums = [0.0; LANES];
        let (chunks, rest) = self.0.as_chunks::<LANES>();
        for src in chunks {
            exp_chunk::<I>(src, max, &mut sums);
        }
        if !rest.is_empty() {
            exp_chunk::<I>(&padded(rest), max, &mut sums);
        }
        let log = halve(sums, |a, b| a + b).ln();
        for (y, &x) in self.1.iter_mut().zip(self.0) {
            *y = (x - max) - log;
        }
    }
}

/// Rows of `row_len` elements, at most [`SHORT`]: each lane holds one.
struct ShortRows<'a> {
    src: &'a [f32],
    dst: &'a mut [f32],
    row_len: usize,
    log: bool,
}

impl Kernel for ShortRows<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let ShortRows { src, dst, row_len, log } = self;
        for (src, dst) in src.chunks(LANES * row_len).zip(dst.chunks_mut(LANES * row_len)) {
            let mut columns = [[0.0_f32; LANES]; SHORT];
            let columns = &mut columns[..row_len];
            for (lane, row) in src.chunks_exact(row_len).enumerate() {
                for (column, &x) in columns.iter_mut().zip(row) {
                    column[lane] = x;
                }
            }
            let (mut max, mut sum) = ([f32::NEG_INFINITY; LANES], [0.0; LANES]);
            for column in columns.iter() {
                for lane in 0..LANES {
                    let (a, b) = (max[lane], column[lane]);
                    max[lane] = if (a > b) | a.is_nan() { a } else { b };
                }
            }
            for column in columns.iter_mut() {
                for lane in 0..LANES {
                    let shifted = column[lane] - max[lane];
                    let power = lane::exp::<I>(shifted);
                    sum[lane] += power;
                    column[lane] = if log { shifted } else { power };
                }
            }
            for sum in &mut sum {
                *sum = if log { lane::log::<I>(*sum) } else { 1.0 / *sum };
            }
            for (lane, row) in dst.chunks_exact_mut(row_len).enumerate() {
                for (y, column) in row.iter_mut().zip(columns.iter()) {
                    *y = if log { column[lane] - sum[lane] } else { column[lane] * sum[lane] };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::testing::at_each_level;

    fn want(row: &[f32], log: bool) -> Vec<f64> {
        let max = row.iter().copied().fold(f32::NEG_INFINITY, |a, b| if b.is_nan() { b } else { a.max(b) });
        let shifted: Vec<f64> = row.iter().map(|&x| f64::from(x) - f64::from(max)).collect();
        let sum: f64 = shifted.iter().map(|x| x.exp()).sum();
        shifted.iter().map(|x| if log { x - sum.ln() } else { x.exp() / sum }).collect()
    }

    #[test]
    fn rows_agree_with_double_precision() {
        at_each_level(|level| {
            for (row_len, count) in [
                (1, 3),
                (1, 70),
                (2, 3),
                (3, 40),
                (8, 5),
                (8, 64),
                (31, 3),
                (32, 3),
                (33, 9),
                (100, 3),
                (1000, 3),
            ] {
                let src: Vec<f32> =
                    (0..count * row_len).map(|i| (i * 7919 % 997) as f32 * 0.02 - 10.0).collect();
                for log in [false, true] {
                    let mut dst = vec![0.0; src.len()];
                    rows(&src, &mut dst, row_len, log);
                    let exact = src.chunks(row_len).flat_map(|row| want(row, log));
                    for (got, want) in dst.iter().zip(exact) {
                        let error = (f64::from(*got) - want).abs();
                        assert!(
                            error <= 1e-6 * want.abs().max(if log { 1.0 } else { 1e-6 }),
                            "{level:?} {row_len} {got} {want}"
                        );
                    }
                    let wide: Vec<f64> = src.iter().map(|&x| f64::from(x)).collect();
                    let mut double = wide.clone();
                    rows(&wide, &mut double, row_len, log);
                    assert!(dst.iter().zip(&double).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-5));
                }
            }
        });
    }

    #[test]
    fn infinities_become_nan_where_tensorflow_has_it() {
        let inf = f32::INFINITY;
        for (row, nan) in [
            ([-inf, -inf, -inf], [true, true, true]),
            ([1.0, inf, 2.0], [true, true, true]),
            ([1.0, -inf, 2.0], [false, false, false]),
            ([1.0, f32::NAN, 2.0], [true, true, true]),
        ] {
            let mut y = [0.0; 3];
            softmax_rows(&row, &mut y, 3);
            assert_eq!(y.map(f32::is_nan), nan, "{row:?} {y:?}");
            let mut many = [0.0; 15];
            softmax_rows(&[row; 5].concat(), &mut many, 3);
            assert!(many.chunks(3).all(|y| y.iter().map(|y| y.is_nan()).eq(nan)), "{row:?} {many:?}");
        }
        let mut y = [bf16::ZERO; 2];
        softmax_rows(&[bf16::ONE; 2], &mut y, 2);
        assert_eq!(y, [bf16::from_f32(0.5); 2]);
        softmax_rows::<f16>(&[], &mut [], 0);
    }
}
