//! `MapDataset`, `FilterDataset` and their like.

use savedmodel_op::{Construction, Context, Kernel, Kernels, Op, Run};
use savedmodel_tensor::Result;

use crate::dataset::{DATASET, Dataset, give};
use crate::function::Function;

/// Datasets of what a function makes of each row, or of the rows that it holds for.
///
/// The rows of a parallel map come in order, which is one of the orders that it may have.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MapDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ParallelMapDatasetV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/FilterDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TakeWhileDataset>
pub const OPS: &[Op] = &[
    Op {
        name: "MapDataset",
        inputs: &["input_dataset: variant", "other_arguments: Targuments"],
        attrs: &[
            "f: func",
            "Targuments: list(type) >= 0",
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "use_inter_op_parallelism: bool = true",
            "preserve_cardinality: bool = false",
            "force_synchronous: bool = false",
            "metadata: string = ''",
        ],
        kernels: Kernels::one(|node| build_map(node, 0)),
        ..DATASET
    },
    Op {
        name: "ParallelMapDataset",
        inputs: &["input_dataset: variant", "other_arguments: Targuments", "num_parallel_calls: int32"],
        attrs: &[
            "f: func",
            "Targuments: list(type) >= 0",
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "use_inter_op_parallelism: bool = true",
            "sloppy: bool = false",
            "preserve_cardinality: bool = false",
            "metadata: string = ''",
        ],
        kernels: Kernels::one(|node| build_map(node, 1)),
        ..DATASET
    },
    Op {
        name: "ParallelMapDatasetV2",
        inputs: &["input_dataset: variant", "other_arguments: Targuments", "num_parallel_calls: int64"],
        attrs: &[
            "f: func",
            "Targuments: list(type) >= 0",
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "use_inter_op_parallelism: bool = true",
            "deterministic: string = 'default'",
            "preserve_cardinality: bool = false",
            "use_unbounded_threadpool: bool = false",
            "metadata: string = ''",
        ],
        kernels: Kernels::one(|node| build_map(node, 1)),
        ..DATASET
    },
    Op {
        name: "FilterDataset",
        inputs: &["input_dataset: variant", "other_arguments: Targuments"],
        attrs: PREDICATE,
        kernels: Kernels::one(|node| build_filter(node, false)),
        ..DATASET
    },
    Op {
        name: "TakeWhileDataset",
        inputs: &["input_dataset: variant", "other_arguments: Targuments"],
        attrs: PREDICATE,
        kernels: Kernels::one(|node| build_filter(node, true)),
        ..DATASET
    },
];

const PREDICATE: &[&str] = &[
    "predicate: func",
    "Targuments: list(type) >= 0",
    "output_types: list(type) >= 1",
    "output_shapes: list(shape) >= 1",
    "metadata: string = ''",
];

/// The builder of a map whose last `settings` inputs do not matter.
fn build_map(node: &Construction<'_>, settings: usize) -> Result<Box<dyn Kernel>> {
    let callable = node.function("f")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = Dataset::of(ctx.input(0))?;
        let function = Function::of(&callable, ctx, 1, ctx.input_len() - settings);
        let mapped = Dataset::new("MapDataset", move |run| {
            let (mut rows, function) = (input.start(run)?, function.clone());
            Ok(Box::new(move |run: &Run<'_>| {
                let next = rows.next(run)?;
                next.map(|row| function.call(run, row)).transpose()
            }))
        });
        give(ctx, mapped)
    }))
}

fn build_filter(node: &Construction<'_>, stops: bool) -> Result<Box<dyn Kernel>> {
    let callable = node.function("predicate")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = Dataset::of(ctx.input(0))?;
        let function = Function::of(&callable, ctx, 1, ctx.input_len());
        let filtered = Dataset::new("FilterDataset", move |run| {
            let (mut rows, function, mut ended) = (input.start(run)?, function.clone(), false);
            Ok(Box::new(move |run: &Run<'_>| {
                while !ended {
                    let Some(row) = rows.next(run)? else { break };
                    if function.holds(run, row.clone())? {
                        return Ok(Some(row));
                    }
                    ended = stops;
                }
                ended = true;
                Ok(None)
            }))
        });
        give(ctx, filtered)
    }))
}
