//! `GroupByWindowDataset` and `GroupByReducerDataset`.

use std::collections::BTreeMap;

use savedmodel_op::{Construction, Context, Kernel, Kernels, Op, Run};
use savedmodel_tensor::{DType, Error, Result, Tensor};

use crate::dataset::{DATASET, Dataset, Elements, Row, give};
use crate::function::Function;
use crate::window::of_rows;

/// Datasets of rows that have the same key: of the rows of a dataset that a function makes of each so many of them, or of one row
/// for each key that functions make of all of them.
///
/// What is left at the end comes in the order of the keys.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/GroupByWindowDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/GroupByReducerDataset>
pub const OPS: &[Op] = &[
    Op {
        name: "GroupByWindowDataset",
        inputs: &[
            "input_dataset: variant",
            "key_func_other_arguments: Tkey_func_other_arguments",
            "reduce_func_other_arguments: Treduce_func_other_arguments",
            "window_size_func_other_arguments: Twindow_size_func_other_arguments",
        ],
        attrs: &[
            "key_func: func",
            "reduce_func: func",
            "window_size_func: func",
            "Tkey_func_other_arguments: list(type) >= 0",
            "Treduce_func_other_arguments: list(type) >= 0",
            "Twindow_size_func_other_arguments: list(type) >= 0",
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "metadata: string = ''",
        ],
        kernels: Kernels::one(build_windows),
        ..DATASET
    },
    REDUCER,
    Op { name: "ExperimentalGroupByReducerDataset", ..REDUCER },
];

const REDUCER: Op = Op {
    name: "GroupByReducerDataset",
    inputs: &[
        "input_dataset: variant",
        "key_func_other_arguments: Tkey_func_other_arguments",
        "init_func_other_arguments: Tinit_func_other_arguments",
        "reduce_func_other_arguments: Treduce_func_other_arguments",
        "finalize_func_other_arguments: Tfinalize_func_other_arguments",
    ],
    attrs: &[
        "key_func: func",
        "init_func: func",
        "reduce_func: func",
        "finalize_func: func",
        "Tkey_func_other_arguments: list(type) >= 0",
        "Tinit_func_other_arguments: list(type) >= 0",
        "Treduce_func_other_arguments: list(type) >= 0",
        "Tfinalize_func_other_arguments: list(type) >= 0",
        "output_types: list(type) >= 1",
        "output_shapes: list(shape) >= 1",
    ],
    kernels: Kernels::one(build_reducer),
    ..DATASET
};

/// Makes the functions of a node, whose captured values are its inputs after the first, in the order of the names.
fn functions<const N: usize>(
    node: &Construction<'_>,
    names: [&str; N],
) -> Result<impl Fn(&Context<'_>) -> [Function; N] + Send + Sync + 'static> {
    let mut end = 1;
    let mut made = Vec::with_capacity(N);
    for name in names {
        let start = end;
        end += node.attr::<Vec<DType>>(&format!("T{name}_other_arguments"))?.len();
        made.push((node.function(name)?, start, end));
    }
    Ok(move |ctx: &Context<'_>| {
        std::array::from_fn(|i| {
            let (callable, start, end) = &made[i];
            Function::of(callable, ctx, *start, *end)
        })
    })
}

/// What a function that must give a scalar of `int64` gives.
fn number(function: &Function, run: &Run<'_>, arguments: Row, name: &str) -> Result<i64> {
    match &function.call(run, arguments)?[..] {
        [key] if key.rank() == 0 && key.dtype() == DType::Int64 => key.to_scalar(),
        _ => Err(Error::invalid_argument(format!("`{name}` must return a scalar int64."))),
    }
}

fn build_windows(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let functions = functions(node, ["key_func", "reduce_func", "window_size_func"])?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = Dataset::of(ctx.input(0))?;
        let [key, reduce, size] = functions(ctx);
        let windows = Dataset::new("GroupByWindowDataset", move |run| {
            let functions = [&key, &reduce, &size].map(Clone::clone);
            Ok(Box::new(Windows {
                rows: Some(input.start(run)?),
                functions,
                groups: BTreeMap::new(),
                current: None,
            }))
        });
        give(ctx, windows)
    }))
}

