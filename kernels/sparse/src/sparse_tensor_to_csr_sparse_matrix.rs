//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{DType, Error, Result};

use crate::coo::Coo;
use crate::csr_sparse_matrix::CsrSparseMatrix;

/// The matrix, or batch of matrices, that a sparse tensor of two or three dimensions is.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseTensorToCSRSparseMatrix>
pub const OP: Op = Op {
    name: "SparseTensorToCSRSparseMatrix",
    inputs: &["indices: int64", "values: T", "dense_shape: int64"],
    outputs: &["sparse_matrix: variant"],
    attrs: &["T: {float, double, complex64, complex128}"],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::All(&[("T", VALUES)], build),
};

/// The dtypes of matrices.
pub(crate) const VALUES: &[DType] = &[DType::Float, DType::Double, DType::Complex64, DType::Complex128];

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let coo = Coo::of(ctx, 0)?;
        coo.check_bounds()?;
        if !(2..=3).contains(&coo.rank()) {
            return Err(Error::invalid_argument(format!(
                "SparseTensor must have rank 2 or 3; but indices has rank: {}",
                coo.rank()
            )));
        }
        let matrix = CsrSparseMatrix::new(coo.shape()?, coo.indices, coo.values.clone(), &ctx.run())?;
        ctx.set(0, matrix.into_tensor()?);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::OP;
    use crate::csr_sparse_matrix::cases::call;
    use savedmodel_op::testing::parse_tensor;

    #[test]
    fn table() {
        let check = |inputs: &str, want: &str| {
            let got = call(&OP, &[], inputs.split(';').map(|text| parse_tensor(text.trim())).collect());
            assert!(got == want || want.contains(": ") && got.starts_with(want), "{got}\n{want}");
        };
        let same = "int64[3,2] 0 1 0 3 2 0; float[3] 1 2 3; int64[2] 3 4";
        check(same, same);
        let batch = "int64[3,3] 0 0 1 1 0 0 1 1 1; complex64[3] 1+1i 2+0i 3+0i; int64[3] 2 2 2";
        check(batch, batch);
        check(
            "int64[2,2] 2 0 0 1; float[2] 1 2; int64[2] 3 4",
            "int64[2,2] 0 0 2 1; float[2] 1 2; int64[2] 3 4",
        );
        check("int64[0,2]; double[0]; int64[2] 3 4", "int64[0,2]; double[0]; int64[2] 3 4");
        check(
            "int64[1,2] 5 0; float[1] 1; int64[2] 3 4",
            "INVALID_ARGUMENT: Sparse index tuple indices[0, :] = [5, 0] is out of bounds",
        );
        check(
            "int64[1,1] 0; float[1] 1; int64[1] 3",
            "INVALID_ARGUMENT: SparseTensor must have rank 2 or 3; but indices has rank: 1",
        );
        check(
            "int64[1,2] 0 0; float[1] 1; int64[2] 1099511627776 4",
            "INVALID_ARGUMENT: The csr row index size, computed based on the dense_shape, must be <= Int32Max",
        );
        check(
            "int64[0,2]; float[0]; int64[2] -3 4",
            "INVALID_ARGUMENT: Expected shape dimensions to be non-negative",
        );
        check(
            "int64[1,2] 0 0; float[2] 1 2; int64[2] 3 4",
            "INVALID_ARGUMENT: Number of elements in indices (1)",
        );
    }
}
