//! `StringJoin`.

use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Bytes, DType, Error, PartialShape, Result, Shape};

/// Joins the strings of several tensors, element by element.
///
/// Scalars stand beside any shape; all other inputs must have the same one.
/// See <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StringJoin>.
pub const OP: Op = Op {
    name: "StringJoin",
    inputs: &["inputs: N * string"],
    outputs: &["output: string"],
    attrs: &["N: int >= 0", "separator: string = ''"],
    effect: Effect::Pure,
    shape: infer,
    kernels: Kernels::one(build),
};

fn infer(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let mut out = PartialShape::of_rank(0);
    let mut scalars = true;
    for shape in ctx.inputs.iter().filter(|shape| shape.rank() != Some(0)) {
        // What has no known rank may still be a scalar, and tells nothing.
        if shape.rank().is_none() {
            return Ok(vec![PartialShape::unknown()]);
        }
        let merged = if scalars { Some(shape.clone()) } else { out.merge(shape) };
        out = merged.ok_or_else(|| mismatch(&out, shape))?;
        scalars = false;
    }
    Ok(vec![out])
}

fn mismatch(first: &dyn std::fmt::Display, other: &dyn std::fmt::Display) -> Error {
    Error::invalid_argument(format!("Input shapes do not match: {first} vs. {other}"))
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let separator: Bytes = node.attr("separator")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let mut shape = Shape::scalar();
        for other in ctx.inputs(0).map(savedmodel_tensor::Tensor::shape).filter(|shape| shape.rank() > 0) {
            if shape.rank() == 0 {
                shape = other.clone();
            } else if shape != *other {
                return Err(mismatch(&shape, other));
            }
        }
        let inputs: Vec<&[Bytes]> = ctx.inputs(0).map(|input| input.strings()).collect::<Result<_>>()?;
        // A scalar stays at its one string, wherever the others are.
        let steps: Vec<usize> = ctx.inputs(0).map(|input| input.rank().min(1)).collect();
        let mut out = ctx.allocate(DType::String, shape)?;
        let grain = par::grain(100.0 + 20.0 * inputs.len() as f64);
        par::for_chunks_mut(out.units_mut::<Bytes>()?, grain, |offset, out| {
            let mut parts: Vec<&[u8]> = Vec::with_capacity(inputs.len());
            for (i, out) in out.iter_mut().enumerate() {
                parts.clear();
                parts.extend(inputs.iter().zip(&steps).map(|(input, step)| &input[(offset + i) * step][..]));
                *out = parts.join(&separator[..]).into();
            }
        });
        ctx.set(0, out);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{run, string, strings};
    use savedmodel_tensor::Tensor;

    #[test]
    fn joined() {
        let check = |inputs: &[Tensor], separator: &str, want: &str| {
            let attrs = vec![("separator", separator.into()), ("N", (inputs.len() as i64).into())];
            assert_eq!(run(&OP, attrs, inputs), want);
        };
        check(&[strings(&["a", "b"]), string("x"), strings(&["c", ""])], "-", "a-x-c|b-x-");
        check(&[string("a"), string("b")], "", "ab");
        check(&[strings(&[]), string("b")], "", "");
        check(&[], ",", "");
        let error = "INVALID_ARGUMENT: Input shapes do not match: [2] vs. [1]";
        check(&[strings(&["a", "b"]), strings(&["c"])], "", error);
    }
}
