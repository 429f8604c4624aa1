//! Instructions as they are run: what to do in one code, and where its operand lies.
//!
//! A tile runs each instruction many times on few registers, so that what is decided for each counts: one jump.

use super::Function;
use super::lanes::{self, Lanes};
use super::program::Instruction;

/// How many elements before their turn operands of large results are asked for.
const AHEAD: usize = 1024;

/// A place of a tile.
#[derive(Clone, Copy)]
pub(super) struct Source {
    /// Where its elements are counted from.
    pub data: *mut f32,
    /// Whether one element stands for all.
    pub is_scalar: bool,
    /// Whether it does and is a number other than zero, so that the plain instructions give maxima and minima.
    pub is_bound: bool,
}

/// An instruction with its operand; those that have none hold null.
#[derive(Clone, Copy)]
pub(super) struct Operation {
    code: Code,
    data: *mut f32,
}

impl Operation {
    /// The operation of an instruction; `stream` tells whether what is stored to the last place goes past the caches, and what is
    /// loaded is asked for ahead.
    pub fn new(instruction: Instruction, places: &[Source], stream: bool) -> Operation {
        let (code, place) = match instruction {
            Instruction::Load(place) if places[place].is_scalar => (Code::Spread, place),
            Instruction::Load(place) => (if stream { Code::LoadAhead } else { Code::Load }, place),
            Instruction::Store(place) if stream && place + 1 == places.len() => (Code::Stream, place),
            Instruction::Store(place) => (Code::Store, place),
            Instruction::Own(function) => {
                return Operation { code: own(function), data: std::ptr::null_mut() };
            }
            Instruction::Right(function, place) => (right(function, places[place]), place),
            Instruction::Left(function, place) => (left(function, places[place]), place),
        };
        Operation { code, data: places[place].data }
    }
}

/// The codes, and what they do to each register of the accumulator `x`: by themselves, or with a second operand `y` that is one
/// number (`numbers`, and the first of two codes of `pairs`) or lies in memory (the second).
macro_rules! codes {
    (
        alone { $($alone:ident: |$x:ident| $one:expr;)* }
        numbers { $($only:ident: |$c:ident, $d:ident| $with:expr;)* }
        pairs { $($number:ident $slice:ident: |$a:ident, $b:ident| $two:expr;)* }
    ) => {
        #[derive(Clone, Copy)]
        enum Code { Keep, Load, LoadAhead, Spread, Store, Stream, $($alone,)* $($only,)* $($number, $slice,)* }

        impl Operation {
            /// Runs it on `N` registers from element `at` on.
            ///
            /// # Safety
            /// The processor has the registers, and the elements of the operand are there.
            #[inline(always)]
            pub unsafe fn run<V: Lanes, const N: usize>(self, own: &mut [V; N], at: usize) {
                let data = self.data;
                // SAFETY: promised by the caller.
                unsafe {
                    match self.code {
                        Code::Keep => {}
                        Code::Load => (0..N).for_each(|i| own[i] = V::load(data.add(at + i * V::LEN))),
                        Code::LoadAhead => {
                            for (i, own) in own.iter_mut().enumerate() {
                                lanes::prefetch(data.wrapping_add(at + i * V::LEN + AHEAD));
                                *own = V::load(data.add(at + i * V::LEN));
                            }
                        }
                        Code::Spread => *own = [V::splat(*data); N],
                        Code::Stream if (data.add(at) as usize).is_multiple_of(V::LEN * size_of::<f32>()) => {
                            (0..N).for_each(|i| own[i].stream(data.add(at + i * V::LEN)));
                        }
                        Code::Store | Code::Stream => {
                            (0..N).for_each(|i| own[i].store(data.add(at + i * V::LEN)));
                        }
                        $(Code::$alone => {
                            for own in own {
                                let $x = *own;
                                *own = $one;
                            }
                        })*
                        $(Code::$only => {
                            let $d = V::splat(*data);
                            for own in own {
                                let $c = *own;
                                *own = $with;
                            }
                        })*
                        $(Code::$number => {
                            let $b = V::splat(*data);
                            for own in own {
                                let $a = *own;
                                *own = $two;
                            }
                        }
                        Code::$slice => {
                            for (i, own) in own.iter_mut().enumerate() {
                                let ($a, $b) = (*own, V::load(data.add(at + i * V::LEN)));
                                *own = $two;
                            }
                        })*
                    }
                }
            }
        }
    };
}

