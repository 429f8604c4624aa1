//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op};
use savedmodel_tensor::{DType, Error, Qint32, Quint8, Result};

use crate::range::{Range, give, same_shape};

/// Normalises the channels of images with given means and variances, in fixed-point arithmetic of 32 bits that wraps.
///
/// The range of the result is always from `-2^20` to `2^20`.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/QuantizedBatchNormWithGlobalNormalization>
pub const OP: Op = Op {
    name: "QuantizedBatchNormWithGlobalNormalization",
    inputs: &[
        "t: Tinput",
        "t_min: float",
        "t_max: float",
        "m: Tinput",
        "m_min: float",
        "m_max: float",
        "v: Tinput",
        "v_min: float",
        "v_max: float",
        "beta: Tinput",
        "beta_min: float",
        "beta_max: float",
        "gamma: Tinput",
        "gamma_min: float",
        "gamma_max: float",
    ],
    outputs: &["result: out_type", "result_min: float", "result_max: float"],
    attrs: &[
        "Tinput: {qint8, quint8, qint32, qint16, quint16}",
        "out_type: {qint8, quint8, qint32, qint16, quint16}",
        "variance_epsilon: float",
        "scale_after_normalization: bool",
    ],
    effect: Effect::Pure,
    shape: same_shape,
    kernels: Kernels::All(&[("Tinput", &[DType::Quint8]), ("out_type", &[DType::Qint32])], build),
};

const RESULT: Range = Range { min: -(1 << 20) as f32, max: (1 << 20) as f32 };

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let epsilon: f32 = node.attr("variance_epsilon")?;
    let scaled: bool = node.attr("scale_after_normalization")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let range = Range::single(ctx, 1, ["input_min", "input_max"])?;
        let [mean, variance, beta, gamma] =
            [(3, "mean"), (6, "var"), (9, "beta"), (12, "gamma")].map(|(i, name)| floats(ctx, i, name));
        let [mean, variance, beta, gamma] = [mean?, variance?, beta?, gamma?];
        let input = ctx.input(0);
        if input.rank() != 4 {
            return Err(Error::invalid_argument(format!("input must be 4-dimensional{}", input.shape())));
        }
        let channels = mean.len();
        if channels == 0 {
            return Err(Error::invalid_argument("Must provide at least 1 mean"));
        }
        let same = [&variance, &beta, &gamma].iter().all(|numbers| numbers.len() == channels);
        if !same || input.shape()[3] != channels {
            return Err(Error::invalid_argument(format!(
                "mean, var, beta and gamma must have as many elements as the input has channels, {}",
                input.shape()[3]
            )));
        }
        let code = |x: f32| RESULT.code::<Qint32>(x).0;
        let numbers: Vec<(i32, i32)> = (0..channels)
            .map(|i| {
                let scale = 1.0 / (variance[i] + epsilon).sqrt();
                let scale = if scaled { scale * gamma[i] } else { scale };
                (code(scale), code(-mean[i] * scale + beta[i]))
            })
            .collect();
        let one = code(1.0);
        let table: Vec<i32> = (0..=255).map(|x| code(range.float(Quint8(x)))).collect();
        let mut out = ctx.allocate(DType::Qint32, input.shape())?;
        let (from, to) = (input.as_slice::<Quint8>()?, out.as_mut_slice::<Qint32>()?);
        for (from, to) in from.chunks_exact(channels).zip(to.chunks_exact_mut(channels)) {
            for ((x, to), &(scale, offset)) in from.iter().zip(to).zip(&numbers) {
                let product = table[usize::from(x.0)].wrapping_mul(scale);
                *to = Qint32((product / one).wrapping_add(offset));
            }
        }
        give(ctx, out, RESULT);
        Ok(())
    }))
}

/// What the codes of input `i` stand for, whose range follows.
fn floats(ctx: &Context<'_>, i: usize, name: &str) -> Result<Vec<f32>> {
    let range = Range::single(ctx, i + 1, [&format!("{name}_min"), &format!("{name}_max")])?;
    let codes = ctx.input(i);
    if codes.rank() != 1 {
        return Err(Error::invalid_argument(format!("{name} must be 1-dimensional{}", codes.shape())));
    }
    Ok(codes.as_slice::<Quint8>()?.iter().map(|&code| range.float(code)).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "QuantizedBatchNormWithGlobalNormalization";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    "out_type=qint32 variance_epsilon=0.001 scale_after_normalization=true",
                    "quint8[1,1,2,2] 1 100 50 255; float[] 0; float[] 10; quint8[2] 10 20; float[] 0; float[] 2; \
                     quint8[2] 100 200; float[] 0; float[] 3; quint8[2] 5 6; float[] -1; float[] 1; \
                     quint8[2] 100 150; float[] 0; float[] 4",
                    "qint32[1,1,2,2] -2077 9881 3614 28974; float[] -1048576; float[] 1048576",
                ),
                (
                    op,
                    "out_type=qint32 variance_epsilon=0.001 scale_after_normalization=true",
                    "quint8[1,1,1,0]; float[] 0; float[] 10; quint8[0]; float[] 0; float[] 2; \
                     quint8[0]; float[] 0; float[] 3; quint8[0]; float[] -1; float[] 1; \
                     quint8[0]; float[] 0; float[] 4",
                    "INVALID_ARGUMENT: Must provide at least 1 mean",
                ),
                (
                    op,
                    "out_type=qint32 variance_epsilon=0.001 scale_after_normalization=true",
                    "quint8[1,1,1,1] 1; float[0]; float[] 10; quint8[1] 1; float[] 0; float[] 2; \
                     quint8[1] 1; float[] 0; float[] 3; quint8[1] 1; float[] -1; float[] 1; \
                     quint8[1] 1; float[] 0; float[] 4",
                    "INVALID_ARGUMENT: input_min must have 1 element",
                ),
                (
                    op,
                    "out_type=qint32 variance_epsilon=0.001 scale_after_normalization=true",
                    "quint8[1,1,1,1] 1; float[] 0; float[] 10; quint8[2] 1 1; float[] 0; float[] 2; \
                     quint8[1] 1; float[] 0; float[] 3; quint8[1] 1; float[] -1; float[] 1; \
                     quint8[1] 1; float[] 0; float[] 4",
                    "INVALID_ARGUMENT: mean, var, beta and gamma must have as many elements",
                ),
            ],
        );
    }
}
