//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype};
use savedmodel_tensor::{DType, Element, Error, Result, Shape, bf16, f16};

use crate::layout::Images;
use crate::max_pool::{attributes_3d, check_rank_3d};
use crate::pool::attributes::{Attributes, channels_first};
use crate::pool::each_cell;
use crate::pool::places::{NOWHERE, greatest};
use crate::window;

/// The gradients of maxima of windows.
///
/// In two dimensions the first greatest cell takes the gradient; NaN counts if it is the first of its window. In three
/// dimensions every cell takes it that equals the maximum. `MaxPoolGradV2` takes window and strides as inputs;
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
        kernels: by_dtype!("T"; two: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64),
        ..COMMON
    },
    Op {
        name: "MaxPoolGradV2",
        inputs: &["orig_input: T", "orig_output: T", "grad: T", "ksize: int32", "strides: int32"],
        attrs: &["padding: {'SAME', 'VALID'}", "data_format: {'NHWC', 'NCHW'} = 'NHWC'", REAL_DEFAULT],
        kernels: by_dtype!("T"; two_v2: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64),
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
        kernels: by_dtype!("T"; with_argmax: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16 u32 u64),
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
        kernels: by_dtype!("T"; three: f32 bf16),
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
    kernels: by_dtype!("T"; two: f32),
};

/// A type that gradients are added up in.
trait Gradient: Element + PartialOrd {
    fn plus(self, other: Self) -> Self;
}

macro_rules! gradients {
    ($($t:ty)*, |$a:ident, $b:ident| $sum:expr) => {$(
        impl Gradient for $t {
            #[inline(always)]
            fn plus(self, other: $t) -> $t {
                let ($a, $b) = (self, other);
                $sum
            }
        }
    )*};
}

gradients!(f32 f64 f16 bf16, |a, b| a + b);
gradients!(i8 i16 i32 i64 u8 u16 u32 u64, |a, b| a.wrapping_add(b));

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

fn two<T: Gradient>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    refuse_format(node)?;
    let attributes = Attributes::of(node, 2, bad_window)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| run::<T>(ctx, &attributes)))
}

fn two_v2<T: Gradient>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    refuse_format(node)?;
    let padding = window::padding(node, 2, false)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        check_ranks(ctx, NAMES)?;
        let steps = [ctx.input(3).to_i64s()?, ctx.input(4).to_i64s()?];
        run::<T>(ctx, &Attributes::new(2, false, steps, padding.clone(), bad_window)?)
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

fn run<T: Gradient>(ctx: &mut Context<'_>, attributes: &Attributes) -> Result<()> {
    let (input, output, gradient) = (ctx.input(0), ctx.input(1), ctx.input(2));
    check_ranks(ctx, NAMES)?;
    attributes.refuse_depth(false, "MaxPoolingGrad is not yet supported on the depth dimension.")?;
    let images = Images::of(input.shape(), false);
    let dims = attributes.dims(images.space)?;
    let windows = Images { space: dims.map(|dim| dim.output), ..images };
    expect("orig_output", &windows.shape(2, false), output.shape())?;
    expect("grad", &windows.shape(2, false), gradient.shape())?;
    let mut out = ctx.allocate(T::DTYPE, input.shape())?;
    let places = greatest::<T>(input.as_slice()?, &images, &dims);
    let sums = out.as_mut_slice::<T>()?;
    sums.fill(T::default());
    for (&place, &gradient) in
        places.iter().zip(gradient.as_slice::<T>()?).filter(|(place, _)| **place != NOWHERE)
    {
        sums[place] = sums[place].plus(gradient);
    }
    ctx.set(0, out);
    Ok(())
}

fn expect(name: &str, wanted: &Shape, given: &Shape) -> Result<()> {
    if wanted == given {
        return Ok(());
    }
    Err(Error::invalid_argument(format!("Expected {name} shape to be {wanted}, but got {given}")))
}

fn with_argmax<T: Gradient>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
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
        let mut out = ctx.allocate(T::DTYPE, input.shape())?;
        let sums = out.as_mut_slice::<T>()?;
        sums.fill(T::default());
        let size = windows.pixels() * windows.channels;
        let image = images.pixels() * images.channels;
        let pairs = places.as_slice::<i64>()?.iter().zip(gradient.as_slice::<T>()?);
        for (i, (&place, &gradient)) in pairs.enumerate() {
            let first = if all { 0 } else { i / size * image };
            let cell = usize::try_from(place).ok().and_then(|place| sums.get_mut(first.checked_add(place)?));
            let cell = cell.ok_or_else(|| {
                Error::invalid_argument(format!(
                    "Invalid input backprop index: {place}, there are {} elements",
                    images.batch * image
                ))
            })?;
            *cell = cell.plus(gradient);
        }
        ctx.set(0, out);
        Ok(())
    }))
}

fn three<T: Gradient>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    if node.attr::<DType>("TInput")? != T::DTYPE {
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
        let mut out = ctx.allocate(T::DTYPE, input.shape())?;
        let (data, maxima) = (input.as_slice::<T>()?, output.as_slice::<T>()?);
        let gradient = gradient.as_slice::<T>()?;
        let sums = out.as_mut_slice::<T>()?;
        sums.fill(T::default());
        let (channels, image) = (images.channels.max(1), images.pixels() * images.channels);
        let [depth, height, width] = windows.space;
        let of_windows = maxima.chunks_exact(channels).zip(gradient.chunks_exact(channels));
        for (index, (maxima, gradient)) in of_windows.enumerate() {
            let at = [index / width / height % depth, index / width % height, index % width];
            let first = index / width / height / depth * image;
            each_cell(&dims, at, |cell| {
                let cells = first + cell * channels..first + (cell + 1) * channels;
                let sums = sums[cells.clone()].iter_mut().zip(&data[cells]);
                for ((sum, x), (max, &gradient)) in sums.zip(maxima.iter().zip(gradient)) {
                    if x == max {
                        *sum = sum.plus(gradient);
                    }
                }
            });
        }
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
