//! Vectorised functions of two variables, on `f32`, `f64`, [`f16`] and [`bf16`].
//!
//! In `f(a, b, dst)` an input of one element stands for all. In single precision `pow` is within 1 ulp of the exact value
//! and `atan2` within 2, with the special cases of the C functions. Double precision follows the standard library; the
//! 16-bit floats go through single precision, with one rounding.

use crate::lane;
use crate::map::{self, BLOCK};
use crate::narrow::Narrow;
use crate::par;
use crate::simd::{self, Isa, Kernel};
use half::{bf16, f16};
use std::marker::PhantomData;

/// A function of two variables of type `T`.
pub trait Function<T> {
    /// Rough cost of one element in nanoseconds.
    const NS: f64;

    /// The value at (`a`, `b`); `#[inline(always)]` and without branches.
    fn at<I: Isa>(a: T, b: T) -> T;
}

/// An element type to which the function `F` applies.
pub trait Apply<F>: Sized {
    /// `dst[i] = F(a[i], b[i])`, where an input of one element stands for all.
    ///
    /// # Panics
    /// When the lengths do not fit.
    fn apply(a: &[Self], b: &[Self], dst: &mut [Self]);
}

/// `x` to the power of `y`.
#[derive(Clone, Copy, Debug)]
pub struct Pow;

/// The angle of the point (`b`, `a`).
#[derive(Clone, Copy, Debug)]
pub struct Atan2;

impl Function<f32> for Pow {
    const NS: f64 = 2.0;
    #[inline(always)]
    fn at<I: Isa>(a: f32, b: f32) -> f32 {
        lane::pow::<I>(a, b)
    }
}

impl Function<f64> for Pow {
    const NS: f64 = 25.0;
    #[inline(always)]
    fn at<I: Isa>(a: f64, b: f64) -> f64 {
        a.powf(b)
    }
}

impl Function<f32> for Atan2 {
    const NS: f64 = 1.2;
    #[inline(always)]
    fn at<I: Isa>(a: f32, b: f32) -> f32 {
        lane::atan2::<I>(a, b)
    }
}

impl Function<f64> for Atan2 {
    const NS: f64 = 20.0;
    #[inline(always)]
    fn at<I: Isa>(a: f64, b: f64) -> f64 {
        a.atan2(b)
    }
}

struct Pass<'a, F, T>(&'a [T], &'a [T], &'a mut [T], PhantomData<F>);

impl<F: Function<T>, T: Copy> Kernel for Pass<'_, F, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for ((dst, &a), &b) in self.2.iter_mut().zip(self.0).zip(self.1) {
            *dst = F::at::<I>(a, b);
        }
    }
}

/// One block of an input: a part of it, or its only element repeated in `fill`.
fn block<'a, T: Copy>(src: &'a [T], start: usize, len: usize, fill: &'a [T]) -> &'a [T] {
    if src.len() == 1 { &fill[..len] } else { &src[start..start + len] }
}

fn apply<F: Function<T>, T: Copy + Send + Sync>(a: &[T], b: &[T], dst: &mut [T]) {
    assert!((a.len() == dst.len() || a.len() == 1) && (b.len() == dst.len() || b.len() == 1));
    let (Some(&first_a), Some(&first_b)) = (a.first(), b.first()) else { return };
    let (fill_a, fill_b) = ([first_a; BLOCK], [first_b; BLOCK]);
    par::for_chunks_mut(dst, par::grain(F::NS), |offset, dst| {
        for (index, dst) in dst.chunks_mut(BLOCK).enumerate() {
            let (start, len) = (offset + index * BLOCK, dst.len());
            let (a, b) = (block(a, start, len, &fill_a), block(b, start, len, &fill_b));
            simd::dispatch(Pass::<F, T>(a, b, dst, PhantomData));
        }
    });
}

fn apply_narrow<F: Function<f32>, T: Narrow>(a: &[T], b: &[T], dst: &mut [T]) {
    assert!((a.len() == dst.len() || a.len() == 1) && (b.len() == dst.len() || b.len() == 1));
    let (Some(&first_a), Some(&first_b)) = (a.first(), b.first()) else { return };
    let (fill_a, fill_b) = ([first_a; BLOCK], [first_b; BLOCK]);
    par::for_chunks_mut(dst, par::grain(F::NS), |offset, dst| {
        let mut wide = [[0.0; BLOCK]; 3];
        for (index, dst) in dst.chunks_mut(BLOCK).enumerate() {
            let (start, len) = (offset + index * BLOCK, dst.len());
            let [x, y, z] = &mut wide;
            T::widen(block(a, start, len, &fill_a), &mut x[..len]);
            T::widen(block(b, start, len, &fill_b), &mut y[..len]);
            simd::dispatch(Pass::<F, f32>(&x[..len], &y[..len], &mut z[..len], PhantomData));
            T::narrow(&z[..len], dst);
        }
    });
}

