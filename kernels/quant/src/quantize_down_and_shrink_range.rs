//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op};
use savedmodel_tensor::{DType, Qint32, Quint8, Result};

use crate::range::{Range, Requantize, give, same_shape};
use crate::requantization_range::used;

/// Turns 32-bit codes into 8-bit codes over the range that they use.
///
/// The range always reaches down to zero.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QuantizeDownAndShrinkRange>
pub const OP: Op = Op {
    name: "QuantizeDownAndShrinkRange",
    inputs: &["input: Tinput", "input_min: float", "input_max: float"],
    outputs: &["output: out_type", "output_min: float", "output_max: float"],
    attrs: &[
        "Tinput: {qint8, quint8, qint32, qint16, quint16}",
        "out_type: {qint8, quint8, qint32, qint16, quint16}",
    ],
    effect: Effect::Pure,
    shape: same_shape,
    kernels: Kernels::All(&[("Tinput", &[DType::Qint32]), ("out_type", &[DType::Quint8])], build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let range = Range::input(ctx, 1, ["input_min", "input_max"])?;
        let input = ctx.input(0).as_slice::<Qint32>()?;
        let wanted = used(input, range);
        let mut out = ctx.allocate(DType::Quint8, ctx.input(0).shape())?;
        Qint32::requantize(input, range, out.as_mut_slice::<Quint8>()?, wanted);
        give(ctx, out, wanted);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "QuantizeDownAndShrinkRange";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    "out_type=quint8",
                    "qint32[2,3] 1000 -2000 30000 4 5 1073741824; float[] -1; float[] 1",
                    "quint8[2,3] 0 0 0 0 0 255; float[] -9.310897e-7; float[] 0.5",
                ),
                (
                    op,
                    "out_type=quint8",
                    "qint32[0]; float[] -1; float[] 1",
                    "quint8[0]; float[] 0; float[] -1",
                ),
                (
                    op,
                    "out_type=quint8",
                    "qint32[1] 1; float[0]; float[] 1",
                    "INVALID_ARGUMENT: `input_min` must be rank 0 but is rank 1",
                ),
                (
                    op,
                    "out_type=qint8",
                    "qint32[1] 1; float[] 0; float[] 1",
                    "INVALID_ARGUMENT: operator QuantizeDownAndShrinkRange has no kernel for attr out_type = qint8",
                ),
            ],
        );
    }
}
