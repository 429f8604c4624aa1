//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Result};

use crate::coo::{matrix, vector};
use crate::csr_sparse_matrix::CsrSparseMatrix;
use crate::sparse_tensor_to_csr_sparse_matrix::VALUES;

/// The sparse tensor that a matrix, or batch of matrices, is.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/CSRSparseMatrixToSparseTensor>
pub const OP: Op = Op {
    name: "CSRSparseMatrixToSparseTensor",
    inputs: &["sparse_matrix: variant"],
    outputs: &["indices: int64", "values: type", "dense_shape: int64"],
    attrs: &["type: {float, double, complex64, complex128}"],
    effect: Effect::Pure,
    shape: |_: &ShapeContext<'_>| Ok(crate::shapes::sparse(None, None).to_vec()),
    kernels: Kernels::All(&[("type", VALUES)], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("type")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let csr = CsrSparseMatrix::of(ctx, 0, Some(dtype))?;
        let rank = csr.shape.rank();
        let mut indices = Vec::with_capacity(csr.cols.len() * rank);
        for batch in 0..csr.batches() {
            for row in 0..csr.rows() {
                for &col in &csr.cols[csr.row(batch, row)] {
                    indices.extend((rank == 3).then_some(batch as i64));
                    indices.extend([row as i64, col as i64]);
                }
            }
        }
        let (indices, values) = (matrix(csr.cols.len(), rank, indices)?, csr.values.clone());
        let shape = vector(csr.shape.to_i64())?;
        ctx.set(0, indices);
        ctx.set(1, values);
        ctx.set(2, shape);
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
        let one = "int64[2,2] 0 1 2 0; double[2] 1 2; int64[2] 3 4";
        assert_eq!(call(&OP, &[("type", DType::Double.into())], vec![matrix(one)]), one);
        let got = call(&OP, &[("type", DType::Float.into())], vec![matrix(one)]);
        assert!(got.starts_with("INVALID_ARGUMENT: Asked for a CSRSparseMatrix of type float"), "{got}");
    }
}
