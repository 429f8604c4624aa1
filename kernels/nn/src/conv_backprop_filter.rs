//! See [`OPS`].

use savedmodel_math::gemm::{Epilogue, View};
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Code, Error, PartialShape, Result, Shape, Tensor, bf16, f16};

use crate::conv::attributes::Attributes;
use crate::conv::element::{Convolve, Multiply};
use crate::conv::forward::Sizes;
use crate::conv::kernel::window;
use crate::conv3d::is_compiled;
use crate::layout::{Images, inner_channels};

/// The gradients of convolutions with respect to their filter.
///
/// The second input is the shape of the filter, or a tensor of that shape. Dilations, groups of images and both data formats
/// are taken, which TensorFlow leaves to its oneDNN kernel on processors, but for the types that this one does not take.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Conv2DBackpropFilter>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Conv3DBackpropFilterV2>
pub const OPS: &[Op] = &[
    Op {
        name: "Conv2DBackpropFilter",
        inputs: &["input: T", "filter_sizes: int32", "out_backprop: T"],
        attrs: &[
            "T: {half, bfloat16, float, double}",
            "strides: list(int)",
            "use_cudnn_on_gpu: bool = true",
            "padding: {'SAME', 'VALID', 'EXPLICIT'}",
            "explicit_paddings: list(int) = []",
            "data_format: {'NHWC', 'NCHW'} = 'NHWC'",
            "dilations: list(int) = [1, 1, 1, 1]",
        ],
        shape: |ctx| shape(ctx, 4),
        kernels: by_dtype!("T"; two: f32 f64 f16 bf16),
        ..COMMON
    },
    Op {
        name: "Conv3DBackpropFilter",
        inputs: &["input: T", "filter: T", "out_backprop: T"],
        attrs: &[
            "T: {half, float, double}",
            "strides: list(int) >= 5",
            "padding: {'SAME', 'VALID'}",
            "dilations: list(int) = [1, 1, 1, 1, 1]",
        ],
        shape: |ctx| Ok(vec![ctx.input(1)]),
        kernels: by_dtype!("T"; three: f32 f64 f16),
        ..COMMON
    },
    Op {
        name: "Conv3DBackpropFilterV2",
        inputs: &["input: T", "filter_sizes: int32", "out_backprop: T"],
        attrs: &[
            "T: {half, bfloat16, float, double}",
            "strides: list(int) >= 5",
            "padding: {'SAME', 'VALID'}",
            "data_format: {'NDHWC', 'NCDHW'} = 'NDHWC'",
            "dilations: list(int) = [1, 1, 1, 1, 1]",
        ],
        shape: |ctx| shape(ctx, 5),
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
    shape: |ctx| shape(ctx, 4),
    kernels: by_dtype!("T"; two: f32),
};

/// The shape of a filter whose sizes are input 1.
///
/// # Errors
/// None.
pub fn shape(ctx: &ShapeContext<'_>, rank: usize) -> Result<Vec<PartialShape>> {
    let sizes = ctx.integers(1).filter(|sizes| sizes.len() == rank);
    Ok(vec![match sizes {
        Some(sizes) => PartialShape::new(sizes.iter().map(|&size| usize::try_from(size).ok())),
        None => PartialShape::of_rank(rank),
    }])
}

fn two<T: Convolve>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build::<T>(node, 2, true)
}

fn three<T: Convolve>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build::<T>(node, 3, false)
}

fn three_v2<T: Convolve>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build::<T>(node, 3, true)
}

