//! `LookupTableRemoveV2`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Result};

use crate::table::{Argument, Table, check_signature};

/// Takes entries out of a mutable table.
///
/// Keys that are not there are ignored.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/LookupTableRemoveV2>.
pub const OPS: &[Op] = &[Op {
    name: "LookupTableRemoveV2",
    inputs: &["table_handle: resource", "keys: Tin"],
    outputs: &[],
    attrs: &["Tin: type"],
    effect: Effect::Write,
    shape: shape::none,
    kernels: Kernels::one(build),
}];

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let key: DType = node.attr("Tin")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let table = ctx.resource::<Table>(0)?;
        check_signature(table, false, &[Argument::Key(key)], &[])?;
        table.remove(ctx.input(1))
    }))
}
