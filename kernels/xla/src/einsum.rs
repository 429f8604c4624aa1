//! See [`OP`].

use savedmodel_op::{AttrValue, Construction, Context, Effect, Kernel, Kernels, Op, Run, shape};
use savedmodel_tensor::{Bytes, DType, Result, Tensor};

use crate::calls::{broadcast, call};

/// The product of two tensors that an equation describes; a dimension of one is as long as the other tensor has it.
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
        let run = ctx.run();
        let inputs = repeated(&run, &equation, [ctx.take(0), ctx.take(1)])?;
        let product = call(&run, "Einsum", &attrs, inputs)?;
        ctx.set(0, product);
        Ok(())
    }))
}

/// The operands, with dimensions of one as long as those of the same label; untouched where the equation is none of plain labels.
fn repeated(run: &Run<'_>, equation: &[u8], operands: [Tensor; 2]) -> Result<Vec<Tensor>> {
    let inputs = equation.split(|&byte| byte == b'-').next().unwrap_or_default();
    let labels: Vec<&[u8]> = inputs.split(|&byte| byte == b',').collect();
    let fits = |(labels, operand): (&&[u8], &Tensor)| {
        labels.len() == operand.rank() && labels.iter().all(u8::is_ascii_alphabetic)
    };
    if labels.len() != 2 || !labels.iter().zip(&operands).all(fits) {
        return Ok(operands.into());
    }
    let sizes = [operands[0].shape().to_vec(), operands[1].shape().to_vec()];
    let repeat = |(i, operand): (usize, Tensor)| {
        let mut wanted = sizes[i].clone();
        for (size, label) in wanted.iter_mut().zip(labels[i]).filter(|(size, _)| **size == 1) {
            let other = labels[1 - i].iter().position(|found| found == label);
            *size = other.map_or(1, |at| sizes[1 - i][at]);
        }
        if wanted == sizes[i] { Ok(operand) } else { broadcast(run, operand, &wanted) }
    };
    operands.into_iter().enumerate().map(repeat).collect()
}
