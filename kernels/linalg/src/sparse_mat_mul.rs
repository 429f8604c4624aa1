//! See [`OP`].

use std::borrow::Cow;

use savedmodel_math::gemm::{Gemm, View};
use savedmodel_math::narrow::Narrow;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor, bf16};

/// The product of two matrices, of which many elements may be zero.
///
/// bfloat16 is taken as it is and summed in single precision, which the result has.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseMatMul>
pub const OP: Op = Op {
    name: "SparseMatMul",
    inputs: &["a: Ta", "b: Tb"],
    outputs: &["product: float"],
    attrs: &[
        "transpose_a: bool = false",
        "transpose_b: bool = false",
        "a_is_sparse: bool = false",
        "b_is_sparse: bool = false",
        "Ta: {float, bfloat16} = DT_FLOAT",
        "Tb: {float, bfloat16} = DT_FLOAT",
    ],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("Ta", DTYPES), ("Tb", DTYPES)], build),
};

const DTYPES: &[DType] = &[DType::Float, DType::Bfloat16];

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let transposed = |name: &str| ctx.attr::<bool>(name).unwrap_or_default();
    let rows = ctx.input(0).dim(usize::from(transposed("transpose_a")));
    let columns = ctx.input(1).dim(usize::from(!transposed("transpose_b")));
    Ok(vec![PartialShape::new([rows, columns])])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let transpose_a: bool = node.attr("transpose_a")?;
    let transpose_b: bool = node.attr("transpose_b")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (a, b) = (ctx.input(0), ctx.input(1));
        let (Ok([a0, a1]), Ok([b0, b1])) =
            (<[usize; 2]>::try_from(a.shape().dims()), <[usize; 2]>::try_from(b.shape().dims()))
        else {
            let name = if a.rank() == 2 { "b" } else { "a" };
            return Err(Error::invalid_argument(format!("{name} is not a matrix")));
        };
        let [m, k] = if transpose_a { [a1, a0] } else { [a0, a1] };
        let [k2, n] = if transpose_b { [b1, b0] } else { [b0, b1] };
        if k != k2 {
            return Err(Error::invalid_argument(format!(
                "Matrix size incompatible: a: {}, b: {}",
                a.shape(),
                b.shape()
            )));
        }
        let mut out = ctx.allocate(DType::Float, [m, n])?;
        if out.elements() > 0 && k > 0 {
            let (a, b) = (wide(a)?, wide(b)?);
            let views = (View::maybe_t(&a, [m, k], transpose_a), View::maybe_t(&b, [k, n], transpose_b));
            Gemm::default().run([m, k, n], views.0, views.1, out.as_mut_slice()?);
        } else {
            out.as_mut_slice::<f32>()?.fill(0.0);
        }
        ctx.set(0, out);
        Ok(())
    }))
}

fn wide(tensor: &Tensor) -> Result<Cow<'_, [f32]>> {
    if tensor.dtype() == DType::Float {
        return Ok(Cow::Borrowed(tensor.as_slice()?));
    }
    let mut wide = vec![0.0; tensor.elements()];
    bf16::widen(tensor.as_slice()?, &mut wide);
    Ok(Cow::Owned(wide))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "SparseMatMul";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (op, "", "float[2,2] 1 0 0 2; float[2,1] 3 4", "float[2,1] 3 8"),
                (op, "transpose_a=true", "bfloat16[2,1] 1 2; float[2,1] 3 4", "float[1,1] 11"),
                (op, "transpose_b=true", "float[1,2] 1 2; bfloat16[1,2] 3 4", "float[1,1] 11"),
                (op, "", "float[2,0]; float[0,1]", "float[2,1] 0 0"),
                (op, "", "float[0,2]; float[2,1] 1 1", "float[0,1]"),
                (
                    op,
                    "",
                    "float[1,2] 1 2; float[1,1] 1",
                    "INVALID_ARGUMENT: Matrix size incompatible: a: [1,2], b: [1,1]",
                ),
                (op, "", "float[2] 1 2; float[1,1] 1", "INVALID_ARGUMENT: a is not a matrix"),
            ],
        );
    }
}