macro_rules! apply_to {
    ($($function:ident)*) => {$(
        impl Apply<$function> for f32 {
            fn apply(a: &[f32], b: &[f32], dst: &mut [f32]) {
                apply::<$function, f32>(a, b, dst);
            }
        }
        impl Apply<$function> for f64 {
            fn apply(a: &[f64], b: &[f64], dst: &mut [f64]) {
                apply::<$function, f64>(a, b, dst);
            }
        }
        impl Apply<$function> for f16 {
            fn apply(a: &[f16], b: &[f16], dst: &mut [f16]) {
                apply_narrow::<$function, f16>(a, b, dst);
            }
        }
        impl Apply<$function> for bf16 {
            fn apply(a: &[bf16], b: &[bf16], dst: &mut [bf16]) {
                apply_narrow::<$function, bf16>(a, b, dst);
            }
        }
    )*};
}

apply_to!(Pow Atan2);

/// `dst[i] = a[i]` to the power of `b[i]`; an input of one element stands for all.
///
/// # Panics
/// When the lengths do not fit.
pub fn pow<T: Apply<Pow>>(a: &[T], b: &[T], dst: &mut [T]) {
    T::apply(a, b, dst);
}

/// `dst[i]` is the angle of the point (`x[i]`, `y[i]`); an input of one element stands for all.
///
/// # Panics
/// When the lengths do not fit.
pub fn atan2<T: Apply<Atan2>>(y: &[T], x: &[T], dst: &mut [T]) {
    T::apply(y, x, dst);
}

/// `dst[i] += factor * src[i]`.
///
/// # Panics
/// When the lengths differ.
pub fn axpy(factor: f32, src: &[f32], dst: &mut [f32]) {
    map::zip_in_place(dst, src, map::CHEAP, |y, x| y + factor * x);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::testing::at_each_level;
    use crate::ulp::ulps;

    const EDGES: [f32; 27] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        -0.5,
        2.0,
        -2.0,
        3.0,
        -3.0,
        1.5,
        -1.5,
        0.01,
        1e-40,
        -1e-40,
        1e-30,
        1e30,
        -1e30,
        8_388_607.0,
        8_388_609.0,
        -16_777_216.0,
        16_777_215.0,
        f32::MAX,
        f32::MIN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
    ];

    fn pairs() -> (Vec<f32>, Vec<f32>) {
        let edges = EDGES.iter().flat_map(|&a| EDGES.iter().map(move |&b| (a, b)));
        let spread = (0..60_000u32).map(|i| {
            let a = f32::from_bits(0x3000_0000 + i.wrapping_mul(2_654_435_761) % 0x2000_0000);
            (a, (i as f32 - 30_000.0) * 0.001_37)
        });
        edges.chain(spread).unzip()
    }

    fn check(f: fn(&[f32], &[f32], &mut [f32]), want: fn(f64, f64) -> f64, limit: f64) {
        let (a, b) = pairs();
        at_each_level(|level| {
            let mut y = vec![0.0; a.len()];
            f(&a, &b, &mut y);
            let mut worst = 0.0f64;
            for ((&a, &b), &y) in a.iter().zip(&b).zip(&y) {
                let want = want(f64::from(a), f64::from(b));
                let error = ulps(y, want);
                assert!(error <= limit, "({a:e}, {b:e}): {y:e}, not {want:e}, {error:.2} ulp");
                let sign = want.is_nan() || want.is_sign_negative() == y.is_sign_negative();
                assert!(sign, "({a:e}, {b:e}): {y:?}, not {want:?}");
                worst = worst.max(error);
            }
            println!("{level:?} {worst:.2} ulp");
        });
    }

    #[test]
    fn pow_is_the_c_function() {
        check(pow::<f32>, f64::powf, 1.0);
    }

    #[test]
    fn atan2_is_the_c_function() {
        check(atan2::<f32>, f64::atan2, 2.0);
    }

    #[test]
    fn one_element_stands_for_all() {
        let mut y = [0.0f64; 600];
        pow(&[2.0; 600], &[3.0], &mut y);
        assert_eq!(y, [8.0; 600]);
        let mut y = [bf16::ZERO; 600];
        pow(&[bf16::from_f32(2.0)], &[bf16::from_f32(3.0); 600], &mut y);
        assert_eq!(y, [bf16::from_f32(8.0); 600]);
        pow::<f32>(&[], &[1.0], &mut []);
    }
}
