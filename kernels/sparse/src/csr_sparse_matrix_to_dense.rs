//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, PartialShape, Result, Tensor, Unit, by_width};

use crate::csr_sparse_matrix::CsrSparseMatrix;
use crate::sparse_tensor_to_csr_sparse_matrix::VALUES;

/// The dense matrix with the values of a sparse one; of those in the same place the last stays.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/CSRSparseMatrixToDense>
pub const OP: Op = Op {
    name: "CSRSparseMatrixToDense",
    inputs: &["sparse_input: variant"],
    outputs: &["dense_output: type"],
    attrs: &["type: {float, double, complex64, complex128}"],
    effect: Effect::Pure,
    shape: |_: &ShapeContext<'_>| Ok(vec![PartialShape::unknown()]),
    kernels: Kernels::All(&[("type", VALUES)], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("type")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let matrix = CsrSparseMatrix::of(ctx, 0, Some(dtype))?;
        let mut output = ctx.allocate(dtype, &matrix.shape)?;
        by_width!(dtype, U => fill::<U>(&mut output, matrix))?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn fill<U: Unit>(output: &mut Tensor, matrix: &CsrSparseMatrix) -> Result<()> {
    let (dense, values) = (output.units_mut::<U>()?, matrix.values.units::<U>()?);
    dense.fill(U::default());
    let (rows, columns) = (matrix.rows(), matrix.columns());
    for batch in 0..matrix.batches() {
        for row in 0..rows {
            let start = (batch * rows + row) * columns;
            for i in matrix.row(batch, row) {
                dense[start + matrix.cols[i]].clone_from(&values[i]);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::OP;
    use crate::csr_sparse_matrix::cases::{call, matrix};
    use savedmodel_tensor::DType;

    #[test]
    fn table() {
        let dense = |text: &str, dtype: DType| call(&OP, &[("type", dtype.into())], vec![matrix(text)]);
        let same_place = "int64[3,2] 0 1 0 1 1 0; float[3] 1 2 3; int64[2] 2 2";
        assert_eq!(dense(same_place, DType::Float), "float[2,2] 0 2 3 0");
        let batch = "int64[2,3] 0 0 1 1 1 0; double[2] 1 2; int64[3] 2 2 2";
        assert_eq!(dense(batch, DType::Double), "double[2,2,2] 0 1 0 0 0 0 2 0");
        assert_eq!(dense("int64[0,2]; float[0]; int64[2] 0 4", DType::Float), "float[0,4]");
        let want = "INVALID_ARGUMENT: Asked for a CSRSparseMatrix of type float but saw dtype: double";
        assert_eq!(dense(batch, DType::Float), want);
        let none = dense("int64[0,3]; float[0]; int64[3] 0 2 2", DType::Float);
        assert_eq!(none, "INVALID_ARGUMENT: Variant input 0 is not valid.");
        let other = savedmodel_tensor::Tensor::zeros(DType::Variant, []).unwrap();
        let got = call(&OP, &[("type", DType::Float.into())], vec![other]);
        assert_eq!(got, "INVALID_ARGUMENT: Could not retrieve Variant input 0");
    }
}
