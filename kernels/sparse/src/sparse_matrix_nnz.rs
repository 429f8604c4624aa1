//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{PartialShape, Result, Shape, Tensor};

use crate::csr_sparse_matrix::CsrSparseMatrix;

/// The number of values of a matrix, or of each one of a batch.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseMatrixNNZ>
pub const OP: Op = Op {
    name: "SparseMatrixNNZ",
    inputs: &["sparse_matrix: variant"],
    outputs: &["nnz: int32"],
    attrs: &[],
    effect: Effect::Pure,
    shape: |_: &ShapeContext<'_>| Ok(vec![PartialShape::unknown()]),
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let matrix = CsrSparseMatrix::of(ctx, 0, None)?;
        let counts = matrix.batch_ptrs.windows(2).map(|pair| (pair[1] - pair[0]) as i32).collect();
        let shape = Shape::from(&matrix.shape[..matrix.shape.rank() - 2]);
        ctx.set(0, Tensor::from_vec(shape, counts)?);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::OP;
    use crate::csr_sparse_matrix::cases::{call, matrix};

    #[test]
    fn table() {
        let one = matrix("int64[2,2] 0 1 2 0; double[2] 1 2; int64[2] 3 4");
        assert_eq!(call(&OP, &[], vec![one.clone()]), "int32[] 2");
        let batch = matrix("int64[3,3] 0 0 1 1 0 0 1 1 1; float[3] 1 2 3; int64[3] 2 2 2");
        assert_eq!(call(&OP, &[], vec![batch]), "int32[2] 1 2");
        let want = "INVALID_ARGUMENT: Invalid input matrix: Shape must be rank 0 but is rank 1";
        assert_eq!(call(&OP, &[], vec![one.reshape([1]).unwrap()]), want);
    }
}
