//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Tensor};

use super::select::{Rules, check_scores, count, select, threshold};

/// Chooses by score, and drops what overlaps something better too much, as a matrix tells.
///
/// Row `i`, column `j` is how much a candidate `i` overlaps `j`, which was chosen before.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/NonMaxSuppressionWithOverlaps>
pub const OP: Op = Op {
    name: "NonMaxSuppressionWithOverlaps",
    inputs: &[
        "overlaps: float",
        "scores: float",
        "max_output_size: int32",
        "overlap_threshold: float",
        "score_threshold: float",
    ],
    outputs: &["selected_indices: int32"],
    attrs: &[],
    effect: Effect::Pure,
    shape: |_: &ShapeContext<'_>| Ok(vec![PartialShape::of_rank(1)]),
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let limit = count(ctx, 2, "max_output_size")?;
        let overlap = threshold(ctx, 3, "overlap_threshold")?;
        let score = threshold(ctx, 4, "score_threshold")?;
        let shape = ctx.input(0).shape();
        if shape.rank() != 2 {
            return Err(Error::invalid_argument(format!("overlaps must be 2-D{shape}")));
        }
        let boxes = shape[0];
        if shape[1] != boxes {
            return Err(Error::invalid_argument(format!("overlaps must be square{shape}")));
        }
        check_scores(ctx.input(1).shape(), boxes)?;
        let limit = usize::try_from(limit)
            .map_err(|_| Error::invalid_argument("output size must be non-negative"))?;
        let overlaps = ctx.input(0).as_slice::<f32>()?;
        let scores = ctx.input(1).as_slice::<f32>()?.iter().copied();
        let rules = Rules { limit, overlap, score, sigma: 0.0, round: |x| x };
        let chosen = select(scores, rules, |i, j| overlaps[i * boxes + j]);
        let indices = chosen.iter().map(|&(index, _)| index as i32).collect();
        ctx.set(0, Tensor::from_vec([chosen.len()], indices)?);
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
                    "NonMaxSuppressionWithOverlaps",
                    "",
                    "float[3,3] 1 0.5 0 0.6 1 0 0 0 1; float[3] 0.5 0.9 0.3; int32[] 3; float[] 0.5; float[] 0",
                    "int32[3] 1 0 2",
                ),
                (
                    "NonMaxSuppressionWithOverlaps",
                    "",
                    "float[3,3] 1 0.6 0 0.5 1 0 0 0 1; float[3] 0.5 0.9 0.3; int32[] 3; float[] 0.5; float[] 0",
                    "int32[2] 1 2",
                ),
                (
                    "NonMaxSuppressionWithOverlaps",
                    "",
                    "float[2,2] 1 nan -3 1; float[2] 0.5 0.9; int32[] 1; float[] -5; float[] 0",
                    "int32[1] 1",
                ),
                (
                    "NonMaxSuppressionWithOverlaps",
                    "",
                    "float[2,2] 1 nan nan 1; float[2] 0.5 0.9; int32[] 3; float[] 0.5; float[] 0",
                    "int32[1] 1",
                ),
                (
                    "NonMaxSuppressionWithOverlaps",
                    "",
                    "float[2,2] 1 nan nan 1; float[2] 0.5 0.9; int32[] 3; float[] 0.5; float[] -1",
                    "int32[2] 1 0",
                ),
                (
                    "NonMaxSuppressionWithOverlaps",
                    "",
                    "float[2,3] 1 2 3 4 5 6; float[2] 0.5 0.9; int32[] 3; float[] 0.5; float[] 0",
                    "INVALID_ARGUMENT: overlaps must be square[2,3]",
                ),
                (
                    "NonMaxSuppressionWithOverlaps",
                    "",
                    "float[1,1] 1; float[2] 0.5 0.9; int32[] 3; float[] 0.5; float[] 0",
                    "INVALID_ARGUMENT: scores has incompatible shape (Dimensions must be equal, but are 1 and 2)",
                ),
                (
                    "NonMaxSuppressionWithOverlaps",
                    "",
                    "float[1,1] 1; float[1] 0.5; int32[] -3; float[] 0.5; float[] 0",
                    "INVALID_ARGUMENT: output size must be non-negative",
                ),
            ],
        );
    }
}
