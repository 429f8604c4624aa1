//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor, f16};

use super::boxes::Area;
use super::select::{Rules, Score, check_overlap, check_scores, count, select, threshold};

/// Chooses boxes by score, and drops those that overlap a better one too much.
///
/// A box is any two opposite corners; of boxes with equal scores the first is taken. V5 with a `soft_nms_sigma` lowers
/// the scores of boxes that overlap and drops none for it. V4 and V5 may fill up to `max_output_size` with zeros.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/NonMaxSuppressionV5>
pub const OPS: &[Op] = &[
    Op {
        name: "NonMaxSuppression",
        inputs: &["boxes: float", "scores: float", "max_output_size: int32"],
        outputs: &["selected_indices: int32"],
        attrs: &["iou_threshold: float = 0.5"],
        effect: Effect::Pure,
        shape,
        kernels: Kernels::one(first),
    },
    Op {
        name: "NonMaxSuppressionV2",
        inputs: &["boxes: T", "scores: T", "max_output_size: int32", "iou_threshold: T_threshold"],
        outputs: &["selected_indices: int32"],
        attrs: &["T: {half, float} = DT_FLOAT", "T_threshold: {half, float} = DT_FLOAT"],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; second: f16 f32),
    },
    Op {
        name: "NonMaxSuppressionV3",
        inputs: &[
            "boxes: T",
            "scores: T",
            "max_output_size: int32",
            "iou_threshold: T_threshold",
            "score_threshold: T_threshold",
        ],
        outputs: &["selected_indices: int32"],
        attrs: &["T: {half, float} = DT_FLOAT", "T_threshold: {half, float} = DT_FLOAT"],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; third: f16 f32),
    },
    Op {
        name: "NonMaxSuppressionV4",
        inputs: &[
            "boxes: T",
            "scores: T",
            "max_output_size: int32",
            "iou_threshold: T_threshold",
            "score_threshold: T_threshold",
        ],
        outputs: &["selected_indices: int32", "valid_outputs: int32"],
        attrs: &[
            "T: {half, float} = DT_FLOAT",
            "T_threshold: {half, float} = DT_FLOAT",
            "pad_to_max_output_size: bool = false",
        ],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; fourth: f16 f32),
    },
    Op {
        name: "NonMaxSuppressionV5",
        inputs: &[
            "boxes: T",
            "scores: T",
            "max_output_size: int32",
            "iou_threshold: T",
            "score_threshold: T",
            "soft_nms_sigma: T",
        ],
        outputs: &["selected_indices: int32", "selected_scores: T", "valid_outputs: int32"],
        attrs: &["T: {half, float} = DT_FLOAT", "pad_to_max_output_size: bool = false"],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; fifth: f16 f32),
    },
];

/// The chosen boxes, of which the number is known when it is filled up; then, in V4 and V5, how many are valid.
fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let pads = ctx.attr("pad_to_max_output_size") == Some(true);
    let limit = ctx.integers(2).filter(|_| pads).and_then(|limit| usize::try_from(*limit.first()?).ok());
    let mut shapes = vec![PartialShape::new([limit]); ctx.outputs];
    if ctx.outputs > 1 {
        shapes[ctx.outputs - 1] = PartialShape::of_rank(0);
    }
    Ok(shapes)
}

/// What one version of the operator reads besides boxes and scores.
struct Version {
    /// The overlap, if it is an attribute.
    overlap: Option<f32>,
    has_score: bool,
    has_sigma: bool,
    pads: bool,
}

fn first(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let overlap = Some(node.attr("iou_threshold")?);
    Ok(kernel::<f32>(Version { overlap, has_score: false, has_sigma: false, pads: false }))
}

fn second<T: Score>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(kernel::<T>(Version { overlap: None, has_score: false, has_sigma: false, pads: false }))
}

fn third<T: Score>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(kernel::<T>(Version { overlap: None, has_score: true, has_sigma: false, pads: false }))
}

fn fourth<T: Score>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let pads = node.attr("pad_to_max_output_size")?;
    Ok(kernel::<T>(Version { overlap: None, has_score: true, has_sigma: false, pads }))
}

fn fifth<T: Score>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let pads = node.attr("pad_to_max_output_size")?;
    Ok(kernel::<T>(Version { overlap: None, has_score: true, has_sigma: true, pads }))
}

fn kernel<T: Score>(version: Version) -> Box<dyn Kernel> {
    Box::new(move |ctx: &mut Context<'_>| {
        let rules = version.rules::<T>(ctx)?;
        let (boxes, _) = ctx.input(0).as_slice::<T>()?.as_chunks::<4>();
        let areas: Vec<Area> = boxes.iter().map(|corners| Area::of(corners.map(T::single))).collect();
        let scores = ctx.input(1).as_slice::<T>()?.iter().map(|score| score.single());
        let chosen = select(scores, rules, |i, j| areas[i].overlap(&areas[j]));

        let length = if version.pads { rules.limit } else { chosen.len() };
        let mut indices = ctx.run().allocate(DType::Int32, [length])?;
        for (out, &(index, _)) in indices.as_mut_slice::<i32>()?.iter_mut().zip(&chosen) {
            *out = index as i32;
        }
        ctx.set(0, indices);
        if version.has_sigma {
            let mut scores = ctx.run().allocate(T::DTYPE, [length])?;
            for (out, &(_, score)) in scores.as_mut_slice::<T>()?.iter_mut().zip(&chosen) {
                *out = T::of_single(score);
            }
            ctx.set(1, scores);
        }
        if ctx.output_len() > 1 {
            ctx.set(ctx.output_len() - 1, Tensor::scalar(chosen.len() as i32));
        }
        Ok(())
    })
}