fn build<T: Convolve>(node: &Construction<'_>, spatial: usize, by_sizes: bool) -> Result<Box<dyn Kernel>> {
    let code = if spatial == 2 { Code::Unimplemented } else { Code::InvalidArgument };
    let attributes = Attributes::of(node, spatial, code)?;
    let takes_groups = spatial == 2 || is_compiled(node);
    attributes.check_plain(T::DTYPE, false, Code::InvalidArgument)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (input, gradient) = (ctx.input(0), ctx.input(2));
        let filter = match by_sizes {
            true => sizes_of("filter_sizes", ctx.input(1), spatial + 2)?,
            false => ctx.input(1).shape().clone(),
        };
        let sizes = check(&attributes, input.shape(), &filter, gradient.shape())?;
        if sizes.groups == 0 || sizes.groups > 1 && !takes_groups {
            return Err(Error::invalid_argument(format!(
                "input and filter_sizes must have the same number of channels. Got {} for input",
                sizes.input.channels
            )));
        }
        let mut out = ctx.allocate(T::DTYPE, filter)?;
        let input = inner_channels::<T>(input, &sizes.input, attributes.channels_first)?;
        let gradient = inner_channels::<T>(gradient, &sizes.output, attributes.channels_first)?;
        let (input, gradient) = (T::widen(&input), T::widen(&gradient));
        T::round(out.as_mut_slice()?, |out| multiply(&sizes, &input, &gradient, out));
        ctx.set(0, out);
        Ok(())
    }))
}

/// The shape that a vector of `rank` sizes tells.
///
/// # Errors
/// `INVALID_ARGUMENT` for another tensor.
pub fn sizes_of(name: &str, sizes: &Tensor, rank: usize) -> Result<Shape> {
    if sizes.rank() != 1 || sizes.elements() != rank {
        let text = format!("{name} must be 1-dimensional and have {rank} elements: {}", sizes.shape());
        return Err(Error::invalid_argument(text));
    }
    let sizes = sizes.to_i64s()?;
    if let Some(size) = sizes.iter().find(|&&size| size < 0) {
        return Err(Error::invalid_argument(format!("Dimension {size} must be >= 0")));
    }
    Shape::from_i64(&sizes)
}

fn check(attributes: &Attributes, input: &Shape, filter: &Shape, gradient: &Shape) -> Result<Sizes> {
    let rank = attributes.spatial + 2;
    let refuse = |text: String| Err(Error::invalid_argument(text));
    for (name, shape) in [("input", input), ("filter", filter), ("out_backprop", gradient)] {
        if shape.rank() != rank {
            return refuse(format!("{name} must be {rank}-dimensional"));
        }
    }
    let input = Images::of(input, attributes.channels_first);
    let output = Images::of(gradient, attributes.channels_first);
    let (depth, outputs) = (filter[rank - 2], filter[rank - 1]);
    if input.batch != output.batch {
        return refuse(format!(
            "input and out_backprop must have the same batch size. Input batch: {}, outbackprop batch: {}",
            input.batch, output.batch
        ));
    }
    if depth == 0 || !input.channels.is_multiple_of(depth) {
        return refuse(format!(
            "input depth must be evenly divisible by filter depth: {} vs {depth}",
            input.channels
        ));
    }
    let groups = input.channels / depth;
    if outputs != output.channels || groups > 0 && !outputs.is_multiple_of(groups) {
        return refuse("filter and out_backprop must have the same out_depth".to_owned());
    }
    let dims = attributes.dims(input.space, window(filter))?;
    if dims.map(|dim| dim.output) != output.space {
        return refuse(format!(
            "Size of out_backprop doesn't match computed: actual = {:?}, computed = {:?}",
            output.space,
            dims.map(|dim| dim.output)
        ));
    }
    Ok(Sizes { input, output, dims, groups })
}

/// Numbers of a matrix of cells that is made at a time.
const HELD: usize = 1 << 18;

/// Adds up, for each tap, channel and output, the products of the cells under the tap with the gradients of the windows.
fn multiply<W: Multiply>(sizes: &Sizes, input: &[W], gradient: &[W], out: &mut [W]) {
    out.fill(W::default());
    let taps: usize = sizes.dims.iter().map(|dim| dim.window).product();
    let outputs = sizes.output.channels;
    let windows = sizes.output.batch * sizes.output.pixels();
    if out.is_empty() || windows == 0 {
        return;
    }
    let groups = sizes.groups;
    let (depth, part) = (sizes.input.channels / groups, outputs / groups);
    let step = (HELD / (taps * depth)).clamp(1, windows);
    let mut cells = vec![W::default(); taps * depth * step];
    let mut product = vec![W::default(); taps * depth * part];
    for first in (0..windows).step_by(step) {
        let count = step.min(windows - first);
        for group in 0..groups {
            let cells = &mut cells[..taps * depth * count];
            gather(sizes, input, [first, count], group * depth..(group + 1) * depth, cells);
            let gradient = View::new(&gradient[first * outputs + group * part..], outputs);
            let gradient = W::pack(count, part, gradient, &[]);
            W::multiply_dense(
                [taps * depth, count, part],
                cells,
                &gradient,
                &mut product,
                Epilogue::default(),
            );
            for (out, product) in out.chunks_exact_mut(outputs).zip(product.chunks_exact(part)) {
                let out = &mut out[group * part..][..part];
                out.iter_mut().zip(product).for_each(|(out, &product)| *out = *out + product);
            }
        }
    }
}

