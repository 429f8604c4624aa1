//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype};
use savedmodel_tensor::{Element, Error, Result, bf16, f16};

use crate::layout::format_of;
use crate::max_pool::{attributes_3d, check_rank_3d};
use crate::pool::attributes::{Attributes, channels_first, check_rank, shape, shape_of};
use crate::pool::fold::{Fold, Mean};
use crate::pool::pool;
use crate::window;

/// The mean of each window, of the cells that lie inside the image.
///
/// Half and bfloat16 round every partial sum. Both data formats are taken.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/AvgPool>
pub const OPS: &[Op] = &[
    Op {
        name: "AvgPool",
        inputs: &["value: T"],
        outputs: &["output: T"],
        attrs: &[
            "ksize: list(int) >= 4",
            "strides: list(int) >= 4",
            "padding: {'SAME', 'VALID'}",
            "data_format: {'NHWC', 'NCHW'} = 'NHWC'",
            "T: {half, bfloat16, float, double}",
        ],
        effect: Effect::Pure,
        shape: |ctx| {
            let list = |name: &str| ctx.attr::<Vec<i64>>(name).unwrap_or_default();
            let steps = [list("ksize"), list("strides")].map(|steps| unmoved(steps, 0));
            shape_of(ctx, 2, Some(over_space(steps, format_of(ctx))))
        },
        kernels: by_dtype!("T"; two: f32 f64 f16 bf16),
    },
    Op {
        name: "AvgPool3D",
        inputs: &["input: T"],
        outputs: &["output: T"],
        attrs: &[
            "ksize: list(int) >= 5",
            "strides: list(int) >= 5",
            "padding: {'SAME', 'VALID'}",
            "data_format: {'NDHWC', 'NCDHW'} = 'NDHWC'",
            "T: {half, bfloat16, float, double}",
        ],
        effect: Effect::Pure,
        shape: |ctx| shape(ctx, 3),
        kernels: by_dtype!("T"; three: f32 bf16),
    },
];

/// The sizes with one in a dimension.
fn unmoved(mut sizes: Vec<i64>, dimension: usize) -> Vec<i64> {
    if let Some(size) = sizes.get_mut(dimension) {
        *size = 1;
    }
    sizes
}

/// Windows and strides, of which TensorFlow does not look at the stride over channels.
fn over_space([windows, strides]: [Vec<i64>; 2], channels_first: bool) -> [Vec<i64>; 2] {
    [windows, unmoved(strides, if channels_first { 1 } else { 3 })]
}

/// The attributes of means in two dimensions.
///
/// # Errors
/// As [`Attributes::new`], and `UNIMPLEMENTED` for windows over images and channels.
pub fn attributes_2d(node: &Construction<'_>) -> Result<Attributes> {
    let channels_first = channels_first(node)?;
    let steps: [Vec<i64>; 2] = [node.attr("ksize")?, node.attr("strides")?];
    if let Some(value) = steps.iter().flatten().find(|&&value| i32::try_from(value).is_err()) {
        return Err(Error::invalid_argument(format!("{value} is out of range for an int32")));
    }
    let space = if channels_first { 2..4 } else { 1..3 };
    // Strides over space are looked at before, sizes of windows after.
    let moves = steps[1].get(space).is_some_and(|strides| strides.iter().all(|&stride| stride > 0));
    if moves && steps.iter().all(|steps| steps.len() == 4) && steps.iter().any(|steps| steps[0] != 1) {
        return Err(Error::unimplemented("Pooling is not yet supported on the batch dimension."));
    }
    let padding = window::padding(node, 2, channels_first)?;
    let attributes =
        Attributes::new(2, channels_first, over_space(steps, channels_first), padding, |ksize| {
            let bad = ksize.iter().find(|&&v| v <= 0).copied().unwrap_or_default();
            format!("ksize must be a positive int32 value, got:{bad}")
        })?;
    attributes.refuse_depth(false, "Non-spatial pooling is not yet supported. Volunteers? :)")?;
    Ok(attributes)
}

