//! `ReduceDataset` and `DatasetToSingleElement`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Result};

use crate::dataset::{Dataset, Row};
use crate::function::Function;

/// What a function makes of a state and each row in turn, and the only row of a dataset.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ReduceDataset>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DatasetToSingleElement>
pub const OPS: &[Op] = &[
    Op {
        name: "ReduceDataset",
        inputs: &["input_dataset: variant", "initial_state: Tstate", "other_arguments: Targuments"],
        outputs: &["components: output_types"],
        attrs: &[
            "f: func",
            "Tstate: list(type) >= 1",
            "Targuments: list(type) >= 0",
            "output_types: list(type) >= 1",
            "output_shapes: list(shape) >= 1",
            "use_inter_op_parallelism: bool = true",
            "metadata: string = ''",
        ],
        effect: Effect::External,
        shape: shape::unknown,
        kernels: Kernels::one(build),
    },
    Op {
        name: "DatasetToSingleElement",
        inputs: &["dataset: variant"],
        outputs: &["components: output_types"],
        attrs: &["output_types: list(type) >= 1", "output_shapes: list(shape) >= 1", "metadata: string = ''"],
        effect: Effect::External,
        shape: shape::unknown,
        kernels: Kernels::one(build_single),
    },
];

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let callable = node.function("f")?;
    let states = node.attr::<Vec<DType>>("Tstate")?.len();
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let run = ctx.run();
        let mut rows = Dataset::of(ctx.input(0))?.start(&run)?;
        let mut state: Row = (1..=states).map(|i| ctx.input(i).clone()).collect();
        let function = Function::of(&callable, ctx, 1 + states, ctx.input_len());
        while let Some(row) = rows.next(&run)? {
            state.extend(row);
            state = function.call(&run, state)?;
            if state.len() != states {
                return Err(Error::invalid_argument(format!(
                    "the function returns {} tensors for a state of {states}",
                    state.len()
                )));
            }
        }
        set_all(ctx, state)
    }))
}

fn build_single(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let run = ctx.run();
        let mut rows = Dataset::of(ctx.input(0))?.start(&run)?;
        let Some(row) = rows.next(&run)? else {
            return Err(Error::invalid_argument("Dataset was empty."));
        };
        if rows.next(&run)?.is_some() {
            return Err(Error::invalid_argument("Dataset had more than one element."));
        }
        set_all(ctx, row)
    }))
}

/// Gives a row as the outputs.
///
/// # Errors
/// `INVALID_ARGUMENT` when it has another number of components than there are outputs.
pub fn set_all(ctx: &mut Context<'_>, row: Row) -> Result<()> {
    if row.len() != ctx.output_len() {
        return Err(Error::invalid_argument(format!(
            "Expected {} components but got {}.",
            ctx.output_len(),
            row.len()
        )));
    }
    row.into_iter().enumerate().for_each(|(i, tensor)| ctx.set(i, tensor));
    Ok(())
}
