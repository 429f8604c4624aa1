//! `LookupTableSize` and its second version.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Result, Tensor};

use crate::table::Table;

/// Counts the entries of a table.
///
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/LookupTableSizeV2>.
pub const OPS: &[Op] = &[Op { name: "LookupTableSize", inputs: &["table_handle: Ref(string)"], ..V2 }, V2];

const V2: Op = Op {
    name: "LookupTableSizeV2",
    inputs: &["table_handle: resource"],
    outputs: &["size: int64"],
    attrs: &[],
    effect: Effect::Read,
    shape: shape::scalar,
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let size = ctx.resource::<Table>(0)?.size();
        ctx.set(0, Tensor::scalar(size as i64));
        Ok(())
    }))
}
