//! See [`OP`].

use std::cell::Cell;
use std::ops::Range;

use savedmodel_math::depthwise::Taps;
use savedmodel_math::gemm::{Activation, Axis, Epilogue, PackedB, View};
use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Code, DType, Error, PartialShape, Result, Shape, Tensor};

use crate::conv::attributes::{Attributes, shape};
use crate::conv::element::Multiply;
use crate::conv::finish::activation;
use crate::conv::forward::{axis, scaled};
use crate::conv::kernel::factors;
use crate::conv::ready::Ready;

/// A convolution of single cells, and a depthwise one of what it gives: the first half of an inverted bottleneck.
///
/// `input` is `[batch, height, width, channels]`, `filter` `[1, 1, channels, expanded]`, `depthwise_filter` `[height, width, expanded, 1]`. What
/// lies between is the largest thing in networks of this kind; large images are therefore made in bands of rows that stay in cache. An optimiser of
/// this project makes the operator, for one element type. `expand_ops` and `depthwise_ops` are empty or name an activation each, as `fused_ops` of
/// fused convolutions does. <https://arxiv.org/abs/1801.04381>
pub const OP: Op = Op {
    name: "_FusedExpandedDepthwiseConv2d",
    inputs: &["input: T", "filter: T", "bias: T", "depthwise_filter: T", "depthwise_bias: T"],
    outputs: &["output: T"],
    attrs: &[
        "T: {float}",
        "strides: list(int)",
        "padding: {'SAME', 'VALID', 'EXPLICIT'}",
        "explicit_paddings: list(int) = []",
        "data_format: {'NHWC'} = 'NHWC'",
        "dilations: list(int) = [1, 1, 1, 1]",
        "expand_ops: list(string) = []",
        "depthwise_ops: list(string) = []",
    ],
    effect: Effect::Pure,
    shape: infer,
    kernels: Kernels::All(&[("T", &[DType::Float])], build),
};

/// Bytes of an expanded image that stays in cache as a whole.
const SMALL: usize = 1 << 19;
/// Bytes of a band of expanded rows.
const BAND: usize = 1 << 18;
/// Bytes of a band that is too large to gain by it.
const LARGE: usize = 4 * BAND;
/// A task makes this many rows for each one that its neighbour makes too.
const ROWS_PER_SHARED_ROW: usize = 6;
/// Tasks below which large images are better made one step after the other, each of which has more.
const FEW_TASKS: usize = 4;
/// Nanoseconds that a product of the depthwise convolution takes.
const PRODUCT_NS: f64 = 0.15;

