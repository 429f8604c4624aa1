//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, dtypes};
use savedmodel_tensor::{DType, Error, Result, Shape, Tensor};

use crate::layout::Images;
use crate::max_pool::{attributes_3d, check_rank_3d};
use crate::numbers::{Numbers, Round, rounding};
use crate::pool::attributes::{Attributes, channels_first};
use crate::pool::each_cell;
use crate::pool::places::{NOWHERE, greatest};
use crate::window::{self, Dim};

/// The gradients of maxima of windows.
///
/// In two dimensions the first greatest cell takes the gradient; NaN counts if it is the first of its window. In three
/// dimensions every cell takes it that equals the maximum. `MaxPoolGradGrad` gives the gradient of the cell that equals it first. `MaxPoolGradV2` takes window and strides as inputs;
/// `MaxPoolGradWithArgmax` the places that `MaxPoolWithArgmax` found. Channels come last, as TensorFlow wants on
/// processors. Integers wrap; 16-bit floats round every partial sum.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MaxPoolGrad> and the pages of the other names.
pub const OPS: &[Op] = &[
    Op {
        name: "MaxPoolGrad",
        inputs: &["orig_input: T", "orig_output: T", "grad: T"],
        attrs: &[
            "ksize: list(int) >= 4",
            "strides: list(int) >= 4",
            "padding: {'SAME', 'VALID', 'EXPLICIT'}",
            "explicit_paddings: list(int) = []",
            "data_format: {'NHWC', 'NCHW'} = 'NHWC'",
            REAL_DEFAULT,
        ],
        kernels: Kernels::All(&[("T", dtypes::REAL_NUMBERS)], two),
        ..COMMON
    },
    Op {
        name: "MaxPoolGradV2",
        inputs: &["orig_input: T", "orig_output: T", "grad: T", "ksize: int32", "strides: int32"],
        attrs: &["padding: {'SAME', 'VALID'}", "data_format: {'NHWC', 'NCHW'} = 'NHWC'", REAL_DEFAULT],
        kernels: Kernels::All(&[("T", dtypes::REAL_NUMBERS)], two_v2),
        ..COMMON
    },
    Op {
        name: "MaxPoolGradGrad",
        inputs: &["orig_input: T", "orig_output: T", "grad: T"],
        attrs: &[
            "ksize: list(int) >= 4",
            "strides: list(int) >= 4",
            "padding: {'SAME', 'VALID'}",
            "data_format: {'NHWC', 'NCHW'} = 'NHWC'",
            "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}",
        ],
        shape: |ctx| Ok(vec![ctx.input(1)]),
        kernels: Kernels::All(&[("T", dtypes::REAL_NUMBERS)], second),
        ..COMMON
    },
    Op {
        name: "MaxPoolGradWithArgmax",
        inputs: &["input: T", "grad: T", "argmax: Targmax"],
        attrs: &[
            "ksize: list(int) >= 4",
            "strides: list(int) >= 4",
            "padding: {'SAME', 'VALID'}",
            "include_batch_in_index: bool = false",
            "Targmax: {int32, int64}",
            "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}",
        ],
        kernels: Kernels::All(&[("T", dtypes::REAL_NUMBERS)], with_argmax),
        ..COMMON
    },
    Op {
        name: "MaxPool3DGrad",
        inputs: &["orig_input: TInput", "orig_output: TInput", "grad: T"],
        attrs: &[
            "ksize: list(int) >= 5",
            "strides: list(int) >= 5",
            "padding: {'SAME', 'VALID'}",
            "data_format: {'NDHWC', 'NCDHW'} = 'NDHWC'",
            "T: {half, bfloat16, float} = DT_FLOAT",
            "TInput: {half, bfloat16, float} = DT_FLOAT",
        ],
        kernels: Kernels::All(&[("T", &[DType::Float, DType::Bfloat16])], three),
        ..COMMON
    },
];

const REAL_DEFAULT: &str =
    "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64} = DT_FLOAT";

const COMMON: Op = Op {
    name: "",
    inputs: &[],
    outputs: &["output: T"],
    attrs: &[],
    effect: Effect::Pure,
    shape: savedmodel_op::shape::unchanged,
    kernels: Kernels::Runtime,
};

/// Numbers that gradients are added up in, rounded as their dtype.
trait Number: Copy + PartialOrd + Default + Send + Sync + 'static {
    fn plus(self, other: Self, round: Round) -> Self;
}

impl Number for f64 {
    fn plus(self, other: f64, round: Round) -> f64 {
        round(self + other)
    }
}

impl Number for f32 {
    fn plus(self, other: f32, _: Round) -> f32 {
        self + other
    }
}

impl Number for i64 {
    fn plus(self, other: i64, _: Round) -> i64 {
        self.wrapping_add(other)
    }
}

