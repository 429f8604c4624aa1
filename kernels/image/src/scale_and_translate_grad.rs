//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op};
use savedmodel_tensor::{DType, Error, Result};

use crate::sampling::Curve;
use crate::scale_and_translate::{Spans, pair};

/// The gradient of `ScaleAndTranslate` with respect to its images: each pixel takes from the pixels that were made of it.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ScaleAndTranslateGrad>
pub const OP: Op = Op {
    name: "ScaleAndTranslateGrad",
    inputs: &["grads: T", "original_image: T", "scale: float", "translation: float"],
    outputs: &["output: T"],
    attrs: &["T: {float}", "kernel_type: string = 'lanczos3'", "antialias: bool = true"],
    effect: Effect::Pure,
    shape: |ctx| Ok(vec![ctx.input(1)]),
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let name: String = node.attr("kernel_type")?;
    let curve = Curve::named(&name)
        .ok_or_else(|| Error::invalid_argument(format!("Unrecognized kernel type: {name}")))?;
    let antialias = node.attr("antialias")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (gradient, image) = (ctx.input(0), ctx.input(1).shape());
        let refuse = |text: String| Err(Error::invalid_argument(text));
        let &[batch, to_height, to_width, channels] = gradient.shape().dims() else {
            return refuse(format!("input_grad must be 4-dimensional{}", gradient.shape()));
        };
        let &[_, height, width, _] = image.dims() else {
            return refuse(format!("original_image must be 4-dimensional{image}"));
        };
        if [image[0], image[3]] != [batch, channels] || to_height * to_width * height * width == 0 {
            return refuse(format!("gradients of shape {} are none of images of {image}", gradient.shape()));
        }
        let (scale, translation) = (pair(ctx.input(2))?, pair(ctx.input(3))?);
        if !scale.iter().all(|&scale| scale > 0.0) {
            return refuse("Scale must be greater than zero.".to_owned());
        }
        let spans =
            |axis: usize, sides| Spans::of(ctx, curve, sides, [scale[axis], translation[axis]], antialias);
        let (ys, xs) = (spans(0, [height, to_height])?, spans(1, [width, to_width])?);
        let mut out = ctx.allocate(DType::Float, image)?;
        let sums = out.as_mut_slice::<f32>()?;
        sums.fill(0.0);
        let row = width * channels;
        let mut across = vec![0.0; row];
        for (at, gradient) in
            gradient.as_slice::<f32>()?.chunks_exact((to_width * channels).max(1)).enumerate()
        {
            across.fill(0.0);
            for (x, gradient) in gradient.chunks_exact(channels).enumerate() {
                each(&xs, x, width, |column, weight| {
                    add(&mut across[column * channels..], gradient, weight)
                })?;
            }
            let first = at / to_height * height;
            each(&ys, at % to_height, height, |line, weight| {
                add(&mut sums[(first + line) * row..], &across, weight)
            })?;
        }
        ctx.set(0, out);
        Ok(())
    }))
}

/// Calls `f(pixel, weight)` for the pixels of an image of `side` pixels that pixel `at` was made of.
fn each(spans: &Spans, at: usize, side: usize, mut f: impl FnMut(usize, f32)) -> Result<()> {
    let weights = &spans.weights.as_slice::<f32>()?[at * spans.length..][..spans.length];
    (spans.starts[at]..side).zip(weights).for_each(|(pixel, &weight)| f(pixel, weight));
    Ok(())
}

fn add(sums: &mut [f32], values: &[f32], weight: f32) {
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value * weight);
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "ScaleAndTranslateGrad",
                    "kernel_type=triangle antialias=false",
                    "float[1,1,4,1] 1 2 4 8; float[1,1,2,1] 0 0; float[2] 1 2; float[2] 0 0",
                    "float[1,1,2,1] 3.5 11.5",
                ),
                (
                    "ScaleAndTranslateGrad",
                    "",
                    "float[1,1,4,1] 1 2 4 8; float[1,1,2,1] 0 0; float[2] 1 0; float[2] 0 0",
                    "INVALID_ARGUMENT: Scale must be greater than zero.",
                ),
            ],
        );
    }
}
