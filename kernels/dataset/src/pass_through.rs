//! Datasets that change how another one is gone through, but not its rows.

use savedmodel_op::{Context, Kernels, Op, Run};
use savedmodel_tensor::{Code, Error, Result};

use crate::dataset::{DATASET, Dataset, give, scalar};

/// They give the rows of the dataset that they take. `AssertCardinalityDataset` counts them.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/PrefetchDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ModelDataset> and the pages of the other names
pub const OPS: &[Op] = &[
    Op {
        name: "PrefetchDataset",
        inputs: &["input_dataset: variant", "buffer_size: int64"],
        attrs: &[
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "slack_period: int = 0",
            "legacy_autotune: bool = true",
            "buffer_size_min: int = 0",
            "metadata: string = ''",
        ],
        kernels: Kernels::one(|_| {
            Ok(Box::new(|ctx: &mut Context<'_>| {
                let size: i64 = scalar(ctx, 1, "buffer_size")?;
                if size < -1 {
                    return Err(Error::invalid_argument(
                        "buffer_size must be >= 0 or set buffer_size to be -1",
                    ));
                }
                pass(ctx)
            }))
        }),
        ..DATASET
    },
    Op {
        name: "ModelDataset",
        attrs: &[
            "algorithm: int = 0",
            "cpu_budget: int = 0",
            "ram_budget: int = 0",
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
        ],
        ..PASS
    },
    Op {
        name: "OptionsDataset",
        attrs: &[
            "serialized_options: string",
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "metadata: string = ''",
        ],
        ..PASS
    },
    Op {
        name: "OptimizeDataset",
        inputs: &["input_dataset: variant", "optimizations: string"],
        attrs: OPTIMIZED,
        ..PASS
    },
    Op {
        name: "OptimizeDatasetV2",
        inputs: &[
            "input_dataset: variant",
            "optimizations_enabled: string",
            "optimizations_disabled: string",
            "optimizations_default: string",
        ],
        attrs: OPTIMIZED,
        ..PASS
    },
    Op {
        name: "FinalizeDataset",
        attrs: &[
            "has_captured_ref: bool = false",
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
        ],
        ..PASS
    },
    Op {
        name: "MaxIntraOpParallelismDataset",
        inputs: &["input_dataset: variant", "max_intra_op_parallelism: int64"],
        ..PASS
    },
    Op {
        name: "PrivateThreadPoolDataset",
        inputs: &["input_dataset: variant", "num_threads: int64"],
        ..PASS
    },
    Op { name: "NonSerializableDataset", ..PASS },
    Op { name: "RewriteDataset", inputs: &["input_dataset: variant", "rewrite_name: string"], ..PASS },
    Op {
        name: "AssertCardinalityDataset",
        inputs: &["input_dataset: variant", "cardinality: int64"],
        kernels: Kernels::one(|_| Ok(Box::new(assert_cardinality))),
        ..PASS
    },
];

const PASS: Op = Op {
    attrs: &["output_types: list(type) >= 1", "output_shapes: list(shape) >= 1"],
    kernels: Kernels::one(|_| Ok(Box::new(pass))),
    ..DATASET
};

const OPTIMIZED: &[&str] = &[
    "output_types: list(type) >= 1",
    "output_shapes: list(shape) >= 1",
    "optimization_configs: list(string) = []",
];

fn pass(ctx: &mut Context<'_>) -> Result<()> {
    let dataset = Dataset::of(ctx.input(0))?;
    give(ctx, dataset)
}

fn assert_cardinality(ctx: &mut Context<'_>) -> Result<()> {
    let (input, expected) = (Dataset::of(ctx.input(0))?, scalar::<i64>(ctx, 1, "cardinality")?);
    let counted = Dataset::new("AssertCardinalityDataset", move |run| {
        let (mut rows, mut count) = (input.start(run)?, 0_i64);
        Ok(Box::new(move |run: &Run<'_>| {
            let next = rows.next(run)?;
            count += i64::from(next.is_some());
            let wrong = match next {
                Some(_) => expected >= 0 && count > expected,
                None => count != expected,
            };
            if wrong {
                let contain = if next.is_some() { "at least " } else { "" };
                return Err(Error::new(
                    Code::FailedPrecondition,
                    format!(
                        "Input dataset was expected to contain {expected} elements but contained {contain}{count} elements."
                    ),
                ));
            }
            Ok(next)
        }))
    });
    give(ctx, counted.counted(expected))
}
