//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

use crate::fake_quant::{Range, channel_ranges, codes, limit};

/// The gradients of `FakeQuantWithMinMax…`: those of the inputs that lie in the range go on to the inputs, those of the others to
/// the limit that they lie beyond.
///
/// A range of [0, 0], given as inputs, hands all gradients on.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/FakeQuantWithMinMaxVarsGradient>
pub const OPS: &[Op] = &[
    Op {
        name: "FakeQuantWithMinMaxArgsGradient",
        inputs: &["gradients: float", "inputs: float"],
        outputs: &["backprops: float"],
        attrs: &["min: float = -6.0", "max: float = 6.0", "num_bits: int = 8", "narrow_range: bool = false"],
        kernels: Kernels::one(build_args),
        ..VARS
    },
    VARS,
    Op { name: "FakeQuantWithMinMaxVarsPerChannelGradient", kernels: Kernels::one(build_channels), ..VARS },
];

const VARS: Op = Op {
    name: "FakeQuantWithMinMaxVarsGradient",
    inputs: &["gradients: float", "inputs: float", "min: float", "max: float"],
    outputs: &["backprops_wrt_input: float", "backprop_wrt_min: float", "backprop_wrt_max: float"],
    attrs: &["num_bits: int = 8", "narrow_range: bool = false"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::one(build_vars),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(std::iter::once(ctx.input(1)).chain((2..=ctx.outputs).map(|i| ctx.input(i))).collect())
}

fn check(ctx: &Context<'_>) -> Result<()> {
    match ctx.input(0).shape() == ctx.input(1).shape() {
        true => Ok(()),
        false => Err(Error::invalid_argument("gradient and input must be the same size")),
    }
}

fn build_args(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (min, max): (f32, f32) = (node.attr("min")?, node.attr("max")?);
    if min.partial_cmp(&max) != Some(std::cmp::Ordering::Less) {
        return Err(Error::invalid_argument(format!("min has to be smaller than max, was: {min} >= {max}")));
    }
    let range = Range::new(codes(node)?, min, max);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        check(ctx)?;
        let (out, _) = split(ctx, &[range])?;
        ctx.set(0, out);
        Ok(())
    }))
}

fn build_vars(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let codes = codes(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        check(ctx)?;
        let range = Range::new(codes, limit(ctx.input(2), "min")?, limit(ctx.input(3), "max")?);
        let (out, limits) = split(ctx, &[range])?;
        ctx.set(0, out);
        for (i, sums) in (1..).zip(limits) {
            ctx.set(i, Tensor::scalar(sums[0]));
        }
        Ok(())
    }))
}

fn build_channels(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let codes = codes(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        check(ctx)?;
        let Some(&channels) = ctx.input(1).shape().last() else {
            return Err(Error::invalid_argument("inputs must be at least rank 1 but is rank 0"));
        };
        let ranges = channel_ranges([ctx.input(2), ctx.input(3)], channels, codes)?;
        let (out, limits) = split(ctx, &ranges)?;
        ctx.set(0, out);
        for (i, sums) in (1..).zip(limits) {
            ctx.set(i, Tensor::from_vec([channels], sums)?);
        }
        Ok(())
    }))
}

/// The gradients of the inputs, and the sums of those of the lower and the upper limit of each range, which inputs have in turn.
fn split(ctx: &Context<'_>, ranges: &[Option<Range>]) -> Result<(Tensor, [Vec<f32>; 2])> {
    let (gradients, inputs) = (ctx.input(0).as_slice::<f32>()?, ctx.input(1).as_slice::<f32>()?);
    let mut out = ctx.allocate(DType::Float, ctx.input(1).shape())?;
    let mut sums = [vec![0.0; ranges.len()], vec![0.0; ranges.len()]];
    let if_ = |holds: bool, gradient: f32| gradient * f32::from(u8::from(holds));
    let pairs = gradients.iter().zip(inputs).zip(out.as_mut_slice::<f32>()?);
    for (i, ((&gradient, x), out)) in pairs.enumerate() {
        let channel = i % ranges.len();
        let Some(range) = &ranges[channel] else {
            *out = gradient;
            continue;
        };
        *out = if_((range.min..=range.max).contains(x), gradient);
        sums[0][channel] += if_(*x < range.min, gradient);
        sums[1][channel] += if_(*x > range.max, gradient);
    }
    Ok((out, sums))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "FakeQuantWithMinMaxArgsGradient",
                    "min=-1 max=1",
                    "float[4] 1 2 3 4; float[4] -2 0 0.5 2",
                    "float[4] 0 2 3 0",
                ),
                (
                    "FakeQuantWithMinMaxVarsGradient",
                    "",
                    "float[4] 1 2 3 4; float[4] -2 0 -3 2; float[] -1; float[] 1",
                    "float[4] 0 2 0 0; float[] 4; float[] 4",
                ),
                (
                    "FakeQuantWithMinMaxVarsGradient",
                    "",
                    "float[2] 1 2; float[2] -2 5; float[] 0; float[] 0",
                    "float[2] 1 2; float[] 0; float[] 0",
                ),
                (
                    "FakeQuantWithMinMaxVarsPerChannelGradient",
                    "",
                    "float[2,2] 1 2 3 4; float[2,2] -2 0 0.5 2; float[2] -1 -1; float[2] 1 1",
                    "float[2,2] 0 2 3 0; float[2] 1 0; float[2] 0 4",
                ),
                (
                    "FakeQuantWithMinMaxArgsGradient",
                    "",
                    "float[2] 1 2; float[1] -2",
                    "INVALID_ARGUMENT: gradient and input must be the same size",
                ),
            ],
        );
    }
}
