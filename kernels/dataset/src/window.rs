//! `WindowDataset`.

use std::collections::VecDeque;

use savedmodel_op::{Context, Kernels, Op, Run};
use savedmodel_tensor::{Error, Result};

use crate::dataset::{DATASET, Dataset, Elements, Row, give, scalar};

/// A dataset of windows over the rows of another one: each row is a dataset for each component.
///
/// A window begins `shift` rows after the one before and takes every `stride`-th row, up to `size` of them. Windows that find fewer
/// are left out with `drop_remainder`. An error of a row is that of each window that takes it.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/WindowDataset>
pub const OP: Op = Op {
    name: "WindowDataset",
    inputs: &[
        "input_dataset: variant",
        "size: int64",
        "shift: int64",
        "stride: int64",
        "drop_remainder: bool",
    ],
    kernels: Kernels::one(|_| Ok(Box::new(compute))),
    ..DATASET
};

fn compute(ctx: &mut Context<'_>) -> Result<()> {
    let input = Dataset::of(ctx.input(0))?;
    let positive = |i: usize, name: &str| match scalar::<i64>(ctx, i, name)? {
        value if value > 0 => Ok(usize::try_from(value).unwrap_or(usize::MAX)),
        _ => Err(Error::invalid_argument(format!("Window {name} must be greater than zero."))),
    };
    let [size, shift, stride] = [positive(1, "size")?, positive(2, "shift")?, positive(3, "stride")?];
    let drops_remainder: bool = scalar(ctx, 4, "drop_remainder")?;
    let span = (size - 1).saturating_mul(stride).saturating_add(1);
    let count = input.count_by(|rows| {
        let span = i64::try_from(span).unwrap_or(i64::MAX);
        let shift = i64::try_from(shift).unwrap_or(i64::MAX);
        match drops_remainder {
            true if rows < span => 0,
            true => (rows - span) / shift + 1,
            false => rows / shift + i64::from(rows % shift > 0),
        }
    });
    let windows = Dataset::new("WindowDataset", move |run| {
        let mut windows = Windows {
            rows: Some(input.start(run)?),
            held: VecDeque::new(),
            span,
            shift,
            stride,
            drops_remainder,
        };
        Ok(Box::new(move |run: &Run<'_>| windows.next(run)))
    });
    give(ctx, windows.counted(count))
}

struct Windows {
    /// What rows come from, until its end.
    rows: Option<Box<dyn Elements>>,
    /// Rows from the beginning of the next window on.
    held: VecDeque<Result<Row>>,
    /// Rows from the first to the last of a whole window.
    span: usize,
    shift: usize,
    stride: usize,
    drops_remainder: bool,
}

impl Windows {
    /// The next row of the input, or its error; `None` at the end.
    fn take(&mut self, run: &Run<'_>) -> Option<Result<Row>> {
        let row = self.rows.as_mut()?.next(run).transpose();
        if row.is_none() {
            self.rows = None;
        }
        row
    }

    fn next(&mut self, run: &Run<'_>) -> Result<Option<Row>> {
        while self.held.len() < self.span {
            let Some(row) = self.take(run) else { break };
            self.held.push_back(row);
        }
        if self.held.is_empty() || self.drops_remainder && self.held.len() < self.span {
            return Ok(None);
        }
        let rows: Result<Vec<Row>> = self.held.iter().step_by(self.stride).cloned().collect();
        for _ in self.held.len()..self.shift {
            if self.take(run).is_none() {
                break;
            }
        }
        self.held.drain(..self.shift.min(self.held.len()));
        let rows = rows?;
        let components = rows.first().map_or(0, Vec::len);
        let part = |i: usize| rows.iter().map(|row| vec![row[i].clone()]).collect::<Vec<Row>>();
        (0..components).map(|i| of_rows(part(i)).into_tensor()).collect::<Result<Row>>().map(Some)
    }
}

/// The dataset of rows that are there.
pub fn of_rows(rows: Vec<Row>) -> Dataset {
    let rows: std::sync::Arc<[Row]> = rows.into();
    let count = rows.len() as i64;
    let dataset = Dataset::new("WindowDataset", move |_| {
        let (rows, mut at) = (rows.clone(), 0);
        Ok(Box::new(move |_: &Run<'_>| {
            let row = rows.get(at).cloned();
            at += usize::from(row.is_some());
            Ok(row)
        }))
    });
    dataset.counted(count)
}
