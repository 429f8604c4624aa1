//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Code, Error, PartialShape, Result, Shape, Tensor, bf16, f16};

use crate::conv::attributes::Attributes;
use crate::conv::element::Convolve;
use crate::conv::forward::Sizes;
use crate::conv::kernel::window;
use crate::conv::ready::Ready;
use crate::conv::transposed::{self, Filter};
use crate::conv3d::is_compiled;
use crate::layout::{Images, format_of, inner_channels, with_layout};
use crate::window::Dim;

/// The gradients of convolutions with respect to their input, also known as transposed convolutions.
///
/// The first input is the shape of the result, or a tensor of that shape; for `Conv2DBackpropInput` the height and width
/// are enough. Dilations, groups of images and both data formats are taken, which TensorFlow leaves to its oneDNN kernel
/// on processors, but for the types that this one does not take.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Conv2DBackpropInput>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Conv3DBackpropInputV2>
pub const OPS: &[Op] = &[
    Op {
        name: "Conv2DBackpropInput",
        inputs: &["input_sizes: int32", "filter: T", "out_backprop: T"],
        attrs: ATTRS_2D,
        kernels: by_dtype!("T"; two: f32 f64 f16 bf16 i32),
        ..COMMON
    },
    Op {
        name: "Conv2DBackpropInputV2",
        inputs: &["input: T", "filter: T", "out_backprop: T"],
        attrs: ATTRS_2D,
        shape: savedmodel_op::shape::unchanged,
        // TensorFlow has declared it, and a kernel on no processor.
        kernels: Kernels::ByDType("T", &[]),
        ..COMMON
    },
    Op {
        name: "Conv3DBackpropInput",
        inputs: &["input: T", "filter: T", "out_backprop: T"],
        attrs: &[
            "T: {half, float, double}",
            "strides: list(int) >= 5",
            "padding: {'SAME', 'VALID'}",
            "dilations: list(int) = [1, 1, 1, 1, 1]",
        ],
        shape: savedmodel_op::shape::unchanged,
        kernels: by_dtype!("T"; three: f32 f64 f16),
        ..COMMON
    },
    Op {
        name: "Conv3DBackpropInputV2",
        inputs: &["input_sizes: Tshape", "filter: T", "out_backprop: T"],
        attrs: &[
            "T: {half, bfloat16, float, double}",
            "strides: list(int) >= 5",
            "padding: {'SAME', 'VALID'}",
            "data_format: {'NDHWC', 'NCDHW'} = 'NDHWC'",
            "dilations: list(int) = [1, 1, 1, 1, 1]",
            "Tshape: {int32, int64} = DT_INT32",
        ],
        shape: |ctx| shape(ctx, 3),
        kernels: by_dtype!("T"; three_v2: f32 f64 f16 bf16),
        ..COMMON
    },
];

const COMMON: Op = Op {
    name: "",
    inputs: &[],
    outputs: &["output: T"],
    attrs: &[],
    effect: Effect::Pure,
    shape: |ctx| shape(ctx, 2),
    kernels: by_dtype!("T"; two: f32),
};

const ATTRS_2D: &[&str] = &[
    "T: {half, bfloat16, float, double, int32}",
    "strides: list(int)",
    "use_cudnn_on_gpu: bool = true",
    "padding: {'SAME', 'VALID', 'EXPLICIT'}",
    "explicit_paddings: list(int) = []",
    "data_format: {'NHWC', 'NCHW'} = 'NHWC'",
    "dilations: list(int) = [1, 1, 1, 1]",
];

fn shape(ctx: &ShapeContext<'_>, spatial: usize) -> Result<Vec<PartialShape>> {
    let gradient = ctx.input(2);
    let sizes = ctx.integers(0);
    let mut dims = vec![None; spatial + 2];
    match sizes {
        Some(sizes) if sizes.len() == spatial + 2 => {
            for (dim, &size) in dims.iter_mut().zip(&sizes) {
                *dim = usize::try_from(size).ok();
            }
        }
        Some(sizes) if spatial == 2 && sizes.len() == 2 => {
            let first = if format_of(ctx) { 2 } else { 1 };
            for (dim, &size) in dims[first..].iter_mut().zip(&sizes) {
                *dim = usize::try_from(size).ok();
            }
        }
        _ => dims[0] = gradient.rank().filter(|&rank| rank == spatial + 2).and_then(|_| gradient.dim(0)),
    }
    Ok(vec![PartialShape::new(dims)])
}

