//! See [`OPS`].

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype};
use savedmodel_tensor::{Code, Error, PartialShape, Result, Shape, bf16, f16};

use crate::conv::attributes::Attributes;
use crate::conv::element::{Convolve, Multiply};
use crate::conv::kernel::window;
use crate::conv_backprop_filter::{shape, sizes_of};
use crate::depthwise_conv2d_native::check_strides;
use crate::layout::Images;
use crate::window::Dim;

/// The gradients of depthwise convolutions with respect to their input and their filter.
///
/// Channels come last and dilations do nothing, as in TensorFlow on processors.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DepthwiseConv2dNativeBackpropInput>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DepthwiseConv2dNativeBackpropFilter>
pub const OPS: &[Op] = &[
    Op {
        name: "DepthwiseConv2dNativeBackpropInput",
        inputs: &["input_sizes: int32", "filter: T", "out_backprop: T"],
        shape: |ctx| {
            let sizes = ctx.integers(0).filter(|sizes| sizes.len() == 4);
            Ok(vec![match sizes {
                Some(sizes) => PartialShape::new(sizes.iter().map(|&size| usize::try_from(size).ok())),
                None => PartialShape::of_rank(4),
            }])
        },
        kernels: by_dtype!("T"; to_input: f32 f64 f16 bf16),
        ..COMMON
    },
    COMMON,
];

const COMMON: Op = Op {
    name: "DepthwiseConv2dNativeBackpropFilter",
    inputs: &["input: T", "filter_sizes: int32", "out_backprop: T"],
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
    shape: |ctx| shape(ctx, 4),
    kernels: by_dtype!("T"; to_filter: f32 f64 f16 bf16),
};

/// How the windows of a node move, whatever its dilations.
fn attributes(node: &Construction<'_>) -> Result<Attributes> {
    check_strides(node)?;
    Ok(Attributes::of(node, 2, Code::InvalidArgument)?.without_dilations())
}

/// Channels, outputs of each, and how windows lie.
struct Sizes {
    input: Images,
    output: Images,
    dims: [Dim; 3],
    multiplier: usize,
}

impl Sizes {
    fn of(attributes: &Attributes, input: &Shape, filter: &Shape, gradient: &Shape) -> Result<Sizes> {
        let refuse = |text: &str| Err(Error::invalid_argument(text.to_owned()));
        for (name, shape) in [("input", input), ("filter", filter), ("out_backprop", gradient)] {
            if shape.rank() != 4 {
                return refuse(&format!("{name} must be 4-dimensional"));
            }
        }
        let [input, output] = [input, gradient].map(|shape| Images::of(shape, attributes.channels_first));
        if input.batch != output.batch {
            return refuse("input and out_backprop must have the same batch size");
        }
        if input.channels != filter[2] {
            return refuse("input and filter must have the same in_depth");
        }
        if filter[2].checked_mul(filter[3]) != Some(output.channels) {
            return refuse("depth_multiplier * in_depth not equal to out_depth");
        }
        let dims = attributes.dims(input.space, window(filter))?;
        if dims.map(|dim| dim.output) != output.space {
            return refuse("out_backprop has other rows or columns than the convolution gives");
        }
        if attributes.channels_first {
            return Err(Error::unimplemented(
                "Depthwise convolution on CPU is only supported for NHWC format",
            ));
        }
        Ok(Sizes { input, output, dims, multiplier: filter[3] })
    }

    /// Calls `f(window, cell)` for all windows of an image and the cell that a tap has under each, if it lies inside.
    fn under(&self, tap: usize, mut f: impl FnMut(usize, usize)) {
        let [_, height, width] = &self.dims;
        let cell = |dim: &Dim, at: usize, tap: usize| {
            (at * dim.stride + tap).checked_sub(dim.before).filter(|&cell| cell < dim.input)
        };
        for y in 0..height.output {
            let Some(line) = cell(height, y, tap / width.window) else { continue };
            for x in 0..width.output {
                if let Some(cell) = cell(width, x, tap % width.window) {
                    f(y * width.output + x, line * width.input + cell);
                }
            }
        }
    }

    fn taps(&self) -> usize {
        self.dims.iter().map(|dim| dim.window).product()
    }
}

fn to_input<T: Convolve>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let attributes = attributes(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (filter, gradient) = (ctx.input(1), ctx.input(2));
        let input = sizes_of("input_sizes", ctx.input(0), 4)?;
        let sizes = Sizes::of(&attributes, &input, filter.shape(), gradient.shape())?;
        let mut out = ctx.allocate(T::DTYPE, input)?;
        let (filter, gradient) = (T::widen(filter.as_slice()?), T::widen(gradient.as_slice()?));
        T::round(out.as_mut_slice()?, |out| input_gradient(&sizes, &filter, &gradient, out));
        ctx.set(0, out);
        Ok(())
    }))
}

