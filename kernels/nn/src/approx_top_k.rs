//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{DType, Error, PartialShape, Result, bf16, f16};

use crate::rank::Ranked;
use crate::top_k::{rows, scalar_input};

/// The `k` largest elements of the last dimension, and where they lie.
///
/// TensorFlow approximates on accelerators; on a CPU it finds what `TopKV2` finds, along the last dimension alone.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ApproxTopK>
pub const OP: Op = Op {
    name: "ApproxTopK",
    inputs: &["input: T"],
    outputs: &["values: T", "indices: int32"],
    attrs: &[
        "k: int >= 0",
        "reduction_dimension: int = -1",
        "recall_target: float = 0.949999988079071",
        "is_max_k: bool = true",
        "reduction_input_size_override: int = -1",
        "aggregate_to_topk: bool = true",
        "T: {half, bfloat16, float}",
    ],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f16 bf16),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    let Some(dims) = input.dims() else { return Ok(vec![input; 2]) };
    let Some((_, outer)) = dims.split_last() else { return Err(scalar_input()) };
    Ok(vec![PartialShape::new(outer.iter().copied().chain([ctx.attr("k")])); 2])
}

fn build<T: Ranked>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    if node.attr::<i64>("reduction_dimension")? != -1 {
        return Err(node.no_kernel("reduction_dimension"));
    }
    if !node.attr::<bool>("is_max_k")? {
        return Err(node.no_kernel("is_max_k"));
    }
    let recall: f32 = node.attr("recall_target")?;
    // By the sign, as numbers below the normal ones compare like zero here.
    if recall.to_bits() == 0 || recall.is_sign_negative() && !recall.is_nan() || recall > 1.0 {
        return Err(Error::invalid_argument(format!(
            "Invalid recall target: {recall}. Valid value range in : [0, 1.0]."
        )));
    }
    let k: usize = node.attr("k")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        let Some((&columns, outer)) = input.shape().dims().split_last() else { return Err(scalar_input()) };
        if columns < k {
            return Err(Error::invalid_argument(format!(
                "input must have at least k columns. Had {columns}, needed {k}"
            )));
        }
        let shape: Vec<usize> = outer.iter().copied().chain([k]).collect();
        let mut values = ctx.allocate(T::DTYPE, shape.clone())?;
        let mut indices = ctx.allocate(DType::Int32, shape)?;
        rows(input.as_slice::<T>()?, columns, true, values.as_mut_slice()?, indices.as_mut_slice()?, k);
        ctx.set(0, values);
        ctx.set(1, indices);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "ApproxTopK";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (op, "k=2", "float[1,5] 3 1 2 5 4", "float[1,2] 5 4; int32[1,2] 3 4"),
                (op, "k=2 aggregate_to_topk=false", "half[5] 3 1 2 5 4", "half[2] 5 4; int32[2] 3 4"),
                (op, "k=4", "bfloat16[5] 1 1 1 2 1", "bfloat16[4] 2 1 1 1; int32[4] 3 0 1 2"),
                (op, "k=0", "float[2,3] 1 2 3 4 5 6", "float[2,0]; int32[2,0]"),
                (
                    op,
                    "k=3",
                    "float[2] 1 2",
                    "INVALID_ARGUMENT: input must have at least k columns. Had 2, needed 3",
                ),
                (
                    op,
                    "k=1 is_max_k=false",
                    "float[2] 1 2",
                    "INVALID_ARGUMENT: operator ApproxTopK has no kernel for attr is_max_k = false",
                ),
                (
                    op,
                    "k=1 reduction_dimension=0",
                    "float[2] 1 2",
                    "INVALID_ARGUMENT: operator ApproxTopK has no kernel for attr reduction_dimension = 0",
                ),
            ],
        );
    }
}
