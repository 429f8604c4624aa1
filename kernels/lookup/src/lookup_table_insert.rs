//! `LookupTableInsert` and its second version.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Result};

use crate::handle::takes_reference;
use crate::table::{Argument, Table, check_signature};

/// Adds entries to a mutable table, or replaces their values.
///
/// Of equal keys the last wins.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/LookupTableInsertV2>.
pub const OPS: &[Op] = &[
    Op {
        name: "LookupTableInsert",
        inputs: &["table_handle: Ref(string)", "keys: Tin", "values: Tout"],
        ..V2
    },
    V2,
];

const V2: Op = Op {
    name: "LookupTableInsertV2",
    inputs: &["table_handle: resource", "keys: Tin", "values: Tout"],
    outputs: &[],
    attrs: &["Tin: type", "Tout: type"],
    effect: Effect::Write,
    shape: shape::none,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (key, value): (DType, DType) = (node.attr("Tin")?, node.attr("Tout")?);
    let is_ref = takes_reference(node);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let table = ctx.resource::<Table>(0)?;
        check_signature(table, is_ref, &[Argument::Key(key), Argument::Value(value)], &[])?;
        table.insert(ctx.input(1), ctx.input(2))
    }))
}
