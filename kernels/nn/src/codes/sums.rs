//! Codes as floats: a sum of their products is exact in single precision while it is below 2^24, else in double.

use savedmodel_math::par;
use savedmodel_op::Context;
use savedmodel_tensor::{DType, Error, Qint8, Quint8, Result, Tensor};

/// Elements converted per task.
const CONVERTED: usize = 1 << 16;

/// The type that sums are exact in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// `f32`.
    Single,
    /// `f64`.
    Double,
}

impl Precision {
    /// That of sums of codes times weights, of which every `outputs`-th belongs to the same sum.
    pub fn of(weights: &[Qint8], outputs: usize) -> Precision {
        let mut totals = vec![0_u64; outputs.max(1)];
        for row in weights.chunks(totals.len()) {
            totals
                .iter_mut()
                .zip(row)
                .for_each(|(total, weight)| *total += u64::from(weight.0.unsigned_abs()));
        }
        let most = totals.into_iter().max().unwrap_or(0);
        if most <= (1 << 24) / 255 { Precision::Single } else { Precision::Double }
    }
}

/// A float that holds codes and their sums.
pub trait Wide: From<i8> + From<u8> + Copy + Send + Sync + Default {
    /// A sum as oneDNN's 32-bit accumulator gives it to single precision.
    fn sum(self) -> f32;
}

impl Wide for f32 {
    fn sum(self) -> f32 {
        self
    }
}

impl Wide for f64 {
    fn sum(self) -> f32 {
        self as i64 as i32 as f32
    }
}

/// The elements of a tensor of 8-bit codes.
///
/// # Errors
/// `INVALID_ARGUMENT` when it is of another type.
pub fn widen<W: Wide>(codes: &Tensor) -> Result<Vec<W>> {
    let mut wide = vec![W::default(); codes.elements()];
    if codes.dtype() == DType::Quint8 {
        let codes = codes.as_slice::<Quint8>()?;
        par::for_zip(&mut wide, codes, CONVERTED, |wide, codes| {
            wide.iter_mut().zip(codes).for_each(|(wide, code)| *wide = code.0.into());
        });
    } else {
        let codes = codes.as_slice::<Qint8>()?;
        par::for_zip(&mut wide, codes, CONVERTED, |wide, codes| {
            wide.iter_mut().zip(codes).for_each(|(wide, code)| *wide = code.0.into());
        });
    }
    Ok(wide)
}

/// Sums in single precision.
pub fn narrow(sums: &[f64]) -> Vec<f32> {
    let mut narrow = vec![0.0; sums.len()];
    par::for_zip(&mut narrow, sums, CONVERTED, |narrow, sums| {
        narrow.iter_mut().zip(sums).for_each(|(narrow, sum)| *narrow = sum.sum());
    });
    narrow
}

/// Input `i`, which must have one element.
///
/// # Errors
/// `INVALID_ARGUMENT` when it does not.
pub fn scalar(ctx: &Context<'_>, i: usize) -> Result<f32> {
    match ctx.input(i).as_slice::<f32>()? {
        &[number] => Ok(number),
        _ => {
            Err(Error::invalid_argument(format!("Shape must be rank 0 but is rank {}", ctx.input(i).rank())))
        }
    }
}

/// The larger absolute value of inputs `i` and `i + 1`, which must have one element.
///
/// # Errors
/// `INVALID_ARGUMENT` when they do not.
pub fn reach(ctx: &Context<'_>, i: usize) -> Result<f32> {
    Ok(larger(scalar(ctx, i)?, scalar(ctx, i + 1)?))
}

/// The larger absolute value; the first when they don't compare.
pub fn larger(a: f32, b: f32) -> f32 {
    let (a, b) = (a.abs(), b.abs());
    if a < b { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_follows_the_weights() {
        let check = |weights: &[i8], outputs, want| {
            let weights: Vec<Qint8> = weights.iter().copied().map(Qint8).collect();
            assert_eq!(Precision::of(&weights, outputs), want);
        };
        check(&[], 0, Precision::Single);
        check(&[127; 1036], 2, Precision::Single);
        check(&[-128; 1030], 2, Precision::Double);
        check(&[-128; 515], 1, Precision::Double);
    }

    #[test]
    fn sums_wrap_as_32_bits() {
        assert_eq!(narrow(&[-3.0, 2_147_483_648.0]), [-3.0, -2_147_483_648.0]);
    }
}
