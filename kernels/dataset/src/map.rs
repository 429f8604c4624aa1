//! `MapDataset`, `FilterDataset` and their like.

use savedmodel_op::{Construction, Context, Kernel, Kernels, Op, Run};
use savedmodel_tensor::{DType, Error, Result};

use crate::dataset::{DATASET, Dataset, Row, UNKNOWN, give};
use crate::function::Function;

/// The attributes of a dataset with a function: the function, its arguments, what rows are like, and more.
macro_rules! attributes {
    ($function:literal, $($more:literal),+ $(,)?) => {
        &[
            $function,
            "Targuments: list(type) >= 0",
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            $($more),+
        ]
    };
}

/// Datasets of what a function makes of each row, or of the rows that it holds for.
///
/// The rows of a parallel map or filter come in order, which is one of the orders that it may have.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MapDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ParallelMapDatasetV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ScanDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/FilterDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TakeWhileDataset>
pub const OPS: &[Op] = &[
    Op {
        name: "MapDataset",
        inputs: &["input_dataset: variant", "other_arguments: Targuments"],
        attrs: attributes!(
            "f: func",
            "use_inter_op_parallelism: bool = true",
            "preserve_cardinality: bool = false",
            "force_synchronous: bool = false",
            "metadata: string = ''",
        ),
        kernels: Kernels::one(|node| build_map(node, 0)),
        ..DATASET
    },
    Op {
        name: "ParallelMapDataset",
        inputs: &["input_dataset: variant", "other_arguments: Targuments", "num_parallel_calls: int32"],
        attrs: attributes!(
            "f: func",
            "use_inter_op_parallelism: bool = true",
            "sloppy: bool = false",
            "preserve_cardinality: bool = false",
            "metadata: string = ''",
        ),
        kernels: Kernels::one(|node| build_map(node, 1)),
        ..DATASET
    },
    Op {
        name: "ParallelMapDatasetV2",
        inputs: &["input_dataset: variant", "other_arguments: Targuments", "num_parallel_calls: int64"],
        attrs: attributes!(
            "f: func",
            "use_inter_op_parallelism: bool = true",
            "deterministic: string = 'default'",
            "preserve_cardinality: bool = false",
            "use_unbounded_threadpool: bool = false",
            "metadata: string = ''",
        ),
        kernels: Kernels::one(|node| build_map(node, 1)),
        ..DATASET
    },
    Op {
        name: "ScanDataset",
        inputs: &["input_dataset: variant", "initial_state: Tstate", "other_arguments: Targuments"],
        attrs: &[
            "f: func",
            "Tstate: list(type) >= 1",
            "Targuments: list(type) >= 0",
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "preserve_cardinality: bool = false",
            "use_default_device: bool = true",
            "metadata: string = ''",
        ],
        kernels: Kernels::one(build_scan),
        ..DATASET
    },
    Op {
        name: "FilterDataset",
        inputs: &["input_dataset: variant", "other_arguments: Targuments"],
        attrs: PREDICATE,
        kernels: Kernels::one(|node| build_filter(node, false, 0)),
        ..DATASET
    },
    Op {
        name: "ParallelFilterDataset",
        inputs: &["input_dataset: variant", "other_arguments: Targuments", "num_parallel_calls: int64"],
        attrs: attributes!("predicate: func", "deterministic: string = 'default'", "metadata: string = ''"),
        kernels: Kernels::one(|node| build_filter(node, false, 1)),
        ..DATASET
    },
    Op {
        name: "TakeWhileDataset",
        inputs: &["input_dataset: variant", "other_arguments: Targuments"],
        attrs: PREDICATE,
        kernels: Kernels::one(|node| build_filter(node, true, 0)),
        ..DATASET
    },
];

const PREDICATE: &[&str] = attributes!("predicate: func", "metadata: string = ''");

/// The builder of a map whose last `settings` inputs do not matter.
fn build_map(node: &Construction<'_>, settings: usize) -> Result<Box<dyn Kernel>> {
    let callable = node.function("f")?;
    let preserves: bool = node.attr("preserve_cardinality")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = Dataset::of(ctx.input(0))?;
        let count = if preserves { input.count() } else { UNKNOWN };
        let function = Function::of(&callable, ctx, 1, ctx.input_len() - settings);
        let mapped = Dataset::new("MapDataset", move |run| {
            let (mut rows, function) = (input.start(run)?, function.clone());
            Ok(Box::new(move |run: &Run<'_>| {
                let next = rows.next(run)?;
                next.map(|row| function.call(run, row)).transpose()
            }))
        });
        give(ctx, mapped.counted(count))
    }))
}

/// A function takes a state and a row, and gives the next state and a row.
fn build_scan(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let callable = node.function("f")?;
    let states = node.attr::<Vec<DType>>("Tstate")?.len();
    let preserves: bool = node.attr("preserve_cardinality")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = Dataset::of(ctx.input(0))?;
        let count = if preserves { input.count() } else { UNKNOWN };
        let first: Row = (1..=states).map(|i| ctx.input(i).clone()).collect();
        let function = Function::of(&callable, ctx, 1 + states, ctx.input_len());
        let scanned = Dataset::new("ScanDataset", move |run| {
            let (mut rows, function, mut state) = (input.start(run)?, function.clone(), first.clone());
            Ok(Box::new(move |run: &Run<'_>| {
                let Some(row) = rows.next(run)? else { return Ok(None) };
                let results = function.call(run, state.iter().cloned().chain(row).collect())?;
                let Some((next, row)) = results.split_at_checked(states) else {
                    return Err(Error::invalid_argument(format!(
                        "the function returns {} tensors for a state of {states}",
                        results.len()
                    )));
                };
                state = next.to_vec();
                Ok(Some(row.to_vec()))
            }))
        });
        give(ctx, scanned.counted(count))
    }))
}

/// The builder of a filter whose last `settings` inputs do not matter; it may stop at the first row that it leaves out.
fn build_filter(node: &Construction<'_>, stops: bool, settings: usize) -> Result<Box<dyn Kernel>> {
    let callable = node.function("predicate")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = Dataset::of(ctx.input(0))?;
        let function = Function::of(&callable, ctx, 1, ctx.input_len() - settings);
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
