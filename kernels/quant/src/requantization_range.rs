//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Qint32, Result, Tensor};

use crate::range::Range;

/// The range that 32-bit codes use.
///
/// It always reaches down to zero. Per channel (the last of four dimensions), it is symmetric unless no code is negative,
/// and no larger than `clip_value_max`.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RequantizationRange>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RequantizationRangePerChannel>
pub const OPS: &[Op] = &[
    Op {
        name: "RequantizationRange",
        inputs: &["input: Tinput", "input_min: float", "input_max: float"],
        outputs: &["output_min: float", "output_max: float"],
        attrs: &["Tinput: {qint8, quint8, qint32, qint16, quint16}"],
        effect: Effect::Pure,
        shape: shape::scalar,
        kernels: Kernels::All(&[("Tinput", &[DType::Qint32])], build),
    },
    Op {
        name: "RequantizationRangePerChannel",
        inputs: &["input: T", "input_min: float", "input_max: float"],
        outputs: &["output_min: float", "output_max: float"],
        attrs: &["T: {qint8, quint8, qint32, qint16, quint16} = DT_QINT32", "clip_value_max: float"],
        effect: Effect::Pure,
        shape: shape::scalar,
        kernels: Kernels::All(&[("T", &[DType::Qint32])], build_channels),
    },
];

/// The range from zero or the least to the greatest number that some codes stand for.
pub fn used(codes: &[Qint32], range: Range) -> Range {
    let min = codes.iter().min().copied().unwrap_or(Qint32(i32::MAX));
    let max = codes.iter().max().copied().unwrap_or(Qint32(i32::MIN));
    Range { min: range.float(min).min(0.0), max: range.float(max) }
}

fn give(ctx: &mut Context<'_>, range: Range) {
    ctx.set(0, Tensor::scalar(range.min));
    ctx.set(1, Tensor::scalar(range.max));
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let first = |i: usize, name: &str| {
            let number = ctx.input(i).as_slice::<f32>()?.first().copied();
            number.ok_or_else(|| Error::invalid_argument(format!("{name} must not be empty")))
        };
        let range = Range { min: first(1, "input_min")?, max: first(2, "input_max")? };
        let used = used(ctx.input(0).as_slice()?, range);
        give(ctx, used);
        Ok(())
    }))
}

fn build_channels(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let most: f32 = node.attr("clip_value_max")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        let ranges = channel_ranges(ctx)?;
        if input.rank() != 4 {
            return Err(Error::invalid_argument("input must be in NHWC format"));
        }
        if input.elements() == 0 {
            return Err(Error::invalid_argument("input must not be empty"));
        }
        let channels = input.shape()[3];
        for (i, name) in [(1, "input_min"), (2, "input_max")] {
            if ctx.input(i).shape().first() != Some(&channels) {
                return Err(Error::invalid_argument(format!(
                    "input must have same number of channels as length of {name}: {channels} vs {}",
                    ctx.input(i).shape()
                )));
            }
        }
        let codes = input.as_slice::<Qint32>()?;
        let mut largest = vec![0_u32; ranges.len()];
        let mut negative = false;
        for row in codes.chunks_exact(ranges.len()) {
            for (most, &Qint32(code)) in largest.iter_mut().zip(row) {
                *most = (*most).max(code.unsigned_abs());
                negative |= code < 0;
            }
        }
        let all = ranges.iter().zip(largest).map(|(range, code)| range * code as f32 / (1_u32 << 31) as f32);
        let max = all.fold(f32::MIN, f32::max).min(most);
        give(ctx, Range { min: if negative { -max } else { 0.0 }, max });
        Ok(())
    }))
}

/// The larger absolute value of each channel's `input_min` and `input_max`, of which there must be some.
///
/// # Errors
/// `INVALID_ARGUMENT` when they don't belong together.
pub fn channel_ranges(ctx: &Context<'_>) -> Result<Vec<f32>> {
    let (min, max) = (ctx.input(1), ctx.input(2));
    if min.elements() != max.elements() || min.elements() == 0 {
        return Err(Error::invalid_argument(format!(
            "input_min and input_max must have as many elements as there are channels, got {} and {}",
            min.elements(),
            max.elements()
        )));
    }
    let (min, max) = (min.as_slice::<f32>()?, max.as_slice::<f32>()?);
    Ok(min.iter().zip(max).map(|(min, max)| min.abs().max(max.abs())).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let (one, channels) = ("RequantizationRange", "RequantizationRangePerChannel");
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    one,
                    "",
                    "qint32[3] 1000 -2000 1073741824; float[] -1; float[] 1",
                    "float[] -9.310897e-7; float[] 0.5",
                ),
                (one, "", "qint32[0]; float[] -1; float[] 1", "float[] 0; float[] -1"),
                (one, "", "qint32[0]; float[1] -1; float[] 1", "float[] 0; float[] -1"),
                (
                    channels,
                    "clip_value_max=100",
                    "qint32[1,1,2,2] 1000 -2000 4 1073741824; float[2] -1 -3; float[2] 1 3",
                    "float[] -1.5; float[] 1.5",
                ),
                (
                    channels,
                    "clip_value_max=0.5",
                    "qint32[1,1,1,1] 1073741824; float[1] -3; float[1] 3",
                    "float[] 0; float[] 0.5",
                ),
                (
                    channels,
                    "clip_value_max=0.5",
                    "qint32[1] 1; float[1] -3; float[1] 3",
                    "INVALID_ARGUMENT: input must be in NHWC format",
                ),
                (
                    channels,
                    "clip_value_max=0.5",
                    "qint32[1,1,1,1] 1; float[2] -3 1; float[1] 3",
                    "INVALID_ARGUMENT: input_min and input_max must have as many elements",
                ),
            ],
        );
    }
}
