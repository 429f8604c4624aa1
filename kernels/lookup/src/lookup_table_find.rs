//! `LookupTableFind` and its second version.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Result};

use crate::handle::takes_reference;
use crate::table::{Argument, Table, check_signature};

/// Looks keys up in a table.
///
/// `default_value` stands for keys that are not there: one value, or one for each key, which only mutable hash tables
/// use as such (the others take the first).
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/LookupTableFindV2>.
pub const OPS: &[Op] = &[
    Op {
        name: "LookupTableFind",
        inputs: &["table_handle: Ref(string)", "keys: Tin", "default_value: Tout"],
        ..V2
    },
    V2,
];

const V2: Op = Op {
    name: "LookupTableFindV2",
    inputs: &["table_handle: resource", "keys: Tin", "default_value: Tout"],
    outputs: &["values: Tout"],
    attrs: &["Tin: type", "Tout: type"],
    effect: Effect::Read,
    shape: shape::unknown,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (key, value): (DType, DType) = (node.attr("Tin")?, node.attr("Tout")?);
    let is_ref = takes_reference(node);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let table = ctx.resource::<Table>(0)?;
        let inputs = [Argument::Key(key), Argument::Value(value)];
        check_signature(table, is_ref, &inputs, &[Argument::Value(value)])?;
        let values = table.find(&ctx.run(), ctx.input(1), ctx.input(2))?;
        ctx.set(0, values);
        Ok(())
    }))
}