/// Integers in the order of their dtype.
fn ordered(mut numbers: Vec<i64>, dtype: DType) -> Vec<i64> {
    if dtype == DType::Uint64 {
        numbers.iter_mut().for_each(|x| *x ^= i64::MIN);
    }
    numbers
}

/// What a gradient is made of: images, windows and the rounding of sums.
struct Work<'a> {
    way: Way,
    images: &'a Images,
    dims: &'a [Dim; 3],
}

/// Which gradient it is.
enum Way {
    First,
    All,
    Back,
}

impl Work<'_> {
    /// Writes what is made of two tensors that are compared and one that is handed on.
    fn run(&self, tensors: [&Tensor; 3], out: &mut Tensor) -> Result<()> {
        let dtype = tensors[0].dtype();
        let round = rounding(dtype);
        if dtype == DType::Float {
            let [a, b, gradient] = tensors.map(Tensor::as_slice::<f32>);
            out.as_mut_slice()?.copy_from_slice(&self.made([a?, b?, gradient?], round));
            return Ok(());
        }
        let [a, b, gradient] = tensors.map(Numbers::of);
        let made = match (a?, b?, gradient?) {
            (Numbers::Real(a), Numbers::Real(b), Numbers::Real(gradient)) => {
                Numbers::Real(self.made([&a, &b, &gradient], round))
            }
            (Numbers::Whole(a), Numbers::Whole(b), Numbers::Whole(gradient)) => {
                let [a, b] = [a, b].map(|numbers| ordered(numbers, dtype));
                Numbers::Whole(self.made([&a, &b, &gradient], round))
            }
            _ => return Err(Error::internal("inputs of different kinds")),
        };
        made.write(out)
    }

    fn made<N: Number>(&self, numbers: [&[N]; 3], round: Round) -> Vec<N> {
        match self.way {
            Way::First => first(numbers, self.images, self.dims, round),
            Way::All => all(numbers, self.images, self.dims, round),
            Way::Back => back(numbers, self.images, self.dims),
        }
    }
}

fn bad_window(ksize: &[i64]) -> String {
    let bad = ksize.iter().find(|&&v| v <= 0).copied().unwrap_or_default();
    format!("ksize must be a positive int32 value, got:{bad}")
}

fn refuse_format(node: &Construction<'_>) -> Result<()> {
    match channels_first(node)? {
        true => Err(Error::invalid_argument(format!("{} only supports NHWC on device type CPU", node.op()))),
        false => Ok(()),
    }
}

fn two(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    refuse_format(node)?;
    let attributes = Attributes::of(node, 2, bad_window)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| run(ctx, &attributes)))
}

fn two_v2(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    refuse_format(node)?;
    let padding = window::padding(node, 2, false)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        check_ranks(ctx, NAMES)?;
        let steps = [ctx.input(3).to_i64s()?, ctx.input(4).to_i64s()?];
        run(ctx, &Attributes::new(2, false, steps, padding.clone(), bad_window)?)
    }))
}

const NAMES: [&str; 3] = ["orig_input", "orig_output", "grad"];

/// The first inputs must have four dimensions.
fn check_ranks(ctx: &Context<'_>, names: [&str; 3]) -> Result<()> {
    for (i, name) in names.iter().enumerate() {
        if ctx.input(i).rank() != 4 {
            return Err(Error::invalid_argument(format!("{name} must be 4-dimensional")));
        }
    }
    Ok(())
}

fn run(ctx: &mut Context<'_>, attributes: &Attributes) -> Result<()> {
    let (input, output, gradient) = (ctx.input(0), ctx.input(1), ctx.input(2));
    check_ranks(ctx, NAMES)?;
    attributes.refuse_depth(true, "MaxPoolingGrad is not yet supported on the depth dimension.")?;
    let images = Images::of(input.shape(), false);
    let dims = attributes.dims(images.space)?;
    let windows = Images { space: dims.map(|dim| dim.output), ..images };
    expect("orig_output", &windows.shape(2, false), output.shape())?;
    expect("grad", &windows.shape(2, false), gradient.shape())?;
    let mut out = ctx.allocate(input.dtype(), input.shape())?;
    let work = Work { way: Way::First, images: &images, dims: &dims };
    work.run([input, output, gradient], &mut out)?;
    ctx.set(0, out);
    Ok(())
}

/// Gives the first greatest cell of each window its gradient.
fn first<N: Number>(
    [data, _, gradient]: [&[N]; 3],
    images: &Images,
    dims: &[Dim; 3],
    round: Round,
) -> Vec<N> {
    let mut sums = vec![N::default(); data.len()];
    let places = greatest(data, images, dims);
    for (&place, &gradient) in places.iter().zip(gradient).filter(|(place, _)| **place != NOWHERE) {
        sums[place] = sums[place].plus(gradient, round);
    }
    sums
}

