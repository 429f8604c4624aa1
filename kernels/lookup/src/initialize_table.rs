//! `InitializeTable` and its second version.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Result};

use crate::handle::takes_reference;
use crate::table::{Argument, Table, check_signature};

/// Fills a table that is filled once with keys and values.
///
/// When the table is filled already, only the number of entries is compared. Equal keys must have equal values.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/InitializeTableV2>.
pub const OPS: &[Op] = &[
    Op {
        name: "InitializeTable",
        inputs: &["table_handle: Ref(string)", "keys: Tkey", "values: Tval"],
        ..V2
    },
    V2,
];

const V2: Op = Op {
    name: "InitializeTableV2",
    inputs: &["table_handle: resource", "keys: Tkey", "values: Tval"],
    outputs: &[],
    attrs: &["Tkey: type", "Tval: type"],
    effect: Effect::Write,
    shape: shape::none,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (key, value): (DType, DType) = (node.attr("Tkey")?, node.attr("Tval")?);
    let is_ref = takes_reference(node);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let table = ctx.resource::<Table>(0)?;
        table.check_initializable()?;
        check_signature(table, is_ref, &[Argument::Key(key), Argument::Value(value)], &[])?;
        let (keys, values) = (ctx.input(1), ctx.input(2));
        for (what, shape) in [("Keys", keys.shape()), ("Values", values.shape())] {
            if shape.rank() != 1 {
                let message = format!("{what} must be a vector, but received shape{shape}");
                return Err(Error::invalid_argument(message));
            }
        }
        if keys.elements() != values.elements() {
            let message = "Keys and values must have the same size";
            return Err(Error::invalid_argument(format!(
                "{message} {} vs {}",
                keys.elements(),
                values.elements()
            )));
        }
        table.initialize(keys, values)
    }))
}
