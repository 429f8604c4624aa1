//! What is done to a tile of C while it is in cache.

use crate::lane;
use crate::side_by_side;
use crate::unary::functions;

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
    /// See [`lane::hard_swish`].
    HardSwish,
    /// See [`lane::softplus`].
    Softplus,
    /// See [`lane::gelu`].
    Gelu,
    /// See [`lane::gelu_tanh`].
    GeluTanh,
}

/// `C = activation(A B + bias + residual)`, or with what C holds for the residual.
#[derive(Clone, Copy, Debug)]
pub struct Epilogue<'a, T> {
    /// One element per column of C, or empty.
    pub bias: &'a [T],
    /// A matrix like C, with the same distance between rows, or empty.
    pub residual: &'a [T],
    /// Whether what C holds is added, too; else it is written over.
    pub accumulate: bool,
    /// Applied last.
    pub activation: Activation,
}

impl<T> Default for Epilogue<'_, T> {
    fn default() -> Self {
        Epilogue { bias: &[], residual: &[], accumulate: false, activation: Activation::Identity }
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

    /// Whether it takes so long that it is better applied to whole rows than to the few columns of a tile.
    pub(crate) fn is_long(self) -> bool {
        use Activation::{Gelu, GeluTanh, Sigmoid, Silu, Tanh};
        matches!(self, Tanh | Sigmoid | Silu | Gelu | GeluTanh)
    }

    /// Applies the function to a row.
    #[inline(always)]
    pub(crate) fn apply(self, row: &mut [f32]) {
        match self {
            Activation::Identity => {}
            Activation::Relu => each(row, |x| if x < 0.0 { 0.0 } else { x }),
            Activation::Relu6 => each(row, |x| lane::clamp(x, 0.0, 6.0)),
            Activation::Clip(lo, hi) => each(row, |x| lane::clamp(x, lo, hi)),
            Activation::LeakyRelu(slope) => each(row, |x| if x < 0.0 { x * slope } else { x }),
            Activation::Elu => rows::elu(row),
            Activation::Selu => rows::selu(row),
            Activation::Tanh => rows::tanh(row),
            Activation::Sigmoid => rows::sigmoid(row),
            Activation::Silu => rows::silu(row),
            Activation::HardSwish => rows::hard_swish(row),
            Activation::Softplus => rows::softplus(row),
            Activation::Gelu => rows::gelu(row),
            Activation::GeluTanh => rows::gelu_tanh(row),
        }
    }
}

/// Functions of rows, compiled here: what they are compiled to elsewhere depends on how that crate is, and may be one number at a time.
mod rows {
    use super::{functions, side_by_side};

    macro_rules! rows {
        ($($name:ident $kind:ident)*) => {$(
            #[inline(never)]
            pub fn $name(row: &mut [f32]) {
                side_by_side::row_in_place::<functions::$kind>(row);
            }
        )*};
    }

    rows! {
        elu Elu  selu Selu  tanh Tanh  sigmoid Sigmoid  silu Silu  hard_swish HardSwish  softplus Softplus  gelu Gelu  gelu_tanh GeluTanh
    }
}

/// As plain a loop as can be: compilers take apart one over registers in steps, to gather from several at a time.
#[inline(always)]
fn each(row: &mut [f32], f: impl Fn(f32) -> f32) {
    for x in row {
        *x = f(*x);
    }
}
