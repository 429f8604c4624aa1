//! What becomes of the cells of a window.

use savedmodel_tensor::{Element, bf16, f16};

/// Makes one number of many.
pub trait Fold<T: Element>: Send + Sync + 'static {
    /// Of no numbers.
    const START: T;

    /// What cells outside the image count as, if they count.
    const PADDING: Option<T> = None;

    /// Of those before and one more.
    fn step(so_far: T, x: T) -> T;

    /// The result of `count` numbers.
    #[inline(always)]
    fn finish(so_far: T, _count: usize) -> T {
        so_far
    }
}

/// The maximum in two dimensions: NaN is skipped, and it is never less than the lowest finite number.
pub struct FiniteMax;

/// The maximum in three dimensions, which is NaN if the last cell is; padding counts as the lowest finite number.
pub struct Max;

/// The greatest of all numbers, infinite ones too: NaN is skipped, as compiled functions do.
pub struct Greatest;

/// The mean of the cells inside the image; half and bfloat16 round every partial sum, as TensorFlow does.
pub struct Mean;

macro_rules! maxima {
    ($fold:ident; $($t:ty: $lowest:expr;)*) => {$(
        impl Fold<$t> for $fold {
            const START: $t = $lowest;
            #[inline(always)]
            fn step(so_far: $t, x: $t) -> $t {
                if so_far < x { x } else { so_far }
            }
        }
    )*};
}

maxima! {
    Greatest;
    f32: f32::NEG_INFINITY; bf16: bf16::NEG_INFINITY;
}

maxima! {
    FiniteMax;
    f32: f32::MIN; f64: f64::MIN; f16: f16::MIN; bf16: bf16::MIN;
    i8: i8::MIN; i16: i16::MIN; i32: i32::MIN; i64: i64::MIN; u8: 0; u16: 0;
}

macro_rules! floats {
    ($($t:ty: $least:expr, $zero:expr, $count:expr;)*) => {$(
        impl Fold<$t> for Max {
            const START: $t = $least;
            const PADDING: Option<$t> = Some(<$t>::MIN);
            #[inline(always)]
            fn step(so_far: $t, x: $t) -> $t {
                if so_far > x { so_far } else { x }
            }
        }
        impl Fold<$t> for Mean {
            const START: $t = $zero;
            #[inline(always)]
            fn step(so_far: $t, x: $t) -> $t {
                so_far + x
            }
            #[inline(always)]
            fn finish(so_far: $t, count: usize) -> $t {
                so_far / $count(count as f32)
            }
        }
    )*};
}

floats! {
    f32: f32::NEG_INFINITY, 0.0, |count| count;
    f64: f64::NEG_INFINITY, 0.0, f64::from;
    f16: f16::NEG_INFINITY, f16::ZERO, f16::from_f32;
    bf16: bf16::NEG_INFINITY, bf16::ZERO, bf16::from_f32;
}
