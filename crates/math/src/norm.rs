//! Normalisation of rows to mean 0 and variance 1.

use crate::par;
use crate::simd::{self, Isa, Kernel};

/// Elements of a row handled together.
const LANES: usize = 32;
const NS: f64 = 0.4;

/// What follows the normalisation: `(x - mean) / sqrt(variance + epsilon) * gamma + beta`.
#[derive(Clone, Copy, Debug)]
pub struct Affine<'a> {
    /// Added to the variance.
    pub epsilon: f32,
    /// Scale of each column, or empty for none.
    pub gamma: &'a [f32],
    /// Offset of each column, or empty for none.
    pub beta: &'a [f32],
}

/// Layer normalisation of each row of `row_len` elements: the mean first, then the variance about it, then
/// [`Affine`]. The variance divides by `row_len`.
///
/// # Panics
/// When the lengths differ, are not whole rows, or `gamma` or `beta` is neither empty nor a row.
pub fn layer_norm_rows(src: &[f32], dst: &mut [f32], row_len: usize, affine: Affine) {
    assert_eq!(src.len(), dst.len());
    for parameter in [affine.gamma, affine.beta] {
        assert!(parameter.is_empty() || parameter.len() == row_len);
    }
    let grain = par::grain(NS) / row_len.max(1);
    par::for_rows_mut(dst, row_len, grain, |first, dst| {
        let src = &src[first * row_len..];
        for (src, dst) in src.chunks_exact(row_len).zip(dst.chunks_exact_mut(row_len)) {
            simd::dispatch(Row(src, dst, affine));
        }
    });
}

struct Row<'a>(&'a [f32], &'a mut [f32], Affine<'a>);

impl Kernel for Row<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let Row(src, dst, affine) = self;
        let count = src.len() as f32;
        let mean = sum(src, |x| x) / count;
        let variance = sum(src, |x| (x - mean) * (x - mean)) / count;
        let scale = 1.0 / (variance + affine.epsilon).sqrt();
        for (y, &x) in dst.iter_mut().zip(src) {
            *y = (x - mean) * scale;
        }
        if !affine.gamma.is_empty() {
            dst.iter_mut().zip(affine.gamma).for_each(|(y, gamma)| *y *= gamma);
        }
        if !affine.beta.is_empty() {
            dst.iter_mut().zip(affine.beta).for_each(|(y, beta)| *y += beta);
        }
    }
}

/// The sum of `f` over a row, by lanes and blocks.
#[inline(always)]
fn sum(row: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut total = 0.0;
    for block in row.chunks(64 * LANES) {
        let mut lanes = [0.0; LANES];
        let (chunks, rest) = block.as_chunks::<LANES>();
        for chunk in chunks {
            for lane in 0..LANES {
                lanes[lane] += f(chunk[lane]);
            }
        }
        for (lane, &x) in lanes.iter_mut().zip(rest) {
            *lane += f(x);
        }
        let mut width = LANES / 2;
        while width > 0 {
            for lane in 0..width {
                lanes[lane] += lanes[lane + width];
            }
            width /= 2;
        }
        total += lanes[0];
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::testing::at_each_level;

    #[test]
    fn rows_agree_with_double_precision() {
        at_each_level(|level| {
            for row_len in [1, 3, 32, 100, 5000] {
                let src: Vec<f32> = (0..3 * row_len).map(|i| (i * 7919 % 997) as f32 * 0.01 + 3.0).collect();
                let gamma: Vec<f32> = (0..row_len).map(|i| 1.0 + i as f32 * 1e-3).collect();
                let affine = Affine { epsilon: 1e-3, gamma: &gamma, beta: &gamma };
                let mut dst = vec![0.0; src.len()];
                layer_norm_rows(&src, &mut dst, row_len, affine);
                for (got, row) in dst.chunks(row_len).zip(src.chunks(row_len)) {
                    let n = row_len as f64;
                    let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
                    let variance = row.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n;
                    for ((got, x), gamma) in got.iter().zip(row).zip(&gamma) {
                        let unit = (f64::from(*x) - mean) / (variance + 1e-3).sqrt();
                        let want = unit * f64::from(*gamma) + f64::from(*gamma);
                        assert!(
                            (f64::from(*got) - want).abs() < 3e-6 * want.abs().max(1.0),
                            "{level:?} {got} {want}"
                        );
                    }
                }
            }
        });
    }
}
