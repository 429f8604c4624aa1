//! `TakeDataset`, `SkipDataset`, `RepeatDataset`, `ConcatenateDataset`, `ZipDataset` and `ShardDataset`.

use savedmodel_op::{Construction, Context, Kernel, Kernels, Op, Run};
use savedmodel_tensor::{Error, Result};

use crate::dataset::{DATASET, Dataset, Elements, INFINITE, Row, UNKNOWN, give, scalar};

/// Datasets of some rows of others, or of rows of several.
///
/// A negative count takes, skips or repeats all without end; repeating nothing for ever is nothing.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TakeDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SkipDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RepeatDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ConcatenateDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ZipDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ShardDataset>
pub const OPS: &[Op] = &[
    Op {
        name: "TakeDataset",
        inputs: &["input_dataset: variant", "count: int64"],
        kernels: Kernels::one(|_| build(take)),
        ..DATASET
    },
    Op {
        name: "SkipDataset",
        inputs: &["input_dataset: variant", "count: int64"],
        kernels: Kernels::one(|_| build(skip)),
        ..DATASET
    },
    Op {
        name: "RepeatDataset",
        inputs: &["input_dataset: variant", "count: int64"],
        kernels: Kernels::one(|_| build(repeat)),
        ..DATASET
    },
    Op {
        name: "ConcatenateDataset",
        inputs: &["input_dataset: variant", "another_dataset: variant"],
        kernels: Kernels::one(build_concatenate),
        ..DATASET
    },
    Op {
        name: "ZipDataset",
        inputs: &["input_datasets: N * variant"],
        attrs: &[
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "N: int >= 1",
            "metadata: string = ''",
        ],
        kernels: Kernels::one(build_zip),
        ..DATASET
    },
    Op {
        name: "ShardDataset",
        inputs: &["input_dataset: variant", "num_shards: int64", "index: int64"],
        attrs: &[
            "require_non_empty: bool = false",
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "metadata: string = ''",
        ],
        kernels: Kernels::one(build_shard),
        ..DATASET
    },
];

/// The builder of a dataset of another one and a count.
fn build(of: fn(Dataset, i64) -> Dataset) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (input, count) = (Dataset::of(ctx.input(0))?, scalar(ctx, 1, "count")?);
        give(ctx, of(input, count))
    }))
}

fn take(input: Dataset, count: i64) -> Dataset {
    let rows = match (input.count(), count) {
        (rows, ..0) => rows,
        (UNKNOWN, _) => UNKNOWN,
        (INFINITE, count) => count,
        (rows, count) => rows.min(count),
    };
    let taken = Dataset::new("TakeDataset", move |run| {
        let (mut rows, mut left) = (input.start(run)?, count);
        Ok(Box::new(move |run: &Run<'_>| {
            if left == 0 {
                return Ok(None);
            }
            left -= i64::from(left > 0);
            rows.next(run)
        }))
    });
    taken.counted(rows)
}

fn skip(input: Dataset, count: i64) -> Dataset {
    let rows = if count < 0 { 0 } else { input.count_by(|rows| (rows - count).max(0)) };
    let rest = Dataset::new("SkipDataset", move |run| {
        let (mut rows, mut left) = (input.start(run)?, count);
        Ok(Box::new(move |run: &Run<'_>| {
            if left < 0 {
                return Ok(None);
            }
            while left > 0 {
                left -= 1;
                if rows.next(run)?.is_none() {
                    left = 0;
                    return Ok(None);
                }
            }
            rows.next(run)
        }))
    });
    rest.counted(rows)
}

/// A dataset gone through several times, without end if that is negative.
pub fn repeat(input: Dataset, count: i64) -> Dataset {
    let rows = match (input.count(), count) {
        (0, _) | (_, 0) => 0,
        (_, ..0) => INFINITE,
        _ => input.count_by(|rows| rows.saturating_mul(count)),
    };
    let again = Dataset::new("RepeatDataset", move |_| {
        let (input, mut left) = (input.clone(), count);
        let mut rows: Option<Box<dyn Elements>> = None;
        Ok(Box::new(move |run: &Run<'_>| {
            while left != 0 {
                let fresh = rows.is_none();
                let current = match &mut rows {
                    Some(rows) => rows,
                    None => rows.insert(input.start(run)?),
                };
                if let Some(row) = current.next(run)? {
                    return Ok(Some(row));
                }
                rows = None;
                left = if fresh && left < 0 { 0 } else { left - i64::from(left > 0) };
            }
            Ok(None)
        }))
    });
    again.counted(rows)
}

fn build_concatenate(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let (first, second) = (Dataset::of(ctx.input(0))?, Dataset::of(ctx.input(1))?);
        let count = match [first.count(), second.count()] {
            counts if counts.contains(&INFINITE) => INFINITE,
            counts if counts.contains(&UNKNOWN) => UNKNOWN,
            [first, second] => first.saturating_add(second),
        };
        let both = Dataset::new("ConcatenateDataset", move |run| {
            let (mut rows, mut then) = (first.start(run)?, Some(second.clone()));
            Ok(Box::new(move |run: &Run<'_>| {
                loop {
                    if let Some(row) = rows.next(run)? {
                        return Ok(Some(row));
                    }
                    let Some(next) = then.take() else { return Ok(None) };
                    rows = next.start(run)?;
                }
            }))
        });
        give(ctx, both.counted(count))
    }))
}

fn build_zip(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let inputs = ctx.inputs(0).map(Dataset::of).collect::<Result<Vec<_>>>()?;
        let counts: Vec<i64> = inputs.iter().map(Dataset::count).collect();
        let count = match counts.contains(&UNKNOWN) {
            true => UNKNOWN,
            false => counts.into_iter().filter(|&count| count >= 0).min().unwrap_or(INFINITE),
        };
        let zipped = Dataset::new("ZipDataset", move |run| {
            let mut all = inputs.iter().map(|input| input.start(run)).collect::<Result<Vec<_>>>()?;
            let mut ended = false;
            Ok(Box::new(move |run: &Run<'_>| {
                let mut zipped = Row::new();
                for rows in &mut all {
                    match if ended { None } else { rows.next(run)? } {
                        Some(row) => zipped.extend(row),
                        None => ended = true,
                    }
                }
                Ok((!ended).then_some(zipped))
            }))
        });
        give(ctx, zipped.counted(count))
    }))
}

fn build_shard(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let require_non_empty: bool = node.attr("require_non_empty")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = Dataset::of(ctx.input(0))?;
        let shards: i64 = scalar(ctx, 1, "num_shards")?;
        let index: i64 = scalar(ctx, 2, "index")?;
        if shards < 1 {
            let text =
                format!("Number of shards must be greater than zero (currently num_shards = {shards}).");
            return Err(Error::invalid_argument(text));
        }
        if index < 0 || index >= shards {
            return Err(Error::invalid_argument(format!(
                "Index must be between 0 and {} (currently index = {index}).",
                shards - 1
            )));
        }
        if require_non_empty {
            return Err(Error::unimplemented(
                "operator ShardDataset has no kernel for attr require_non_empty = true",
            ));
        }
        let count = input.count_by(|rows| rows / shards + i64::from(index < rows % shards));
        let shard = Dataset::new("ShardDataset", move |run| {
            let (mut rows, mut at) = (input.start(run)?, 0_i64);
            Ok(Box::new(move |run: &Run<'_>| {
                while let Some(row) = rows.next(run)? {
                    let mine = at == index;
                    at = (at + 1) % shards;
                    if mine {
                        return Ok(Some(row));
                    }
                }
                Ok(None)
            }))
        });
        give(ctx, shard.counted(count))
    }))
}
