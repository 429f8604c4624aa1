//! See [`OP`].

use savedmodel_op::{AttrValue, Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Bytes, DType, Result};

use crate::calls::call;

/// The product of two tensors that an equation describes.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Einsum>
pub const OP: Op = Op {
    name: "XlaEinsum",
    inputs: &["a: T", "b: T"],
    outputs: &["product: T"],
    attrs: &["equation: string", "T: {complex64, bfloat16, float}"],
    effect: Effect::Pure,
    shape: shape::unknown,
    kernels: Kernels::All(&[("T", &[DType::Complex64, DType::Bfloat16, DType::Float])], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let equation: Bytes = node.attr("equation")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let attrs = [("equation", AttrValue::Bytes(equation.clone())), ("N", AttrValue::Int(2))];
        let inputs = vec![ctx.take(0), ctx.take(1)];
        let product = call(&ctx.run(), "Einsum", &attrs, inputs)?;
        ctx.set(0, product);
        Ok(())
    }))
}
