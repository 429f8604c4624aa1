//! `RebatchDatasetV2`.

use savedmodel_op::{Context, Kernels, Op, Run};
use savedmodel_tensor::{Error, Result, Shape, Tensor, Unit, by_unit};

use crate::dataset::{DATASET, Dataset, Elements, Row, give, scalar};

/// The rows of batches in batches of other sizes, which are taken in turn.
///
/// What is left at the end is a smaller batch, or dropped.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RebatchDatasetV2>
pub const OP: Op = Op {
    name: "RebatchDatasetV2",
    inputs: &["input_dataset: variant", "batch_sizes: int64", "drop_remainder: bool"],
    attrs: &["output_types: list(type) >= 1", "output_shapes: list(shape) >= 1"],
    kernels: Kernels::one(|_| Ok(Box::new(compute))),
    ..DATASET
};

fn compute(ctx: &mut Context<'_>) -> Result<()> {
    let input = Dataset::of(ctx.input(0))?;
    let sizes = ctx.input(1);
    if sizes.rank() > 1 {
        let text = format!("`batch_sizes` must be a scalar or a vector but has rank {}", sizes.rank());
        return Err(Error::invalid_argument(text));
    }
    let sizes = sizes.to_i64s()?.into_iter().map(usize::try_from).collect::<std::result::Result<Vec<_>, _>>();
    let sizes = sizes.ok().filter(|sizes| !sizes.is_empty());
    let sizes = sizes
        .ok_or_else(|| Error::invalid_argument("`batch_sizes` must be numbers that are not negative"))?;
    let drops: bool = scalar(ctx, 2, "drop_remainder")?;
    let rebatched = Dataset::new("RebatchDatasetV2", move |run| {
        let batches = Some(input.start(run)?);
        Ok(Box::new(Rebatch { batches, sizes: sizes.clone(), at: 0, held: Vec::new(), drops }))
    });
    give(ctx, rebatched)
}

struct Rebatch {
    /// What batches come from, until its end.
    batches: Option<Box<dyn Elements>>,
    sizes: Vec<usize>,
    at: usize,
    /// Batches, or what is left of them.
    held: Vec<Row>,
    drops: bool,
}

/// Rows in a batch.
fn rows(batch: &Row) -> Result<usize> {
    let mut rows = batch.iter().map(|part| part.shape().first().copied());
    match rows.next().flatten() {
        Some(first) if rows.all(|other| other == Some(first)) => Ok(first),
        _ => Err(Error::invalid_argument(
            "Input element must have the same, known batch size in each component.",
        )),
    }
}

/// Rows `[start, end)` of a batch.
fn part(batch: &Row, [start, end]: [usize; 2]) -> Result<Row> {
    batch.iter().map(|tensor| tensor.rows(start, end)).collect()
}

impl Elements for Rebatch {
    fn next(&mut self, run: &Run<'_>) -> Result<Option<Row>> {
        let size = self.sizes[self.at];
        let mut there = self.held.iter().map(rows).sum::<Result<usize>>()?;
        while there < size.max(1) {
            let Some(batches) = &mut self.batches else { break };
            match batches.next(run)? {
                Some(batch) => {
                    there += rows(&batch)?;
                    self.held.push(batch);
                }
                None => self.batches = None,
            }
        }
        if there == 0 || self.drops && there < size {
            self.held.clear();
            return Ok(None);
        }
        self.at = (self.at + 1) % self.sizes.len();
        let mut wanted = size.min(there);
        let mut taken = vec![part(&self.held[0], [0, 0])?];
        while wanted > 0 {
            let first = &self.held[0];
            let count = rows(first)?;
            let now = count.min(wanted);
            taken.push(part(first, [0, now])?);
            wanted -= now;
            match now == count {
                true => drop(self.held.remove(0)),
                false => self.held[0] = part(first, [now, count])?,
            }
        }
        let component = |i: usize| concat(&taken.iter().map(|row| &row[i]).collect::<Vec<_>>(), run);
        (0..taken[0].len()).map(component).collect::<Result<Row>>().map(Some)
    }
}

/// One tensor of the rows of several, of which there is at least one.
fn concat(parts: &[&Tensor], run: &Run<'_>) -> Result<Tensor> {
    let last = parts[parts.len() - 1];
    let rest = &last.shape()[1..];
    if parts.iter().any(|part| part.shape()[0] > 0 && part.shape()[1..] != *rest) {
        return Err(Error::invalid_argument("Cannot batch tensors with different shapes"));
    }
    let count: usize = parts.iter().map(|part| part.shape()[0]).sum();
    let shape: Shape = std::iter::once(count).chain(rest.iter().copied()).collect();
    let mut out = run.allocate(last.dtype(), shape)?;
    by_unit!(last.dtype(), U => copy::<U>(parts, &mut out))?;
    Ok(out)
}

fn copy<U: Unit>(parts: &[&Tensor], out: &mut Tensor) -> Result<()> {
    let mut out: &mut [U] = out.units_mut::<U>()?;
    for part in parts.iter().filter(|part| part.shape()[0] > 0) {
        let (to, rest) = out.split_at_mut(part.elements());
        to.clone_from_slice(part.units::<U>()?);
        out = rest;
    }
    Ok(())
}
