//! See [`OPS`].

use savedmodel_math::{map, par};
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Element, Error, PartialShape, Result, Shape, bf16, f16};

use crate::layout::{Images, format_of, inner_channels, with_layout};
use crate::pool::attributes::{Attributes, channels_first, check_rank, shape, shape_of};
use crate::pool::fold::{FiniteMax, Fold, Max};
use crate::pool::pool;
use crate::window;

/// The maximum of each window.
///
/// In two dimensions NaN is skipped and the result is never less than the lowest finite number; in three, a window is
/// NaN if its last cell is. `MaxPool` can also take the maximum of adjacent channels, when its window has one cell
/// otherwise. `MaxPoolV2` takes window and strides as inputs. Both data formats are taken.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MaxPool>
pub const OPS: &[Op] = &[
    Op {
        name: "MaxPool",
        inputs: &["input: T"],
        outputs: &["output: T"],
        attrs: &[
            "T: {half, bfloat16, float, double, int32, int64, uint8, int16, int8, uint16, qint8} = DT_FLOAT",
            "ksize: list(int) >= 4",
            "strides: list(int) >= 4",
            "padding: {'SAME', 'VALID', 'EXPLICIT'}",
            "explicit_paddings: list(int) = []",
            "data_format: {'NHWC', 'NCHW', 'NCHW_VECT_C'} = 'NHWC'",
        ],
        effect: Effect::Pure,
        shape: |ctx| {
            check_depth(ctx, &ctx.attr::<Vec<i64>>("ksize").unwrap_or_default())?;
            shape(ctx, 2)
        },
        kernels: by_dtype!("T"; two: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16),
    },
    Op {
        name: "MaxPoolV2",
        inputs: &["input: T", "ksize: int32", "strides: int32"],
        outputs: &["output: T"],
        attrs: &[
            "T: {half, bfloat16, float, double, int32, int64, uint8, int16, int8, uint16, qint8} = DT_FLOAT",
            "padding: {'SAME', 'VALID'}",
            "data_format: {'NHWC', 'NCHW', 'NCHW_VECT_C'} = 'NHWC'",
        ],
        effect: Effect::Pure,
        shape: shape_v2,
        kernels: by_dtype!("T"; two_v2: f32 f64 f16 bf16 i8 i16 i32 i64 u8 u16),
    },
    Op {
        name: "MaxPool3D",
        inputs: &["input: T"],
        outputs: &["output: T"],
        attrs: &[
            "ksize: list(int) >= 5",
            "strides: list(int) >= 5",
            "padding: {'SAME', 'VALID'}",
            "data_format: {'NDHWC', 'NCDHW'} = 'NDHWC'",
            "T: {half, bfloat16, float}",
        ],
        effect: Effect::Pure,
        shape: |ctx| shape(ctx, 3),
        kernels: by_dtype!("T"; three: f32 bf16),
    },
];

/// Refuses windows over more channels than there are, which other pools leave to their kernels.
fn check_depth(ctx: &ShapeContext<'_>, ksize: &[i64]) -> Result<()> {
    let input = ctx.input(0);
    let (Some(dims @ [_, _, _, _]), [_, _, _, _]) = (input.dims(), ksize) else { return Ok(()) };
    let at = if format_of(ctx) { 1 } else { 3 };
    let is_same = ctx.attr::<String>("padding").is_some_and(|padding| padding == "SAME");
    match dims[at] {
        Some(channels) if ksize[at] > channels as i64 && !is_same => Err(Error::invalid_argument(format!(
            "Negative dimension size caused by subtracting {} from {channels}",
            ksize[at]
        ))),
        _ => Ok(()),
    }
}

fn shape_v2(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    if let Some(rank) = [1, 2].into_iter().find_map(|i| ctx.input(i).rank().filter(|&rank| rank != 1)) {
        return Err(Error::invalid_argument(format!("Shape must be rank 1 but is rank {rank}")));
    }
    check_depth(ctx, &ctx.integers(1).unwrap_or_default())?;
    shape_of(ctx, 2, ctx.integers(1).zip(ctx.integers(2)).map(|(ksize, strides)| [ksize, strides]))
}

