//! What the machine can do at most, measured.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::simd::{Isa, Kernel, Level, dispatch};

/// Single-precision operations a second of one thread, with all operands in registers; a fused multiply-add counts as two.
pub fn flops() -> f64 {
    const STEPS: usize = 200_000;
    let mut lanes = 0;
    let seconds = best(|| {
        (lanes, _) = black_box(dispatch(MultiplyAdd(black_box(STEPS))));
    });
    (2 * STEPS * lanes) as f64 / seconds
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

/// Registers that are added to in turn, so that none is waited for; more would not all be registers with AVX2.
const CHAINS: usize = 12;

/// Multiplies and adds so many times to all lanes of all chains; gives how many those are, and a sum that depends on them.
struct MultiplyAdd(usize);

impl MultiplyAdd {
    #[inline(always)]
    fn lanes<I: Isa, const LANES: usize>(self) -> (usize, f32) {
        let mut chains = [[1.0_f32; LANES]; CHAINS];
        let (x, y) = (black_box(0.999), black_box(1e-3));
        for _ in 0..self.0 {
            chains.iter_mut().flatten().for_each(|lane| *lane = I::fma(*lane, x, y));
        }
        (LANES * CHAINS, chains.iter().flatten().sum())
    }
}

impl Kernel for MultiplyAdd {
    type Output = (usize, f32);
    #[inline(always)]
    fn run<I: Isa>(self) -> (usize, f32) {
        match I::LEVEL {
            Level::Avx512 => self.lanes::<I, 16>(),
            Level::Avx2 => self.lanes::<I, 8>(),
            Level::Baseline => self.lanes::<I, 4>(),
        }
    }
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
        assert!((1e7..1e13).contains(&bandwidth()));
    }
}
