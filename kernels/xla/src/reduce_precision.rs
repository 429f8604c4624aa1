//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, dtypes, shape};
use savedmodel_tensor::{DType, Error, Result};

/// Numbers rounded to fewer bits: to those of the mantissa, ties to even; what is too large becomes infinite, and what is too
/// small zero.
///
/// <https://openxla.org/xla/operation_semantics#reduceprecision>
pub const OP: Op = Op {
    name: "XlaReducePrecision",
    inputs: &["operand: T"],
    outputs: &["output: T"],
    attrs: &["T: {bfloat16, half, float, double}", "exponent_bits: int", "mantissa_bits: int"],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::All(&[("T", dtypes::FLOATS)], build),
};

/// A format of floating-point numbers of `size` bytes, and how many bits of it count.
#[derive(Clone, Copy)]
struct Format {
    size: usize,
    mantissa: u32,
    exponent: u32,
    mantissa_kept: u32,
    exponent_kept: u32,
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (size, mantissa, exponent) = match node.inputs[0] {
        DType::Half => (2, 10, 5),
        DType::Bfloat16 => (2, 7, 8),
        DType::Float => (4, 23, 8),
        _ => (8, 52, 11),
    };
    let (exponent_kept, mantissa_kept): (i64, i64) =
        (node.attr("exponent_bits")?, node.attr("mantissa_bits")?);
    if exponent_kept < 1 || mantissa_kept < 0 {
        return Err(Error::invalid_argument(format!(
            "ReducePrecision expects exponent_bits >= 1 and mantissa_bits >= 0, got {exponent_kept} and {mantissa_kept}"
        )));
    }
    let format = Format {
        size,
        mantissa,
        exponent,
        mantissa_kept: mantissa_kept.min(mantissa.into()) as u32,
        exponent_kept: exponent_kept.min(exponent.into()) as u32,
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let mut output = ctx.allocate(ctx.input(0).dtype(), ctx.input(0).shape())?;
        let bits = ctx.input(0);
        // Units of the width of the numbers.
        match size {
            2 => each(bits.units::<u16>()?, output.units_mut::<u16>()?, |x| format.round(x.into()) as u16),
            4 => each(bits.units::<u32>()?, output.units_mut::<u32>()?, |x| format.round(x.into()) as u32),
            _ => each(bits.units::<u64>()?, output.units_mut::<u64>()?, |x| format.round(x)),
        }
        ctx.set(0, output);
        Ok(())
    }))
}

fn each<U: Copy>(from: &[U], to: &mut [U], f: impl Fn(U) -> U) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = f(*from));
}

impl Format {
    fn round(self, bits: u64) -> u64 {
        let sign = bits & 1 << (8 * self.size - 1);
        let infinity = ((1 << self.exponent) - 1) << self.mantissa;
        let magnitude = bits ^ sign;
        if magnitude > infinity {
            return bits;
        }
        let gone = self.mantissa - self.mantissa_kept;
        let mut rounded = magnitude;
        if gone > 0 {
            let last = 1_u64 << gone;
            rounded += (last >> 1) - 1 + (magnitude >> gone & 1);
            rounded &= !(last - 1);
        }
        if self.exponent_kept < self.exponent {
            let bias = |bits: u32| (1_u64 << (bits - 1)) - 1;
            let exponent = rounded >> self.mantissa;
            let (bias, kept) = (bias(self.exponent), bias(self.exponent_kept));
            if exponent > bias + kept {
                rounded = infinity;
            } else if exponent <= bias - kept {
                rounded = 0;
            }
        }
        sign | rounded
    }
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let bits = "INVALID_ARGUMENT: ReducePrecision expects exponent_bits >= 1";
        check_rows(
            crate::OPS,
            &[
                (
                    "XlaReducePrecision",
                    "exponent_bits=5 mantissa_bits=2",
                    "float[6] 1.1 -1.125 1.375 70000 1e-9 nan",
                    "float[6] 1 -1 1.5 inf 0 nan",
                ),
                ("XlaReducePrecision", "exponent_bits=0 mantissa_bits=2", "float[] 1", bits),
            ],
        );
    }
}
