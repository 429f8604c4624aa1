//! Chains of element-wise functions, computed in one pass over memory.
//!
//! A [`Chain`] goes over its operands in tiles that stay in the first-level cache. Functions of a few instructions pass their
//! result on in registers; longer ones go over the tile. Every element is what the functions give one after the other.
//!
//! ```
//! use savedmodel_math::chain::{Chain, Function, Operand, Step};
//! // x * 2 + y
//! let steps = [
//!     Step { function: Function::Mul, operands: [0, 1] },
//!     Step { function: Function::Add, operands: [3, 2] },
//! ];
//! let mut out = [0.0; 2];
//! let operands = [Operand::Slice(&[1.0, 2.0]), Operand::Scalar(2.0), Operand::Slice(&[0.5, 0.25])];
//! Chain::new(3, &steps).run(&operands, &mut out);
//! assert_eq!(out, [2.5, 4.25]);
//! ```

mod code;
mod lanes;
mod operand;
mod program;
mod run;
#[cfg(test)]
mod tests;

pub use operand::Operand;

use crate::par;
use program::Segment;

/// Elements that go through all functions before the next ones do: several such pieces fit the first-level cache.
const TILE: usize = 1024;
/// Bytes from which a result would push all else out of the caches, so that it is written past them.
const STREAMED: usize = 16 << 20;

/// What a step does; each is what TensorFlow's operator of that name does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// The absolute value.
    Abs,
    /// The other sign.
    Neg,
    /// `1 / x`.
    Reciprocal,
    /// 0 where `x` is at most 0, else `x`.
    Relu,
    /// `x` between 0 and 6.
    Relu6,
    /// `1 / sqrt(x)`.
    Rsqrt,
    /// The square root.
    Sqrt,
    /// `x * x`.
    Square,
    /// `x + y`.
    Add,
    /// `x / y`.
    Div,
    /// 0 where `y` is 0, else `x / y`.
    DivNoNan,
    /// The greater one; NaN if one is.
    Maximum,
    /// The lesser one; NaN if one is.
    Minimum,
    /// `x * y`.
    Mul,
    /// 0 where `y` is 0, else `x * y`.
    MulNoNan,
    /// `(x - y)^2`.
    SquaredDifference,
    /// `x - y`.
    Sub,
    /// See [`unary::cos`](crate::unary::cos).
    Cos,
    /// See [`unary::elu`](crate::unary::elu).
    Elu,
    /// See [`unary::erf`](crate::unary::erf).
    Erf,
    /// See [`unary::erfc`](crate::unary::erfc).
    Erfc,
    /// See [`unary::exp`](crate::unary::exp).
    Exp,
    /// See [`unary::expm1`](crate::unary::expm1).
    Expm1,
    /// See [`unary::log`](crate::unary::log).
    Log,
    /// See [`unary::log1p`](crate::unary::log1p).
    Log1p,
    /// See [`unary::selu`](crate::unary::selu).
    Selu,
    /// See [`unary::sigmoid`](crate::unary::sigmoid).
    Sigmoid,
    /// See [`unary::sin`](crate::unary::sin).
    Sin,
    /// See [`unary::softplus`](crate::unary::softplus).
    Softplus,
    /// See [`unary::softsign`](crate::unary::softsign).
    Softsign,
    /// See [`unary::tanh`](crate::unary::tanh).
    Tanh,
}

impl Function {
    /// How many operands it takes: one or two.
    pub fn operands(self) -> usize {
        use Function::*;
        match self {
            Add | Div | DivNoNan | Maximum | Minimum | Mul | MulNoNan | SquaredDifference | Sub => 2,
            _ => 1,
        }
    }

    /// Whether it is many instructions, for which a call costs little.
    fn is_long(self) -> bool {
        use Function::*;
        matches!(
            self,
            Cos | Elu
                | Erf
                | Erfc
                | Exp
                | Expm1
                | Log
                | Log1p
                | Selu
                | Sigmoid
                | Sin
                | Softplus
                | Softsign
                | Tanh
        )
    }

    /// Rough cost of one element in nanoseconds.
    fn ns(self) -> f64 {
        if self.is_long() { 0.3 } else { 0.015 }
    }
}

/// A function and the numbers of what it takes: operands first, then results of the steps in their order. The second number
/// does not count where the function takes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub function: Function,
    /// To what.
    pub operands: [usize; 2],
}

impl Step {
    /// The numbers that count.
    pub fn taken(&self) -> &[usize] {
        &self.operands[..self.function.operands()]
    }
}

/// Steps, ready to be run; the last one's result is what the chain gives.
#[derive(Clone, Debug)]
pub struct Chain {
    operands: usize,
    segments: Vec<Segment>,
    /// Number of tiles for results that are taken later.
    buffers: usize,
    grain: usize,
}

impl Chain {
    /// The chain of these steps over so many operands.
    ///
    /// # Panics
    /// When there are no steps, or one takes what is not there yet.
    pub fn new(operands: usize, steps: &[Step]) -> Chain {
        assert!(!steps.is_empty());
        for (i, step) in steps.iter().enumerate() {
            assert!(step.taken().iter().all(|&number| number < operands + i));
        }
        let (segments, buffers) = program::compile(operands, steps);
        let ns: f64 = 0.03 + steps.iter().map(|step| step.function.ns()).sum::<f64>();
        Chain { operands, segments, buffers, grain: par::grain(ns).next_multiple_of(TILE) }
    }

    /// Computes every element of `out`.
    ///
    /// # Panics
    /// When the number of operands is another, or one does not fit the length of `out`.
    pub fn run(&self, operands: &[Operand<'_>], out: &mut [f32]) {
        assert_eq!(operands.len(), self.operands);
        assert!(operands.iter().all(|operand| operand.fits(out.len())));
        let stream = size_of_val(out) >= STREAMED;
        par::for_chunks_mut(out, self.grain, |first, out| run::part(self, operands, (first, stream), out));
    }
}
