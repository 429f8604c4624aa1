//! See [`OP`].

use savedmodel_math::{map, par};
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype, shape};
use savedmodel_tensor::{Error, Result, f16};

use crate::conv::element::Convolve;

/// The gradient of `LRN`, of which it takes the input and the result.
///
/// Half is computed in single precision.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/LRNGrad>
pub const OP: Op = Op {
    name: "LRNGrad",
    inputs: &["input_grads: T", "input_image: T", "output_image: T"],
    outputs: &["output: T"],
    attrs: &[
        "depth_radius: int = 5",
        "bias: float = 1.0",
        "alpha: float = 1.0",
        "beta: float = 0.5",
        "T: {half, bfloat16, float} = DT_FLOAT",
    ],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: by_dtype!("T"; build: f32 f16),
};

fn build<T: Convolve<Wide = f32>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let radius: i64 = node.attr("depth_radius")?;
    let radius = usize::try_from(radius)
        .ok()
        .filter(|&r| r < i32::MAX as usize)
        .ok_or_else(|| Error::invalid_argument(format!("depth_radius = {radius} larger than int max")))?;
    let norm =
        Norm { radius, bias: node.attr("bias")?, alpha: node.attr("alpha")?, beta: node.attr("beta")? };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let [gradients, inputs, outputs] = [0, 1, 2].map(|i| ctx.input(i));
        if gradients.rank() != 4 || inputs.rank() != 4 {
            return Err(Error::invalid_argument("inputs must be 4-dimensional"));
        }
        let shape = gradients.shape();
        if inputs.shape() != shape || outputs.shape() != shape {
            return Err(Error::invalid_argument(
                "input_grads, input_image, and out_image should have the same shape",
            ));
        }
        let channels = shape[3];
        let mut out = ctx.allocate(T::DTYPE, shape)?;
        let [gradients, inputs, outputs] = [gradients, inputs, outputs].map(|x| x.as_slice().map(T::widen));
        let (gradients, inputs, outputs) = (gradients?, inputs?, outputs?);
        T::round(out.as_mut_slice()?, |out| {
            let grain = (par::grain(10.0 * map::CHEAP) / channels.max(1)).max(1);
            par::for_rows_mut(out, channels, grain, |first, out| {
                for (row, out) in (first..).zip(out.chunks_exact_mut(channels.max(1))) {
                    let cells = row * channels..(row + 1) * channels;
                    norm.row(&gradients[cells.clone()], &inputs[cells.clone()], &outputs[cells], out);
                }
            });
        });
        ctx.set(0, out);
        Ok(())
    }))
}

struct Norm {
    radius: usize,
    bias: f32,
    alpha: f32,
    beta: f32,
}

impl Norm {
    /// Writes the gradients for the channels of one place.
    fn row(&self, gradients: &[f32], inputs: &[f32], outputs: &[f32], out: &mut [f32]) {
        out.fill(0.0);
        let factor = -2.0 * self.alpha * self.beta;
        for (k, &gradient) in gradients.iter().enumerate() {
            let near = k.saturating_sub(self.radius)..(k + self.radius + 1).min(inputs.len());
            let squares: f32 = inputs[near.clone()].iter().map(|x| x * x).sum();
            let norm = squares * self.alpha + self.bias;
            let shared = factor * outputs[k] / norm;
            for (out, x) in out[near.clone()].iter_mut().zip(&inputs[near]) {
                *out += shared * x * gradient;
            }
            out[k] += norm.powf(-self.beta) * gradient;
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "LRNGrad",
                    "depth_radius=1 beta=1.0",
                    "float[1,1,1,2] 1 2; float[1,1,1,2] 1 1; float[1,1,1,2] 0.5 0.5",
                    "float[1,1,1,2] -0.6666667 -0.3333333",
                ),
                (
                    "LRNGrad",
                    "depth_radius=0 alpha=0.0 bias=4.0",
                    "half[1,1,1,2] 1 2; half[1,1,1,2] 1 1; half[1,1,1,2] 0.5 0.5",
                    "half[1,1,1,2] 0.5 1",
                ),
                (
                    "LRNGrad",
                    "",
                    "float[1,1,1,2] 1 2; float[1,1,1,1] 1; float[1,1,1,2] 1 1",
                    "INVALID_ARGUMENT: input_grads, input_image, and out_image should have the same shape",
                ),
            ],
        );
    }
}
