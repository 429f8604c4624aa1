//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype};
use savedmodel_tensor::{Code, Error, Result, Shape, bf16, f16};

use crate::conv::attributes::{rank_error, shape};
use crate::conv::element::Convolve;
use crate::conv::kernel::{Channels, Forward, Spec};
use crate::layout::Images;

/// Convolves images with a filter `[height, width, channels, outputs]`.
///
/// When the input has several times the filter's channels, the convolution is grouped. Both data formats are taken, and
/// the filter is made ready once if it is constant. Half and bfloat16 accumulate in single precision; `int32` wraps. An
/// input shorter than the window gives an empty output if it is so by less than the stride, else an error.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Conv2D>
pub const OP: Op = Op {
    name: "Conv2D",
    inputs: &["input: T", "filter: T"],
    outputs: &["output: T"],
    attrs: &[
        "T: {half, bfloat16, float, double, int32}",
        "strides: list(int)",
        "use_cudnn_on_gpu: bool = true",
        "padding: {'SAME', 'VALID', 'EXPLICIT'}",
        "explicit_paddings: list(int) = []",
        "data_format: {'NHWC', 'NCHW'} = 'NHWC'",
        "dilations: list(int) = [1, 1, 1, 1]",
    ],
    effect: Effect::Pure,
    shape: |ctx| shape(ctx, 2, |_, outputs| outputs),
    kernels: by_dtype!("T"; build: f32 f64 f16 bf16 i32),
};

/// What `Conv2D` and its fused form check.
pub const SPEC: Spec = Spec {
    spatial: 2,
    code: Code::Unimplemented,
    plain: Code::Unimplemented,
    dilates: true,
    takes_nothing: false,
    channels,
    ranks,
};

fn ranks(input: &Shape, filter: &Shape) -> Result<()> {
    for (name, shape) in [("input", input), ("filter", filter)] {
        if shape.rank() != 4 {
            return Err(rank_error(name, 2, shape));
        }
    }
    Ok(())
}

/// Groups and outputs of a filter whose last two dimensions are the channels of a group and the outputs.
///
/// # Errors
/// `INVALID_ARGUMENT` when the channels don't fall into groups.
pub fn channels(input: &Images, filter: &Shape) -> Result<Channels> {
    let (depth, outputs) = (filter[filter.rank() - 2], filter[filter.rank() - 1]);
    if depth == 0 {
        return Err(Error::invalid_argument("filter depth must be stricly positive, got 0"));
    }
    if !input.channels.is_multiple_of(depth) {
        return Err(Error::invalid_argument(format!(
            "input depth must be evenly divisible by filter depth: {} vs {depth}",
            input.channels
        )));
    }
    let groups = input.channels / depth;
    if groups > 0 && !outputs.is_multiple_of(groups) {
        return Err(Error::invalid_argument(format!(
            "output depth must be evenly divisible by number of groups: {outputs} vs {groups}"
        )));
    }
    Ok(Channels { groups, outputs })
}

fn build<T: Convolve>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    forward::<T>(node, &SPEC)
}

