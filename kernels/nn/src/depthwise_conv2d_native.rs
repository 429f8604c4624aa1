//! See [`OP`].

use savedmodel_op::{Construction, Effect, Kernel, Op, by_dtype};
use savedmodel_tensor::{Code, Error, Result, Shape, bf16, f16};

use crate::conv::attributes::shape;
use crate::conv::element::Convolve;
use crate::conv::kernel::{Channels, Spec};
use crate::conv2d::forward;
use crate::layout::Images;

/// Convolves each channel with filters of its own: `[height, width, channels, multiplier]`.
///
/// The outputs of a channel are adjacent. Strides must be equal in both directions, as TensorFlow wants. Dilations and
/// both data formats are taken, which TensorFlow leaves to its oneDNN kernel on processors.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DepthwiseConv2dNative>
pub const OP: Op = Op {
    name: "DepthwiseConv2dNative",
    inputs: &["input: T", "filter: T"],
    outputs: &["output: T"],
    attrs: &[
        "T: {half, bfloat16, float, double}",
        "strides: list(int)",
        "padding: {'SAME', 'VALID', 'EXPLICIT'}",
        "explicit_paddings: list(int) = []",
        "data_format: {'NHWC', 'NCHW'} = 'NHWC'",
        "dilations: list(int) = [1, 1, 1, 1]",
    ],
    effect: Effect::Pure,
    shape: |ctx| shape(ctx, 2, |channels, multiplier| channels?.checked_mul(multiplier?)),
    kernels: by_dtype!("T"; build: f32 f64 f16 bf16),
};

/// What the operator and its fused form check.
pub const SPEC: Spec = Spec {
    spatial: 2,
    code: Code::InvalidArgument,
    plain: Code::Unimplemented,
    dilates: false,
    takes_nothing: true,
    channels,
    ranks,
};

fn ranks(input: &Shape, filter: &Shape) -> Result<()> {
    if input.rank() != 4 {
        return Err(Error::invalid_argument(format!("input must be 4-dimensional{input}")));
    }
    if filter.rank() != 4 {
        return Err(Error::invalid_argument(format!("filter must be 4-dimensional: {filter}")));
    }
    Ok(())
}

/// Groups and outputs of a filter whose last two dimensions are the channels and how many outputs each has.
///
/// # Errors
/// `INVALID_ARGUMENT` when the input has other channels.
pub fn channels(input: &Images, filter: &Shape) -> Result<Channels> {
    if input.channels != filter[2] {
        return Err(Error::invalid_argument(format!(
            "input and filter must have the same depth: {} vs {}",
            input.channels, filter[2]
        )));
    }
    let outputs = filter[2].checked_mul(filter[3]);
    let outputs = outputs.ok_or_else(|| Error::invalid_argument("output depth is too large"))?;
    Ok(Channels { groups: filter[2], outputs })
}

fn build<T: Convolve>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    check_strides(node)?;
    forward::<T>(node, &SPEC)
}

/// Both strides must be equal.
///
/// # Errors
/// `INVALID_ARGUMENT` as TensorFlow's.
pub fn check_strides(node: &Construction<'_>) -> Result<()> {
    let strides: Vec<i64> = node.attr("strides")?;
    let first = if node.attr::<String>("data_format")? == "NCHW" { 2 } else { 1 };
    if strides.len() == 4 && strides[first] != strides[first + 1] {
        return Err(Error::invalid_argument(
            "Current implementation only supports equal length strides in the row and column dimensions.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "DepthwiseConv2dNative",
                    "strides=[1,1,1,1] padding=VALID",
                    "float[1,2,2,2] 1 2 3 4 5 6 7 8; float[2,2,2,1] 1 2 3 4 5 6 7 8",
                    "float[1,1,1,2] 84 120",
                ),
                (
                    "DepthwiseConv2dNative",
                    "strides=[1,1,1,1] padding=SAME",
                    "double[1,2,2,2] 1 2 3 4 5 6 7 8; double[2,1,2,2] 1 2 3 4 5 6 7 8",
                    "double[1,2,2,4] 26 32 48 56 38 48 68 80 5 10 18 24 7 14 24 32",
                ),
                (
                    "DepthwiseConv2dNative",
                    "strides=[1,2,2,1] padding=SAME",
                    "half[1,3,3,1] 1 2 3 4 5 6 7 8 9; half[3,3,1,2] 1 2 3 4 0 1 2 3 4 0 1 2 3 4 0 1 2 3",
                    "half[1,2,2,2] 16 23 31 32 48 37 75 58",
                ),
                (
                    "DepthwiseConv2dNative",
                    "strides=[1,1,1,1] padding=EXPLICIT explicit_paddings=[0,0,1,0,0,1,0,0]",
                    "float[1,1,2,2] 1 2 3 4; float[2,2,2,1] 1 2 3 4 5 6 7 8",
                    "float[1,1,2,2] 26 44 15 24",
                ),
                (
                    "DepthwiseConv2dNative",
                    "strides=[1,1,1,1] padding=VALID",
                    "bfloat16[1,2,2,0]; bfloat16[1,1,0,3]",
                    "bfloat16[1,2,2,0]",
                ),
                (
                    "DepthwiseConv2dNative",
                    "strides=[1,1,1,1] padding=VALID",
                    "float[1,1,1,2] 1 2; float[1,1,3,1] 1 2 3",
                    "INVALID_ARGUMENT: input and filter must have the same depth: 2 vs 3",
                ),
                (
                    "DepthwiseConv2dNative",
                    "strides=[1,1,2,1] padding=VALID",
                    "float[1,1,1,1] 1; float[1,1,1,1] 1",
                    "INVALID_ARGUMENT: Current implementation only supports equal length strides in the row and column dimensions.",
                ),
                (
                    "DepthwiseConv2dNative",
                    "strides=[1,1,1,1] padding=VALID",
                    "float[1,1,2] 1 2; float[1,1,2,1] 1 2",
                    "INVALID_ARGUMENT: input must be 4-dimensional[1,1,2]",
                ),
            ],
        );
    }
}
