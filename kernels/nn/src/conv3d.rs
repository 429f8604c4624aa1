//! See [`OP`].

use savedmodel_op::{AttrValue, Construction, Effect, Kernel, Op, by_dtype};
use savedmodel_tensor::{Code, Error, Result, Shape, bf16, f16};

use crate::conv::attributes::shape;
use crate::conv::element::Convolve;
use crate::conv::kernel::{Channels, Spec};
use crate::conv2d::{self, forward};
use crate::layout::Images;

/// Convolves volumes with a filter `[depth, height, width, channels, outputs]`.
///
/// Dilations and both data formats are taken, which TensorFlow leaves to its oneDNN kernel on processors; double
/// has neither dilations nor channels that come first, as there. Groups of channels are taken in functions that are to be
/// compiled, whose nodes say so.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Conv3D>
pub const OP: Op = Op {
    name: "Conv3D",
    inputs: &["input: T", "filter: T"],
    outputs: &["output: T"],
    attrs: &[
        "T: {half, bfloat16, float, double}",
        "strides: list(int) >= 5",
        "padding: {'SAME', 'VALID'}",
        "data_format: {'NDHWC', 'NCDHW'} = 'NDHWC'",
        "dilations: list(int) = [1, 1, 1, 1, 1]",
    ],
    effect: Effect::Pure,
    shape: |ctx| shape(ctx, 3, |_, outputs| outputs),
    kernels: by_dtype!("T"; build: f32 f64 f16 bf16),
};

/// What `Conv3D` and its fused form check.
const SPEC: Spec = Spec {
    spatial: 3,
    code: Code::InvalidArgument,
    plain: Code::InvalidArgument,
    dilates: false,
    takes_nothing: false,
    channels,
    ranks,
};

fn ranks(input: &Shape, filter: &Shape) -> Result<()> {
    for (name, shape) in [("input", input), ("filter", filter)] {
        if shape.rank() != 5 {
            return Err(Error::invalid_argument(format!("{name} must be 5-dimensional")));
        }
    }
    Ok(())
}

/// The same in functions that are to be compiled.
const COMPILED: Spec = Spec { channels: conv2d::channels, ..SPEC };

/// What a node checks.
pub fn spec(node: &Construction<'_>) -> &'static Spec {
    if is_compiled(node) { &COMPILED } else { &SPEC }
}

/// Whether a node stands in a function that is to be compiled.
pub fn is_compiled(node: &Construction<'_>) -> bool {
    matches!(node.attrs().get("_XlaMustCompile"), Some(AttrValue::Bool(true)))
}

fn channels(input: &Images, filter: &Shape) -> Result<Channels> {
    if filter[3] == 0 {
        return Err(Error::invalid_argument("filter_depth must be non-zero"));
    }
    if input.channels != filter[3] {
        return Err(Error::invalid_argument(format!(
            "input and filter must have the same depth: {} vs {}",
            input.channels, filter[3]
        )));
    }
    if filter.elements() == 0 {
        return Err(Error::invalid_argument(
            "filter must not have zero elements (i.e. all dimensions must be non-zero)",
        ));
    }
    conv2d::channels(input, filter)
}

fn build<T: Convolve>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    forward::<T>(node, spec(node))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "Conv3D",
                    "strides=[1,1,1,1,1] padding=VALID",
                    "float[1,2,2,2,1] 1 2 3 4 5 6 7 8; float[2,1,2,1,1] 1 2 3 4",
                    "float[1,1,2,1,1] 44 64",
                ),
                (
                    "Conv3D",
                    "strides=[1,2,2,2,1] padding=SAME",
                    "half[1,3,2,1,1] 1 2 3 4 5 6; half[2,2,2,1,2] 1 2 3 4 5 6 7 8 0 1 2 3 4 5 6 7",
                    "half[1,2,1,1,2] 27 37 35 46",
                ),
                (
                    "Conv3D",
                    "strides=[1,1,1,1,1] padding=VALID",
                    "bfloat16[1,1,1,1,2] 3 4; bfloat16[1,1,1,2,1] 1 2",
                    "bfloat16[1,1,1,1,1] 11",
                ),
                (
                    "Conv3D",
                    "strides=[1,1,1,1,1] padding=VALID",
                    "double[0,2,1,1,1]; double[2,1,1,1,1] 1 2",
                    "double[0,1,1,1,1]",
                ),
                (
                    "Conv3D",
                    "strides=[1,1,1,1,1] padding=VALID",
                    "float[1,1,1,1,3] 1 2 3; float[1,1,1,2,1] 1 2",
                    "INVALID_ARGUMENT: input and filter must have the same depth: 3 vs 2",
                ),
                (
                    "Conv3D",
                    "strides=[1,1,1,1,1] padding=VALID",
                    "float[1,1,1,1] 1; float[1,1,1,1,1] 1",
                    "INVALID_ARGUMENT: input must be 5-dimensional",
                ),
                (
                    "Conv3D",
                    "strides=[1,1,1,1,1] padding=VALID",
                    "float[1,1,1,1,1] 1; float[1,1,1,0,1]",
                    "INVALID_ARGUMENT: filter_depth must be non-zero",
                ),
            ],
        );
    }
}
