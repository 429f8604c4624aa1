//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Qint32, Result};

use super::{Uniform, axis, limits};

/// Codes between two bounds, for the whole tensor or for each slice along the axis of quantisation.
///
/// The lower bound is applied first.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/UniformQuantizedClipByValue>
pub const OP: Op = Op {
    name: "UniformQuantizedClipByValue",
    inputs: &["operand: T", "min: T", "max: T", "scales: float", "zero_points: int32"],
    outputs: &["output: T"],
    attrs: &[
        "T: {qint32}",
        "quantization_axis: int = -1",
        "quantization_min_val: int",
        "quantization_max_val: int",
    ],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::All(&[("T", &[DType::Qint32])], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let axis = axis(node, "quantization_axis")?;
    limits(node, "")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let operand = ctx.input(0);
        let uniform = Uniform::input(ctx, 3, operand.shape(), axis)?;
        for (i, name) in [(1, "min"), (2, "max")] {
            let (shape, scales) = (ctx.input(i).shape(), ctx.input(3).shape());
            if shape != scales {
                return Err(Error::invalid_argument(format!(
                    "Input {name} shape must be same as scales/zero_points. Given {name} of shape {shape} and \
                     scales/zero_points of shape {scales}"
                )));
            }
        }
        let (min, max) = (ctx.input(1).as_slice::<Qint32>()?, ctx.input(2).as_slice::<Qint32>()?);
        let mut out = ctx.allocate(DType::Qint32, operand.shape())?;
        let (from, to) = (operand.as_slice::<Qint32>()?, out.as_mut_slice::<Qint32>()?);
        uniform.slices(operand.shape()).each(from, to, |slice, from, to| {
            to.iter_mut().zip(from).for_each(|(to, &x)| *to = x.max(min[slice]).min(max[slice]));
        });
        ctx.set(0, out);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let (op, limits) = ("UniformQuantizedClipByValue", "quantization_min_val=-9 quantization_max_val=9");
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    limits,
                    "qint32[2,2] 1 200 3 -4; qint32[] 0; qint32[] 50; float[] 0.5; int32[] 1",
                    "qint32[2,2] 1 50 3 0",
                ),
                (
                    op,
                    "quantization_axis=1 quantization_min_val=-9 quantization_max_val=9",
                    "qint32[2,2] 1 200 3 -4; qint32[2] 0 2; qint32[2] 50 2; float[2] 0.5 0.5; int32[2] 1 2",
                    "qint32[2,2] 1 2 3 2",
                ),
                (op, limits, "qint32[1] 1; qint32[] 9; qint32[] 2; float[] 0.5; int32[] 1", "qint32[1] 2"),
                (
                    op,
                    limits,
                    "qint32[1] 1; qint32[2] 0 2; qint32[] 50; float[] 0.5; int32[] 1",
                    "INVALID_ARGUMENT: Input min shape must be same as scales/zero_points. Given min of shape [2] and \
                     scales/zero_points of shape []",
                ),
            ],
        );
    }
}
