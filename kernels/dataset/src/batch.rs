//! `BatchDatasetV2` and its like, `MapAndBatchDataset` and `UnbatchDataset`.

use savedmodel_kernels_list::rows::{row, stack};
use savedmodel_op::{Construction, Context, Kernel, Kernels, Op, Run};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::dataset::{DATASET, Dataset, Elements, Row, UNKNOWN, give, scalar};
use crate::function::Function;

/// Datasets of several rows in one, or of the rows of rows.
///
/// TensorFlow 2.21 has the kernel of `BatchDataset`, but can't make iterators of its datasets, hence no cases.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/BatchDatasetV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MapAndBatchDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/UnbatchDataset>
pub const OPS: &[Op] = &[
    Op {
        name: "BatchDataset",
        inputs: &["input_dataset: variant", "batch_size: int64"],
        kernels: Kernels::one(|_| build(None)),
        ..DATASET
    },
    Op {
        name: "BatchDatasetV2",
        inputs: &["input_dataset: variant", "batch_size: int64", "drop_remainder: bool"],
        attrs: &[
            "parallel_copy: bool = false",
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "metadata: string = ''",
        ],
        kernels: Kernels::one(|_| build(Some(2))),
        ..DATASET
    },
    Op {
        name: "ParallelBatchDataset",
        inputs: &[
            "input_dataset: variant",
            "batch_size: int64",
            "num_parallel_calls: int64",
            "drop_remainder: bool",
        ],
        attrs: &[
            "parallel_copy: bool = false",
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "deterministic: string = 'default'",
            "metadata: string = ''",
        ],
        kernels: Kernels::one(|_| build(Some(3))),
        ..DATASET
    },
    Op {
        name: "MapAndBatchDataset",
        inputs: &[
            "input_dataset: variant",
            "other_arguments: Targuments",
            "batch_size: int64",
            "num_parallel_calls: int64",
            "drop_remainder: bool",
        ],
        attrs: &[
            "f: func",
            "Targuments: list(type) >= 0",
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "preserve_cardinality: bool = false",
            "metadata: string = ''",
        ],
        kernels: Kernels::one(build_mapped),
        ..DATASET
    },
    Op { name: "UnbatchDataset", kernels: Kernels::one(build_unbatch), ..DATASET },
];

/// The builder of a batch; `remainder` is the input that tells whether to drop the last rows.
fn build(remainder: Option<usize>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = Dataset::of(ctx.input(0))?;
        let size = size(ctx, 1)?;
        let drop = remainder.map(|i| scalar(ctx, i, "drop_remainder")).transpose()?.unwrap_or(false);
        let count = batches(&input, size, drop);
        give(ctx, batched(move |run| input.start(run), size, drop).counted(count))
    }))
}

fn build_mapped(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let callable = node.function("f")?;
    let preserves: bool = node.attr("preserve_cardinality")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = Dataset::of(ctx.input(0))?;
        let last = ctx.input_len() - 3;
        let function = Function::of(&callable, ctx, 1, last);
        let (size, drop) = (size(ctx, last)?, scalar(ctx, last + 2, "drop_remainder")?);
        let count = if preserves { batches(&input, size, drop) } else { UNKNOWN };
        let mapped = move |run: &Run<'_>| {
            let (mut rows, function) = (input.start(run)?, function.clone());
            let next = move |run: &Run<'_>| {
                let row = rows.next(run)?;
                row.map(|row| function.call(run, row)).transpose()
            };
            Ok(Box::new(next) as Box<dyn Elements>)
        };
        give(ctx, batched(mapped, size, drop).counted(count))
    }))
}

/// The number of rows in a batch, which input `i` tells.
///
/// # Errors
/// `INVALID_ARGUMENT` when there is none.
pub fn size(ctx: &Context<'_>, i: usize) -> Result<usize> {
    let size: i64 = scalar(ctx, i, "batch_size")?;
    usize::try_from(size)
        .ok()
        .filter(|&size| size > 0)
        .ok_or_else(|| Error::invalid_argument("Batch size must be greater than zero."))
}

/// How many batches there are of the rows of a dataset.
pub fn batches(input: &Dataset, size: usize, drop: bool) -> i64 {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    input.count_by(|rows| rows / size + i64::from(rows % size > 0 && !drop))
}

fn batched(
    start: impl Fn(&Run<'_>) -> Result<Box<dyn Elements>> + Send + Sync + 'static,
    size: usize,
    drop: bool,
) -> Dataset {
    Dataset::new("BatchDataset", move |run| {
        let mut rows = start(run)?;
        Ok(Box::new(move |run: &Run<'_>| {
            let batch = collect(&mut *rows, run, size, drop)?;
            batch.map(|batch| joined(&batch, run)).transpose()
        }))
    })
}

/// The next rows, at most `size`; `None` at the end, or when there are fewer and those are to be dropped.
///
/// # Errors
/// Those of the rows.
pub fn collect(rows: &mut dyn Elements, run: &Run<'_>, size: usize, drop: bool) -> Result<Option<Vec<Row>>> {
    let mut batch = Vec::new();
    while batch.len() < size {
        match rows.next(run)? {
            Some(row) => batch.push(row),
            None => break,
        }
    }
    Ok((batch.len() == size || !drop && !batch.is_empty()).then_some(batch))
}

/// Rows as one, stacked by components.
///
/// # Errors
/// `INVALID_ARGUMENT` when their shapes differ.
pub fn joined(batch: &[Row], run: &Run<'_>) -> Result<Row> {
    (0..batch[0].len())
        .map(|component| {
            let parts: Vec<_> = batch.iter().map(|row| &row[component]).collect();
            let first = parts[0];
            if let Some(other) = parts.iter().position(|part| part.shape() != first.shape()) {
                return Err(Error::invalid_argument(format!(
                    "Cannot batch tensors with different shapes in component {component}. First element had shape {} and \
                     element {other} had shape {}.",
                    first.shape(),
                    parts[other].shape()
                )));
            }
            stack(&parts, run)
        })
        .collect()
}

fn build_unbatch(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let input = Dataset::of(ctx.input(0))?;
        let unbatched = Dataset::new("UnbatchDataset", move |run| {
            let mut batches = input.start(run)?;
            let (mut batch, mut at, mut count) = (Row::new(), 0, 0);
            Ok(Box::new(move |run: &Run<'_>| {
                while at == count {
                    let Some(next) = batches.next(run)? else { return Ok(None) };
                    (batch, at) = (next, 0);
                    count = rows_of(&batch)?;
                }
                at += 1;
                batch.iter().map(|tensor| row(tensor, at - 1)).collect::<Result<Row>>().map(Some)
            }))
        });
        give(ctx, unbatched)
    }))
}

fn rows_of(batch: &[Tensor]) -> Result<usize> {
    let mut count = None;
    for tensor in batch {
        let Some(&rows) = tensor.shape().first() else {
            return Err(Error::invalid_argument("Cannot unbatch an element with scalar components."));
        };
        if *count.get_or_insert(rows) != rows {
            return Err(Error::invalid_argument(format!(
                "Input element must have the same batch size in each component. Component 0 had size {} but another had \
                 size {rows}.",
                count.unwrap_or(0)
            )));
        }
    }
    Ok(count.unwrap_or(0))
}