/// Writes the cells under the windows `[first, count]`: a row for each tap and channel, zeros outside of the images.
fn gather<W: Multiply>(
    sizes: &Sizes,
    input: &[W],
    [first, count]: [usize; 2],
    channels: std::ops::Range<usize>,
    cells: &mut [W],
) {
    let windows = sizes.dims.map(|dim| dim.window);
    let [_, height, width] = windows;
    let space = sizes.output.space;
    savedmodel_math::par::for_rows_mut(cells, channels.len() * count, 1, |tap, cells| {
        for (tap, cells) in (tap..).zip(cells.chunks_exact_mut(channels.len() * count)) {
            let tap = [tap / width / height, tap / width % height, tap % width];
            for window in 0..count {
                let at = first + window;
                let image = at / sizes.output.pixels();
                let at = [at / space[2] / space[1] % space[0], at / space[2] % space[1], at % space[2]];
                let cell = (0..3).try_fold(image, |index, axis| {
                    let dim = &sizes.dims[axis];
                    let cell = (at[axis] * dim.stride + tap[axis] * dim.dilation).checked_sub(dim.before)?;
                    (cell < dim.input).then(|| index * dim.input + cell)
                });
                for (row, channel) in channels.clone().enumerate() {
                    let number = cell.map(|cell| input[cell * sizes.input.channels + channel]);
                    cells[row * count + window] = number.unwrap_or_default();
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "Conv2DBackpropFilter",
                    "strides=[1,1,1,1] padding=VALID",
                    "float[1,2,2,1] 1 2 3 4; int32[4] 1 2 1 2; float[1,2,1,2] 1 2 3 4",
                    "float[1,2,1,2] 10 14 14 20",
                ),
                (
                    "Conv2DBackpropFilter",
                    "strides=[1,2,2,1] padding=SAME",
                    "half[1,3,1,1] 1 2 3; int32[4] 3 1 1 1; half[1,2,1,1] 1 10",
                    "half[3,1,1,1] 20 31 2",
                ),
                (
                    "Conv2DBackpropFilter",
                    "strides=[1,1,1,1] padding=VALID",
                    "float[1,1,1,4] 1 2 3 4; int32[4] 1 1 2 2; float[1,1,1,2] 1 10",
                    "float[1,1,2,2] 1 30 2 40",
                ),
                (
                    "Conv2DBackpropFilter",
                    "strides=[1,1,1,1] padding=VALID",
                    "float[0,2,2,1]; int32[4] 1 1 1 1; float[0,2,2,1]",
                    "float[1,1,1,1] 0",
                ),
                (
                    "Conv2DBackpropFilter",
                    "strides=[1,1,1,1] padding=VALID",
                    "float[1,2,2,1] 1 2 3 4; int32[4] 1 2 1 2; float[1,2,2,2] 1 2 3 4 1 2 3 4",
                    "INVALID_ARGUMENT: Size of out_backprop doesn't match computed: actual = [1, 2, 2], computed = [1, 2, 1]",
                ),
                (
                    "Conv3DBackpropFilterV2",
                    "strides=[1,1,1,1,1] padding=VALID",
                    "double[1,2,1,1,1] 1 2; int32[5] 2 1 1 1 1; double[1,1,1,1,1] 3",
                    "double[2,1,1,1,1] 3 6",
                ),
                (
                    "Conv3DBackpropFilter",
                    "strides=[1,1,1,1,1] padding=VALID",
                    "double[1,2,1,1,1] 1 2; double[2,1,1,1,1] 0 0; double[1,1,1,1,1] 3",
                    "double[2,1,1,1,1] 3 6",
                ),
            ],
        );
    }
}
