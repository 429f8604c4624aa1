//! One place that picks the instruction set.
//!
//! A hot loop is written once, as the `#[inline(always)]` method [`Kernel::run`], in plain Rust over slices. [`dispatch`]
//! compiles it under AVX-512, under AVX2 with FMA and for the baseline of the target, and calls the best one that the
//! processor has. Everything `run` calls must be `#[inline(always)]` too (or a small closure), else it stays baseline code.
//!
//! ```
//! use savedmodel_math::simd::{self, Isa, Kernel};
//!
//! struct Axpy<'a>(f32, &'a [f32], &'a mut [f32]);
//! impl Kernel for Axpy<'_> {
//!     type Output = ();
//!     #[inline(always)]
//!     fn run<I: Isa>(self) {
//!         self.2.iter_mut().zip(self.1).for_each(|(y, x)| *y = I::fma(self.0, *x, *y));
//!     }
//! }
//! let mut y = [1.0; 3];
//! simd::dispatch(Axpy(2.0, &[1.0, 2.0, 3.0], &mut y));
//! assert_eq!(y, [3.0, 5.0, 7.0]);
//! ```

use std::sync::OnceLock;

/// A loop that [`dispatch`] compiles for several instruction sets.
pub trait Kernel {
    /// What the loop returns.
    type Output;
    /// The loop; implementations must be `#[inline(always)]`.
    fn run<I: Isa>(self) -> Self::Output;
}

/// What a loop may ask of the instruction set it is compiled for.
pub trait Isa: Copy + Send + Sync + 'static {
    /// Which one this is.
    const LEVEL: Level;
    /// `a * b + c`, rounded once where the processor has such an instruction, else twice.
    fn fma(a: f32, b: f32, c: f32) -> f32;
    /// `a * b + c` in double precision, rounded as [`Isa::fma`].
    fn fma64(a: f64, b: f64, c: f64) -> f64;
}

/// An instruction set, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What the compilation target promises: SSE2 on x86-64.
    Baseline,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
}

/// The best level of this processor, found once.
#[cfg(not(test))]
pub fn level() -> Level {
    detect()
}

/// The levels of this processor, lowest first.
pub fn levels() -> impl Iterator<Item = Level> {
    [Level::Baseline, Level::Avx2, Level::Avx512].into_iter().filter(|&level| level <= detect())
}

fn detect() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
            {
                return Level::Avx512;
            }
            if avx2 {
                return Level::Avx2;
            }
        }
        Level::Baseline
    })
}

/// Whether AMD made this processor, found once.
pub(crate) fn is_amd() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        static AMD: OnceLock<bool> = OnceLock::new();
        *AMD.get_or_init(|| {
            let found = std::arch::x86_64::__cpuid(0);
            [found.ebx, found.edx, found.ecx].map(u32::to_le_bytes).concat() == b"AuthenticAMD"
        })
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Runs `kernel`, compiled for the best level of this processor.
#[inline]
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    match level() {
        // SAFETY: `level` returns a level only when this processor has its features.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { x86::avx512(kernel) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { x86::avx2(kernel) },
        _ => kernel.run::<Baseline>(),
    }
}

/// [`dispatch`] without the widest registers: for the many loops that wait for memory, a third less code.
#[inline]
pub fn dispatch_narrow<K: Kernel>(kernel: K) -> K::Output {
    match level() {
        // SAFETY: a processor with AVX-512 has AVX2 and FMA too, as `detect` sees to.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Avx2 => unsafe { x86::avx2(kernel) },
        _ => kernel.run::<Baseline>(),
    }
}

/// The compilation target's own instructions.
#[derive(Clone, Copy, Debug)]
pub struct Baseline;

impl Isa for Baseline {
    const LEVEL: Level = Level::Baseline;
    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        // A fused operation without the instruction is a slow library call.
        if cfg!(target_arch = "aarch64") { a.mul_add(b, c) } else { a * b + c }
    }
    #[inline(always)]
    fn fma64(a: f64, b: f64, c: f64) -> f64 {
        if cfg!(target_arch = "aarch64") { a.mul_add(b, c) } else { a * b + c }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Isa, Kernel, Level};

    #[derive(Clone, Copy, Debug)]
    pub struct Avx2;

    #[derive(Clone, Copy, Debug)]
    pub struct Avx512;

    impl Isa for Avx2 {
        const LEVEL: Level = Level::Avx2;
        #[inline(always)]
        fn fma(a: f32, b: f32, c: f32) -> f32 {
            a.mul_add(b, c)
        }
        #[inline(always)]
        fn fma64(a: f64, b: f64, c: f64) -> f64 {
            a.mul_add(b, c)
        }
    }

    impl Isa for Avx512 {
        const LEVEL: Level = Level::Avx512;
        #[inline(always)]
        fn fma(a: f32, b: f32, c: f32) -> f32 {
            a.mul_add(b, c)
        }
        #[inline(always)]
        fn fma64(a: f64, b: f64, c: f64) -> f64 {
            a.mul_add(b, c)
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub fn avx512<K: Kernel>(kernel: K) -> K::Output {
        kernel.run::<Avx512>()
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn avx2<K: Kernel>(kernel: K) -> K::Output {
        kernel.run::<Avx2>()
    }
}

/// Lets a test run its thread's loops at a lower level.
#[cfg(test)]
pub(crate) mod testing {
    use super::{Level, detect};
    use std::cell::Cell;

    thread_local!(static CAP: Cell<Level> = const { Cell::new(Level::Avx512) });

    pub fn level() -> Level {
        detect().min(CAP.get())
    }

    /// Runs `f` once per level of this processor, in a pool of one thread, so that all loops see the level.
    pub fn at_each_level(f: impl Fn(Level) + Sync) {
        for level in super::levels() {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
            pool.install(|| {
                CAP.set(level);
                f(level);
            });
        }
    }
}

#[cfg(test)]
pub(crate) use testing::level;

#[cfg(test)]
mod tests {
    use super::*;

    struct Which;
    impl Kernel for Which {
        type Output = Level;
        #[inline(always)]
        fn run<I: Isa>(self) -> Level {
            I::LEVEL
        }
    }

    #[test]
    fn dispatch_follows_the_level() {
        testing::at_each_level(|level| assert_eq!(dispatch(Which), level));
        assert_eq!(dispatch(Which), level());
    }
}