fn input_gradient<W: Multiply>(sizes: &Sizes, filter: &[W], gradient: &[W], out: &mut [W]) {
    let (channels, outputs) = (sizes.input.channels, sizes.output.channels);
    let (image, windows) = (sizes.input.pixels() * channels, sizes.output.pixels() * outputs);
    out.fill(W::default());
    if image == 0 || windows == 0 {
        return;
    }
    par::for_rows_mut(out, image, 1, |first, out| {
        for (gradient, out) in gradient[first * windows..].chunks(windows).zip(out.chunks_exact_mut(image)) {
            for tap in 0..sizes.taps() {
                let weights = &filter[tap * outputs..][..outputs];
                sizes.under(tap, |window, cell| {
                    let out = &mut out[cell * channels..][..channels];
                    let gradient = &gradient[window * outputs..][..outputs];
                    let products = weights.iter().zip(gradient).map(|(&weight, &gradient)| weight * gradient);
                    if sizes.multiplier == 1 {
                        out.iter_mut().zip(products).for_each(|(out, product)| *out = *out + product);
                    } else {
                        products.enumerate().for_each(|(i, product)| {
                            let out = &mut out[i / sizes.multiplier];
                            *out = *out + product;
                        });
                    }
                });
            }
        }
    });
}

fn to_filter<T: Convolve>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let attributes = attributes(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (input, gradient) = (ctx.input(0), ctx.input(2));
        let filter = sizes_of("filter_sizes", ctx.input(1), 4)?;
        let sizes = Sizes::of(&attributes, input.shape(), &filter, gradient.shape())?;
        let mut out = ctx.allocate(T::DTYPE, filter)?;
        let (input, gradient) = (T::widen(input.as_slice()?), T::widen(gradient.as_slice()?));
        T::round(out.as_mut_slice()?, |out| filter_gradient(&sizes, &input, &gradient, out));
        ctx.set(0, out);
        Ok(())
    }))
}

fn filter_gradient<W: Multiply>(sizes: &Sizes, input: &[W], gradient: &[W], out: &mut [W]) {
    let (channels, outputs) = (sizes.input.channels, sizes.output.channels);
    let (image, windows) = (sizes.input.pixels() * channels, sizes.output.pixels() * outputs);
    out.fill(W::default());
    if image == 0 || windows == 0 {
        return;
    }
    par::for_rows_mut(out, outputs, 1, |first, out| {
        for (tap, out) in (first..).zip(out.chunks_exact_mut(outputs)) {
            for (input, gradient) in input.chunks_exact(image).zip(gradient.chunks_exact(windows)) {
                sizes.under(tap, |window, cell| {
                    let input = &input[cell * channels..][..channels];
                    let pairs = out.iter_mut().zip(&gradient[window * outputs..][..outputs]);
                    if sizes.multiplier == 1 {
                        pairs.zip(input).for_each(|((out, &gradient), &x)| *out = *out + gradient * x);
                    } else {
                        pairs.enumerate().for_each(|(i, (out, &gradient))| {
                            *out = *out + gradient * input[i / sizes.multiplier];
                        });
                    }
                });
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
                    "DepthwiseConv2dNativeBackpropInput",
                    "strides=[1,1,1,1] padding=VALID",
                    "int32[4] 1 1 3 1; float[1,2,1,2] 1 2 3 4; float[1,1,2,2] 1 10 100 1000",
                    "float[1,1,3,1] 21 2143 4300",
                ),
                (
                    "DepthwiseConv2dNativeBackpropInput",
                    "strides=[1,2,2,1] padding=SAME",
                    "int32[4] 1 3 1 2; bfloat16[3,1,2,1] 1 2 3 4 5 6; bfloat16[1,2,1,2] 1 2 3 4",
                    "bfloat16[1,3,1,2] 3 8 8 20 9 16",
                ),
                (
                    "DepthwiseConv2dNativeBackpropFilter",
                    "strides=[1,1,1,1] padding=VALID",
                    "float[1,1,3,1] 1 2 3; int32[4] 1 2 1 2; float[1,1,2,2] 1 10 100 1000",
                    "float[1,2,1,2] 201 2010 302 3020",
                ),
                (
                    "DepthwiseConv2dNativeBackpropFilter",
                    "strides=[1,1,1,1] padding=VALID",
                    "double[1,1,2,2] 1 2 3 4; int32[4] 1 1 2 1; double[1,1,2,2] 1 10 100 1000",
                    "double[1,1,2,1] 301 4020",
                ),
                (
                    "DepthwiseConv2dNativeBackpropFilter",
                    "strides=[1,1,1,1] padding=VALID",
                    "float[1,1,3,1] 1 2 3; int32[4] 1 2 1 2; float[1,1,2,3] 1 10 100 1000 1 1",
                    "INVALID_ARGUMENT: depth_multiplier * in_depth not equal to out_depth",
                ),
            ],
        );
    }
}
