//! See [`OP`].

use savedmodel_math::map;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype, shape};
use savedmodel_tensor::{DType, Error, Qint8, Qint16, Qint32, Quint8, Quint16, Result, Tensor, bf16};

use crate::code::{Code, Slices, half_range};
use crate::quantize_v2::axis;

/// Turns codes over a range into floats; the inverse of `QuantizeV2`.
///
/// `bfloat16` is made from single precision, in mode `MIN_COMBINED` only.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Dequantize>
pub const OP: Op = Op {
    name: "Dequantize",
    inputs: &["input: T", "min_range: float", "max_range: float"],
    outputs: &["output: dtype"],
    attrs: &[
        "T: {qint8, quint8, qint32, qint16, quint16}",
        "mode: {'MIN_COMBINED', 'MIN_FIRST', 'SCALED'} = 'MIN_COMBINED'",
        "narrow_range: bool = false",
        "axis: int = -1",
        "dtype: {bfloat16, float} = DT_FLOAT",
    ],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: by_dtype!("T"; build: Qint8 Quint8 Qint16 Quint16 Qint32),
};

fn build<T: Code>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let mode: String = node.attr("mode")?;
    let narrow: bool = node.attr("narrow_range")?;
    let dtype: DType = node.attr("dtype")?;
    let axis = axis(node)?;
    if dtype == DType::Bfloat16 && mode != "MIN_COMBINED" {
        return Err(Error::invalid_argument(format!(
            "When output type is bfloat16, Mode string must be 'MIN_COMBINED', is '{mode}'"
        )));
    }
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        let slices = slices(ctx, axis)?;
        if slices.count != 1 && mode == "MIN_FIRST" {
            return Err(Error::unimplemented(
                "MIN_FIRST mode is not implemented for Dequantize with axis != -1.",
            ));
        }
        let (min, max) = (ctx.input(1).as_slice::<f32>()?, ctx.input(2).as_slice::<f32>()?);
        let mut out = ctx.allocate(DType::Float, input.shape())?;
        slices.each(input.as_slice::<T>()?, out.as_mut_slice::<f32>()?, |slice, src, dst| {
            let range = [min[slice], max[slice]];
            match mode.as_str() {
                "MIN_COMBINED" => min_combined(range, src, dst),
                "MIN_FIRST" => min_first(range, src, dst),
                _ => scaled(range, narrow, slices.count == 1, src, dst),
            }
        });
        if dtype == DType::Bfloat16 {
            let narrow = out.as_slice::<f32>()?.iter().map(|&x| bf16::from_f32(x)).collect();
            out = Tensor::from_vec(out.shape(), narrow)?;
        }
        ctx.set(0, out);
        Ok(())
    }))
}

fn slices(ctx: &Context<'_>, axis: Option<usize>) -> Result<Slices> {
    let input = ctx.input(0).shape();
    if let Some(axis) = axis.filter(|&axis| axis >= input.rank()) {
        return Err(Error::invalid_argument(format!(
            "Axis must be less than input dimension({}), got {axis}",
            input.rank()
        )));
    }
    let slices = Slices::of(input, axis);
    for (i, name) in [(1, "input_min_tensor"), (2, "input_max_tensor")] {
        let count = ctx.input(i).elements();
        if count != slices.count {
            return Err(Error::invalid_argument(format!(
                "{name} must have as many elements as input on the dequantization axis ({}), got {count}, expected {}",
                axis.map_or(-1, |axis| axis as i64),
                slices.count
            )));
        }
    }
    Ok(slices)
}

fn min_combined<T: Code>([min, max]: [f32; 2], src: &[T], dst: &mut [f32]) {
    let scale = (max - min) / (T::HIGHEST as f32 - T::LOWEST as f32);
    let half = half_range::<T>();
    map::map(src, dst, map::CHEAP, move |code| (code.value() as f32 + half) * scale + min);
}

