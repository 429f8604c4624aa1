//! `DirectedInterleaveDataset` and `ChooseFastestDataset`.

use savedmodel_op::{Construction, Context, Kernel, Kernels, Op, Run};
use savedmodel_tensor::{Error, Result};

use crate::dataset::{DATASET, Dataset, Elements, INFINITE, Row, UNKNOWN, give};

/// Datasets of rows of several others: of the one that a dataset of indices tells each time, or of the one that is fastest.
///
/// Datasets of `ChooseFastestDataset` have the same rows; the first is taken. Indices of datasets that ended are skipped, or
/// end all.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DirectedInterleaveDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ChooseFastestDataset>
pub const OPS: &[Op] = &[
    Op {
        name: "DirectedInterleaveDataset",
        inputs: &["selector_input_dataset: variant", "data_input_datasets: N * variant"],
        attrs: &[
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "N: int >= 1",
            "stop_on_empty_dataset: bool = false",
        ],
        kernels: Kernels::one(build),
        ..DATASET
    },
    Op {
        name: "ChooseFastestDataset",
        inputs: &["input_datasets: N * variant"],
        attrs: &[
            "N: int >= 2",
            "num_experiments: int",
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
        ],
        kernels: Kernels::one(|_| {
            Ok(Box::new(|ctx: &mut Context<'_>| {
                let first = Dataset::of(ctx.input(0))?;
                give(ctx, first)
            }))
        }),
        ..DATASET
    },
];

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let stops: bool = node.attr("stop_on_empty_dataset")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let selector = Dataset::of(ctx.input(0))?;
        let inputs = ctx.inputs(1).map(Dataset::of).collect::<Result<Vec<_>>>()?;
        let endless = inputs.iter().any(|input| input.count() == INFINITE);
        let directed = Dataset::new("DirectedInterleaveDataset", move |run| {
            let selector = selector.start(run)?;
            let start = |input: &Dataset| input.start(run).map(Some);
            let open = inputs.iter().map(start).collect::<Result<_>>()?;
            Ok(Box::new(Directed { selector: Some(selector), open, stops }))
        });
        give(ctx, directed.counted(if endless { INFINITE } else { UNKNOWN }))
    }))
}

struct Directed {
    /// What tells whose turn it is, until its end.
    selector: Option<Box<dyn Elements>>,
    /// The ways through the datasets; `None` for those that ended.
    open: Vec<Option<Box<dyn Elements>>>,
    stops: bool,
}

impl Elements for Directed {
    fn next(&mut self, run: &Run<'_>) -> Result<Option<Row>> {
        while let Some(selector) = &mut self.selector {
            let Some(row) = selector.next(run)? else { break };
            let index: i64 = match &row[..] {
                [index] if index.rank() == 0 => index.to_scalar()?,
                _ => return Err(Error::invalid_argument("The selector must give scalars of int64.")),
            };
            let count = self.open.len();
            let place = usize::try_from(index).ok().and_then(|index| self.open.get_mut(index));
            let Some(place) = place else {
                let text = format!("Selector index out of range: {index} >= {count}");
                return Err(Error::invalid_argument(text));
            };
            let Some(rows) = place else { continue };
            if let Some(row) = rows.next(run)? {
                return Ok(Some(row));
            }
            *place = None;
            if self.stops || self.open.iter().all(Option::is_none) {
                break;
            }
        }
        self.selector = None;
        Ok(None)
    }
}