/// Gives every cell that equals the maximum of a window its gradient.
fn all<N: Number>(
    [data, maxima, gradient]: [&[N]; 3],
    images: &Images,
    dims: &[Dim; 3],
    round: Round,
) -> Vec<N> {
    let mut sums = vec![N::default(); data.len()];
    each(images, dims, |window, cell| {
        if data[cell] == maxima[window] {
            sums[cell] = sums[cell].plus(gradient[window], round);
        }
    });
    sums
}

/// The gradients of the first cells that equal the maxima, or zeros.
fn back<N: Number>([data, maxima, gradient]: [&[N]; 3], images: &Images, dims: &[Dim; 3]) -> Vec<N> {
    let (mut out, mut found) = (vec![N::default(); maxima.len()], vec![false; maxima.len()]);
    each(images, dims, |window, cell| {
        if !found[window] && data[cell] == maxima[window] {
            (out[window], found[window]) = (gradient[cell], true);
        }
    });
    out
}

/// Calls `f` with the indices of all outputs and of the cells under their windows, channel by channel.
fn each(images: &Images, dims: &[Dim; 3], mut f: impl FnMut(usize, usize)) {
    let (channels, image) = (images.channels, images.pixels() * images.channels);
    let [depth, height, width] = dims.map(|dim| dim.output);
    for window in 0..images.batch * depth * height * width {
        let at = [window / width / height % depth, window / width % height, window % width];
        let first = window / width / height / depth * image;
        each_cell(dims, at, |cell| {
            (0..channels)
                .for_each(|channel| f(window * channels + channel, first + cell * channels + channel));
        });
    }
}

/// The gradients of gradients: those of the first cells that equal the maxima, or zeros.
fn second(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    refuse_format(node)?;
    let attributes = Attributes::of(node, 2, bad_window)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (input, output, gradient) = (ctx.input(0), ctx.input(1), ctx.input(2));
        check_ranks(ctx, NAMES)?;
        attributes.refuse_depth(true, "MaxPoolingGradGrad is not yet supported on the depth dimension.")?;
        let images = Images::of(input.shape(), false);
        let dims = attributes.dims(images.space)?;
        let windows = Images { space: dims.map(|dim| dim.output), ..images };
        expect("orig_output", &windows.shape(2, false), output.shape())?;
        expect("grad", input.shape(), gradient.shape())?;
        let mut out = ctx.allocate(input.dtype(), output.shape())?;
        let work = Work { way: Way::Back, images: &images, dims: &dims };
        work.run([input, output, gradient], &mut out)?;
        ctx.set(0, out);
        Ok(())
    }))
}

/// Adds gradients up in the cells that are theirs.
fn scatter<N: Number>(cells: &[usize], gradient: &[N], count: usize, round: Round) -> Vec<N> {
    let mut sums = vec![N::default(); count];
    cells.iter().zip(gradient).for_each(|(&cell, &gradient)| sums[cell] = sums[cell].plus(gradient, round));
    sums
}

fn expect(name: &str, wanted: &Shape, given: &Shape) -> Result<()> {
    if wanted == given {
        return Ok(());
    }
    Err(Error::invalid_argument(format!("Expected {name} shape to be {wanted}, but got {given}")))
}

fn with_argmax(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    if node.attr::<DType>("Targmax")? != DType::Int64 {
        return Err(node.no_kernel("Targmax"));
    }
    let attributes = Attributes::of(node, 2, bad_window)?;
    let all: bool = node.attr("include_batch_in_index")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (input, gradient, places) = (ctx.input(0), ctx.input(1), ctx.input(2));
        check_ranks(ctx, ["input", "grad", "argmax"])?;
        let images = Images::of(input.shape(), false);
        let windows = Images { space: attributes.dims(images.space)?.map(|dim| dim.output), ..images };
        expect("grad", &windows.shape(2, false), gradient.shape())?;
        expect("argmax", &windows.shape(2, false), places.shape())?;
        let mut out = ctx.allocate(input.dtype(), input.shape())?;
        let size = windows.pixels() * windows.channels;
        let image = images.pixels() * images.channels;
        let cells = places.as_slice::<i64>()?.iter().enumerate().map(|(i, &place)| {
            let first = if all { 0 } else { i / size * image };
            let cell = usize::try_from(place).ok().and_then(|place| first.checked_add(place));
            cell.filter(|&cell| cell < images.batch * image).ok_or_else(|| {
                Error::invalid_argument(format!(
                    "Invalid input backprop index: {place}, there are {} elements",
                    images.batch * image
                ))
            })
        });
        let cells = cells.collect::<Result<Vec<_>>>()?;
        let round = rounding(input.dtype());
        match Numbers::of(gradient)? {
            Numbers::Real(gradient) => Numbers::Real(scatter(&cells, &gradient, images.batch * image, round)),
            Numbers::Whole(gradient) => {
                Numbers::Whole(scatter(&cells, &gradient, images.batch * image, round))
            }
        }
        .write(&mut out)?;
        ctx.set(0, out);
        Ok(())
    }))
}

