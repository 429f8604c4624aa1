//! `VariableShape`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, dtypes, shape};
use savedmodel_tensor::{DType, Result, Tensor};

use crate::update::existing;

/// The shape of a variable's value.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/VariableShape>
pub const OP: Op = Op {
    name: "VariableShape",
    inputs: &["input: resource"],
    outputs: &["output: out_type"],
    attrs: &["out_type: {int32, int64} = DT_INT32"],
    effect: Effect::Read,
    shape: shape::vector,
    kernels: Kernels::All(&[("out_type", dtypes::INDICES)], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let wide = node.attr::<DType>("out_type")? == DType::Int64;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let dims = existing(ctx)?.read()?.shape().to_i64();
        let shape = match wide {
            true => Tensor::from_slice([dims.len()], &dims)?,
            false => Tensor::from_vec([dims.len()], dims.iter().map(|&dim| dim as i32).collect())?,
        };
        ctx.set(0, shape);
        Ok(())
    }))
}
