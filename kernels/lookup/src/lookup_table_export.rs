//! `LookupTableExport` and its second version.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Result};

use crate::handle::takes_reference;
use crate::table::{Argument, Table, check_signature};

/// Gives all keys and all values of a table.
///
/// The order is that of insertion (TensorFlow's is that of its hash map); of a dense table all buckets are given.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/LookupTableExportV2>.
pub const OPS: &[Op] = &[Op { name: "LookupTableExport", inputs: &["table_handle: Ref(string)"], ..V2 }, V2];

const V2: Op = Op {
    name: "LookupTableExportV2",
    inputs: &["table_handle: resource"],
    outputs: &["keys: Tkeys", "values: Tvalues"],
    attrs: &["Tkeys: type", "Tvalues: type"],
    effect: Effect::Read,
    shape: shape::unknown,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let (key, value): (DType, DType) = (node.attr("Tkeys")?, node.attr("Tvalues")?);
    let is_ref = takes_reference(node);
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let table = ctx.resource::<Table>(0)?;
        check_signature(table, is_ref, &[], &[Argument::Key(key), Argument::Value(value)])?;
        let (keys, values) = table.export()?;
        ctx.set(0, keys);
        ctx.set(1, values);
        Ok(())
    }))
}