fn min_first<T: Code>([min, max]: [f32; 2], src: &[T], dst: &mut [f32]) {
    let scale = (f64::from(max - min) / (2_f64.powi(T::BITS as i32) - 1.0)) as f32;
    let rounded = if max == min { min } else { (min / scale).round() * scale };
    let first = rounded - T::LOWEST as f32 * scale;
    map::map(src, dst, map::CHEAP, move |code| first + code.value() as f32 * scale);
}

fn scaled<T: Code>([min, max]: [f32; 2], narrow: bool, whole: bool, src: &[T], dst: &mut [f32]) {
    let above = max / T::HIGHEST as f32;
    let below = min / (T::LOWEST as f32 + if narrow { 1.0 } else { 0.0 });
    let scale = if T::LOWEST == 0 || below < above { above } else { below };
    // TensorFlow takes 32-bit codes of a whole tensor through single precision to integers, where the highest overflow.
    let highest = if whole && T::BITS == 32 { 2_147_483_520 } else { i32::MAX };
    map::map(src, dst, map::CHEAP, move |code| {
        let value = code.value();
        (if value > highest { i32::MIN } else { value }) as f32 * scale
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "Dequantize",
                    "mode=MIN_COMBINED",
                    "quint8[4] 0 1 128 255; float[] -1; float[] 3",
                    "float[4] -1 -0.9843137 1.007843 3",
                ),
                (
                    "Dequantize",
                    "mode=MIN_FIRST",
                    "quint8[4] 0 1 128 255; float[] -1; float[] 3",
                    "float[4] -1.003922 -0.9882354 1.003922 2.996078",
                ),
                (
                    "Dequantize",
                    "mode=SCALED",
                    "quint8[4] 0 1 128 255; float[] -1; float[] 3",
                    "float[4] 0 0.01176471 1.505882 3",
                ),
                (
                    "Dequantize",
                    "mode=MIN_COMBINED",
                    "qint8[4] -128 -1 0 127; float[] -1; float[] 3",
                    "float[4] -1 0.992157 1.007843 3",
                ),
                (
                    "Dequantize",
                    "mode=MIN_FIRST",
                    "qint8[4] -128 -1 0 127; float[] -1; float[] 3",
                    "float[4] -1.003922 0.9882354 1.003922 2.996078",
                ),
                (
                    "Dequantize",
                    "mode=SCALED",
                    "qint8[4] -128 -1 0 127; float[] -1; float[] 3",
                    "float[4] -3.023622 -0.02362205 0 3",
                ),
                (
                    "Dequantize",
                    "mode=MIN_COMBINED",
                    "quint16[4] 0 1 32768 65535; float[] -1; float[] 3",
                    "float[4] -1 -0.999939 1.000031 3",
                ),
                (
                    "Dequantize",
                    "mode=MIN_FIRST",
                    "quint16[4] 0 1 32768 65535; float[] -1; float[] 3",
                    "float[4] -1.000015 -0.9999542 1.000015 2.999985",
                ),
                (
                    "Dequantize",
                    "mode=SCALED",
                    "quint16[4] 0 1 32768 65535; float[] -1; float[] 3",
                    "float[4] 0 4.577707e-05 1.500023 3",
                ),
                (
                    "Dequantize",
                    "mode=MIN_COMBINED",
                    "qint16[4] -32768 -1 0 32767; float[] -1; float[] 3",
                    "float[4] -1 0.9999695 1.000031 3",
                ),
                (
                    "Dequantize",
                    "mode=MIN_FIRST",
                    "qint16[4] -32768 -1 0 32767; float[] -1; float[] 3",
                    "float[4] -1.000015 0.9999542 1.000015 2.999985",
                ),
                (
                    "Dequantize",
                    "mode=SCALED",
                    "qint16[4] -32768 -1 0 32767; float[] -1; float[] 3",
                    "float[4] -3.000092 -9.155553e-05 0 3",
                ),
                (
                    "Dequantize",
                    "mode=MIN_COMBINED",
                    "qint32[4] -2147483648 -1 0 2147483647; float[] -1; float[] 3",
                    "float[4] -1 1 1 3",
                ),
                (
                    "Dequantize",
                    "mode=MIN_FIRST",
                    "qint32[4] -2147483648 -1 0 2147483647; float[] -1; float[] 3",
                    "float[4] -1 1 1 3",
                ),
                (
                    "Dequantize",
                    "mode=SCALED",
                    "qint32[4] -2147483648 -1 0 2147483647; float[] -1; float[] 3",
                    "float[4] -3 -1.396984e-09 0 -3",
                ),
                (
                    "Dequantize",
                    "mode=SCALED narrow_range=true",
                    "qint8[4] -128 -1 0 127; float[] -1; float[] 3",
                    "float[4] -3.023622 -0.02362205 0 3",
                ),
                (
                    "Dequantize",
                    "dtype=bfloat16",
                    "qint8[4] -128 -1 0 127; float[] -1; float[] 3",
                    "bfloat16[4] -1 0.9921875 1.007812 3",
                ),
                (
                    "Dequantize",
                    "dtype=bfloat16 mode=SCALED",
                    "qint8[4] -128 -1 0 127; float[] -1; float[] 3",
                    "INVALID_ARGUMENT: When output type is bfloat16, Mode string must be 'MIN_COMBINED', is 'SCALED'",
                ),
                (
                    "Dequantize",
                    "axis=0",
                    "qint8[2,2] -128 -1 0 127; float[2] -1 -2; float[2] 3 4",
                    "float[2,2] -1 0.992157 1.011765 4",
                ),
                (
                    "Dequantize",
                    "axis=1 mode=SCALED",
                    "qint8[2,2] -128 -1 0 127; float[2] -1 -2; float[2] 3 4",
                    "float[2,2] -3.023622 -0.03149606 0 4",
                ),
                (
                    "Dequantize",
                    "axis=1 mode=MIN_FIRST",
                    "qint8[2,2] -128 -1 0 127; float[2] -1 -2; float[2] 3 4",
                    "UNIMPLEMENTED: MIN_FIRST mode is not implemented for Dequantize with axis != -1.",
                ),
                (
                    "Dequantize",
                    "axis=2",
                    "qint8[2,2] -128 -1 0 127; float[2] -1 -2; float[2] 3 4",
                    "INVALID_ARGUMENT: Axis must be less than input dimension(2), got 2",
                ),
                (
                    "Dequantize",
                    "axis=1",
                    "qint8[2,2] -128 -1 0 127; float[] -1; float[] 3",
                    "INVALID_ARGUMENT: input_min_tensor must have as many elements as input on the dequantization axis (1), got 1, expected 2",
                ),
                (
                    "Dequantize",
                    "",
                    "qint8[2,2] -128 -1 0 127; float[2] -1 -2; float[2] 3 4",
                    "INVALID_ARGUMENT: input_min_tensor must have as many elements as input on the dequantization axis (-1), got 2, expected 1",
                ),
                (
                    "Dequantize",
                    "axis=-3",
                    "qint8[2] -128 -1; float[] -1; float[] 3",
                    "INVALID_ARGUMENT: axis should be at least -1, got -3",
                ),
                ("Dequantize", "", "quint8[2] 0 1; float[] 1; float[] 1", "float[2] 1 1"),
                ("Dequantize", "mode=MIN_FIRST", "quint8[2] 0 1; float[] 1; float[] 1", "float[2] 1 1"),
                ("Dequantize", "", "quint8[2] 0 1; float[] 3; float[] 1", "float[2] 3 2.992157"),
                ("Dequantize", "", "quint8[0]; float[] 3; float[] 1", "float[0]"),
                (
                    "Dequantize",
                    "axis=0",
                    "quint8[1,2] 0 1; float[1] 0; float[1] 1",
                    "float[1,2] 0 0.003921569",
                ),
            ],
        );
    }
}