thread_local! {
    /// A band that is not in use.
    static KEPT: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

fn infer(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let inputs = [ctx.input(0), ctx.input(3)];
    let depthwise = ShapeContext { attrs: ctx.attrs, inputs: &inputs, values: &[], outputs: 1 };
    shape(&depthwise, 2, |expanded, multiplier| expanded?.checked_mul(multiplier?))
}

struct Expanded {
    attributes: Attributes,
    activations: [Activation; 2],
    /// What the channels of `filter` are multiplied by, or nothing.
    factors: Vec<f32>,
    /// Whether the filter of the first convolution may be rounded.
    rounds: bool,
    ready: Ready<PackedB<f32>>,
}

impl Expanded {
    fn prepare(&self, filter: &Tensor, [channels, expanded]: [usize; 2]) -> Result<PackedB<f32>> {
        if !self.rounds {
            let filter = View::new(filter.as_slice()?, expanded);
            return Ok(PackedB::scaled(channels, expanded, filter, &self.factors));
        }
        let filter = scaled(filter.as_slice()?.into(), &self.factors);
        Ok(PackedB::perhaps_rounded(self.rounds, [channels, expanded], View::new(&filter, expanded)))
    }
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let read = |attr: &str| {
        let names: Vec<String> = node.attr(attr)?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        activation(&names, 0.0).filter(|_| names != ["LeakyRelu"]).ok_or_else(|| node.unimplemented(attr))
    };
    let attributes = Attributes::of(node, 2, Code::InvalidArgument)?;
    let activations = [read("expand_ops")?, read("depthwise_ops")?];
    let filter = node.constant(1);
    let (ready, factors) = (Ready::new(filter.is_some()), factors(node)?);
    let kernel = Expanded { attributes, activations, factors, rounds: node.rounds(), ready };
    if let Some(filter) = filter
        && let &[1, 1, channels, expanded] = filter.shape().dims()
    {
        kernel.ready.set(1, kernel.prepare(filter, [channels, expanded])?);
    }
    Ok(Box::new(kernel))
}

impl Kernel for Expanded {
    fn compute(&self, ctx: &mut Context<'_>) -> Result<()> {
        let shapes = [0, 1, 2, 3, 4].map(|i| ctx.input(i).shape());
        let wrong = || {
            let [input, filter, bias, depthwise, other] = shapes;
            Error::invalid_argument(format!(
                "{input} can't be expanded by {filter} and {bias} and convolved with {depthwise} and {other}"
            ))
        };
        let &[batch, height, width, channels] = shapes[0].dims() else { return Err(wrong()) };
        let &[rows, columns, expanded, 1] = shapes[3].dims() else { return Err(wrong()) };
        let bias = Shape::from([expanded]);
        if shapes[1].dims() != [1, 1, channels, expanded] || *shapes[2] != bias || *shapes[4] != bias {
            return Err(wrong());
        }
        if [channels, rows, columns].contains(&0) {
            return Err(wrong());
        }
        let dims = self.attributes.dims([1, height, width], [1, rows, columns])?;
        let shape = Shape::from([batch, dims[1].output, dims[2].output, expanded]);
        let mut out = ctx.allocate(DType::Float, shape)?;
        if out.elements() > 0 {
            let make = || self.prepare(ctx.input(1), [channels, expanded]);
            self.ready.with(1, make, |filter| {
                let [bias, taps, other] = [2, 3, 4].map(|i| ctx.input(i).as_slice::<f32>());
                let call = Call {
                    input: ctx.input(0).as_slice()?,
                    filter,
                    bias: bias?,
                    taps: taps?,
                    depthwise_bias: other?,
                    activations: self.activations,
                    axes: dims.map(|dim| axis(&dim)),
                };
                call.run(ctx, batch, &mut out)
            })??;
        }
        ctx.set(0, out);
        Ok(())
    }
}

/// One call with its sizes checked, none of which is zero.
struct Call<'a> {
    input: &'a [f32],
    filter: &'a PackedB<f32>,
    bias: &'a [f32],
    taps: &'a [f32],
    depthwise_bias: &'a [f32],
    activations: [Activation; 2],
    axes: [Axis; 3],
}