/// What the operators differ in.
struct Spec {
    spatial: usize,
    /// Whether the first input holds sizes.
    by_sizes: bool,
    /// What messages begin with.
    label: &'static str,
    code: Code,
}

const TWO: Spec =
    Spec { spatial: 2, by_sizes: true, label: "Conv2DCustomBackpropInput", code: Code::Unimplemented };
const THREE_V2: Spec =
    Spec { spatial: 3, by_sizes: true, label: "Conv3DBackpropInputOp", code: Code::InvalidArgument };
const THREE: Spec = Spec { by_sizes: false, ..THREE_V2 };

fn two<T: Convolve>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build::<T>(node, &TWO)
}

fn three<T: Convolve>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build::<T>(node, &THREE)
}

fn three_v2<T: Convolve>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build::<T>(node, &THREE_V2)
}

fn build<T: Convolve>(node: &Construction<'_>, spec: &'static Spec) -> Result<Box<dyn Kernel>> {
    let attributes = Attributes::of(node, spec.spatial, spec.code)?;
    attributes.check_plain(T::DTYPE, false, Code::InvalidArgument)?;
    let takes_groups = spec.spatial == 2 || is_compiled(node);
    let rounds = node.rounds();
    let ready = Ready::<Filter<T::Wide>>::new(node.constant(1).is_some());
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (filter, gradient) = (ctx.input(1), ctx.input(2));
        let input = spec.input_shape(ctx.input(0), filter, gradient, attributes.channels_first)?;
        let sizes = spec.sizes(&attributes, &input, filter.shape(), gradient.shape())?;
        if sizes.groups == 0 || sizes.groups > 1 && !takes_groups {
            return Err(Error::invalid_argument(format!(
                "{}: input and filter must have the same depth: {} vs {}",
                spec.label,
                sizes.input.channels,
                filter.shape()[spec.spatial]
            )));
        }
        let mut out = ctx.allocate(T::DTYPE, input)?;
        if out.elements() == 0 || gradient.elements() == 0 {
            out.as_mut_slice::<T>()?.fill(T::default());
            ctx.set(0, out);
            return Ok(());
        }
        let gradient = inner_channels::<T>(gradient, &sizes.output, attributes.channels_first)?;
        let gradient = T::widen(&gradient);
        let make = || prepare::<T>(filter, &sizes, rounds);
        ready.with(sizes.groups, make, |filter| {
            with_layout(&mut out, &sizes.input, attributes.channels_first, |out: &mut [T]| {
                T::round(out, |out| transposed::convolve(&sizes, &gradient, filter, out));
            })
        })??;
        ctx.set(0, out);
        Ok(())
    }))
}

fn prepare<T: Convolve>(filter: &Tensor, sizes: &Sizes, rounds: bool) -> Result<Filter<T::Wide>> {
    let dims = sizes.dims.map(|dim| [dim.window, dim.stride, dim.dilation]);
    let channels = sizes.input.channels / sizes.groups;
    let outputs = sizes.output.channels;
    Ok(Filter::new(&T::widen(filter.as_slice()?), dims, [channels, outputs], sizes.groups, rounds))
}

impl Spec {
    /// The shape of the result.
    fn input_shape(
        &self,
        given: &Tensor,
        filter: &Tensor,
        gradient: &Tensor,
        channels_first: bool,
    ) -> Result<Shape> {
        let rank = self.spatial + 2;
        if !self.by_sizes {
            return Ok(given.shape().clone());
        }
        if given.rank() != 1 {
            return Err(Error::invalid_argument(format!(
                "Conv{}DBackpropInput: input_sizes input must be 1-dim, not {}",
                self.spatial,
                given.rank()
            )));
        }
        let mut sizes = given.to_i64s()?;
        if self.spatial == 2 && sizes.len() == 2 && filter.rank() == 4 && gradient.rank() == 4 {
            sizes.insert(if channels_first { 0 } else { 2 }, filter.shape()[2] as i64);
            sizes.insert(0, gradient.shape()[0] as i64);
        }
        if self.spatial == 2 && sizes.len() != rank {
            return Err(Error::invalid_argument(format!(
                "Conv2DBackpropInput requires input_sizes to contain 4 values or 2 values, but got: {}",
                sizes.len()
            )));
        }
        if sizes.len() != rank {
            return Err(Error::invalid_argument(format!("input tensor must have {rank} dimensions")));
        }
        if let Some(size) = sizes.iter().find(|&&size| size < 0) {
            return Err(Error::invalid_argument(format!("Dimension {size} must be >= 0")));
        }
        Shape::from_i64(&sizes)
    }

