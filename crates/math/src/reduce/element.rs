//! What can be folded, and how two values become one.

use crate::narrow::Narrow;
use half::{bf16, f16};
use num_complex::Complex;

/// An element type that can be accumulated in `W`.
pub trait Element<W>: Copy + Send + Sync + 'static {
    /// A value to fill buffers with.
    const FILL: W;

    /// Whether `W` is another type, so that [`Element::load`] writes to its buffer.
    const CONVERTS: bool = false;

    /// The elements of `src` as accumulators, in `buffer` if they must be converted.
    fn load<'a>(src: &'a [Self], buffer: &'a mut [W]) -> &'a [W];
}

macro_rules! plain {
    ($($t:ty: $fill:expr;)*) => {$(
        impl Element<$t> for $t {
            const FILL: $t = $fill;
            #[inline(always)]
            fn load<'a>(src: &'a [$t], _: &'a mut [$t]) -> &'a [$t] {
                src
            }
        }
    )*};
}

plain! {
    f32: 0.0; f64: 0.0; bool: false;
    i8: 0; i16: 0; i32: 0; i64: 0; u8: 0; u16: 0; u32: 0; u64: 0;
    Complex<f32>: Complex { re: 0.0, im: 0.0 };
    Complex<f64>: Complex { re: 0.0, im: 0.0 };
}

impl Element<f32> for f16 {
    const FILL: f32 = 0.0;
    const CONVERTS: bool = true;
    #[inline(always)]
    fn load<'a>(src: &'a [f16], buffer: &'a mut [f32]) -> &'a [f32] {
        let buffer = &mut buffer[..src.len()];
        f16::widen(src, buffer);
        buffer
    }
}

impl Element<f32> for bf16 {
    const FILL: f32 = 0.0;
    const CONVERTS: bool = true;
    #[inline(always)]
    fn load<'a>(src: &'a [bf16], buffer: &'a mut [f32]) -> &'a [f32] {
        let buffer = &mut buffer[..src.len()];
        bf16::widen(src, buffer);
        buffer
    }
}

macro_rules! widening {
    ($($t:ty => $wide:ty;)*) => {$(
        impl Element<$wide> for $t {
            const FILL: $wide = 0;
            const CONVERTS: bool = true;
            #[inline(always)]
            fn load<'a>(src: &'a [$t], buffer: &'a mut [$wide]) -> &'a [$wide] {
                let buffer = &mut buffer[..src.len()];
                for (wide, &x) in buffer.iter_mut().zip(src) {
                    *wide = <$wide>::from(x);
                }
                buffer
            }
        }
    )*};
}

widening! { i8 => i64; i16 => i64; i32 => i64; u8 => u64; u16 => u64; u32 => u64; bool => u64; }

/// An associative way to make one value of two.
pub trait Fold<W>: 'static {
    /// The result of folding nothing.
    const IDENTITY: W;
    /// One value of two; `#[inline(always)]`.
    fn fold(a: W, b: W) -> W;
}

/// The sum; integers wrap.
#[derive(Clone, Copy, Debug)]
pub struct Sum;
/// The product; integers wrap.
#[derive(Clone, Copy, Debug)]
pub struct Prod;
/// The larger of two, or NaN.
#[derive(Clone, Copy, Debug)]
pub struct Max;
/// The smaller of two, or NaN.
#[derive(Clone, Copy, Debug)]
pub struct Min;
/// The sum, divided by the number of elements in the end.
#[derive(Clone, Copy, Debug)]
pub struct Mean;
/// Logical and.
#[derive(Clone, Copy, Debug)]
pub struct All;
/// Logical or.
#[derive(Clone, Copy, Debug)]
pub struct Any;

macro_rules! folds {
    ($($fold:ident $t:ty: $identity:expr, |$a:ident, $b:ident| $result:expr;)*) => {$(
        impl Fold<$t> for $fold {
            const IDENTITY: $t = $identity;
            #[inline(always)]
            fn fold($a: $t, $b: $t) -> $t {
                $result
            }
        }
    )*};
}

macro_rules! integer_folds {
    ($($t:ty)*) => {
        folds! {$(
            Sum $t: 0, |a, b| a.wrapping_add(b);
            Mean $t: 0, |a, b| a.wrapping_add(b);
            Prod $t: 1, |a, b| a.wrapping_mul(b);
            Max $t: <$t>::MIN, |a, b| if a > b { a } else { b };
            Min $t: <$t>::MAX, |a, b| if a < b { a } else { b };
        )*}
    };
}

macro_rules! float_folds {
    ($($t:ident)*) => {
        folds! {$(
            Sum $t: 0.0, |a, b| a + b;
            Mean $t: 0.0, |a, b| a + b;
            Mean Complex<$t>: Complex { re: 0.0, im: 0.0 }, |a, b| a + b;
            Prod $t: 1.0, |a, b| a * b;
            Max $t: $t::NEG_INFINITY, |a, b| if (a > b) | a.is_nan() { a } else { b };
            Min $t: $t::INFINITY, |a, b| if (a < b) | a.is_nan() { a } else { b };
            Sum Complex<$t>: Complex { re: 0.0, im: 0.0 }, |a, b| a + b;
            Prod Complex<$t>: Complex { re: 1.0, im: 0.0 }, |a, b| a * b;
        )*}
    };
}

integer_folds!(i8 i16 i32 i64 u8 u16 u32 u64);
float_folds!(f32 f64);
folds! {
    All bool: true, |a, b| a & b;
    Any bool: false, |a, b| a | b;
}
