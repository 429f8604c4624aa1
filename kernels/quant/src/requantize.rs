//! See [`OPS`].

use savedmodel_math::map;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype};
use savedmodel_tensor::{DType, Error, Qint8, Qint32, Quint8, Result};

use crate::code::Code;
use crate::range::{Range, Requantize, give, same_shape};
use crate::requantization_range::channel_ranges;

/// Turns 32-bit codes into 8-bit codes over another range.
///
/// Per channel (the last of four dimensions), zero stays zero: the codes are only scaled and rounded to nearest even.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Requantize>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RequantizePerChannel>
pub const OPS: &[Op] = &[
    Op {
        name: "Requantize",
        inputs: &[
            "input: Tinput",
            "input_min: float",
            "input_max: float",
            "requested_output_min: float",
            "requested_output_max: float",
        ],
        outputs: &["output: out_type", "output_min: float", "output_max: float"],
        attrs: &[
            "Tinput: {qint8, quint8, qint32, qint16, quint16}",
            "out_type: {qint8, quint8, qint32, qint16, quint16}",
        ],
        effect: Effect::Pure,
        shape: same_shape,
        kernels: by_dtype!("out_type"; build: Qint8 Quint8),
    },
    Op {
        name: "RequantizePerChannel",
        inputs: &[
            "input: T",
            "input_min: float",
            "input_max: float",
            "requested_output_min: float",
            "requested_output_max: float",
        ],
        outputs: &["output: out_type", "output_min: float", "output_max: float"],
        attrs: &[
            "T: {qint8, quint8, qint32, qint16, quint16} = DT_QINT32",
            "out_type: {qint8, quint8, qint32, qint16, quint16} = DT_QUINT8",
        ],
        effect: Effect::Pure,
        shape: same_shape,
        kernels: by_dtype!("out_type"; build_channels: Qint8 Quint8),
    },
];

fn build<T: Code>(node: &Construction<'_>) -> Result<Box<dyn Kernel>>
where
    Qint32: Requantize<T>,
{
    if node.inputs[0] != DType::Qint32 {
        return Err(node.no_kernel("Tinput"));
    }
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let range = Range::input(ctx, 1, ["input_min", "input_max"])?;
        let wanted = Range::input(ctx, 3, ["requested_output_min", "requested_output_max"])?;
        if wanted.min > 0.0 || wanted.min.is_nan() {
            let min = wanted.min;
            return Err(Error::invalid_argument(format!("requested_output_min must be <= 0, but got {min}")));
        }
        if wanted.max < wanted.min || wanted.max.is_nan() {
            return Err(Error::invalid_argument(format!(
                "requested_output_max must be >= requested_output_min, but got {} and {}",
                wanted.max, wanted.min
            )));
        }
        let mut out = ctx.allocate(T::DTYPE, ctx.input(0).shape())?;
        Qint32::requantize(ctx.input(0).as_slice()?, range, out.as_mut_slice::<T>()?, wanted);
        give(ctx, out, wanted);
        Ok(())
    }))
}

fn build_channels<T: Code>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    if node.inputs[0] != DType::Qint32 {
        return Err(node.no_kernel("T"));
    }
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let ranges = channel_ranges(ctx)?;
        let wanted = Range::input(ctx, 3, ["requested_output_min", "requested_output_max"])?;
        let input = ctx.input(0);
        if input.rank() != 4 {
            return Err(Error::invalid_argument(
                "Current RequantizePerChannel operator supports 4D tensors only.",
            ));
        }
        if input.shape()[3] != ranges.len() {
            return Err(Error::invalid_argument(format!(
                "input_min has incorrect size, expected {} was {}",
                input.shape()[3],
                ranges.len()
            )));
        }
        let signed = T::LOWEST < 0;
        if signed && wanted.min >= 0.0 {
            let min = wanted.min;
            return Err(Error::invalid_argument(format!(
                "requested_output_min must be negative for qint8, got {min}"
            )));
        }
        let highest = if signed { 127.0 } else { 255.0 };
        let most = wanted.min.abs().max(wanted.max.abs());
        let scales: Vec<f32> =
            ranges.iter().map(|range| highest * (range / most / (1_u32 << 31) as f32)).collect();
        let mut out = ctx.allocate(T::DTYPE, input.shape())?;
        let (from, to) = (input.as_slice::<Qint32>()?, out.as_mut_slice::<T>()?);
        let [low, high] = [T::LOWEST as f32, T::HIGHEST as f32];
        for (from, to) in from.chunks_exact(scales.len()).zip(to.chunks_exact_mut(scales.len())) {
            map::zip(from, &scales, to, map::CHEAP, move |Qint32(code), scale: f32| {
                T::of((code as f32 * scale).clamp(low, high).round_ties_even() as i32)
            });
        }
        give(ctx, out, wanted);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let (one, channels) = ("Requantize", "RequantizePerChannel");
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    one,
                    "out_type=quint8",
                    "qint32[6] 1000 -2000 30000 4 5 1073741824; float[] -1; float[] 1; float[] -0.5; float[] 0.5",
                    "quint8[6] 128 127 128 128 128 255; float[] -0.5; float[] 0.5",
                ),
                (
                    one,
                    "out_type=qint8",
                    "qint32[6] 1000 -2000 30000 4 5 1073741824; float[] -1; float[] 1; float[] -0.5; float[] 0.5",
                    "qint8[6] 0 0 0 0 0 127; float[] -0.5; float[] 0.5",
                ),
                (
                    one,
                    "out_type=qint8",
                    "qint32[0]; float[] -1; float[] 1; float[] 0.5; float[] 0.5",
                    "INVALID_ARGUMENT: requested_output_min must be <= 0, but got 0.5",
                ),
                (
                    one,
                    "out_type=qint8",
                    "qint32[1] 1; float[] -1; float[] 1; float[] NaN; float[] 0.5",
                    "INVALID_ARGUMENT: requested_output_min must be <= 0, but got NaN",
                ),
                (
                    one,
                    "out_type=qint8",
                    "qint32[1] 1; float[] -1; float[] 1; float[] 0; float[] NaN",
                    "INVALID_ARGUMENT: requested_output_max must be >= requested_output_min",
                ),
                (
                    channels,
                    "out_type=qint8",
                    "qint32[1,1,1,2] 1000 1073741824; float[2] -1 -3; float[2] 1 3; float[] -1; float[] 1",
                    "qint8[1,1,1,2] 0 127; float[] -1; float[] 1",
                ),
                (
                    channels,
                    "out_type=quint8",
                    "qint32[2] 1 2; float[2] -1 -3; float[2] 1 3; float[] 0; float[] 1",
                    "INVALID_ARGUMENT: Current RequantizePerChannel operator",
                ),
                (
                    channels,
                    "out_type=qint8",
                    "qint32[1,1,1,1] 1; float[1] -1; float[1] 1; float[] 0; float[] 1",
                    "INVALID_ARGUMENT: requested_output_min must be negative for qint8, got 0",
                ),
            ],
        );
    }
}
