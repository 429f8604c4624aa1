//! See [`OPS`].

use num_traits::Float;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{DType, Error, PartialShape, Result, bf16, f16};

use crate::conv::attributes::shape;
use crate::conv::element::Convolve;
use crate::conv::finish::Steps;
use crate::conv::kernel::{Forward, Spec};
use crate::depthwise_conv2d_native::check_strides;
use crate::{conv2d, conv3d, depthwise_conv2d_native};

/// Convolutions with what follows them, in one pass over the result.
///
/// Graph optimisers make them, TensorFlow's and ours. `fused_ops` is `BiasAdd`, perhaps followed by `Add`, or
/// `FusedBatchNorm`, and then perhaps one of `Relu`, `Relu6`, `Elu`, `LeakyRelu`, `Tanh`, `Sigmoid`, `Silu`, `HardSwish`, `GeluExact` and
/// `GeluApproximate`. TensorFlow's depthwise one knows no explicit padding; there is one of this project for that. What `Add` adds may have any shape that broadcasts. The inputs after the filter belong to these steps. Half and bfloat16 are rounded once, at the end.
pub const OPS: &[Op] = &[
    Op {
        name: "_FusedConv2D",
        inputs: &["input: T", "filter: T", "args: TArgs", "host_args: num_host_args * float"],
        attrs: &[
            "T: {half, float, double, int8, qint8}",
            "TArgs: list(type) >= 1",
            "num_args: int >= 0",
            "num_host_args: int >= 0 = 0",
            "strides: list(int)",
            "padding: {'SAME', 'VALID', 'EXPLICIT'}",
            "explicit_paddings: list(int) = []",
            "data_format: {'NHWC', 'NCHW', 'NCHW_VECT_C'} = 'NHWC'",
            "filter_format: {'HWIO', 'OIHW', 'OIHW_VECT_I'} = 'HWIO'",
            "dilations: list(int) = [1, 1, 1, 1]",
            "use_cudnn_on_gpu: bool = true",
            FUSED_OPS,
            EPSILON,
            ALPHA,
        ],
        kernels: by_dtype!("T"; conv2d: f32 f64 f16),
        ..COMMON
    },
    Op {
        name: "_FusedDepthwiseConv2dNative",
        attrs: &[
            "T: {half, bfloat16, float, double}",
            "num_args: int >= 0",
            "strides: list(int)",
            "padding: {'SAME', 'VALID'}",
            "data_format: {'NHWC', 'NCHW'} = 'NHWC'",
            "dilations: list(int) = [1, 1, 1, 1]",
            FUSED_OPS,
            EPSILON,
            ALPHA,
        ],
        shape: |ctx| fused(ctx, shape(ctx, 2, |channels, multiplier| channels?.checked_mul(multiplier?))?),
        kernels: by_dtype!("T"; depthwise: f32 f64 f16 bf16),
        ..COMMON
    },
    Op {
        name: "_FusedDepthwiseConv2dExplicit",
        attrs: &[
            "T: {half, bfloat16, float, double}",
            "num_args: int >= 0",
            "strides: list(int)",
            "padding: {'EXPLICIT'}",
            "explicit_paddings: list(int) = []",
            "data_format: {'NHWC', 'NCHW'} = 'NHWC'",
            "dilations: list(int) = [1, 1, 1, 1]",
            FUSED_OPS,
            EPSILON,
            ALPHA,
        ],
        shape: |ctx| fused(ctx, shape(ctx, 2, |channels, multiplier| channels?.checked_mul(multiplier?))?),
        kernels: by_dtype!("T"; depthwise: f32 f64 f16 bf16),
        ..COMMON
    },
    Op {
        name: "_FusedConv3D",
        attrs: &[
            "T: {bfloat16, float, half}",
            "num_args: int >= 0",
            "strides: list(int) >= 5",
            "padding: {'SAME', 'VALID'}",
            "data_format: {'NDHWC', 'NCDHW'} = 'NDHWC'",
            "dilations: list(int) = [1, 1, 1, 1, 1]",
            "padding_list: list(int) = []",
            FUSED_OPS,
            EPSILON,
            ALPHA,
        ],
        shape: |ctx| fused(ctx, shape(ctx, 3, |_, outputs| outputs)?),
        kernels: by_dtype!("T"; conv3d: f32 f16 bf16),
        ..COMMON
    },
];