codes! {
    alone {
        Abs: |x| V::abs(x);
        Neg: |x| V::neg(x);
        Reciprocal: |x| V::splat(1.0).div(x);
        Relu: |x| V::above_zero(x, x);
        Relu6: |x| V::splat(6.0).less(V::above_zero(x, x));
        Rsqrt: |x| V::splat(1.0).div(x.sqrt());
        Sqrt: |x| x.sqrt();
        Square: |x| x.mul(x);
        Double: |x| x.add(x);
        DivOwn: |x| x.div(x);
        DivNoNanOwn: |x| V::unless_zero(x, x.div(x));
        MulNoNanOwn: |x| V::unless_zero(x, x.mul(x));
        SquaredDifferenceOwn: |x| x.sub(x).mul(x.sub(x));
        SubOwn: |x| x.sub(x);
    }
    numbers {
        MaximumBound: |x, y| y.greater(x);
        MinimumBound: |x, y| y.less(x);
    }
    pairs {
        AddNumber Add: |x, y| x.add(y);
        DivNumber Div: |x, y| x.div(y);
        DivNoNanNumber DivNoNan: |x, y| V::unless_zero(y, x.div(y));
        MaximumNumber Maximum: |x, y| V::nan_or(x, x.greater(y));
        MinimumNumber Minimum: |x, y| V::nan_or(x, x.less(y));
        MulNumber Mul: |x, y| x.mul(y);
        MulNoNanNumber MulNoNan: |x, y| V::unless_zero(y, x.mul(y));
        SquaredDifferenceNumber SquaredDifference: |x, y| x.sub(y).mul(x.sub(y));
        SubNumber Sub: |x, y| x.sub(y);
        NumberDiv DivOf: |x, y| y.div(x);
        NumberDivNoNan DivNoNanOf: |x, y| V::unless_zero(x, y.div(x));
        NumberMaximum MaximumOf: |x, y| V::nan_or(y, y.greater(x));
        NumberMinimum MinimumOf: |x, y| V::nan_or(y, y.less(x));
        NumberMulNoNan MulNoNanOf: |x, y| V::unless_zero(x, y.mul(x));
        NumberSquaredDifference SquaredDifferenceOf: |x, y| y.sub(x).mul(y.sub(x));
        NumberSub SubOf: |x, y| y.sub(x);
    }
}

/// A function of the accumulator, twice where it takes two. Functions of many instructions are no instructions.
fn own(function: Function) -> Code {
    match function {
        Function::Abs => Code::Abs,
        Function::Neg => Code::Neg,
        Function::Reciprocal => Code::Reciprocal,
        Function::Relu => Code::Relu,
        Function::Relu6 => Code::Relu6,
        Function::Rsqrt => Code::Rsqrt,
        Function::Sqrt => Code::Sqrt,
        Function::Square | Function::Mul => Code::Square,
        Function::Add => Code::Double,
        Function::Div => Code::DivOwn,
        Function::DivNoNan => Code::DivNoNanOwn,
        Function::MulNoNan => Code::MulNoNanOwn,
        Function::SquaredDifference => Code::SquaredDifferenceOwn,
        Function::Sub => Code::SubOwn,
        _ => Code::Keep,
    }
}

/// A function of the accumulator and a source, in this order.
fn right(function: Function, source: Source) -> Code {
    let [number, slice] = match function {
        Function::Add => [Code::AddNumber, Code::Add],
        Function::Div => [Code::DivNumber, Code::Div],
        Function::DivNoNan => [Code::DivNoNanNumber, Code::DivNoNan],
        Function::Maximum if source.is_bound => return Code::MaximumBound,
        Function::Minimum if source.is_bound => return Code::MinimumBound,
        Function::Maximum => [Code::MaximumNumber, Code::Maximum],
        Function::Minimum => [Code::MinimumNumber, Code::Minimum],
        Function::Mul => [Code::MulNumber, Code::Mul],
        Function::MulNoNan => [Code::MulNoNanNumber, Code::MulNoNan],
        Function::SquaredDifference => [Code::SquaredDifferenceNumber, Code::SquaredDifference],
        Function::Sub => [Code::SubNumber, Code::Sub],
        _ => [Code::Keep; 2],
    };
    if source.is_scalar { number } else { slice }
}

/// A function of a source and the accumulator, in this order.
fn left(function: Function, source: Source) -> Code {
    let [number, slice] = match function {
        Function::Div => [Code::NumberDiv, Code::DivOf],
        Function::DivNoNan => [Code::NumberDivNoNan, Code::DivNoNanOf],
        Function::Maximum => [Code::NumberMaximum, Code::MaximumOf],
        Function::Minimum => [Code::NumberMinimum, Code::MinimumOf],
        Function::MulNoNan => [Code::NumberMulNoNan, Code::MulNoNanOf],
        Function::SquaredDifference => [Code::NumberSquaredDifference, Code::SquaredDifferenceOf],
        Function::Sub => [Code::NumberSub, Code::SubOf],
        // The order does not matter to the others.
        _ => return right(function, source),
    };
    if source.is_scalar { number } else { slice }
}
