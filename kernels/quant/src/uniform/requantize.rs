//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype, shape};
use savedmodel_tensor::{DType, Error, Qint8, Qint32, Result, Shape};

use super::{Multiplier, Uniform, axis, limits};
use crate::code::{Code, Slices};

/// Turns codes into codes with another scale and zero point, in fixed-point arithmetic.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/UniformRequantize>
pub const OP: Op = Op {
    name: "UniformRequantize",
    inputs: &[
        "input: Tin",
        "input_scales: float",
        "input_zero_points: int32",
        "output_scales: float",
        "output_zero_points: int32",
    ],
    outputs: &["output: Tout"],
    attrs: &[
        "Tin: {qint8, qint32}",
        "Tout: {qint8, qint32}",
        "input_quantization_axis: int = -1",
        "input_quantization_min_val: int",
        "input_quantization_max_val: int",
        "output_quantization_axis: int = -1",
        "output_quantization_min_val: int",
        "output_quantization_max_val: int",
    ],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: by_dtype!("Tin"; build: Qint8 Qint32),
};

/// Codes of a shape with the scales and zero points of another tensor, within limits.
///
/// # Errors
/// `INVALID_ARGUMENT` when a quotient of scales is no positive number.
pub fn requantize<T: Code>(
    codes: &[T],
    shape: &Shape,
    [from, to]: [&Uniform; 2],
    [min, max]: [i32; 2],
) -> Result<Vec<i32>> {
    let axis = from.axis.or(to.axis);
    let slices = Slices::of(shape, axis);
    let multipliers = (0..slices.count)
        .map(|slice| Multiplier::of(f64::from(from.scale(slice)) / f64::from(to.scale(slice))))
        .collect::<Result<Vec<Multiplier>>>()?;
    let mut out = vec![0; codes.len()];
    slices.each(codes, &mut out, |slice, codes, out| {
        let (multiplier, zeros) = (multipliers[slice], [from.zero(slice), to.zero(slice)]);
        // TensorFlow's packets of four codes with one scale wrap around 32 bits; single codes do not.
        let wrapped = if axis.is_none() { codes.len() / 4 * 4 } else { 0 };
        for (i, (out, code)) in out.iter_mut().zip(codes).enumerate() {
            let centered = match i < wrapped {
                true => code.value().wrapping_sub(zeros[0]).into(),
                false => i64::from(code.value()) - i64::from(zeros[0]),
            };
            let scaled = multiplier.times(centered);
            *out = scaled.wrapping_add(zeros[1]).min(max).max(min);
        }
    });
    Ok(out)
}

fn build<T: Code>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    if node.outputs[0] != DType::Qint8 {
        return Err(Error::invalid_argument("Unsupported output type."));
    }
    let axes = [axis(node, "input_quantization_axis")?, axis(node, "output_quantization_axis")?];
    if let [Some(from), Some(to)] = axes
        && from != to
    {
        return Err(Error::invalid_argument(
            "If input and output is both per-axis quantized, the quantization axis must be same.",
        ));
    }
    let limits = limits(node, "output_")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        let from = Uniform::input(ctx, 1, input.shape(), axes[0])?;
        let to = Uniform::input(ctx, 3, input.shape(), axes[1])?;
        [&from, &to]
            .iter()
            .try_for_each(|uniform| uniform.positive("input/output scales elements must be all positive."))?;
        let codes = requantize(input.as_slice::<T>()?, input.shape(), [&from, &to], limits)?;
        let mut out = ctx.allocate(DType::Qint8, input.shape())?;
        out.as_mut_slice()?.iter_mut().zip(codes).for_each(|(out, code)| *out = Qint8::of(code));
        ctx.set(0, out);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "UniformRequantize";
        let limits = "Tout=qint8 input_quantization_min_val=-128 input_quantization_max_val=127 \
                      output_quantization_min_val=-128 output_quantization_max_val=127";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    limits,
                    "qint8[4] 1 2 -3 100; float[] 0.5; int32[] 3; float[] 0.3; int32[] 1",
                    "qint8[4] -2 -1 -9 127",
                ),
                (op, limits, "qint32[0]; float[] 0.5; int32[] 3; float[] 0.3; int32[] 1", "qint8[0]"),
                (
                    op,
                    limits,
                    "qint8[1] 1; float[] 0; int32[] 3; float[] 0.3; int32[] 1",
                    "INVALID_ARGUMENT: input/output scales elements must be all positive.",
                ),
                (
                    op,
                    "Tout=qint32 input_quantization_min_val=0 input_quantization_max_val=0 \
                     output_quantization_min_val=0 output_quantization_max_val=0",
                    "qint8[1] 1; float[] 1; int32[] 3; float[] 0.3; int32[] 1",
                    "INVALID_ARGUMENT: Unsupported output type.",
                ),
            ],
        );
    }
}
