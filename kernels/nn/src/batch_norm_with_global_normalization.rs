//! See [`OP`].

use savedmodel_math::narrow::Narrow;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Element, Error, PartialShape, Result, f16};

use crate::batch_norm::affine::Affine;

/// Normalises the channels of images with given means and variances: `(t - m) / sqrt(v + epsilon) * gamma + beta`.
///
/// `gamma` counts only with `scale_after_normalization`. Half is computed in single precision.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/BatchNormWithGlobalNormalization>
pub const OP: Op = Op {
    name: "BatchNormWithGlobalNormalization",
    inputs: &["t: T", "m: T", "v: T", "beta: T", "gamma: T"],
    outputs: &["result: T"],
    attrs: &[
        "T: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, bfloat16, qint16, \
         quint16, uint16, complex128, half, uint32, uint64}",
        "variance_epsilon: float",
        "scale_after_normalization: bool",
    ],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64 f16),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let mut output = ctx.input(0);
    for i in 0..5 {
        let (rank, wanted) = (ctx.input(i).rank(), if i == 0 { 4 } else { 1 });
        if let Some(rank) = rank.filter(|&rank| rank != wanted) {
            return Err(Error::invalid_argument(format!("Shape must be rank {wanted} but is rank {rank}")));
        }
        let channels = if i == 0 { None } else { ctx.input(i).dim(0) };
        output = output.merge(&PartialShape::new([None, None, None, channels])).ok_or_else(|| {
            Error::invalid_argument(format!(
                "Dimensions must be equal, but are {output} and {}",
                ctx.input(i)
            ))
        })?;
    }
    Ok(vec![output])
}

/// An element type that is normalised.
trait Normal: Element {
    /// Fills `out` from `x` and, for each channel, mean, variance, offset and scale.
    fn normalize(x: &[Self], numbers: [&[Self]; 4], epsilon: f32, scaled: bool, out: &mut [Self]);
}

impl Normal for f32 {
    fn normalize(
        x: &[f32],
        [mean, variance, offset, scale]: [&[f32]; 4],
        epsilon: f32,
        scaled: bool,
        out: &mut [f32],
    ) {
        let factor = |(&variance, &scale): (&f32, &f32)| {
            let factor = 1.0 / (variance + epsilon).sqrt();
            if scaled { factor * scale } else { factor }
        };
        let affine = Affine {
            mean: mean.to_vec(),
            factor: variance.iter().zip(scale).map(factor).collect(),
            offset: offset.to_vec(),
        };
        affine.apply(x, out, 1, &[], false);
    }
}

impl Normal for f64 {
    fn normalize(
        x: &[f64],
        [mean, variance, offset, scale]: [&[f64]; 4],
        epsilon: f32,
        scaled: bool,
        out: &mut [f64],
    ) {
        let factor = |(&variance, &scale): (&f64, &f64)| {
            let factor = 1.0 / (variance + f64::from(epsilon)).sqrt();
            if scaled { factor * scale } else { factor }
        };
        let factors: Vec<f64> = variance.iter().zip(scale).map(factor).collect();
        let channels = mean.len().max(1);
        for (x, out) in x.chunks_exact(channels).zip(out.chunks_exact_mut(channels)) {
            for (((out, x), (mean, factor)), offset) in
                out.iter_mut().zip(x).zip(mean.iter().zip(&factors)).zip(offset)
            {
                *out = (x - mean) * factor + offset;
            }
        }
    }
}

impl Normal for f16 {
    fn normalize(x: &[f16], numbers: [&[f16]; 4], epsilon: f32, scaled: bool, out: &mut [f16]) {
        let widen = |values: &[f16]| {
            let mut wide = vec![0.0; values.len()];
            f16::widen(values, &mut wide);
            wide
        };
        let numbers = numbers.map(widen);
        let mut wide = vec![0.0; out.len()];
        f32::normalize(&widen(x), numbers.each_ref().map(Vec::as_slice), epsilon, scaled, &mut wide);
        f16::narrow(&wide, out);
    }
}

fn build<T: Normal>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let epsilon: f32 = node.attr("variance_epsilon")?;
    let scaled: bool = node.attr("scale_after_normalization")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        if input.rank() != 4 {
            return Err(Error::invalid_argument(format!("input must be 4-dimensional{}", input.shape())));
        }
        let mut numbers = [&[][..]; 4];
        for (i, name) in ["mean", "var", "beta", "gamma"].into_iter().enumerate() {
            let given = ctx.input(i + 1);
            if given.rank() != 1 {
                let shape = given.shape();
                return Err(Error::invalid_argument(format!("{name} must be 1-dimensional{shape}")));
            }
            numbers[i] = given.as_slice()?;
        }
        // TensorFlow counts channels by the means alone.
        let channels = numbers[0].len();
        let short = numbers.iter().any(|numbers| numbers.len() < channels);
        if short || channels == 0 || !input.elements().is_multiple_of(channels) {
            return Err(Error::invalid_argument(format!(
                "mean must have as many elements as the input has channels and the others as many or more: {channels} vs. {}",
                input.shape()[3]
            )));
        }
        let numbers = numbers.map(|numbers| &numbers[..channels]);
        let mut out = ctx.allocate(T::DTYPE, input.shape())?;
        T::normalize(input.as_slice()?, numbers, epsilon, scaled, out.as_mut_slice()?);
        ctx.set(0, out);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "BatchNormWithGlobalNormalization";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    "variance_epsilon=0 scale_after_normalization=true",
                    "float[1,1,2,2] 1 2 3 4; float[2] 1 0; float[2] 4 1; float[2] 10 20; float[2] 2 3",
                    "float[1,1,2,2] 10 26 12 32",
                ),
                (
                    op,
                    "variance_epsilon=1 scale_after_normalization=false",
                    "double[1,1,1,2] 1 2; double[2] 0 0; double[2] 3 0; double[2] 0 1; double[2] 9 9",
                    "double[1,1,1,2] 0.5 3",
                ),
                (
                    op,
                    "variance_epsilon=0 scale_after_normalization=true",
                    "half[1,1,1,1] 3; half[1] 1; half[1] 4; half[1] 0.5; half[1] 3",
                    "half[1,1,1,1] 3.5",
                ),
                (
                    op,
                    "variance_epsilon=0 scale_after_normalization=true",
                    "float[1,1] 3; float[1] 1; float[1] 4; float[1] 0.5; float[1] 3",
                    "INVALID_ARGUMENT: input must be 4-dimensional[1,1]",
                ),
                (
                    op,
                    "variance_epsilon=0 scale_after_normalization=true",
                    "float[1,1,1,1] 3; float[2] 1 1; float[1] 4; float[1] 0.5; float[1] 3",
                    "INVALID_ARGUMENT: mean must have as many elements",
                ),
            ],
        );
    }
}
