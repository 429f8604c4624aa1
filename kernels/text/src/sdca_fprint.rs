//! `SdcaFprint`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result};

mod fingerprint128;

use fingerprint128::fingerprint128;

/// Two numbers for each string: the halves of FarmHash's fingerprint of 128 bits.
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SdcaFprint>.
pub const OP: Op = Op {
    name: "SdcaFprint",
    inputs: &["input: string"],
    outputs: &["output: int64"],
    attrs: &[],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::one(build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    match input.rank() {
        None | Some(1) => Ok(vec![PartialShape::new([input.dim(0), Some(2)])]),
        Some(rank) => Err(Error::invalid_argument(format!("Shape must be rank 1 but is rank {rank}"))),
    }
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        if input.rank() != 1 {
            return Err(Error::invalid_argument(format!(
                "Input must be a vector, got shape {}",
                input.shape()
            )));
        }
        let mut out = ctx.allocate(DType::Int64, [input.elements(), 2])?;
        for (out, string) in out.as_mut_slice::<i64>()?.chunks_exact_mut(2).zip(input.strings()?) {
            let [low, high] = fingerprint128(string);
            out.copy_from_slice(&[low.cast_signed(), high.cast_signed()]);
        }
        ctx.set(0, out);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                (
                    "SdcaFprint",
                    "",
                    "string[2] 'a' 'bc'",
                    "int64[2,2] 7969074168056553668 5955762262185338209 3522313747912070694 -3524034966659918747",
                ),
                ("SdcaFprint", "", "string[0]", "int64[0,2]"),
                ("SdcaFprint", "", "string[] 'a'", "INVALID_ARGUMENT: "),
            ],
        );
    }
}
