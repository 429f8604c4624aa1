//! `IgnoreErrorsDataset`.

use savedmodel_op::{Context, Kernels, Op, Run};
use savedmodel_tensor::Result;

use crate::dataset::{DATASET, Dataset, give};

/// The rows of a dataset without those that fail.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/IgnoreErrorsDataset>
pub const OP: Op = Op {
    name: "IgnoreErrorsDataset",
    attrs: &["output_types: list(type) >= 1", "output_shapes: list(shape) >= 1", "log_warning: bool = false"],
    kernels: Kernels::one(|_| Ok(Box::new(compute))),
    ..DATASET
};

/// Rows that may fail one after the other: what fails for ever, such as an end with too few rows, is an error after all.
const MOST: usize = 1 << 20;

fn compute(ctx: &mut Context<'_>) -> Result<()> {
    let input = Dataset::of(ctx.input(0))?;
    let good = Dataset::new("IgnoreErrorsDataset", move |run| {
        let mut rows = input.start(run)?;
        Ok(Box::new(move |run: &Run<'_>| {
            let mut failed = 0;
            loop {
                match rows.next(run) {
                    Err(_) if failed < MOST => failed += 1,
                    next => return next,
                }
            }
        }))
    });
    give(ctx, good)
}
