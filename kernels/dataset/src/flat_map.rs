//! `FlatMapDataset`, `InterleaveDataset` and its like.

use savedmodel_op::{Construction, Context, Kernel, Kernels, Op, Run};
use savedmodel_tensor::{Error, Result};

use crate::dataset::{DATASET, Dataset, Elements, Row, give, scalar};
use crate::function::Function;

/// Datasets of the rows of the datasets that a function makes of each row: of one after the other, or of several in turn.
///
/// Rows that may come in any order come in that of the input.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/FlatMapDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/InterleaveDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/LegacyParallelInterleaveDatasetV2>
pub const OPS: &[Op] = &[
    Op {
        name: "FlatMapDataset",
        inputs: &["input_dataset: variant", "other_arguments: Targuments"],
        attrs: ATTRS,
        kernels: Kernels::one(|node| build(node, 0)),
        ..DATASET
    },
    Op {
        name: "InterleaveDataset",
        inputs: &[
            "input_dataset: variant",
            "other_arguments: Targuments",
            "cycle_length: int64",
            "block_length: int64",
        ],
        attrs: ATTRS,
        kernels: Kernels::one(|node| build(node, 2)),
        ..DATASET
    },
    Op {
        name: "ParallelInterleaveDatasetV2",
        inputs: PARALLEL,
        attrs: &[
            "f: func",
            "Targuments: list(type) >= 0",
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "sloppy: bool = false",
            "metadata: string = ''",
        ],
        kernels: Kernels::one(|node| build(node, 3)),
        ..DATASET
    },
    Op {
        name: "ParallelInterleaveDatasetV3",
        inputs: PARALLEL,
        attrs: DETERMINISTIC,
        kernels: Kernels::one(|node| build(node, 3)),
        ..DATASET
    },
    Op {
        name: "ParallelInterleaveDatasetV4",
        inputs: &[
            "input_dataset: variant",
            "other_arguments: Targuments",
            "cycle_length: int64",
            "block_length: int64",
            "buffer_output_elements: int64",
            "prefetch_input_elements: int64",
            "num_parallel_calls: int64",
        ],
        attrs: DETERMINISTIC,
        kernels: Kernels::one(|node| build(node, 5)),
        ..DATASET
    },
    Op {
        name: "LegacyParallelInterleaveDatasetV2",
        inputs: &[
            "input_dataset: variant",
            "other_arguments: Targuments",
            "cycle_length: int64",
            "block_length: int64",
            "buffer_output_elements: int64",
            "prefetch_input_elements: int64",
        ],
        attrs: DETERMINISTIC,
        kernels: Kernels::one(|node| build(node, 4)),
        ..DATASET
    },
    Op {
        name: "ParallelInterleaveDataset",
        inputs: &[
            "input_dataset: variant",
            "other_arguments: Targuments",
            "cycle_length: int64",
            "block_length: int64",
            "sloppy: bool",
            "buffer_output_elements: int64",
            "prefetch_input_elements: int64",
        ],
        attrs: ATTRS,
        kernels: Kernels::one(|node| build(node, 5)),
        ..DATASET
    },
];

const ATTRS: &[&str] = &[
    "f: func",
    "Targuments: list(type) >= 0",
    "output_types: list(type) >= 1",
    "output_shapes: list(shape) >= 1",
    "metadata: string = ''",
];

const PARALLEL: &[&str] = &[
    "input_dataset: variant",
    "other_arguments: Targuments",
    "cycle_length: int64",
    "block_length: int64",
    "num_parallel_calls: int64",
];

const DETERMINISTIC: &[&str] = &[
    "f: func",
    "deterministic: string = 'default'",
    "Targuments: list(type) >= 0",
    "output_types: list(type) >= 1",
    "output_shapes: list(shape) >= 1",
    "metadata: string = ''",
];

/// The builder of an operator whose last `settings` inputs begin with cycle and block length, if there are any.
fn build(node: &Construction<'_>, settings: usize) -> Result<Box<dyn Kernel>> {
    let callable = node.function("f")?;
    let is_eager = matches!(node.op(), "LegacyParallelInterleaveDatasetV2" | "ParallelInterleaveDataset");
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = Dataset::of(ctx.input(0))?;
        let end = ctx.input_len() - settings;
        let function = Function::of(&callable, ctx, 1, end);
        let (cycle, block) = match settings {
            0 => (1, i64::MAX),
            _ => (scalar(ctx, end, "cycle_length")?, scalar(ctx, end + 1, "block_length")?),
        };
        // TensorFlow's choice for a cycle of no given length is the number of processors; all give the same rows.
        let cycle = if cycle == -1 && !is_eager { 1 } else { cycle };
        if cycle <= 0 {
            return Err(Error::invalid_argument("cycle_length must be greater than zero."));
        }
        if block <= 0 {
            return Err(Error::invalid_argument("block_length must be greater than zero."));
        }
        if is_eager {
            for (i, (name, least)) in
                [("prefetch_input_elements", 0), ("buffer_output_elements", 1)].into_iter().enumerate()
            {
                if scalar::<i64>(ctx, ctx.input_len() - 1 - i, name)? < least {
                    return Err(Error::invalid_argument(format!("`{name}` must be >= {least}")));
                }
            }
        }
        let all = Dataset::new("InterleaveDataset", move |run| {
            let (rows, function) = (input.start(run)?, function.clone());
            Ok(Box::new(Interleave {
                rows,
                function,
                cycle,
                block,
                is_eager,
                open: Vec::new(),
                at: 0,
                taken: 0,
                ended: false,
            }))
        });
        give(ctx, all)
    }))
}