fn two<T: Element + PartialOrd>(node: &Construction<'_>) -> Result<Box<dyn Kernel>>
where
    FiniteMax: Fold<T>,
{
    let attributes = Attributes::of(node, 2, |ksize| {
        let ksize: Vec<String> = ksize.iter().map(ToString::to_string).collect();
        format!(
            "Sliding window ksize must be positive. The specified or inferred ksize is: {}",
            ksize.join(",")
        )
    })?;
    Ok(Box::new(move |ctx: &mut Context<'_>| run::<T>(ctx, &attributes)))
}

fn two_v2<T: Element + PartialOrd>(node: &Construction<'_>) -> Result<Box<dyn Kernel>>
where
    FiniteMax: Fold<T>,
{
    let channels_first = channels_first(node)?;
    if channels_first {
        let text = "MaxPoolingV2Op only supports NHWC or NCHW_VECT_C. Got: NCHW";
        return Err(Error::invalid_argument(text));
    }
    let padding = window::padding(node, 2, channels_first)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        check_rank(ctx.input(0).shape(), channels_first)?;
        let steps = [ctx.input(1).to_i64s()?, ctx.input(2).to_i64s()?];
        let attributes = Attributes::new(2, channels_first, steps, padding.clone(), |_| {
            "Sliding window ksize must be positive.".to_owned()
        })?;
        run::<T>(ctx, &attributes)
    }))
}

fn run<T: Element + PartialOrd>(ctx: &mut Context<'_>, attributes: &Attributes) -> Result<()>
where
    FiniteMax: Fold<T>,
{
    let input = ctx.input(0).shape();
    check_rank(input, attributes.channels_first)?;
    if attributes.depth_window == 1 {
        return pool::<T, FiniteMax>(ctx, attributes);
    }
    let images = Images::of(input, attributes.channels_first);
    attributes.check_depth(images.channels)?;
    over_depth::<T>(ctx, attributes, images)
}

/// The maximum of adjacent channels; NaN stays if it is the first of them, else it is skipped.
fn over_depth<T: Element + PartialOrd>(
    ctx: &mut Context<'_>,
    attributes: &Attributes,
    images: Images,
) -> Result<()> {
    let dims = attributes.dims(images.space)?;
    if dims.iter().any(|dim| dim.output != dim.input) {
        return Err(Error::unimplemented("Depthwise max pooling with strides in width or height"));
    }
    let window = attributes.depth_window;
    let output = Images { channels: images.channels / window, ..images };
    let shape: Shape = output.shape(2, attributes.channels_first);
    let mut out = ctx.allocate(T::DTYPE, shape)?;
    let data = inner_channels::<T>(ctx.input(0), &images, attributes.channels_first)?;
    with_layout(&mut out, &output, attributes.channels_first, |out: &mut [T]| {
        par::for_chunks_mut(out, par::grain(map::CHEAP * window as f64), |start, out| {
            for (out, cells) in out.iter_mut().zip(data[start * window..].chunks_exact(window)) {
                let max = |so_far: T, &x: &T| if x > so_far { x } else { so_far };
                *out = cells[1..].iter().fold(cells[0], max);
            }
        });
    })?;
    ctx.set(0, out);
    Ok(())
}

fn three<T: Element>(node: &Construction<'_>) -> Result<Box<dyn Kernel>>
where
    Max: Fold<T>,
{
    let attributes = attributes_3d(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        check_rank_3d(ctx.input(0).shape())?;
        pool::<T, Max>(ctx, &attributes)
    }))
}

/// The attributes of pooling in three dimensions.
///
/// # Errors
/// As [`Attributes::of`], and `UNIMPLEMENTED` for windows over channels.
pub fn attributes_3d(node: &Construction<'_>) -> Result<Attributes> {
    let attributes = Attributes::of(node, 3, |_| {
        "Sliding window ksize field must have non-negative dimensions".to_owned()
    })?;
    attributes.refuse_depth(true, "Pooling is not yet supported on the depth dimension.")?;
    Ok(attributes)
}

/// # Errors
/// `INVALID_ARGUMENT` unless the rank is 5.
pub fn check_rank_3d(input: &Shape) -> Result<()> {
    if input.rank() != 5 {
        return Err(Error::invalid_argument("tensor_in must be 5-dimensional"));
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
                    "MaxPool",
                    "ksize=[1,2,2,1] strides=[1,1,1,1] padding=VALID",
                    "float[1,3,3,1] 1 8 4 0 7 3 10 6 2",
                    "float[1,2,2,1] 8 8 10 7",
                ),
                (
                    "MaxPool",
                    "ksize=[1,2,2,1] strides=[1,2,2,1] padding=SAME",
                    "half[1,3,3,2] 1 8 15 3 10 17 5 12 0 7 14 2 9 16 4 11 18 6",
                    "half[1,2,2,2] 15 12 14 17 9 16 18 6",
                ),
                (
                    "MaxPool",
                    "ksize=[1,3,2,1] strides=[1,1,2,1] padding=EXPLICIT explicit_paddings=[0,0,2,0,0,1,0,0]",
                    "int8[1,2,3,1] -1 -2 -3 -4 -5 -6",
                    "int8[1,2,2,1] -1 -3 -1 -3",
                ),
                (
                    "MaxPool",
                    "ksize=[1,1,1,2] strides=[1,1,1,2] padding=VALID",
                    "uint16[1,1,2,4] 1 2 4 3 5 6 8 7",
                    "uint16[1,1,2,2] 2 4 6 8",
                ),
                (
                    "MaxPool",
                    "ksize=[1,1,2,1] strides=[1,1,1,1] padding=VALID",
                    "float[1,1,4,1] NaN 1 NaN NaN",
                    "float[1,1,3,1] 1 1 -3.402823e+38",
                ),
                (
                    "MaxPool",
                    "ksize=[1,1,1,2] strides=[1,1,1,2] padding=VALID",
                    "float[1,1,1,4] NaN 2 2 NaN",
                    "float[1,1,1,2] NaN 2",
                ),
                (
                    "MaxPool",
                    "ksize=[1,2,2,1] strides=[1,2,2,1] padding=SAME",
                    "double[2,2,2,0]",
                    "double[2,1,1,0]",
                ),
                (
                    "MaxPool",
                    "ksize=[1,2,2,1] strides=[1,1,1,1] padding=VALID",
                    "bfloat16[0,3,3,1]",
                    "bfloat16[0,2,2,1]",
                ),
                (
                    "MaxPool",
                    "ksize=[1,2,2,1] strides=[1,1,1,1] padding=VALID",
                    "float[2,2,2] 1 2 3 4 5 6 7 8",
                    "INVALID_ARGUMENT: tensor_in_shape must have 2 spatial dimensions. 3 0",
                ),
                (
                    "MaxPool",
                    "ksize=[1,0,2,1] strides=[1,1,1,1] padding=VALID",
                    "float[1,1,1,1] 1",
                    "INVALID_ARGUMENT: Sliding window ksize must be positive. The specified or inferred ksize is: 1,0,2,1",
                ),
                (
                    "MaxPool",
                    "ksize=[2,1,1,1] strides=[1,1,1,1] padding=VALID",
                    "float[1,1,1,1] 1",
                    "UNIMPLEMENTED: Pooling is not yet supported on the batch dimension.",
                ),
                (
                    "MaxPool",
                    "ksize=[1,1,2,2] strides=[1,1,1,2] padding=VALID",
                    "float[1,2,2,2] 1 2 3 4 5 6 7 8",
                    "UNIMPLEMENTED: MaxPooling supports exactly one of pooling across depth or pooling across width/height.",
                ),
                (
                    "MaxPool",
                    "ksize=[1,2,2,1] strides=[1,1,1,1] padding=EXPLICIT explicit_paddings=[0,0,2,0,0,0,0,0]",
                    "float[1,1,1,1] 1",
                    "INVALID_ARGUMENT: Top padding 2 needs to be smaller than the window size 2",
                ),
                (
                    "MaxPoolV2",
                    "padding=SAME",
                    "int64[1,2,2,1] 4 3 2 1; int32[4] 1 2 2 1; int32[4] 1 1 1 1",
                    "int64[1,2,2,1] 4 3 2 1",
                ),
                (
                    "MaxPoolV2",
                    "padding=VALID",
                    "float[1,1,1,1] 1; int32[3] 1 2 2; int32[4] 1 1 1 1",
                    "INVALID_ARGUMENT: Sliding window ksize field must specify 4 dimensions",
                ),
                (
                    "MaxPool3D",
                    "ksize=[1,2,1,2,1] strides=[1,1,1,1,1] padding=SAME",
                    "float[1,2,2,2,1] 1 5 3 2 4 NaN 0 -1",
                    "float[1,2,2,2,1] NaN -3.402823e+38 3 2 -3.402823e+38 -3.402823e+38 0 -1",
                ),
                (
                    "MaxPool3D",
                    "ksize=[1,2,2,2,2] strides=[1,1,1,1,1] padding=VALID",
                    "float[1,2,2,2,2] 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15",
                    "UNIMPLEMENTED: Pooling is not yet supported on the depth dimension.",
                ),
                (
                    "MaxPool3D",
                    "ksize=[1,1,1,1,1] strides=[1,1,1,1,1] padding=VALID",
                    "float[1,1,1,1] 1",
                    "INVALID_ARGUMENT: tensor_in must be 5-dimensional",
                ),
            ],
        );
    }
}