fn two<T: Element>(node: &Construction<'_>) -> Result<Box<dyn Kernel>>
where
    Mean: Fold<T>,
{
    let attributes = attributes_2d(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        check_rank(ctx.input(0).shape(), attributes.channels_first)?;
        pool::<T, Mean>(ctx, &attributes)
    }))
}

fn three<T: Element>(node: &Construction<'_>) -> Result<Box<dyn Kernel>>
where
    Mean: Fold<T>,
{
    let attributes = attributes_3d(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        check_rank_3d(ctx.input(0).shape())?;
        pool::<T, Mean>(ctx, &attributes)
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
                    "AvgPool",
                    "ksize=[1,2,2,1] strides=[1,1,1,1] padding=VALID",
                    "float[1,3,3,1] 1 8 4 0 7 3 10 6 2",
                    "float[1,2,2,1] 4 5.5 5.75 4.5",
                ),
                (
                    "AvgPool",
                    "ksize=[1,2,2,1] strides=[1,2,2,1099511627776] padding=SAME",
                    "float[1,1,1,1] 1",
                    "INVALID_ARGUMENT: 1099511627776 is out of range for an int32",
                ),
                (
                    "AvgPool",
                    "ksize=[1,2,2,1] strides=[1,2,2,1] padding=SAME",
                    "double[1,3,3,2] 1 8 15 3 10 17 5 12 0 7 14 2 9 16 4 11 18 6",
                    "double[1,2,2,2] 5.25 7.5 12 9.5 6.5 13.5 18 6",
                ),
                (
                    "AvgPool",
                    "ksize=[1,1,3,1] strides=[1,1,1,1] padding=VALID",
                    "bfloat16[1,1,3,1] 256 1 1",
                    "bfloat16[1,1,1,1] 85.5",
                ),
                (
                    "AvgPool",
                    "ksize=[1,1,2,1] strides=[1,1,1,1] padding=VALID",
                    "half[1,1,2,1] 60000 60000",
                    "half[1,1,1,1] inf",
                ),
                (
                    "AvgPool",
                    "ksize=[1,2,2,1] strides=[1,1,1,1] padding=SAME",
                    "float[1,0,3,1]",
                    "float[1,0,3,1]",
                ),
                (
                    "AvgPool",
                    "ksize=[1,1,1,2] strides=[1,1,1,2] padding=VALID",
                    "float[1,1,1,2] 1 2",
                    "UNIMPLEMENTED: Non-spatial pooling is not yet supported. Volunteers? :)",
                ),
                (
                    "AvgPool",
                    "ksize=[1,0,1,1] strides=[1,1,1,2] padding=VALID",
                    "float[1,1,1,2] 1 2",
                    "INVALID_ARGUMENT: ksize must be a positive int32 value, got:0",
                ),
                (
                    "AvgPool",
                    "ksize=[0,2,2,1] strides=[1,1,1,1] padding=SAME",
                    "float[1,1,1,2] 1 2",
                    "UNIMPLEMENTED: Pooling is not yet supported on the batch dimension.",
                ),
                (
                    "AvgPool",
                    "ksize=[1,1,1,1] strides=[1,1,1,0] padding=SAME",
                    "float[1,1,1,2] 1 2",
                    "float[1,1,1,2] 1 2",
                ),
                (
                    "AvgPool",
                    "ksize=[1,3,1,1] strides=[1,1,1,1] padding=VALID",
                    "float[1,1,1,2] 1 2",
                    "INVALID_ARGUMENT: Computed output size would be negative: -1 [input_size: 1, effective_filter_size: 3, stride: 1]",
                ),
                (
                    "AvgPool3D",
                    "ksize=[1,2,2,2,1] strides=[1,2,2,2,1] padding=SAME",
                    "float[1,3,2,1,1] 1 2 3 4 5 6",
                    "float[1,2,1,1,1] 2.5 5.5",
                ),
                (
                    "AvgPool3D",
                    "ksize=[1,1,1,1,1] strides=[1,1,1,1,2] padding=SAME",
                    "float[1,1,1,1,1] 1",
                    "UNIMPLEMENTED: Pooling is not yet supported on the depth dimension.",
                ),
            ],
        );
    }
}
