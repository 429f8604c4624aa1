//! What codes stand for: numbers between the ends of a range, computed as TensorFlow's two ways do.
//!
//! [`Range`] works in double precision, one number at a time; [`ToFloat`] and [`ToCode`] are the formulas of its loops,
//! in single precision.

use savedmodel_math::lane::truncate_i64;
use savedmodel_math::map;
use savedmodel_op::{Context, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Qint32, Quint8, Result, Tensor};

use crate::code::Code;

/// The numbers that the lowest and the highest code stand for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// That of the lowest.
    pub min: f32,
    /// That of the highest.
    pub max: f32,
}

impl Range {
    /// The range of inputs `i` and `i + 1`, which must be scalars.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when they are not.
    pub fn input(ctx: &Context<'_>, i: usize, names: [&str; 2]) -> Result<Range> {
        let [min, max] = [(i, names[0]), (i + 1, names[1])].map(|(i, name)| scalar(ctx, i, name));
        Ok(Range { min: min?, max: max? })
    }

    /// The range of inputs `i` and `i + 1`, which must have one element each.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when they do not.
    pub fn single(ctx: &Context<'_>, i: usize, names: [&str; 2]) -> Result<Range> {
        let one = |i: usize, name: &str| match ctx.input(i).as_slice::<f32>()? {
            &[number] => Ok(number),
            _ => Err(Error::invalid_argument(format!("{name} must have 1 element"))),
        };
        Ok(Range { min: one(i, names[0])?, max: one(i + 1, names[1])? })
    }

    /// How far the code of a number is from the lowest.
    fn steps<T: Code>(self, x: f32) -> i64 {
        if self.min == self.max {
            return 0;
        }
        let steps = (1_u64 << T::BITS) as f64;
        let range = f64::from(self.max - self.min) * (steps / (steps - 1.0));
        let scale = steps / range;
        truncate_i64((f64::from(x) * scale).round() - (f64::from(self.min) * scale).round())
    }

    /// The code of a number, which may lie outside of those of the type; from too far away it comes back at the other end.
    pub fn unclamped<T: Code>(self, x: f32) -> i64 {
        self.steps::<T>(x).wrapping_add(T::LOWEST.into())
    }

    /// The code nearest to a number.
    pub fn code<T: Code>(self, x: f32) -> T {
        let (lowest, highest) = (i64::from(T::LOWEST), i64::from(T::HIGHEST));
        T::of((self.steps::<T>(x).clamp(0, highest - lowest) + lowest) as i32)
    }

    /// The number that a code stands for.
    pub fn float<T: Code>(self, code: T) -> f32 {
        if self.min == self.max {
            return self.min;
        }
        let steps = (1_u64 << T::BITS) as f64;
        let range = f64::from(self.max - self.min) * (steps / (steps - 1.0));
        let scale = range / steps;
        let offset = f64::from(code.value()) - f64::from(T::LOWEST);
        let first = (self.min / scale as f32).round() * scale as f32;
        (f64::from(first) + offset * scale) as f32
    }

    /// The difference of the numbers that neighbouring codes stand for.
    fn level<T: Code>(self) -> f32 {
        (self.max - self.min) / (i64::from(T::HIGHEST) - i64::from(T::LOWEST)) as f32
    }

    /// The range of 32-bit products of codes of two ranges.
    pub fn of_products<A: Code, B: Code>(a: Range, b: Range) -> Range {
        let level = a.level::<A>() * b.level::<B>();
        Range { min: level * i32::MIN as f32, max: level * i32::MAX as f32 }
    }

    /// The range of 32-bit sums of codes of two ranges: symmetric, `room` times as wide as the wider of them.
    pub fn of_sums(a: Range, b: Range, room: f32) -> Range {
        // The first of two of which one is NaN.
        let larger = |a: f32, b: f32| if a < b { b } else { a };
        let max = larger(a.max, larger(-a.min, larger(b.max, -b.min))) * room;
        Range { min: -max, max }
    }
}

/// Input `i`, which must be a scalar.
///
/// # Errors
/// `INVALID_ARGUMENT` when it is not.
pub fn scalar(ctx: &Context<'_>, i: usize, name: &str) -> Result<f32> {
    let input = ctx.input(i);
    if input.rank() != 0 {
        return Err(Error::invalid_argument(format!("`{name}` must be rank 0 but is rank {}", input.rank())));
    }
    input.to_scalar()
}