const COMMON: Op = Op {
    name: "",
    inputs: &["input: T", "filter: T", "args: num_args * T"],
    outputs: &["output: T"],
    attrs: &[],
    effect: Effect::Pure,
    shape: |ctx| fused(ctx, shape(ctx, 2, |_, outputs| outputs)?),
    kernels: by_dtype!("T"; conv2d: f32),
};

const FUSED_OPS: &str = "fused_ops: list(string) = []";
const EPSILON: &str = "epsilon: float = 9.999999747378752e-05";
const ALPHA: &str = "leakyrelu_alpha: float = 0.20000000298023224";

/// The shape of a convolution after its steps.
fn fused(ctx: &ShapeContext<'_>, shapes: Vec<PartialShape>) -> Result<Vec<PartialShape>> {
    let steps: Vec<String> = ctx.attr("fused_ops").unwrap_or_default();
    match &shapes[..] {
        [shape] if steps.iter().any(|step| step == "Add") => {
            Ok(vec![savedmodel_op::shape::broadcast_shapes(shape, &ctx.input(3))?])
        }
        _ => Ok(shapes),
    }
}

fn conv2d<T: Convolve<Wide: Float>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    if node.attr::<String>("data_format")? == "NCHW_VECT_C" {
        return Err(node.unimplemented("data_format"));
    }
    if node.attr::<Vec<DType>>("TArgs")?.iter().any(|&dtype| dtype != T::DTYPE) {
        return Err(node.unimplemented("TArgs"));
    }
    build::<T>(node, &conv2d::SPEC)
}

fn depthwise<T: Convolve<Wide: Float>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    check_strides(node)?;
    build::<T>(node, &depthwise_conv2d_native::SPEC)
}

fn conv3d<T: Convolve<Wide: Float>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    if !node.attr::<Vec<i64>>("padding_list")?.is_empty() {
        return Err(node.unimplemented("padding_list"));
    }
    build::<T>(node, conv3d::spec(node))
}