    fn sizes(
        &self,
        attributes: &Attributes,
        input: &Shape,
        filter: &Shape,
        gradient: &Shape,
    ) -> Result<Sizes> {
        let label = self.label;
        let rank = self.spatial + 2;
        for (name, shape) in [("input", input), ("filter", filter), ("out_backprop", gradient)] {
            if shape.rank() != rank {
                return Err(Error::invalid_argument(format!("{label}: {name} must be {rank}-dimensional")));
            }
        }
        let input = Images::of(input, attributes.channels_first);
        let output = Images::of(gradient, attributes.channels_first);
        let (depth, outputs) = (filter[rank - 2], filter[rank - 1]);
        if input.batch != output.batch {
            return Err(Error::invalid_argument(format!(
                "{label}: input and out_backprop must have the same batch size. Input batch: {}, outbackprop batch: \
                 {}, batch_dim: 0",
                input.batch, output.batch
            )));
        }
        if depth == 0 {
            return Err(Error::invalid_argument(format!(
                "{label}: filter depth must be strictly greated than zero"
            )));
        }
        if !input.channels.is_multiple_of(depth) {
            return Err(Error::invalid_argument(format!(
                "{label}: input depth must be evenly divisible by filter depth"
            )));
        }
        let groups = input.channels / depth;
        if outputs != output.channels || groups > 0 && !outputs.is_multiple_of(groups) {
            return Err(Error::invalid_argument(format!(
                "{label}: filter and out_backprop must have the same out_depth"
            )));
        }
        let dims = attributes.dims(input.space, window(filter))?;
        for (axis, (dim, &actual)) in dims.iter().zip(&output.space).enumerate() {
            check_output(label, dim, actual, axis + self.spatial - 2)?;
        }
        Ok(Sizes { input, output, dims, groups })
    }
}