/// Bytes that an open dataset takes, about.
const BYTES: usize = 1 << 10;

struct Interleave {
    rows: Box<dyn Elements>,
    function: Function,
    cycle: i64,
    block: i64,
    /// Whether all places are filled at first, and that of a dataset that ended at once; where nothing is left for it, the next one goes on with the
    /// block.
    is_eager: bool,
    /// The places of the cycle that were used so far; `None` where a dataset ended.
    open: Vec<Option<Box<dyn Elements>>>,
    at: usize,
    taken: i64,
    ended: bool,
}

impl Interleave {
    fn advance(&mut self) {
        self.taken = 0;
        self.at = (self.at + 1) % usize::try_from(self.cycle).unwrap_or(usize::MAX);
    }

    /// Opens the next dataset at the current place.
    fn open(&mut self, run: &Run<'_>) -> Result<()> {
        let Some(row) = self.rows.next(run)? else {
            self.ended = true;
            return Ok(());
        };
        let opened = match &self.function.call(run, row)?[..] {
            [dataset] => Dataset::of(dataset)?.start(run)?,
            _ => return Err(Error::invalid_argument("the function must return one dataset")),
        };
        if self.at == self.open.len() {
            if self.at >= run.limits.tensor_bytes / BYTES {
                return Err(Error::resource_exhausted(format!(
                    "OOM when opening the datasets of a cycle of {}",
                    self.cycle
                )));
            }
            self.open.push(None);
        }
        self.open[self.at] = Some(opened);
        Ok(())
    }
}

impl Elements for Interleave {
    fn next(&mut self, run: &Run<'_>) -> Result<Option<Row>> {
        if self.is_eager && self.open.is_empty() {
            while !self.ended && (self.at as i64) < self.cycle {
                self.open(run)?;
                self.at += 1;
            }
            self.at = 0;
        }
        while !self.ended || self.open.iter().any(Option::is_some) {
            if let Some(Some(current)) = self.open.get_mut(self.at) {
                if let Some(row) = current.next(run)? {
                    self.taken += 1;
                    if self.taken == self.block {
                        self.advance();
                    }
                    return Ok(Some(row));
                }
                self.open[self.at] = None;
                if self.is_eager {
                    self.open(run)?;
                }
                if self.is_eager && self.ended {
                    self.at = (self.at + 1) % self.open.len();
                } else {
                    self.advance();
                }
            } else if self.ended {
                self.at = if self.at >= self.open.len() { 0 } else { (self.at + 1) % self.open.len() };
            } else {
                self.open(run)?;
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::{Callable, Limits, ResourceManager};
    use savedmodel_tensor::{Code, Tensor, Variant};
    use std::sync::Arc;

    /// A function that gives the dataset that it is called with.
    #[derive(Debug)]
    struct Same;

    impl Callable for Same {
        fn call(&self, _: &Run<'_>, row: Row) -> Result<Row> {
            Ok(row)
        }
    }

    #[test]
    fn a_cycle_without_end_is_refused() {
        let (resources, limits) = (ResourceManager::new(), Limits { tensor_bytes: 10 * BYTES });
        let run = Run { resources: &resources, limits: &limits };
        let empty = || Dataset::new("TensorDataset", |_| Ok(Box::new(|_: &Run<'_>| Ok(None))));
        let row = move |_: &Run<'_>| -> Result<Option<Row>> {
            Ok(Some(vec![Tensor::from_variants([], vec![Variant::new(empty())])?]))
        };
        let mut all = Interleave {
            rows: Box::new(row),
            function: Function::new(Arc::new(Same)),
            cycle: i64::MAX,
            block: 1,
            is_eager: true,
            open: Vec::new(),
            at: 0,
            taken: 0,
            ended: false,
        };
        assert_eq!(all.next(&run).unwrap_err().code(), Code::ResourceExhausted);
    }
}