/// Checks that what is known of the inputs from `first` on leaves them scalars: ends of ranges.
///
/// # Errors
/// `INVALID_ARGUMENT` when one is known to be none.
pub fn check_scalars(ctx: &ShapeContext<'_>, first: usize) -> Result<()> {
    match (first..ctx.inputs.len()).find_map(|i| ctx.input(i).rank().filter(|&rank| rank != 0)) {
        Some(rank) => Err(Error::invalid_argument(format!("Shape must be rank 0 but is rank {rank}"))),
        None => Ok(()),
    }
}

/// Gives an output and its range.
pub fn give(ctx: &mut Context<'_>, output: Tensor, range: Range) {
    ctx.set(0, output);
    ctx.set(1, Tensor::scalar(range.min));
    ctx.set(2, Tensor::scalar(range.max));
}

/// The shapes of an output like the first input, and of its range.
///
/// # Errors
/// None.
pub fn same_shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(with_range(ctx.input(0)))
}

/// The shapes of an output, and of its range.
pub fn with_range(output: PartialShape) -> Vec<PartialShape> {
    vec![output, PartialShape::of_rank(0), PartialShape::of_rank(0)]
}

/// Codes to floats, in single precision.
#[derive(Clone, Copy)]
pub struct ToFloat {
    first: f32,
    scale: f32,
}

impl ToFloat {
    /// For codes of type `T` over a range.
    pub fn of<T: Code>(Range { min, max }: Range) -> ToFloat {
        let steps = (1_u64 << T::BITS) as f64;
        let scale = (f64::from(max - min) / (steps - 1.0)) as f32;
        let rounded = if max == min { min } else { (min / scale).round() * scale };
        ToFloat { first: rounded - T::LOWEST as f32 * scale, scale }
    }

    /// The number that a code stands for.
    #[inline(always)]
    pub fn float<T: Code>(self, code: T) -> f32 {
        self.first + code.value() as f32 * self.scale
    }
}

/// Floats to codes, in single precision.
#[derive(Clone, Copy)]
pub struct ToCode {
    offset: f32,
    scale: f32,
}

impl ToCode {
    /// For codes of type `T` over a range.
    pub fn of<T: Code>(Range { min, max }: Range) -> ToCode {
        let steps = (1_u64 << T::BITS) as f64;
        let scale = if max == min { 0.0 } else { ((steps - 1.0) / f64::from(max - min)) as f32 };
        ToCode { offset: (min * scale).round() - T::LOWEST as f32, scale }
    }

    /// The code nearest to a number.
    #[inline(always)]
    pub fn code<T: Code>(self, x: f32) -> T {
        // The largest single below 2^31.
        let highest = (T::HIGHEST as f32).min(2_147_483_520.0);
        let code = (x * self.scale).round() - self.offset;
        if code.is_nan() {
            // As x86 converts it, of which the low bits count.
            return T::of(i32::MIN);
        }
        T::of(code.max(T::LOWEST as f32).min(highest) as i32)
    }
}

/// A pair of types between which codes are converted.
pub trait Requantize<To: Code>: Code {
    /// Converts codes of one range to those of another.
    fn requantize(from: &[Self], range: Range, to: &mut [To], wanted: Range) {
        let (float, code) = (ToFloat::of::<Self>(range), ToCode::of::<To>(wanted));
        map::map(from, to, map::CHEAP, move |x: Self| code.code(float.float(x)));
    }
}

impl Requantize<savedmodel_tensor::Qint8> for Qint32 {}

impl Requantize<Quint8> for Qint32 {
    /// In fixed-point arithmetic with 16 bits after the point.
    fn requantize(from: &[Qint32], range: Range, to: &mut [Quint8], wanted: Range) {
        const ONE: f64 = 65_536.0;
        let (input, output) = (range.max - range.min, wanted.max - wanted.min);
        let middle = (f64::from(range.min + range.max) / 2.0) as f32;
        let [factor, middle, first] = if output == 0.0 {
            [0, 0, 0]
        } else {
            let inverse = (255.0 / f64::from(output)) as f32;
            [
                truncate_i64(255.0 * ONE * f64::from(input) / f64::from(output)),
                truncate_i64((middle * inverse * ONE as f32).into()),
                truncate_i64(((ONE * (f64::from(wanted.min) * 255.0)) / f64::from(output)).round()),
            ]
        };
        let offset = middle.wrapping_sub(first).wrapping_add(1 << 15);
        map::map(from, to, map::CHEAP, move |Qint32(x)| {
            let value = (i64::from(x).wrapping_mul(factor) >> 32).wrapping_add(offset) >> 16;
            Quint8(value.clamp(0, 255) as u8)
        });
    }
}
