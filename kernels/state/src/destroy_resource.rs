//! `DestroyResourceOp`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Variable, shape};
use savedmodel_tensor::{Error, Result};

/// Takes the value of a variable away; other resources go when the last handle to them does.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DestroyResourceOp>
pub const OP: Op = Op {
    name: "DestroyResourceOp",
    inputs: &["resource: resource"],
    outputs: &[],
    attrs: &["ignore_lookup_error: bool = true"],
    effect: Effect::Write,
    shape: shape::none,
    kernels: Kernels::one(build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let lenient: bool = node.attr("ignore_lookup_error")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let known = match ctx.resource::<Variable>(0) {
            Ok(variable) => {
                let known = variable.is_initialized();
                variable.clear();
                known
            }
            Err(_) => true,
        };
        if known || lenient {
            return Ok(());
        }
        Err(Error::not_found("the resource to destroy does not exist"))
    }))
}