/// Rows that have the same key.
#[derive(Default)]
struct Group {
    rows: Vec<Row>,
    /// How many make a window; 0 before anybody asked.
    size: usize,
}

struct Windows {
    rows: Option<Box<dyn Elements>>,
    /// Key, dataset of a window, and size of windows.
    functions: [Function; 3],
    groups: BTreeMap<i64, Group>,
    /// The rows that were made of the last window.
    current: Option<Box<dyn Elements>>,
}

impl Windows {
    /// The next window that is whole or, at the end, what is left of one.
    fn window(&mut self, run: &Run<'_>) -> Result<Option<(i64, Vec<Row>)>> {
        let [key_of, _, size_of] = &self.functions;
        while let Some(rows) = &mut self.rows {
            let Some(row) = rows.next(run)? else {
                self.rows = None;
                break;
            };
            let key = number(key_of, run, row.clone(), "key_func")?;
            let group = self.groups.entry(key).or_default();
            if group.size == 0 {
                let size = number(size_of, run, vec![Tensor::scalar(key)], "window_size_func")?;
                let positive = usize::try_from(size).ok().filter(|&size| size > 0);
                group.size = positive.ok_or_else(|| {
                    let text = format!("Window size must be greater than zero, but got {size}.");
                    Error::invalid_argument(text)
                })?;
            }
            group.rows.push(row);
            if group.rows.len() == group.size {
                return Ok(Some((key, std::mem::take(&mut group.rows))));
            }
        }
        while let Some((key, group)) = self.groups.pop_first() {
            if !group.rows.is_empty() {
                return Ok(Some((key, group.rows)));
            }
        }
        Ok(None)
    }
}

impl Elements for Windows {
    fn next(&mut self, run: &Run<'_>) -> Result<Option<Row>> {
        loop {
            if let Some(current) = &mut self.current {
                if let Some(row) = current.next(run)? {
                    return Ok(Some(row));
                }
                self.current = None;
            }
            let Some((key, window)) = self.window(run)? else { return Ok(None) };
            let arguments = vec![Tensor::scalar(key), of_rows(window).into_tensor()?];
            self.current = match &self.functions[1].call(run, arguments)?[..] {
                [dataset] => Some(Dataset::of(dataset)?.start(run)?),
                _ => return Err(Error::invalid_argument("`reduce_func` must return a Dataset object.")),
            };
        }
    }
}

fn build_reducer(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let functions = functions(node, ["key_func", "init_func", "reduce_func", "finalize_func"])?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let input = Dataset::of(ctx.input(0))?;
        let [key, init, reduce, finalize] = functions(ctx);
        let reduced = Dataset::new("GroupByReducerDataset", move |run| {
            let mut rows = Some(input.start(run)?);
            let [key, init, reduce, finalize] = [&key, &init, &reduce, &finalize].map(Clone::clone);
            // The only row of a group is its state.
            let mut states: BTreeMap<i64, Group> = BTreeMap::new();
            Ok(Box::new(move |run: &Run<'_>| {
                if let Some(mut rows) = rows.take() {
                    while let Some(row) = rows.next(run)? {
                        let key = number(&key, run, row.clone(), "key_func")?;
                        let group = states.entry(key).or_default();
                        let mut arguments = match group.rows.pop() {
                            Some(state) => state,
                            None => init.call(run, vec![Tensor::scalar(key)])?,
                        };
                        arguments.extend(row);
                        group.rows.push(reduce.call(run, arguments)?);
                    }
                }
                let state = states.pop_first().and_then(|(_, group)| group.rows.into_iter().next());
                state.map(|state| finalize.call(run, state)).transpose()
            }))
        });
        give(ctx, reduced)
    }))
}
