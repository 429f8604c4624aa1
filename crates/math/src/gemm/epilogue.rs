//! What is done to a tile of C while it is in cache.

use crate::lane;
use crate::simd::Isa;

/// A function applied to each element of C.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Activation {
    /// None.
    #[default]
    Identity,
    /// `max(x, 0)`.
    Relu,
    /// `x` between 0 and 6.
    Relu6,
    /// `x` between two bounds.
    Clip(f32, f32),
    /// `x` above zero, else its product with the slope.
    LeakyRelu(f32),
    /// See [`lane::elu`].
    Elu,
    /// See [`lane::selu`].
    Selu,
    /// See [`lane::tanh`].
    Tanh,
    /// See [`lane::sigmoid`].
    Sigmoid,
    /// See [`lane::silu`].
    Silu,
    /// See [`lane::softplus`].
    Softplus,
    /// See [`lane::gelu`].
    Gelu,
    /// See [`lane::gelu_tanh`].
    GeluTanh,
}

/// `C = activation(A B + bias + residual)`.
#[derive(Clone, Copy, Debug)]
pub struct Epilogue<'a, T> {
    /// One element per column of C, or empty.
    pub bias: &'a [T],
    /// A matrix like C, with the same distance between rows, or empty.
    pub residual: &'a [T],
    /// Applied last.
    pub activation: Activation,
}

impl<T> Default for Epilogue<'_, T> {
    fn default() -> Self {
        Epilogue { bias: &[], residual: &[], activation: Activation::Identity }
    }
}

impl Activation {
    /// The bounds that are the whole function, if it has that form.
    pub fn bounds(self) -> Option<(f32, f32)> {
        match self {
            Activation::Identity => Some((f32::NEG_INFINITY, f32::INFINITY)),
            Activation::Relu => Some((0.0, f32::INFINITY)),
            Activation::Relu6 => Some((0.0, 6.0)),
            Activation::Clip(lo, hi) => Some((lo, hi)),
            _ => None,
        }
    }

    /// Applies the function to a row.
    #[inline(always)]
    pub(crate) fn apply<I: Isa>(self, row: &mut [f32]) {
        match self {
            Activation::Identity => {}
            Activation::Relu => each(row, |x| if x < 0.0 { 0.0 } else { x }),
            Activation::Relu6 => each(row, |x| lane::clamp(x, 0.0, 6.0)),
            Activation::Clip(lo, hi) => each(row, |x| lane::clamp(x, lo, hi)),
            Activation::LeakyRelu(slope) => each(row, |x| if x < 0.0 { x * slope } else { x }),
            Activation::Elu => each(row, lane::elu::<I>),
            Activation::Selu => each(row, lane::selu::<I>),
            Activation::Tanh => each(row, lane::tanh::<I>),
            Activation::Sigmoid => each(row, lane::sigmoid::<I>),
            Activation::Silu => each(row, lane::silu::<I>),
            Activation::Softplus => each(row, lane::softplus::<I>),
            Activation::Gelu => each(row, lane::gelu::<I>),
            Activation::GeluTanh => each(row, lane::gelu_tanh::<I>),
        }
    }
}

/// Rows are short: in steps of one register, none of their elements falls to a loop of single ones.
#[inline(always)]
fn each(row: &mut [f32], f: impl Fn(f32) -> f32) {
    let (registers, rest) = row.as_chunks_mut::<16>();
    for register in registers {
        for x in register {
            *x = f(*x);
        }
    }
    for x in rest {
        *x = f(*x);
    }
}