fn three(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    if node.attr::<DType>("TInput")? != node.attr::<DType>("T")? {
        return Err(node.no_kernel("TInput"));
    }
    if channels_first(node)? {
        return Err(Error::invalid_argument("MaxPool3DGrad only supports NDHWC on device type CPU"));
    }
    let attributes = attributes_3d(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (input, output, gradient) = (ctx.input(0), ctx.input(1), ctx.input(2));
        check_rank_3d(input.shape())?;
        let images = Images::of(input.shape(), false);
        let dims = attributes.dims(images.space)?;
        let windows = Images { space: dims.map(|dim| dim.output), ..images };
        expect("orig_output", &windows.shape(3, false), output.shape())?;
        expect("grad", &windows.shape(3, false), gradient.shape())?;
        let mut out = ctx.allocate(input.dtype(), input.shape())?;
        let work = Work { way: Way::All, images: &images, dims: &dims };
        work.run([input, output, gradient], &mut out)?;
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
                    "MaxPoolGrad",
                    "ksize=[1,2,2,1] strides=[1,1,1,1] padding=VALID",
                    "float[1,2,3,1] 1 5 5 2 3 4; float[1,1,2,1] 5 5; float[1,1,2,1] 10 20",
                    "float[1,2,3,1] 0 30 0 0 0 0",
                ),
                (
                    "MaxPoolGrad",
                    "ksize=[1,1,2,1] strides=[1,1,2,1] padding=SAME",
                    "uint8[1,1,3,1] 9 9 1; uint8[1,1,2,1] 9 1; uint8[1,1,2,1] 200 7",
                    "uint8[1,1,3,1] 200 0 7",
                ),
                (
                    "MaxPoolGrad",
                    "ksize=[1,1,2,1] strides=[1,1,1,1] padding=VALID",
                    "float[1,1,3,1] nan 9 nan; float[1,1,2,1] 9 9; float[1,1,2,1] 1 2",
                    "float[1,1,3,1] 1 2 0",
                ),
                (
                    "MaxPoolGradV2",
                    "padding=VALID",
                    "half[1,1,3,1] 1 3 2; half[1,1,2,1] 3 3; half[1,1,2,1] 1 2; int32[4] 1 1 2 1; int32[4] 1 1 1 1",
                    "half[1,1,3,1] 0 3 0",
                ),
                (
                    "MaxPoolGrad",
                    "ksize=[1,1,1,2] strides=[1,1,1,2] padding=VALID",
                    "float[1,1,1,2] 1 2; float[1,1,1,1] 2; float[1,1,1,1] 2",
                    "UNIMPLEMENTED: MaxPoolingGrad is not yet supported on the depth dimension.",
                ),
                (
                    "MaxPoolGrad",
                    "ksize=[1,1,2,1] strides=[1,1,1,1] padding=VALID",
                    "float[1,1,3,1] 1 3 2; float[1,1,3,1] 3 3 3; float[1,1,2,1] 1 2",
                    "INVALID_ARGUMENT: Expected orig_output shape to be [1,1,2,1], but got [1,1,3,1]",
                ),
                (
                    "MaxPoolGradGrad",
                    "ksize=[1,1,2,1] strides=[1,1,1,1] padding=VALID",
                    "float[1,1,3,1] 3 3 nan; float[1,1,2,1] 3 nan; float[1,1,3,1] 1 2 4",
                    "float[1,1,2,1] 1 0",
                ),
                (
                    "MaxPoolGradWithArgmax",
                    "ksize=[1,1,2,1] strides=[1,1,1,1] padding=VALID",
                    "float[2,1,2,1] 1 3 2 1; float[2,1,1,1] 3 4; int64[2,1,1,1] 1 0",
                    "float[2,1,2,1] 0 3 4 0",
                ),
                (
                    "MaxPoolGradWithArgmax",
                    "ksize=[1,1,2,1] strides=[1,1,1,1] padding=VALID include_batch_in_index=true",
                    "float[2,1,2,1] 1 3 2 1; float[2,1,1,1] 3 4; int64[2,1,1,1] 1 4",
                    "INVALID_ARGUMENT: Invalid input backprop index: 4, there are 4 elements",
                ),
                (
                    "MaxPool3DGrad",
                    "ksize=[1,1,1,2,1] strides=[1,1,1,1,1] padding=VALID",
                    "float[1,1,1,3,1] 3 3 1; float[1,1,1,2,1] 3 3; float[1,1,1,2,1] 1 2",
                    "float[1,1,1,3,1] 1 3 0",
                ),
            ],
        );
    }
}
