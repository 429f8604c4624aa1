//! See [`OP`].
//!
//! `equation` reads equations, `layout` walks tensors by label, `plan` finds the steps of a call, `contract` does them.

mod contract;
mod equation;
mod layout;
mod plan;

use savedmodel_math::reduce::{Reduce, Sum};
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, Error, PartialShape, Result, bf16, f16};

use crate::product::Product;
use contract::Contraction;
use equation::{Equation, Label};
use plan::Plan;

/// Sums products of one or two tensors over the dimensions that the output does not name.
///
/// An ellipsis stands for dimensions that broadcast. A name that stands twice in an input means the diagonal; in the
/// output, zeros off the diagonal. Everything else becomes a batch of matrix products, without copying where strides
/// allow. Half and bfloat16 accumulate in single precision; integers wrap.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Einsum>
pub const OP: Op = Op {
    name: "Einsum",
    inputs: &["inputs: N * T"],
    outputs: &["output: T"],
    attrs: &["equation: string", "N: int >= 1", "T: type"],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64 f16 bf16 i32 i64 Complex32 Complex64),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let equation = Equation::parse(&ctx.attr::<String>("equation").unwrap_or_default())?;
    check_count(&equation, &ctx.attr::<String>("equation").unwrap_or_default(), ctx.inputs.len())?;
    let Some(ranks) = ctx.inputs.iter().map(PartialShape::rank).collect::<Option<Vec<_>>>() else {
        return Ok(vec![PartialShape::unknown()]);
    };
    let (inputs, output) = equation.labels(&ranks)?;
    let size = |&label: &Label| {
        let mut size = None;
        let mut has_unknown = false;
        for (labels, shape) in inputs.iter().zip(ctx.inputs) {
            for (axis, _) in labels.iter().enumerate().filter(|(_, l)| **l == label) {
                match shape.dim(axis) {
                    Some(1) if matches!(label, Label::Ellipsis(_)) => size = size.or(Some(1)),
                    Some(dim) => size = Some(dim),
                    None => has_unknown = true,
                }
            }
        }
        size.filter(|&size| !has_unknown || size != 1 || matches!(label, Label::Name(_)))
    };
    Ok(vec![PartialShape::new(output.iter().map(size))])
}

fn check_count(equation: &Equation, text: &str, count: usize) -> Result<()> {
    if equation.inputs() != count {
        return Err(Error::invalid_argument(format!(
            "Expected {} inputs for equation {text} but got: {count}",
            equation.inputs()
        )));
    }
    Ok(())
}