fn check_output(label: &str, dim: &Dim, actual: usize, axis: usize) -> Result<()> {
    if dim.output == actual {
        return Ok(());
    }
    Err(Error::invalid_argument(format!(
        "{label}: Size of out_backprop doesn't match computed: actual = {actual}, computed = {} spatial_dim: {axis} \
         input: {} filter: {} output: {actual} stride: {} dilation: {}",
        dim.output, dim.input, dim.window, dim.stride, dim.dilation
    )))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "Conv2DBackpropInput",
                    "strides=[1,1,1,1] padding=VALID",
                    "int32[4] 1 3 3 1; float[2,2,1,1] 1 2 3 4; float[1,2,2,1] 1 2 3 4",
                    "float[1,3,3,1] 1 4 4 6 20 16 9 24 16",
                ),
                (
                    "Conv2DBackpropInput",
                    "strides=[1,2,2,1] padding=SAME",
                    "int32[4] 1 4 3 1; double[3,3,1,2] 1 2 3 4 5 6 7 8 0 1 2 3 4 5 6 7 8 0; double[1,2,2,2] 1 2 3 4 5 6 7 8",
                    "double[1,4,3,1] 11 28 25 2 61 4 59 124 99 6 141 8",
                ),
                (
                    "Conv2DBackpropInput",
                    "strides=[1,3,3,1] padding=VALID",
                    "int32[2] 5 4; half[2,1,2,1] 1 2 3 4; half[1,2,2,1] 1 2 3 4",
                    "half[1,5,4,2] 1 2 0 0 0 0 2 4 3 4 0 0 0 0 6 8 0 0 0 0 0 0 0 0 3 6 0 0 0 0 4 8 9 12 0 0 0 0 12 16",
                ),
                (
                    "Conv2DBackpropInput",
                    "strides=[1,3,3,1] padding=SAME",
                    "int32[4] 1 4 5 1; float[3,3,1,2] -3 -2 -1 0 1 2 3 -3 -2 -1 0 1 2 3 -3 -2 -1 0; float[1,2,2,2] -1 0 1 2 3 -1 0 1",
                    "float[1,4,5,1] -3 2 0 -3 -4 -2 3 1 8 -7 -7 -3 1 -2 0 12 -5 -1 -3 -1",
                ),
                (
                    "Conv2DBackpropInput",
                    "strides=[1,2,2,1] padding=VALID",
                    "int32[4] 2 3 5 2; float[2,2,2,1] -3 -2 -1 0 1 2 3 -3; float[2,1,2,1] -1 0 1 2",
                    "float[2,3,5,2] 3 2 1 0 0 0 0 0 0 0 -1 -2 -3 3 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 -3 -2 -1 0 -6 -4 -2 0 0 0 1 2 3 -3 2 4 6 -6 0 0 0 0 0 0 0 0 0 0 0 0",
                ),
                (
                    "Conv2DBackpropInput",
                    "strides=[1,1,2,1] padding=SAME",
                    "int32[4] 1 3 4 1; float[1,2,1,1] -3 -2; float[1,3,2,1] -1 0 1 2 3 -1",
                    "float[1,3,4,1] 3 2 0 0 -3 -2 -6 -4 -9 -6 3 2",
                ),
                (
                    "Conv2DBackpropInput",
                    "strides=[1,2,1,1] padding=EXPLICIT explicit_paddings=[0,0,1,1,0,1,0,0]",
                    "int32[4] 1 3 2 1; int32[2,2,1,1] 1 2 3 4; int32[1,2,2,1] 1 2 3 4",
                    "int32[1,3,2,1] 3 10 3 10 9 24",
                ),
                (
                    "Conv2DBackpropInput",
                    "strides=[1,1,1,1] padding=VALID",
                    "int32[4] 0 2 2 1; float[1,1,1,1] 1; float[0,2,2,1]",
                    "float[0,2,2,1]",
                ),
                (
                    "Conv2DBackpropInput",
                    "strides=[1,1,1,1] padding=VALID",
                    "int32[4] 1 2 2 1; float[2,2,1,0]; float[1,1,1,0]",
                    "float[1,2,2,1] 0 0 0 0",
                ),
                (
                    "Conv2DBackpropInput",
                    "strides=[1,1,1,1] padding=VALID",
                    "int32[3] 1 2 2; float[1,1,1,1] 1; float[1,2,2,1] 1 2 3 4",
                    "INVALID_ARGUMENT: Conv2DBackpropInput requires input_sizes to contain 4 values or 2 values, but got: 3",
                ),
                (
                    "Conv2DBackpropInput",
                    "strides=[1,1,1,1] padding=VALID",
                    "int32[4] 1 -2 2 1; float[1,1,1,1] 1; float[1,2,2,1] 1 2 3 4",
                    "INVALID_ARGUMENT: Dimension -2 must be >= 0",
                ),
                (
                    "Conv2DBackpropInput",
                    "strides=[1,1,1,1] padding=VALID",
                    "int32[4] 1 3 2 1; float[1,1,1,1] 1; float[1,2,2,1] 1 2 3 4",
                    "INVALID_ARGUMENT: Conv2DCustomBackpropInput: Size of out_backprop doesn't match computed: actual = 2, computed = 3 spatial_dim: 1 input: 3 filter: 1 output: 2 stride: 1 dilation: 1",
                ),
                (
                    "Conv3DBackpropInputV2",
                    "strides=[1,1,1,1,1] padding=VALID",
                    "int32[5] 1 2 2 2 1; float[2,1,2,1,1] 1 2 3 4; float[1,1,2,1,1] 1 2",
                    "float[1,2,2,2,1] 1 2 2 4 3 4 6 8",
                ),
                (
                    "Conv3DBackpropInputV2",
                    "strides=[1,2,2,2,1] padding=SAME",
                    "int64[5] 1 3 2 1 1; bfloat16[2,2,2,1,2] 1 2 3 4 5 6 7 8 0 1 2 3 4 5 6 7; bfloat16[1,2,1,1,2] 1 2 3 4",
                    "bfloat16[1,3,2,1,1] 5 17 2 14 11 39",
                ),
                (
                    "Conv3DBackpropInput",
                    "strides=[1,2,1,1,1] padding=VALID",
                    "half[1,3,2,1,1] 0 0 0 0 0 0; half[2,2,1,1,1] 1 2 3 4; half[1,1,1,1,1] 3",
                    "half[1,3,2,1,1] 3 6 9 12 0 0",
                ),
                (
                    "Conv3DBackpropInputV2",
                    "strides=[1,1,1,1,1] padding=VALID",
                    "int32[3] 1 2 2; float[1,1,1,1,1] 1; float[1,1,1,1,1] 1",
                    "INVALID_ARGUMENT: input tensor must have 5 dimensions",
                ),
            ],
        );
    }
}
