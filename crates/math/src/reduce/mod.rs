//! Reductions of the middle axis of `[outer, middle, inner]`.
//!
//! Every reduction over adjacent axes has this form: `inner` is 1 for rows, `outer` is 1 for columns. Sums and products
//! are taken in blocks and joined as a tree, so that the error grows with the logarithm of the length and the result
//! depends on the sizes alone, not on threads or the processor. Half and bfloat16 accumulate in single precision and
//! round once; integers wrap. `max` and `min` hand on NaN. An empty `middle` gives the identity: 0, 1, or the lowest or
//! highest value (an infinity, for floats).
//!
//! ```
//! use savedmodel_math::reduce;
//! let x = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0];
//! let (mut rows, mut columns) = ([0.0; 2], [0.0; 3]);
//! reduce::sum(&x, [2, 3, 1], &mut rows);
//! reduce::max(&x, [1, 2, 3], &mut columns);
//! assert_eq!((rows, columns), ([6.0, 15.0], [4.0, 5.0, 6.0]));
//! ```

mod arg;
mod columns;
mod element;
mod fold;

pub use arg::{Ordered, argmax, argmin};
pub use element::{All, Any, Max, Mean, Min, Prod, Sum};

use half::{bf16, f16};
use num_complex::Complex;

/// An element type that the fold `F` reduces.
pub trait Reduce<F>: Sized {
    /// Reduces the middle of `[outer, middle, inner]` into `[outer, inner]`.
    ///
    /// # Panics
    /// When `src` or `dst` does not have the size of its axes.
    fn reduce(src: &[Self], axes: [usize; 3], dst: &mut [Self]);
}

macro_rules! reduce_with {
    ($($fold:ident $wide:ty, $finish:expr => $($t:ty),*;)*) => {$($(
        impl Reduce<$fold> for $t {
            fn reduce(src: &[$t], axes: [usize; 3], dst: &mut [$t]) {
                let count = axes[1];
                let finish: fn($wide, usize) -> $t = $finish;
                fold::reduce($fold, src, axes, dst, move |wide: $wide| finish(wide, count));
            }
        }
    )*)*};
}

macro_rules! reduce_plain {
    ($($fold:ident: $($t:ty),*;)*) => {$($(
        reduce_with! { $fold $t, |wide, _| wide => $t; }
    )*)*};
}

reduce_plain! {
    Sum: f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, Complex<f32>, Complex<f64>;
    Prod: f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, Complex<f32>, Complex<f64>;
    Max: f32, f64, i8, i16, i32, i64, u8, u16, u32, u64;
    Min: f32, f64, i8, i16, i32, i64, u8, u16, u32, u64;
    All: bool;
    Any: bool;
}

reduce_with! {
    Sum f32, |wide, _| f16::from_f32(wide) => f16;
    Sum f32, |wide, _| bf16::from_f32(wide) => bf16;
    Prod f32, |wide, _| f16::from_f32(wide) => f16;
    Prod f32, |wide, _| bf16::from_f32(wide) => bf16;
    Max f32, |wide, _| f16::from_f32(wide) => f16;
    Max f32, |wide, _| bf16::from_f32(wide) => bf16;
    Min f32, |wide, _| f16::from_f32(wide) => f16;
    Min f32, |wide, _| bf16::from_f32(wide) => bf16;
    Mean f32, |sum, count| sum / count as f32 => f32;
    Mean f64, |sum, count| sum / count as f64 => f64;
    Mean Complex<f32>, |sum, count| sum / count.max(1) as f32 => Complex<f32>;
    Mean Complex<f64>, |sum, count| sum / count.max(1) as f64 => Complex<f64>;
    Mean f32, |sum, count| f16::from_f32(f16::from_f32(sum).to_f32() / count as f32) => f16;
    Mean f32, |sum, count| bf16::from_f32(sum / count as f32) => bf16;
    Mean i64, |sum, count| (sum / count.max(1) as i64) as i8 => i8;
    Mean i64, |sum, count| (sum / count.max(1) as i64) as i16 => i16;
    Mean i64, |sum, count| (sum / count.max(1) as i64) as i32 => i32;
    Mean i64, |sum, count| sum / count.max(1) as i64 => i64;
    Mean u64, |sum, count| (sum / count.max(1) as u64) as u8 => u8;
    Mean u64, |sum, count| (sum / count.max(1) as u64) as u16 => u16;
    Mean u64, |sum, count| (sum / count.max(1) as u64) as u32 => u32;
    Mean u64, |sum, count| sum / count.max(1) as u64 => u64;
}

/// The sum.
///
/// # Panics
/// When `src` or `dst` does not have the size of its axes; so do the others of this module.
pub fn sum<T: Reduce<Sum>>(src: &[T], axes: [usize; 3], dst: &mut [T]) {
    T::reduce(src, axes, dst);
}

/// The product.
pub fn prod<T: Reduce<Prod>>(src: &[T], axes: [usize; 3], dst: &mut [T]) {
    T::reduce(src, axes, dst);
}

/// The largest element, or NaN if there is one.
pub fn max<T: Reduce<Max>>(src: &[T], axes: [usize; 3], dst: &mut [T]) {
    T::reduce(src, axes, dst);
}

/// The smallest element, or NaN if there is one.
pub fn min<T: Reduce<Min>>(src: &[T], axes: [usize; 3], dst: &mut [T]) {
    T::reduce(src, axes, dst);
}

/// Whether all are true.
pub fn all(src: &[bool], axes: [usize; 3], dst: &mut [bool]) {
    <bool as Reduce<All>>::reduce(src, axes, dst);
}

/// Whether any is true.
pub fn any(src: &[bool], axes: [usize; 3], dst: &mut [bool]) {
    <bool as Reduce<Any>>::reduce(src, axes, dst);
}

/// The mean. Integers are summed in 64 bits and divided toward zero, their empty mean is 0; a half is divided after the
/// sum has been rounded, and so overflows where the sum does.
pub fn mean<T: Reduce<Mean>>(src: &[T], axes: [usize; 3], dst: &mut [T]) {
    T::reduce(src, axes, dst);
}

#[cfg(test)]
mod tests;