fn build<T: Product + Reduce<Sum>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let text: String = node.attr("equation")?;
    let equation = Equation::parse(&text)?;
    check_count(&equation, &text, node.inputs.len())?;
    let contraction = Contraction::<T>::new(node.constant(1).is_some());
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let plan = Plan::of(&equation, ctx)?;
        let mut out = ctx.allocate(T::DTYPE, plan.shape.clone())?;
        contraction.run(&plan, ctx, &mut out)?;
        ctx.set(0, out);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    "Einsum",
                    "equation=ij,jk->ik",
                    "float[2,2] 1 2 3 4; float[2,3] 1 2 3 4 5 6",
                    "float[2,3] 9 12 15 19 26 33",
                ),
                (
                    "Einsum",
                    "equation=ij,jk->ki",
                    "double[2,2] 1 2 3 4; double[2,3] 1 2 3 4 5 6",
                    "double[3,2] 9 19 12 26 15 33",
                ),
                (
                    "Einsum",
                    "equation=bij,bjk->bik",
                    "int32[2,1,2] 1 2 3 4; int32[2,2,1] 1 2 3 4",
                    "int32[2,1,1] 5 25",
                ),
                (
                    "Einsum",
                    "equation=...ij,jk->...ik",
                    "float[2,1,2] 1 2 3 4; float[2,1] 1 2",
                    "float[2,1,1] 5 11",
                ),
                (
                    "Einsum",
                    "equation=...a,...b->...ab",
                    "int64[2,1,2] 1 2 3 4; int64[3,1] 1 2 3",
                    "int64[2,3,2,1] 1 2 2 4 3 6 3 4 6 8 9 12",
                ),
                (
                    "Einsum",
                    "equation=abc,cde->abde",
                    "half[1,2,2] 1 2 3 4; half[2,2,1] 1 2 3 4",
                    "half[1,2,2,1] 7 10 15 22",
                ),
                (
                    "Einsum",
                    "equation=aecd,abcd->acbe",
                    "bfloat16[1,2,1,2] 1 2 3 4; bfloat16[1,2,1,2] 1 2 3 4",
                    "bfloat16[1,1,2,2] 5 11 11 25",
                ),
                (
                    "Einsum",
                    "equation=acbe,aecd->abcd",
                    "float[1,1,2,2] 1 2 3 4; float[1,2,1,2] 1 2 3 4",
                    "float[1,2,1,2] 7 10 15 22",
                ),
                ("Einsum", "equation=ij->ji", "complex64[1,2] 1+1i 2+0i", "complex64[2,1] 1+1i 2+0i"),
                ("Einsum", "equation=ii->i", "float[2,2] 1 2 3 4", "float[2] 1 4"),
                ("Einsum", "equation=iji->j", "float[2,2,2] 1 2 3 4 5 6 7 8", "float[2] 7 11"),
                ("Einsum", "equation=i->ii", "int32[2] 1 2", "int32[2,2] 1 0 0 2"),
                ("Einsum", "equation=ij->ii", "float[2,2] 1 2 3 4", "float[2,2] 3 0 0 7"),
                ("Einsum", "equation=ij->", "double[2,2] 1 2 3 4", "double[] 10"),
                ("Einsum", "equation=ij,ij->i", "float[2,2] 1 2 3 4; float[2,2] 1 2 3 4", "float[2] 5 25"),
                (
                    "Einsum",
                    "equation=ij,kl->jk",
                    "float[2,2] 1 2 3 4; float[2,2] 1 2 3 4",
                    "float[2,2] 12 28 18 42",
                ),
                ("Einsum", "equation=,ij->ij", "float[] 3; float[1,2] 1 2", "float[1,2] 3 6"),
                ("Einsum", "equation=...->...", "float[2] 1 2", "float[2] 1 2"),
                ("Einsum", "equation=->", "float[] 1", "float[] 1"),
                ("Einsum", "equation=ij,jk->ik", "float[2,0]; float[0,2]", "float[2,2] 0 0 0 0"),
                (
                    "Einsum",
                    "equation=i,i->i",
                    "complex128[2] 1+1i 2+0i; complex128[2] 0+1i 1+0i",
                    "complex128[2] -1+1i 2+0i",
                ),
                ("Einsum", "equation=i...i->...i", "float[2,2,2] 1 2 3 4 5 6 7 8", "float[2,2] 1 6 3 8"),
                (
                    "Einsum",
                    "equation=ij,jk->ik",
                    "float[1,2] 1 2; float[3,1] 1 2 3",
                    "INVALID_ARGUMENT: Expected dimension 2 at axis 0 of the input shaped [3,1] but got dimension 3",
                ),
                (
                    "Einsum",
                    "equation=ii->i",
                    "float[1,2] 1 2",
                    "INVALID_ARGUMENT: Expected dimension 1 at axis 1 of the input shaped [1,2] but got dimension 2",
                ),
                (
                    "Einsum",
                    "equation=ij->i",
                    "float[2] 1 2",
                    "INVALID_ARGUMENT: Expected input 0 to have rank 2 but got: 1",
                ),
                (
                    "Einsum",
                    "equation=...ij->i...j",
                    "float[2] 1 2",
                    "INVALID_ARGUMENT: Expected input 0 to have rank at least 2 but got: 1",
                ),
                (
                    "Einsum",
                    "equation=ij->k",
                    "float[1,1] 1",
                    "INVALID_ARGUMENT: Einsum output subscripts for equation 'ij->k' has label 'k' which is not present in the input subscripts",
                ),
                (
                    "Einsum",
                    "equation=ij",
                    "float[1,1] 1",
                    "INVALID_ARGUMENT: Expecting exactly one '->' in einsum equation: ij",
                ),
                (
                    "Einsum",
                    "equation=i.j->ij",
                    "float[1,1] 1",
                    "INVALID_ARGUMENT: Expected at most one ellipsis (...), but found 1 periods (.) in the input subscript: i.j",
                ),
                (
                    "Einsum",
                    "equation=i,j,k->i",
                    "float[1] 1; float[1] 1; float[1] 1",
                    "INVALID_ARGUMENT: Expecting 1 or 2 input subscripts in equation 'i,j,k->i' but got: 3",
                ),
                (
                    "Einsum",
                    "equation=ij->i",
                    "float[1,1] 1; float[1,1] 1",
                    "INVALID_ARGUMENT: Expected 1 inputs for equation ij->i but got: 2",
                ),
                (
                    "Einsum",
                    "equation=...i->i",
                    "float[1,1] 1",
                    "INVALID_ARGUMENT: Output contains 1 broadcasting dimension(s) but no ellipsis (...) was found in the output subscripts.",
                ),
                (
                    "Einsum",
                    "equation=...i,...i->...",
                    "float[2,1] 1 2; float[3,1] 1 2 3",
                    "INVALID_ARGUMENT: Invalid broadcasting dimensions: ",
                ),
            ],
        );
    }
}
