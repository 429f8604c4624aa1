//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype, shape};
use savedmodel_tensor::{DType, Qint8, Qint32, Quint8, Result};

use super::{Uniform, axis, limits};
use crate::code::Code;

/// Turns codes into floats: `(code - zero_point) * scale`.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/UniformDequantize>
pub const OP: Op = Op {
    name: "UniformDequantize",
    inputs: &["input: Tin", "scales: float", "zero_points: int32"],
    outputs: &["output: Tout"],
    attrs: &[
        "Tin: {qint8, quint8, qint32}",
        "Tout: {float}",
        "quantization_axis: int = -1",
        "quantization_min_val: int",
        "quantization_max_val: int",
    ],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: by_dtype!("Tin"; build: Qint8 Quint8 Qint32),
};

fn build<T: Code>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let axis = axis(node, "quantization_axis")?;
    limits(node, "")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        let uniform = Uniform::input(ctx, 1, input.shape(), axis)?;
        uniform.positive("rhs scales elements must be all positive.")?;
        let mut out = ctx.allocate(DType::Float, input.shape())?;
        let (from, to) = (input.as_slice::<T>()?, out.as_mut_slice::<f32>()?);
        uniform.slices(input.shape()).each(from, to, |slice, from, to| {
            let (scale, zero) = (uniform.scale(slice), uniform.zero(slice));
            to.iter_mut().zip(from).for_each(|(to, x)| *to = x.value().wrapping_sub(zero) as f32 * scale);
        });
        ctx.set(0, out);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let (op, limits) =
            ("UniformDequantize", "Tout=float quantization_min_val=-128 quantization_max_val=127");
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (op, limits, "qint8[3] 1 2 -3; float[] 0.5; int32[] 3", "float[3] -1 -0.5 -3"),
                (
                    op,
                    "Tout=float quantization_axis=0 quantization_min_val=0 quantization_max_val=255",
                    "quint8[2,1] 1 255; float[2] 0.5 2; int32[2] 3 5",
                    "float[2,1] -1 500",
                ),
                (op, limits, "qint32[0]; float[] 0.5; int32[] 3", "float[0]"),
                (
                    op,
                    limits,
                    "qint8[1] 1; float[] 0.5; int32[1] 3",
                    "INVALID_ARGUMENT: If quantization_axis is -1",
                ),
            ],
        );
    }
}
