//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype, shape};
use savedmodel_tensor::{Qint8, Qint32, Quint8, Result};

use super::{Uniform, axis, limits};
use crate::code::Code;

/// Turns floats into codes: `floor(x / scale + 0.5) + zero_point`, within limits.
///
/// A number beyond 32 bits counts as the lowest.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/UniformQuantize>
pub const OP: Op = Op {
    name: "UniformQuantize",
    inputs: &["input: Tin", "scales: float", "zero_points: int32"],
    outputs: &["output: Tout"],
    attrs: &[
        "Tin: {float}",
        "Tout: {qint8, quint8, qint32}",
        "quantization_axis: int = -1",
        "quantization_min_val: int",
        "quantization_max_val: int",
    ],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: by_dtype!("Tout"; build: Qint8 Quint8 Qint32),
};

/// The code of a number, before it becomes one of a narrower type.
pub fn code(x: f32, inverse: f32, zero: i32, [min, max]: [i32; 2]) -> i32 {
    let floor = (x * inverse + 0.5).floor();
    let whole = if (-2_147_483_648.0..2_147_483_648.0).contains(&floor) { floor as i32 } else { i32::MIN };
    whole.wrapping_add(zero).min(max).max(min)
}

fn build<T: Code>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let axis = axis(node, "quantization_axis")?;
    let limits = limits(node, "")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        let uniform = Uniform::input(ctx, 1, input.shape(), axis)?;
        let mut out = ctx.allocate(T::DTYPE, input.shape())?;
        let (from, to) = (input.as_slice::<f32>()?, out.as_mut_slice::<T>()?);
        uniform.slices(input.shape()).each(from, to, |slice, from, to| {
            let (inverse, zero) = (1.0 / uniform.scale(slice), uniform.zero(slice));
            to.iter_mut().zip(from).for_each(|(to, &x)| *to = T::of(code(x, inverse, zero, limits)));
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
            ("UniformQuantize", "Tout=qint8 quantization_min_val=-128 quantization_max_val=127");
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (op, limits, "float[4] -1 0.25 0.5 100; float[] 0.5; int32[] 3", "qint8[4] 1 4 4 127"),
                (
                    op,
                    limits,
                    "float[4] NaN inf -inf 1e20; float[] 0.5; int32[] 3",
                    "qint8[4] -128 -128 -128 -128",
                ),
                (
                    op,
                    "Tout=qint32 quantization_axis=1 quantization_min_val=-2147483648 quantization_max_val=2147483647",
                    "float[2,2] 1 2 3 4; float[2] 0.5 0.25; int32[2] 3 4",
                    "qint32[2,2] 5 12 9 20",
                ),
                (
                    op,
                    limits,
                    "float[1] 1; float[1] 0.5; int32[1] 3",
                    "INVALID_ARGUMENT: If quantization_axis is -1, scales and zero_points must be scalar tensors, but given \
                     scales shape [1] and zero_points shape [1]",
                ),
                (
                    op,
                    "Tout=qint8 quantization_axis=2 quantization_min_val=-128 quantization_max_val=127",
                    "float[1] 1; float[1] 0.5; int32[1] 3",
                    "INVALID_ARGUMENT: quantization_axis must be -1 or in range [0, input.rank), but given 2",
                ),
                (
                    op,
                    "Tout=qint8 quantization_axis=0 quantization_min_val=-128 quantization_max_val=127",
                    "float[2] 1 1; float[1] 0.5; int32[1] 3",
                    "INVALID_ARGUMENT: If quantization_axis is not -1, scales and zero_points must be a tensor of rank 1",
                ),
                (
                    op,
                    "Tout=qint8 quantization_axis=-2 quantization_min_val=-128 quantization_max_val=127",
                    "float[2] 1 1; float[1] 0.5; int32[1] 3",
                    "INVALID_ARGUMENT: quantization_axis must be >= -1, given: -2",
                ),
            ],
        );
    }
}
