//! See [`OP`].

use savedmodel_kernels_list::rows::{self, stack};
use savedmodel_kernels_lookup::Table;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result};

use crate::dataset::Dataset;

/// Fills a table that is filled once with the keys and values that are the rows of a dataset; a row may hold several.
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
        let mut elements = Dataset::of(ctx.input(1))?.start(&run)?;
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        while let Some(row) = elements.next(&run)? {
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
            let count = key.elements();
            if value.elements() < count {
                return Err(Error::invalid_argument(format!(
                    "{count} keys of a dataset's row have {} values",
                    value.elements()
                )));
            }
            let [key, value] = [key, value].map(|part| {
                let count = part.elements();
                part.reshape([count])
            });
            let (key, value) = (key?, value?);
            for i in 0..count {
                keys.push(rows::row(&key, i)?);
                values.push(rows::row(&value, i)?);
            }
        }
        if keys.is_empty() {
            return Ok(());
        }
        let joined = |parts: &[_]| stack(&Vec::from_iter(parts), &run);
        table.initialize(&joined(&keys)?, &joined(&values)?)
    }))
}
