//! `DatasetCardinality`.

use savedmodel_op::{Context, Effect, Kernels, Op, shape};
use savedmodel_tensor::{Result, Tensor};

use crate::dataset::Dataset;

/// How many rows a dataset has: -1 without end, -2 where nobody knows before they were gone through.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DatasetCardinality>
pub const OPS: &[Op] = &[OP, Op { name: "ExperimentalDatasetCardinality", attrs: &[], ..OP }];

const OP: Op = Op {
    name: "DatasetCardinality",
    inputs: &["input_dataset: variant"],
    outputs: &["cardinality: int64"],
    attrs: &["cardinality_options: string = ''"],
    effect: Effect::Read,
    shape: shape::scalar,
    kernels: Kernels::one(|_| Ok(Box::new(compute))),
};

fn compute(ctx: &mut Context<'_>) -> Result<()> {
    let count = Dataset::of(ctx.input(0))?.count();
    ctx.set(0, Tensor::scalar(count));
    Ok(())
}