impl Version {
    /// Reads and checks all inputs.
    fn rules<T: Score>(&self, ctx: &Context<'_>) -> Result<Rules> {
        let limit = count(ctx, 2, "max_output_size")?;
        let overlap = match self.overlap {
            Some(overlap) => overlap,
            None => T::round(threshold(ctx, 3, "iou_threshold")?),
        };
        check_overlap(overlap)?;
        let score = match self.has_score {
            true => T::round(threshold(ctx, 4, "score_threshold")?),
            false => T::LOWEST,
        };
        let sigma = if self.has_sigma { threshold(ctx, 5, "soft_nms_sigma")? } else { 0.0 };
        if sigma.is_nan() || sigma < 0.0 {
            return Err(Error::invalid_argument("soft_nms_sigma_val must be >= 0"));
        }
        check_scores(ctx.input(1).shape(), check_boxes(ctx.input(0).shape())?)?;
        let limit = usize::try_from(limit)
            .map_err(|_| Error::invalid_argument("output size must be non-negative"))?;
        Ok(Rules { limit, overlap, score, sigma, round: T::round })
    }
}

/// The number of boxes.
fn check_boxes(boxes: &Shape) -> Result<usize> {
    let rank = boxes.rank();
    if rank != 2 {
        return Err(Error::invalid_argument(format!(
            "boxes must be 2-D{boxes} (Shape must be rank 2 but is rank {rank})"
        )));
    }
    if boxes[1] != 4 {
        return Err(Error::invalid_argument(format!(
            "boxes must have 4 columns (Dimension must be 4 but is {})",
            boxes[1]
        )));
    }
    Ok(boxes[0])
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "NonMaxSuppression",
                    "",
                    "float[3,4] 0 0 1 1 0 0.1 1 1.1 2 2 3 3; float[3] 0.5 0.9 0.3; int32[] 3",
                    "int32[2] 1 2",
                ),
                (
                    "NonMaxSuppression",
                    "iou_threshold=1.5",
                    "float[0,4]; float[0]; int32[] 3",
                    "INVALID_ARGUMENT: iou_threshold must be in [0, 1]",
                ),
                (
                    "NonMaxSuppressionV2",
                    "",
                    "half[3,4] 1 1 0 0 0 0.1 1 1.1 2 2 3 3; half[3] 0.5 0.5 nan; int32[] 3; float[] 0.9",
                    "int32[2] 0 1",
                ),
                ("NonMaxSuppressionV2", "", "float[0,4]; float[0]; int32[] 3; half[] 0.9", "int32[0]"),
                (
                    "NonMaxSuppressionV2",
                    "",
                    "float[1,4] 0 0 1 1; float[1] 1; int32[] -1; float[] 0.9",
                    "INVALID_ARGUMENT: output size must be non-negative",
                ),
                (
                    "NonMaxSuppressionV3",
                    "",
                    "float[3,4] 0 0 1 1 0 0 0 0 0 0 0 0; float[3] 0.5 0.9 0.3; int32[] 3; float[] 0; float[] 0.3",
                    "int32[2] 1 0",
                ),
                (
                    "NonMaxSuppressionV3",
                    "",
                    "float[1,4] 0 0 1 1; float[1] 1; int32[1] 1; float[] 0.9; float[] 0",
                    "INVALID_ARGUMENT: max_output_size must be 0-D, got shape [1]",
                ),
                (
                    "NonMaxSuppressionV4",
                    "pad_to_max_output_size=true",
                    "float[2,4] 0 0 1 1 0 0 1 1; float[2] 0.5 0.9; int32[] 3; float[] 0.5; float[] 0",
                    "int32[3] 1 0 0; int32[] 1",
                ),
                (
                    "NonMaxSuppressionV4",
                    "",
                    "float[2,4] 0 0 1 1 0 0 1 1; float[2] 0.5 0.9; int32[] 0; float[] 0.5; float[] 0",
                    "int32[0]; int32[] 0",
                ),
                (
                    "NonMaxSuppressionV5",
                    "",
                    "float[3,4] 0 0 1 1 0 0.5 1 1.5 0 0.25 1 1.25; float[3] 0.9 0.8 0.7; int32[] 3; float[] 0.5; float[] 0.1; float[] 0.5",
                    "int32[3] 0 1 2; float[3] 0.9 0.71587145 0.34072655; int32[] 3",
                ),
                (
                    "NonMaxSuppressionV5",
                    "pad_to_max_output_size=true",
                    "half[3,4] 0 0 1 1 0 0.5 1 1.5 0 0.25 1 1.25; half[3] 0.9 0.8 0.7; int32[] 4; half[] 0.5; half[] 0.3; half[] 0.5",
                    "int32[4] 0 1 2 0; half[4] 0.89990234 0.7158203 0.3408203 0; int32[] 3",
                ),
                (
                    "NonMaxSuppressionV5",
                    "",
                    "float[1,4] 0 0 1 1; float[1] 0.9; int32[] 3; float[] 0.5; float[] 0.1; float[] -1",
                    "INVALID_ARGUMENT: soft_nms_sigma_val must be >= 0",
                ),
                (
                    "NonMaxSuppressionV5",
                    "",
                    "float[1,5] 0 0 1 1 2; float[1] 0.9; int32[] 3; float[] 0.5; float[] 0.1; float[] 1",
                    "INVALID_ARGUMENT: boxes must have 4 columns (Dimension must be 4 but is 5)",
                ),
                (
                    "NonMaxSuppressionV5",
                    "",
                    "float[1,4] 0 0 1 1; float[1,1] 0.9; int32[] 3; float[] 0.5; float[] 0.1; float[] 1",
                    "INVALID_ARGUMENT: scores must be 1-D[1,1] (Shape must be rank 1 but is rank 2)",
                ),
            ],
        );
    }
}
