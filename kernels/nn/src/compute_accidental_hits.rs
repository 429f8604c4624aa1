//! See [`OP`].

use std::collections::HashMap;

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Tensor};

/// Where sampled candidates are among the true classes of a row, with the weight that takes them out.
///
/// Of a candidate that was sampled several times only the last place counts.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ComputeAccidentalHits>
pub const OP: Op = Op {
    name: "ComputeAccidentalHits",
    inputs: &["true_classes: int64", "sampled_candidates: int64"],
    outputs: &["indices: int32", "ids: int64", "weights: float"],
    attrs: &["num_true: int", "seed: int = 0", "seed2: int = 0"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::one(build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    if ctx.input(0).rank().is_some_and(|rank| rank != 2) {
        return Err(not_a_matrix());
    }
    Ok(vec![PartialShape::of_rank(1); 3])
}

fn not_a_matrix() -> Error {
    Error::invalid_argument("true_candidates must be a batch_size * num_true matrix")
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let num_true: i64 = node.attr("num_true")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (classes, sampled) = (ctx.input(0), ctx.input(1));
        if classes.rank() != 2 || classes.shape()[1] as i64 != num_true {
            return Err(not_a_matrix());
        }
        if sampled.rank() != 1 {
            return Err(Error::invalid_argument(
                "sampled_candidates must be a vector, which is typically an output from CandidateSampler",
            ));
        }
        let places: HashMap<i64, i64> = sampled.as_slice::<i64>()?.iter().copied().zip(0..).collect();
        let (mut indices, mut ids) = (Vec::new(), Vec::new());
        for (row, classes) in classes.as_slice::<i64>()?.chunks_exact(classes.shape()[1].max(1)).enumerate() {
            for place in classes.iter().filter_map(|class| places.get(class)) {
                indices.push(row as i32);
                ids.push(*place);
            }
        }
        let hits = indices.len();
        ctx.set(0, Tensor::from_vec([hits], indices)?);
        ctx.set(1, Tensor::from_vec([hits], ids)?);
        ctx.set(2, Tensor::from_vec([hits], vec![-f32::MAX; hits])?);
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
                    "ComputeAccidentalHits",
                    "num_true=2",
                    "int64[2,2] 1 2 3 5; int64[6] 3 1 5 7 1 1",
                    "int32[3] 0 1 1; int64[3] 5 0 2; float[3] -3.4028235e38 -3.4028235e38 -3.4028235e38",
                ),
                (
                    "ComputeAccidentalHits",
                    "num_true=2",
                    "int64[1,2] 1 1; int64[1] 1",
                    "int32[2] 0 0; int64[2] 0 0; float[2] -3.4028235e38 -3.4028235e38",
                ),
                (
                    "ComputeAccidentalHits",
                    "num_true=0",
                    "int64[2,0]; int64[1] 1",
                    "int32[0]; int64[0]; float[0]",
                ),
                (
                    "ComputeAccidentalHits",
                    "num_true=3",
                    "int64[1,2] 1 1; int64[1] 1",
                    "INVALID_ARGUMENT: true_candidates must be a batch_size * num_true matrix",
                ),
                (
                    "ComputeAccidentalHits",
                    "num_true=2",
                    "int64[1,2] 1 1; int64[] 1",
                    "INVALID_ARGUMENT: sampled_candidates must be a vector",
                ),
            ],
        );
    }
}