impl Call<'_> {
    fn run(&self, ctx: &Context<'_>, batch: usize, out: &mut Tensor) -> Result<()> {
        let [_, height, width] = self.axes;
        let (expanded, length) = (self.bias.len(), width.windows * self.bias.len());
        let row = width.cells.saturating_mul(expanded);
        let image = height.cells.saturating_mul(row);
        let bytes = |elements: usize| elements.saturating_mul(size_of::<f32>());
        let shared = ((height.taps - 1) * height.dilation + 1).saturating_sub(height.stride);
        let tasks = height.windows / (shared * ROWS_PER_SHARED_ROW / height.stride).max(1);
        let is_small = bytes(image) <= SMALL || bytes(rows_of_band(&height, row) * row) > LARGE;
        if is_small || tasks.saturating_mul(batch) < FEW_TASKS {
            let mut between = ctx.allocate(out.dtype(), [batch, height.cells, width.cells, expanded])?;
            self.expand(self.input, between.as_mut_slice()?);
            let between = between.as_slice::<f32>()?;
            let grain = par::grain(PRODUCT_NS * (height.taps * width.taps * length) as f64);
            par::for_rows_mut(out.as_mut_slice()?, length, grain, |first, out| {
                for (row, out) in (first..).zip(out.chunks_exact_mut(length)) {
                    let image = &between[row / height.windows * image..][..image];
                    self.line(image, row % height.windows, out);
                }
            });
            return Ok(());
        }
        let rows = height.windows.div_ceil(tasks);
        let image = height.windows * length;
        let parts = out.as_mut_slice::<f32>()?.chunks_mut(image).enumerate().flat_map(|(index, out)| {
            out.chunks_mut(rows * length).enumerate().map(move |(part, out)| (index, part * rows, out))
        });
        let count = batch * height.windows.div_ceil(rows);
        par::for_items(count, parts, |(index, first, out)| self.bands(index, first, out));
        Ok(())
    }

    /// Whole rows of expanded cells from whole rows of cells.
    fn expand(&self, cells: &[f32], out: &mut [f32]) {
        let (channels, expanded) = (self.filter.k(), self.bias.len());
        let epilogue = Epilogue { bias: self.bias, activation: self.activations[0], ..Epilogue::default() };
        let sizes = [out.len() / expanded, channels, expanded];
        f32::multiply_dense(sizes, cells, self.filter, out, epilogue);
    }

    /// One line of the output from expanded rows, which stand in a ring or are all there.
    fn line(&self, image: &[f32], y: usize, out: &mut [f32]) {
        let channels = self.bias.len();
        let held = image.len() / (self.axes[2].cells * channels);
        let taps = Taps { image, held, filter: self.taps, axes: &self.axes, at: [0, y], channels };
        let activation = self.activations[1];
        match f32::bounds(activation) {
            Some(bounds) => f32::depthwise(&taps, self.depthwise_bias, bounds, out),
            None => {
                f32::depthwise(&taps, self.depthwise_bias, f32::UNBOUNDED, out);
                f32::finish(out, &Epilogue { activation, ..Epilogue::default() });
            }
        }
    }

    /// Lines of one image from `first` on, in bands.
    fn bands(&self, index: usize, first: usize, out: &mut [f32]) {
        let [_, height, width] = self.axes;
        let (cells, row) = (width.cells * self.filter.k(), width.cells * self.bias.len());
        let image = &self.input[index * height.cells * cells..][..height.cells * cells];
        let most = rows_of_band(&height, row);
        let length = width.windows * self.bias.len();
        let end = first + out.len() / length;
        let mut band = KEPT.take();
        if band.len() < most * row {
            band.resize(most * row, 0.0);
        }
        let ring = &mut band[..most * row];
        // The end of the rows that the band holds, and the next line of the output.
        let (mut held, mut y) = (0, first);
        while y < end {
            let Range { start, end: mut last } = rows_under(&height, y);
            let mut next = y + 1;
            while next < end && rows_under(&height, next).end - start <= most {
                last = rows_under(&height, next).end;
                next += 1;
            }
            held = held.max(start);
            while held < last {
                // The band is a ring: rows that are no longer needed make place for new ones.
                let place = held % most;
                let count = (most - place).min(last - held);
                let target = &mut ring[place * row..][..count * row];
                self.expand(&image[held * cells..][..count * cells], target);
                held += count;
            }
            for y in y..next {
                self.line(ring, y, &mut out[(y - first) * length..][..length]);
            }
            y = next;
        }
        KEPT.set(band);
    }
}

/// The rows of cells that may lie under a line of windows; both ends only go up from line to line.
fn rows_under(height: &Axis, y: usize) -> Range<usize> {
    let top = y * height.stride;
    let end = (top + (height.taps - 1) * height.dilation + 1).saturating_sub(height.before).min(height.cells);
    top.saturating_sub(height.before).min(end)..end
}

