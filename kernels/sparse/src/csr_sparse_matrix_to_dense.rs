//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, PartialShape, Result};

use crate::csr_sparse_matrix::CsrSparseMatrix;
use crate::number::Number;

/// The dense matrix with the values of a sparse one; those in the same place add up.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/CSRSparseMatrixToDense>
pub const OP: Op = Op {
    name: "CSRSparseMatrixToDense",
    inputs: &["sparse_input: variant"],
    outputs: &["dense_output: type"],
    attrs: &["type: {float, double, complex64, complex128}"],
    effect: Effect::Pure,
    shape: |_: &ShapeContext<'_>| Ok(vec![PartialShape::unknown()]),
    kernels: by_dtype!("type"; build: f32 f64 Complex32 Complex64),
};

fn build<T: Number>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let matrix = CsrSparseMatrix::of(ctx, 0, Some(T::DTYPE))?;
        let mut output = ctx.allocate(T::DTYPE, &matrix.shape)?;
        let (dense, values) = (output.as_mut_slice::<T>()?, matrix.values.as_slice::<T>()?);
        dense.fill(T::default());
        let (rows, columns) = (matrix.rows(), matrix.columns());
        for batch in 0..matrix.batches() {
            for row in 0..rows {
                let start = (batch * rows + row) * columns;
                for i in matrix.row(batch, row) {
                    let place = &mut dense[start + matrix.cols[i]];
                    *place = place.plus(values[i]);
                }
            }
        }
        ctx.set(0, output);
        Ok(())
    }))
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
        assert_eq!(dense(same_place, DType::Float), "float[2,2] 0 3 3 0");
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
