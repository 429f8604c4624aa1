//! See [`OP`]; the algorithm is in [`minimum_degree`](crate::minimum_degree).

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor};

use crate::csr_sparse_matrix::CsrSparseMatrix;
use crate::minimum_degree::order;

/// An order of the rows and columns of a symmetric matrix, or of each of a batch, in which factors have few values: by approximate minimum degree.
///
/// Only the places of the lower half are looked at, not the values.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseMatrixOrderingAMD>
pub const OP: Op = Op {
    name: "SparseMatrixOrderingAMD",
    inputs: &["input: variant"],
    outputs: &["output: int32"],
    attrs: &[],
    effect: Effect::Pure,
    shape: |_: &ShapeContext<'_>| Ok(vec![PartialShape::unknown()]),
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let matrix = CsrSparseMatrix::of(ctx, 0, None)?;
        let (rows, columns) = (matrix.rows(), matrix.columns());
        if rows != columns {
            return Err(Error::invalid_argument(format!(
                "sparse matrix must be square; got: {columns} != {rows}"
            )));
        }
        let mut places = Vec::new();
        for batch in 0..matrix.batches() {
            places.extend(order(lower(matrix, batch)).into_iter().map(|place| place as i32));
        }
        let shape = Shape::from(&matrix.shape[..matrix.shape.rank() - 1]);
        ctx.set(0, Tensor::from_vec(shape, places)?);
        Ok(())
    }))
}

/// The neighbours of each row, in order: those that the lower half and its mirror image have.
fn lower(matrix: &CsrSparseMatrix, batch: usize) -> Vec<Vec<usize>> {
    let mut neighbours = vec![Vec::new(); matrix.rows()];
    for row in 0..matrix.rows() {
        for column in matrix.row(batch, row).map(|i| matrix.cols[i]).filter(|&column| column <= row) {
            neighbours[row].push(column);
            if column < row {
                neighbours[column].push(row);
            }
        }
    }
    neighbours
}

#[cfg(test)]
mod tests {
    use super::OP;
    use crate::csr_sparse_matrix::cases::{call, matrix};

    #[test]
    fn table() {
        let check = |text: &str, want: &str| assert_eq!(call(&OP, &[], vec![matrix(text)]), want, "{text}");
        // What has no diagonal comes last, what stands alone first.
        check("int64[1,2] 1 1; float[1] 0; int64[2] 3 3", "int32[3] 1 0 2");
        check("int64[0,2]; float[0]; int64[2] 2 2", "int32[2] 0 1");
        // A star: its leaves stand before its centre.
        check(
            "int64[7,2] 0 0 1 0 1 1 2 0 2 2 3 0 3 3; double[7] 9 1 9 1 9 1 9; int64[2] 4 4",
            "int32[4] 1 2 3 0",
        );
        // The upper half does not matter.
        check(
            "int64[6,3] 0 0 0 0 0 1 0 1 1 1 0 0 1 1 0 1 1 1; float[6] 1 1 1 1 1 1; int64[3] 2 2 2",
            "int32[2,2] 0 1 0 1",
        );
        check(
            "int64[1,2] 0 0; float[1] 1; int64[2] 3 2",
            "INVALID_ARGUMENT: sparse matrix must be square; got: 2 != 3",
        );
    }
}