/// How many expanded rows of `row` elements a band holds: as many as stay in cache, and all that lie under one line.
fn rows_of_band(height: &Axis, row: usize) -> usize {
    let under_one = (height.taps - 1) * height.dilation + 1;
    (BAND / size_of::<f32>() / row.max(1)).max(under_one).min(height.cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "_FusedExpandedDepthwiseConv2d",
                    "strides=[1,1,1,1] padding=SAME expand_ops=[Relu6] depthwise_ops=[Relu]",
                    "float[1,2,2,1] 1 2 3 4; float[1,1,1,2] 1 -1; float[2] 0 3; float[2,2,2,1] 1 2 3 4 5 6 7 8; float[2] -40 1",
                    "float[1,2,2,2] 10 9 0 3 0 1 0 1",
                ),
                (
                    "_FusedExpandedDepthwiseConv2d",
                    "strides=[1,2,2,1] padding=EXPLICIT explicit_paddings=[0,0,1,0,1,0,0,0] expand_ops=[] depthwise_ops=[Silu]",
                    "float[1,2,2,1] 1 2 3 4; float[1,1,1,1] 2; float[1] 1; float[2,2,1,1] 1 2 3 4; float[1] 0",
                    "float[1,1,1,1] 11.999926",
                ),
                (
                    "_FusedExpandedDepthwiseConv2d",
                    "strides=[1,1,1,1] padding=VALID",
                    "float[1,2,2,1] 1 2 3 4; float[1,1,2,1] 2 1; float[1] 1; float[1,1,1,1] 1; float[1] 0",
                    "INVALID_ARGUMENT: [1,2,2,1] can't be expanded by [1,1,2,1] and [1]",
                ),
                (
                    "_FusedExpandedDepthwiseConv2d",
                    "strides=[1,1,1,1] padding=VALID depthwise_ops=[Exp]",
                    "float[1,2,2,1] 1 2 3 4; float[1,1,1,1] 2; float[1] 1; float[1,1,1,1] 1; float[1] 0",
                    "UNIMPLEMENTED: operator _FusedExpandedDepthwiseConv2d has no kernel for attr depthwise_ops",
                ),
            ],
        );
    }

    /// Bands give what whole images give, wherever windows lie.
    #[test]
    fn bands_are_parts_of_images() {
        let axis = |cells, taps, stride, dilation, before, windows| Axis {
            cells,
            windows,
            taps,
            stride,
            dilation,
            before,
        };
        let unit = axis(1, 1, 1, 1, 0, 1);
        for (height, width) in [
            (axis(9, 3, 1, 1, 1, 9), axis(300, 3, 1, 1, 1, 300)),
            (axis(11, 3, 2, 1, 1, 6), axis(300, 3, 2, 1, 0, 149)),
            (axis(8, 5, 1, 1, 2, 8), axis(299, 5, 2, 1, 2, 150)),
            (axis(7, 3, 1, 2, 3, 9), axis(300, 1, 1, 1, 0, 300)),
            (axis(2, 2, 1, 5, 6, 12), axis(400, 3, 1, 3, 3, 400)),
        ] {
            let (channels, expanded) = (3, 64);
            let number = |i: usize| (i * 7 % 11) as f32 - 5.0;
            let numbers = |count: usize| (0..count).map(number).collect::<Vec<f32>>();
            let input = numbers(height.cells * width.cells * channels);
            let filter = numbers(channels * expanded);
            let (bias, taps) = (numbers(expanded), numbers(height.taps * width.taps * expanded));
            let call = Call {
                input: &input,
                filter: &PackedB::new(channels, expanded, View::new(&filter, expanded)),
                bias: &bias,
                taps: &taps,
                depthwise_bias: &bias,
                activations: [Activation::Relu, Activation::Relu6],
                axes: [unit, height, width],
            };
            let length = width.windows * expanded;
            let mut whole = vec![f32::NAN; height.windows * length];
            let mut between = vec![f32::NAN; height.cells * width.cells * expanded];
            call.expand(&input, &mut between);
            for (y, out) in whole.chunks_exact_mut(length).enumerate() {
                call.line(&between, y, out);
            }
            for first in [0, height.windows / 2] {
                let mut out = vec![f32::NAN; (height.windows - first) * length];
                call.bands(0, first, &mut out);
                assert!(out == whole[first * length..], "{height:?} from {first}");
            }
        }
    }
}
