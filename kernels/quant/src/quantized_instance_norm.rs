//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op};
use savedmodel_tensor::{DType, Error, Quint8, Result};

use crate::range::{Range, ToCode, give, same_shape};

/// Normalises the channels of each image by its own mean and variance.
///
/// The range of the result is what is used, or given by attributes; it spans at least `min_separation`.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QuantizedInstanceNorm>
pub const OP: Op = Op {
    name: "QuantizedInstanceNorm",
    inputs: &["x: T", "x_min: float", "x_max: float"],
    outputs: &["y: T", "y_min: float", "y_max: float"],
    attrs: &[
        "T: {qint8, quint8, qint32, qint16, quint16}",
        "output_range_given: bool = false",
        "given_y_min: float = 0.0",
        "given_y_max: float = 0.0",
        "variance_epsilon: float = 9.999999747378752e-06",
        "min_separation: float = 0.0010000000474974513",
    ],
    effect: Effect::Pure,
    shape: same_shape,
    kernels: Kernels::All(&[("T", &[DType::Quint8])], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let given = Range { min: node.attr("given_y_min")?, max: node.attr("given_y_max")? };
    let given = node.attr::<bool>("output_range_given")?.then_some(given);
    let epsilon: f32 = node.attr("variance_epsilon")?;
    let separation: f32 = node.attr("min_separation")?;
    if let Some(Range { min, max }) = given
        && min >= max
    {
        return Err(Error::invalid_argument(format!(
            "given_y_min must be less than given_y_max : {min} >= {max}"
        )));
    }
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let Range { min, max } = Range::input(ctx, 1, ["x_min", "x_max"])?;
        if min.partial_cmp(&max) != Some(std::cmp::Ordering::Less) {
            return Err(Error::invalid_argument(format!(
                "input_min must be less than input_max : {min} >= {max}"
            )));
        }
        let input = ctx.input(0);
        let &[batch, height, width, channels] = input.shape().dims() else {
            return Err(Error::invalid_argument(format!(
                "input must be 4-dimensional, got {}",
                input.shape()
            )));
        };
        let image = height * width * channels;
        let scale = (max - min) / 255.0;
        let codes = input.as_slice::<Quint8>()?;
        let mut normal = vec![0.0_f32; codes.len()];
        for i in 0..batch {
            normalize(
                &codes[i * image..(i + 1) * image],
                channels,
                [scale, epsilon],
                &mut normal[i * image..],
            );
        }
        let mut range = given.unwrap_or_else(|| Range {
            min: normal.iter().copied().fold(f32::INFINITY, f32::min),
            max: normal.iter().copied().fold(f32::NEG_INFINITY, f32::max),
        });
        if range.max - range.min < separation {
            range.max = range.min + separation;
        }
        let code = ToCode::of::<Quint8>(range);
        let mut out = ctx.allocate(DType::Quint8, input.shape())?;
        out.as_mut_slice::<Quint8>()?.iter_mut().zip(normal).for_each(|(out, x)| *out = code.code(x));
        give(ctx, out, range);
        Ok(())
    }))
}

/// Normalises one image.
fn normalize(codes: &[Quint8], channels: usize, [scale, epsilon]: [f32; 2], out: &mut [f32]) {
    let pixels = (codes.len() / channels.max(1)).max(1) as f32;
    let (mut mean, mut variance) = (vec![0.0_f32; channels], vec![0.0_f32; channels]);
    let rows = || codes.chunks_exact(channels.max(1));
    for row in rows() {
        mean.iter_mut().zip(row).for_each(|(mean, x)| *mean += f32::from(x.0));
    }
    mean.iter_mut().for_each(|mean| *mean /= pixels);
    for row in rows() {
        for ((variance, mean), x) in variance.iter_mut().zip(&mean).zip(row) {
            let difference = scale * (f32::from(x.0) - mean);
            *variance += difference * difference;
        }
    }
    let factors: Vec<f32> = variance.iter().map(|sum| 1.0 / (sum / pixels + epsilon).sqrt()).collect();
    for (row, out) in rows().zip(out.chunks_exact_mut(channels.max(1))) {
        for (((out, x), mean), factor) in out.iter_mut().zip(row).zip(&mean).zip(&factors) {
            *out = scale * (f32::from(x.0) - mean) * factor;
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "QuantizedInstanceNorm";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    "output_range_given=true given_y_min=-1 given_y_max=2",
                    "quint8[1,2,2,2] 0 20 40 60 80 100 120 140; float[] 0; float[] 10",
                    "quint8[1,2,2,2] 0 0 47 47 123 123 199 199; float[] -1; float[] 2",
                ),
                (
                    op,
                    "",
                    "quint8[1,1,1,1] 7; float[] 0; float[] 10",
                    "quint8[1,1,1,1] 0; float[] 0; float[] 0.001",
                ),
                (
                    op,
                    "",
                    "quint8[1,1,1,1] 7; float[] 1; float[] 1",
                    "INVALID_ARGUMENT: input_min must be less than",
                ),
                (
                    op,
                    "",
                    "quint8[1,1,1,1] 7; float[1] 0; float[] 1",
                    "INVALID_ARGUMENT: `x_min` must be rank 0 but is rank 1",
                ),
                (
                    op,
                    "",
                    "quint8[1,1,1] 7; float[] 0; float[] 1",
                    "INVALID_ARGUMENT: input must be 4-dimensional",
                ),
                (
                    op,
                    "output_range_given=true given_y_min=1",
                    "quint8[1,1,1,1] 7; float[] 0; float[] 1",
                    "INVALID_ARGUMENT: given_y_min must be less than given_y_max : 1 >= 0",
                ),
            ],
        );
    }
}
