//! See [`OP`].

use savedmodel_kernels_lookup::Table;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result};

use crate::dataset::Dataset;
use crate::rows::stack;

/// Fills a table that is filled once with the keys and values that are the rows of a dataset.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/InitializeTableFromDataset>
pub const OP: Op = Op {
    name: "InitializeTableFromDataset",
    inputs: &["table_handle: resource", "dataset: variant"],
    outputs: &[],
    attrs: &[],
    effect: Effect::Write,
    shape: shape::none,
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let table = ctx.resource::<Table>(0)?;
        table.check_initializable()?;
        let run = ctx.run();
        let mut rows = Dataset::of(ctx.input(1))?.start(&run)?;
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        while let Some(row) = rows.next(&run)? {
            let [key, value] = <[_; 2]>::try_from(row).map_err(|row| {
                let text = "Dataset elements must have exactly two components (key, value), got";
                Error::invalid_argument(format!("{text} {}", row.len()))
            })?;
            if (key.dtype(), value.dtype()) != (table.key_dtype(), table.value_dtype()) {
                return Err(Error::invalid_argument(format!(
                    "Conflicting key/value dtypes {}->{} with {}-{} for table {}",
                    key.dtype(),
                    value.dtype(),
                    table.key_dtype(),
                    table.value_dtype(),
                    table.name()
                )));
            }
            if let Some(part) = [&key, &value].into_iter().find(|part| part.rank() != 0) {
                return Err(Error::invalid_argument(format!(
                    "Dataset elements must be scalars, got shape {}",
                    part.shape()
                )));
            }
            keys.push(key);
            values.push(value);
        }
        if keys.is_empty() {
            return Ok(());
        }
        let joined = |parts: &[_]| stack(&Vec::from_iter(parts), &run);
        table.initialize(&joined(&keys)?, &joined(&values)?)
    }))
}
