//! What the machine can do at most, measured.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::gemm::{multiply_cached, multiply_cached_blocks};
use crate::simd::{Isa, Kernel, dispatch};

/// Single-precision operations a second of one thread, with all operands at hand; a fused multiply-add counts as two. Those of the
/// processor's matrix unit if it has one that is faster.
pub fn flops() -> f64 {
    let mut operations = 0;
    let seconds = best(|| operations = multiply_cached(black_box(200)));
    (operations as f64 / seconds).max(block_flops(true).unwrap_or_default())
}

/// [`flops`] of numbers rounded to bfloat16, where the processor has a matrix unit.
pub fn rounded_flops() -> Option<f64> {
    block_flops(false)
}

fn block_flops(is_split: bool) -> Option<f64> {
    let mut operations = None;
    let seconds = best(|| operations = multiply_cached_blocks(black_box(500), is_split));
    operations.map(|operations| operations as f64 / seconds)
}

/// Bytes a second of one thread that reads two arrays larger than the caches and writes a third.
pub fn bandwidth() -> f64 {
    const LEN: usize = 16 << 20;
    let (a, b, mut c) = (vec![1.0_f32; LEN], vec![2.0_f32; LEN], vec![0.0_f32; LEN]);
    let seconds = best(|| dispatch(Triad(&a, &b, black_box(&mut c))));
    (3 * size_of::<f32>() * LEN) as f64 / seconds
}

/// Seconds of the fastest of a few runs.
fn best(mut work: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..5).map(time).min().unwrap_or(Duration::MAX).as_secs_f64()
}

struct Triad<'a>(&'a [f32], &'a [f32], &'a mut [f32]);

impl Kernel for Triad<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for ((c, a), b) in self.2.iter_mut().zip(self.0).zip(self.1) {
            *c = I::fma(*b, 0.5, *a);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_of_a_computer() {
        assert!((1e8..1e13).contains(&flops()));
        assert!(rounded_flops().is_none_or(|rounded| (1e10..1e14).contains(&rounded)));
        assert!((1e7..1e13).contains(&bandwidth()));
    }
}