fn build<T: Convolve<Wide: Float>>(node: &Construction<'_>, spec: &'static Spec) -> Result<Box<dyn Kernel>> {
    if node.attr::<Vec<String>>("fused_ops")?.is_empty() {
        return Err(Error::invalid_argument("Fused Conv2D must have at least one fused op."));
    }
    let steps = Steps::of(node)?;
    let convolution = Forward::<T>::new(node, spec)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let out = steps.run(ctx, &convolution)?;
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
                    "_FusedConv2D",
                    "strides=[1,1,1,1] padding=VALID num_args=1 fused_ops=[BiasAdd] TArgs=[float] num_host_args=0",
                    "float[1,1,2,2] 1 2 3 4; float[1,1,2,2] 1 -2 3 -4; float[2] 1 2",
                    "float[1,1,2,2] 8 -8 16 -20",
                ),
                (
                    "_FusedConv2D",
                    "strides=[1,1,1,1] padding=VALID num_args=1 fused_ops=[BiasAdd,Relu] TArgs=[float] num_host_args=0",
                    "float[1,1,2,2] 1 2 3 4; float[1,1,2,2] 1 -2 3 -4; float[2] 1 2",
                    "float[1,1,2,2] 8 0 16 0",
                ),
                (
                    "_FusedConv2D",
                    "strides=[1,1,1,1] padding=VALID num_args=1 fused_ops=[BiasAdd,Relu6] TArgs=[float] num_host_args=0",
                    "float[1,1,2,2] 1 2 3 4; float[1,1,2,2] 1 -2 3 -4; float[2] 1 2",
                    "float[1,1,2,2] 6 0 6 0",
                ),
                (
                    "_FusedConv2D",
                    "strides=[1,1,1,1] padding=VALID num_args=1 fused_ops=[BiasAdd,Elu] TArgs=[float] num_host_args=0",
                    "float[1,1,2,2] 1 2 3 4; float[1,1,2,2] 1 -2 3 -4; float[2] 1 2",
                    "float[1,1,2,2] 8 -0.9996645 16 -1",
                ),
                (
                    "_FusedConv2D",
                    "strides=[1,1,1,1] padding=VALID num_args=1 fused_ops=[BiasAdd,LeakyRelu] TArgs=[float] num_host_args=0",
                    "float[1,1,2,2] 1 2 3 4; float[1,1,2,2] 1 -2 3 -4; float[2] 1 2",
                    "float[1,1,2,2] 8 -1.6 16 -4",
                ),
                (
                    "_FusedConv2D",
                    "strides=[1,1,1,1] padding=VALID num_args=1 fused_ops=[BiasAdd,Tanh] TArgs=[float] num_host_args=0",
                    "float[1,1,2,2] 1 2 3 4; float[1,1,2,2] 1 -2 3 -4; float[2] -7 10",
                    "float[1,1,2,2] 0 0 1 -0.9999999958776927",
                ),
                (
                    "_FusedConv2D",
                    "strides=[1,1,1,1] padding=VALID num_args=1 fused_ops=[BiasAdd,Sigmoid] TArgs=[float] num_host_args=0",
                    "float[1,1,2,2] 1 2 3 4; float[1,1,2,2] 1 -2 3 -4; float[2] -7 10",
                    "float[1,1,2,2] 0.5 0.5 0.9996646 6.1441747e-06",
                ),
                (
                    "_FusedConv2D",
                    "strides=[1,1,1,1] padding=VALID num_args=2 fused_ops=[BiasAdd,Add] TArgs=[float,float] num_host_args=0",
                    "float[1,1,2,2] 1 2 3 4; float[1,1,2,2] 1 -2 3 -4; float[2] 1 2; float[1,1,2,2] 1 2 3 4",
                    "float[1,1,2,2] 9 -6 19 -16",
                ),
                (
                    "_FusedConv2D",
                    "strides=[1,1,1,1] padding=VALID num_args=2 fused_ops=[BiasAdd,Add,Relu] TArgs=[float,float] num_host_args=0",
                    "float[1,1,2,2] 1 2 3 4; float[1,1,2,2] 1 -2 3 -4; float[2] 1 2; float[1,1,2,2] 1 2 3 40",
                    "float[1,1,2,2] 9 0 19 20",
                ),
                (
                    "_FusedConv2D",
                    "strides=[1,1,1,1] padding=VALID num_args=2 fused_ops=[BiasAdd,Add,Relu] TArgs=[float,float] num_host_args=0",
                    "float[1,1,2,2] 1 2 3 4; float[1,1,2,2] 1 -2 3 -4; float[2] 1 2; float[2,1,1,2] 1 2 3 -40",
                    "float[2,1,2,2] 9 0 17 0 11 0 19 0",
                ),
                (
                    "_FusedConv2D",
                    "strides=[1,1,1,1] padding=VALID num_args=2 fused_ops=[BiasAdd,Add] TArgs=[float,float] num_host_args=0",
                    "float[1,1,2,2] 1 2 3 4; float[1,1,2,2] 1 -2 3 -4; float[2] 1 2; float[3] 1 2 3",
                    "INVALID_ARGUMENT: Fused convolution can't add",
                ),
                (
                    "_FusedConv2D",
                    "strides=[1,1,1,1] padding=VALID num_args=1 fused_ops=[BiasAdd,Silu] TArgs=[float] num_host_args=0",
                    "float[1,1,2,2] 1 2 3 4; float[1,1,2,2] 1 -2 3 -4; float[2] -7 10",
                    "float[1,1,2,2] 0 0 7.9973172 -7.37301e-05",
                ),
                (
                    "_FusedConv2D",
                    "strides=[1,1,1,1] padding=VALID num_args=1 fused_ops=[BiasAdd,HardSwish] TArgs=[float] num_host_args=0",
                    "float[1,1,3,1] 1 2 8; float[1,1,1,2] 1 -1; float[2] -2 3",
                    "float[1,1,3,2] -0.33333334 1.6666666 0 0.6666667 6 -0",
                ),
                (
                    "_FusedConv2D",
                    "strides=[1,1,1,1] padding=VALID num_args=4 fused_ops=[FusedBatchNorm,Relu] TArgs=[float,float,float,float] num_host_args=0 epsilon=0.5",
                    "float[1,1,2,2] 1 2 3 4; float[1,1,2,2] 1 -2 3 -4; float[2] 1 2; float[2] 3 4; float[2] 0 1; float[2] 3.5 1.75",
                    "float[1,1,2,2] 6.5 0 10.5 0",
                ),
                (
                    "_FusedConv2D",
                    "strides=[1,1,1,1] padding=VALID num_args=1 fused_ops=[BiasAdd] TArgs=[double] num_host_args=0",
                    "double[1,1,1,1] 2; double[1,1,1,1] 3; double[1] 1",
                    "double[1,1,1,1] 7",
                ),
                (
                    "_FusedConv2D",
                    "strides=[1,1,1,1] padding=VALID num_args=1 fused_ops=[BiasAdd] TArgs=[half] num_host_args=0",
                    "half[1,1,1,1] 2; half[1,1,1,1] 3; half[1] 1",
                    "half[1,1,1,1] 7",
                ),
                (
                    "_FusedConv2D",
                    "strides=[1,1,1,1] padding=VALID num_args=1 fused_ops=[BiasAdd] TArgs=[float] num_host_args=0",
                    "float[1,1,2,2] 1 2 3 4; float[1,1,2,2] 1 -2 3 -4; float[3] 1 2 3",
                    "INVALID_ARGUMENT: Must provide as many biases",
                ),
                (
                    "_FusedConv2D",
                    "strides=[1,1,1,1] padding=VALID num_args=1 fused_ops=[BiasAdd] TArgs=[double] num_host_args=0",
                    "float[1,1,1,1] 2; float[1,1,1,1] 3; double[1] 1",
                    "UNIMPLEMENTED: operator _FusedConv2D has no kernel for attr TArgs",
                ),
                (
                    "_FusedConv2D",
                    "strides=[1,1,1,1] padding=VALID num_args=2 fused_ops=[BiasAdd] TArgs=[float,float] num_host_args=0",
                    "float[1,1,1,1] 2; float[1,1,1,1] 3; float[1] 1; float[1] 1",
                    "INVALID_ARGUMENT: Fused Conv2D must have these extra arguments: bias",
                ),
                (
                    "_FusedConv2D",
                    "strides=[1,1,1,1] padding=VALID num_args=3 fused_ops=[BiasAdd] TArgs=[float] num_host_args=0",
                    "float[1,1,1,1] 2; float[1,1,1,1] 3; float[1] 1",
                    "INVALID_ARGUMENT: Fused Conv2D must have the number of inputs equal to 2 + num_args + num_host_args",
                ),
                (
                    "_FusedConv2D",
                    "strides=[1,1,1,1] padding=VALID num_args=1 fused_ops=[Exp] TArgs=[float] num_host_args=0",
                    "float[1,1,2,2] 1 2 3 4; float[1,1,2,2] 1 -2 3 -4; float[2] 1 2",
                    "UNIMPLEMENTED: operator _FusedConv2D has no kernel for attr fused_ops",
                ),
                (
                    "_FusedDepthwiseConv2dNative",
                    "strides=[1,1,1,1] padding=VALID num_args=1 fused_ops=[BiasAdd,Relu6]",
                    "float[1,1,2,2] 1 2 3 4; float[1,1,2,1] 1 -2; float[2] 1 6",
                    "float[1,1,2,2] 2 2 4 0",
                ),
            ],
        );
    }
}