/// The kernel of a plain convolution.
///
/// # Errors
/// As [`Forward::new`].
pub fn forward<T: Convolve>(node: &Construction<'_>, spec: &'static Spec) -> Result<Box<dyn Kernel>> {
    let convolution = Forward::<T>::new(node, spec)?;
    convolution.attributes.check_plain(T::DTYPE, spec.dilates, spec.plain)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (input, filter) = (ctx.input(0), ctx.input(1));
        let sizes = convolution.sizes(input.shape(), filter.shape())?;
        let mut out = ctx.allocate(T::DTYPE, convolution.shape(&sizes))?;
        convolution.run(&sizes, [input, filter], Default::default(), &|_: &mut [T::Wide]| {}, &mut out)?;
        ctx.set(0, out);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "Conv2D",
                    "strides=[1,1,1,1] padding=VALID",
                    "float[1,2,3,16] -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2; float[1,3,16,2] -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1",
                    "float[1,2,1,2] 1 5 0 1",
                ),
                (
                    "Conv2D",
                    "strides=[1,1,1,1] padding=VALID",
                    "float[1,2,2,16] -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1; float[2,2,16,1] -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3",
                    "float[1,1,1,1] -6",
                ),
                (
                    "Conv2D",
                    "strides=[1,1,1,1] padding=SAME",
                    "float[1,3,4,16] -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1 0 1 2 -2 -1; float[2,3,16,1] -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0 1",
                    "float[1,3,4,1] 12 2 -18 7 12 -3 2 -4 3 9 -4 -8",
                ),
                (
                    "Conv2D",
                    "strides=[1,1,1,1] padding=VALID",
                    "float[1,3,3,1] 1 2 3 4 5 6 7 8 9; float[2,2,1,1] 1 2 3 4",
                    "float[1,2,2,1] 37 47 67 77",
                ),
                (
                    "Conv2D",
                    "strides=[1,2,2,1] padding=SAME",
                    "double[1,3,4,1] 1 2 3 4 5 6 7 8 9 10 11 12; double[3,3,1,1] 1 4 0 3 6 2 5 1 4",
                    "double[1,2,2,1] 80 76 138 144",
                ),
                (
                    "Conv2D",
                    "strides=[1,1,1,1] padding=EXPLICIT explicit_paddings=[0,0,1,0,0,2,0,0]",
                    "half[1,2,2,1] 1 2 3 4; half[2,2,1,1] 1 2 3 4",
                    "half[1,2,3,1] 11 6 0 30 14 0",
                ),
                (
                    "Conv2D",
                    "strides=[1,1,1,1] padding=SAME dilations=[1,2,1,1]",
                    "int32[1,3,2,1] 1 2 3 4 5 6; int32[2,2,1,1] 1 2 3 4",
                    "int32[1,3,2,1] 25 12 44 20 11 4",
                ),
                (
                    "Conv2D",
                    "strides=[1,1,1,1] padding=VALID",
                    "bfloat16[1,1,2,2] 1 2 3 4; bfloat16[1,1,2,3] 1 2 3 4 5 6",
                    "bfloat16[1,1,2,3] 9 12 15 19 26 33",
                ),
                (
                    "Conv2D",
                    "strides=[1,1,1,1] padding=VALID",
                    "float[1,2,2,2] 1 2 3 4 5 6 7 8; float[2,2,1,2] 1 2 3 4 5 6 7 8",
                    "float[1,1,1,2] 84 120",
                ),
                (
                    "Conv2D",
                    "strides=[1,1,1,1] padding=VALID",
                    "float[1,0,0,1]; float[2,2,1,1] 1 2 3 4",
                    "INVALID_ARGUMENT: Computed output size would be negative: -1 [input_size: 0, effective_filter_size: 2, stride: 1]",
                ),
                (
                    "Conv2D",
                    "strides=[1,1,1,1] padding=VALID",
                    "float[0,3,3,1]; float[2,2,1,1] 1 2 3 4",
                    "float[0,2,2,1]",
                ),
                (
                    "Conv2D",
                    "strides=[1,1,1,1] padding=VALID",
                    "float[1,2,2,0]; float[1,1,1,1] 1",
                    "float[1,2,2,1] 0 0 0 0",
                ),
                (
                    "Conv2D",
                    "strides=[1,1,1,1] padding=VALID",
                    "float[1,1,1,1] 1; float[3,1,1,1] 1 2 3",
                    "INVALID_ARGUMENT: Computed output size would be negative: -1 [input_size: 1, effective_filter_size: 3, stride: 1]",
                ),
                (
                    "Conv2D",
                    "strides=[1,1,1,1] padding=VALID",
                    "float[1,1,1,3] 1 2 3; float[1,1,2,1] 1 2",
                    "INVALID_ARGUMENT: input depth must be evenly divisible by filter depth: 3 vs 2",
                ),
                (
                    "Conv2D",
                    "strides=[1,1,1,1] padding=SAME",
                    "float[1,1,1,1] 1; float[0,2,1,1]",
                    "INVALID_ARGUMENT: filter must not have zero elements (i.e. all dimensions must be non-zero)",
                ),
                (
                    "Conv2D",
                    "strides=[1,1,1,1] padding=VALID",
                    "float[1,1,1] 1; float[1,1,1,1] 1",
                    "INVALID_ARGUMENT: convolution input must be 4-dimensional: [1,1,1]",
                ),
                (
                    "Conv2D",
                    "strides=[1,1,1,2] padding=VALID",
                    "float[1,1,1,1] 1; float[1,1,1,1] 1",
                    "UNIMPLEMENTED: Current implementation does not yet support strides in the batch and depth dimensions.",
                ),
                (
                    "Conv2D",
                    "strides=[1,1,1,1] padding=EXPLICIT explicit_paddings=[0,1,1,1,1,1,0,0]",
                    "float[1,1,1,1] 1; float[1,1,1,1] 1",
                    "INVALID_ARGUMENT: Nonzero explicit padding in the batch or depth dimensions is not supported",
                ),
            ],
        );
    }
}
