//! Codes with a scale and a zero point, for a whole tensor or for each slice along an axis.

pub mod add;
pub mod clip_by_value;
pub mod convolution;
pub mod dequantize;
mod dimensions;
pub mod dot;
mod plan;
pub mod quantize;
pub mod requantize;

use savedmodel_op::{Construction, Context};
use savedmodel_tensor::{Error, Result, Shape};

use crate::code::Slices;

/// Scales and zero points.
pub struct Uniform {
    scales: Vec<f32>,
    zeros: Vec<i32>,
    /// The axis along which they vary.
    axis: Option<usize>,
}

impl Uniform {
    /// Those of inputs `i` and `i + 1` for codes of a shape.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when they don't fit the shape.
    pub fn input(ctx: &Context<'_>, i: usize, shape: &Shape, axis: Option<usize>) -> Result<Uniform> {
        let (scales, zeros) = (ctx.input(i), ctx.input(i + 1));
        let shapes = format!("scales shape {} and zero_points shape {}", scales.shape(), zeros.shape());
        match axis {
            None if scales.rank() != 0 || zeros.rank() != 0 => {
                return Err(Error::invalid_argument(format!(
                    "If quantization_axis is -1, scales and zero_points must be scalar tensors, but given {shapes}"
                )));
            }
            Some(axis) if axis >= shape.rank() => {
                return Err(Error::invalid_argument(format!(
                    "quantization_axis must be -1 or in range [0, input.rank), but given {axis}"
                )));
            }
            Some(axis) if [scales, zeros].iter().any(|t| t.shape().dims() != [shape[axis]]) => {
                return Err(Error::invalid_argument(format!(
                    "If quantization_axis is not -1, scales and zero_points must be a tensor of rank 1 and the size must be \
                     equal to the input.dim_size(quantization_axis), but given quantization_axis {axis}, {shapes}"
                )));
            }
            _ => {}
        }
        Ok(Uniform {
            scales: scales.as_slice::<f32>()?.to_vec(),
            zeros: zeros.as_slice::<i32>()?.to_vec(),
            axis,
        })
    }

    /// The scale of a slice.
    pub fn scale(&self, slice: usize) -> f32 {
        self.scales[if self.axis.is_some() { slice } else { 0 }]
    }

    /// The zero point of a slice.
    pub fn zero(&self, slice: usize) -> i32 {
        self.zeros[if self.axis.is_some() { slice } else { 0 }]
    }

    /// Refuses scales that are not positive.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with the text.
    pub fn positive(&self, text: &str) -> Result<()> {
        match self.scales.iter().all(|&scale| scale > 0.0) {
            true => Ok(()),
            false => Err(Error::invalid_argument(text)),
        }
    }

    /// Where the slices of a shape lie.
    pub fn slices(&self, shape: &Shape) -> Slices {
        Slices::of(shape, self.axis)
    }
}

/// The axis that an attribute names; `None` for -1.
///
/// # Errors
/// `INVALID_ARGUMENT` below -1.
pub fn axis(node: &Construction<'_>, attr: &str) -> Result<Option<usize>> {
    let axis: i64 = node.attr(attr)?;
    if axis < -1 {
        return Err(Error::invalid_argument(format!("{attr} must be >= -1, given: {axis}")));
    }
    Ok(usize::try_from(axis).ok())
}

/// The least and the greatest code: attributes `min_val` and `max_val` after a prefix.
///
/// # Errors
/// `INVALID_ARGUMENT` when they don't fit 32 bits.
pub fn limits(node: &Construction<'_>, prefix: &str) -> Result<[i32; 2]> {
    let limit = |name: &str| {
        let attr = format!("{prefix}quantization_{name}_val");
        let value: i64 = node.attr(&attr)?;
        i32::try_from(value).map_err(|_| {
            Error::invalid_argument(format!("Attr {attr} has value {value} out of range for an int32"))
        })
    };
    Ok([limit("min")?, limit("max")?])
}

/// A positive factor as a 32-bit integer and a shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Multiplier {
    factor: i32,
    shift: i32,
}

impl Multiplier {
    /// The one nearest to a number.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is not positive and finite.
    pub fn of(factor: f64) -> Result<Multiplier> {
        if !factor.is_finite() || factor <= 0.0 {
            return Err(Error::invalid_argument(format!(
                "double_multiplier must be a poisitive finite number. Given {factor}"
            )));
        }
        // Subnormal numbers are made normal first.
        let (normal, lift) =
            if factor < f64::MIN_POSITIVE { (factor * 2_f64.powi(54), 54) } else { (factor, 0) };
        let exponent = (normal.to_bits() >> 52) as i32 - 1022;
        let fraction = f64::from_bits(normal.to_bits() & !(0x7ff << 52) | 1022 << 52);
        let (mut fixed, mut shift) = ((fraction * 2_f64.powi(31)).round() as i64, exponent - lift);
        if fixed == 1 << 31 {
            fixed /= 2;
            shift += 1;
        }
        Ok(match shift {
            ..-31 => Multiplier { factor: 0, shift: 0 },
            31.. => Multiplier { factor: i32::MAX, shift: 30 },
            _ => Multiplier { factor: fixed as i32, shift },
        })
    }

    /// The product with a number of at most 33 bits, rounded, at the ends of 32 bits if beyond.
    #[inline(always)]
    pub fn times(self, x: i64) -> i32 {
        let shift = 31 - self.shift;
        let product = (x * i64::from(self.factor) + (1 << (shift - 1))) >> shift;
        product.clamp(i32::MIN.into(), i32::MAX.into()) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multipliers() {
        let check =
            |factor: f64, x: i64, want: i32| assert_eq!(Multiplier::of(factor).unwrap().times(x), want);
        check(0.5, 5, 3);
        check(0.5, -5, -2);
        check(1.0, i32::MIN.into(), i32::MIN);
        check(1e9, 2, 2_000_000_000);
        check(1e9, 3, i32::MAX);
        check(1e-12, i32::MAX.into(), 0);
        check(f64::from_bits(1), i32::MAX.into(), 0);
        assert!(Multiplier::of(0.0).is_err() && Multiplier::of(f64::NAN).is_err());
    }
}
