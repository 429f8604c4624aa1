//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor, by_unit};

use crate::csr_sparse_matrix::CsrSparseMatrix;
use crate::sparse_tensor_to_csr_sparse_matrix::VALUES;

/// Row pointers, columns and values of one matrix of a batch.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/CSRSparseMatrixComponents>
pub const OP: Op = Op {
    name: "CSRSparseMatrixComponents",
    inputs: &["csr_sparse_matrix: variant", "index: int32"],
    outputs: &["row_ptrs: int32", "col_inds: int32", "values: type"],
    attrs: &["type: {float, double, complex64, complex128}"],
    effect: Effect::Pure,
    shape: |_: &ShapeContext<'_>| Ok(vec![PartialShape::of_rank(1); 3]),
    kernels: Kernels::All(&[("type", VALUES)], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("type")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (matrix, index) = (CsrSparseMatrix::of(ctx, 0, Some(dtype))?, ctx.input(1));
        if index.rank() != 0 {
            let text = format!("index must be a scalar, but saw: {}", index.shape());
            return Err(Error::invalid_argument(text));
        }
        let index = index.to_scalar::<i32>()?;
        let batch =
            usize::try_from(index).ok().filter(|&batch| batch < matrix.batches()).ok_or_else(|| {
                Error::invalid_argument(format!("index ({index}) not in [0, {})", matrix.batches()))
            })?;
        let len = matrix.rows() + 1;
        let values = matrix.batch_ptrs[batch]..matrix.batch_ptrs[batch + 1];
        let narrow = |numbers: &[usize]| {
            Tensor::from_vec([numbers.len()], numbers.iter().map(|&number| number as i32).collect())
        };
        let rows = narrow(&matrix.row_ptrs[batch * len..(batch + 1) * len])?;
        let cols = narrow(&matrix.cols[values.clone()])?;
        let mut own = ctx.allocate(dtype, [values.len()])?;
        let part = matrix.values.rows(values.start, values.end)?;
        by_unit!(dtype, U => own.units_mut::<U>()?.clone_from_slice(part.units()?));
        ctx.set(0, rows);
        ctx.set(1, cols);
        ctx.set(2, own);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::OP;
    use crate::csr_sparse_matrix::cases::{call, matrix};
    use savedmodel_op::testing::parse_tensor;
    use savedmodel_tensor::DType;

    #[test]
    fn table() {
        let check = |text: &str, index: &str, want: &str| {
            let inputs = vec![matrix(text), parse_tensor(index)];
            assert_eq!(call(&OP, &[("type", DType::Float.into())], inputs), want);
        };
        let one = "int64[3,2] 0 1 0 3 2 0; float[3] 1 2 3; int64[2] 3 4";
        check(one, "int32[] 0", "int32[4] 0 2 2 3; int32[3] 1 3 0; float[3] 1 2 3");
        let batch = "int64[3,3] 0 0 1 1 0 0 1 1 1; float[3] 1 2 3; int64[3] 2 2 2";
        check(batch, "int32[] 1", "int32[3] 0 1 2; int32[2] 0 1; float[2] 2 3");
        check(batch, "int32[] 2", "INVALID_ARGUMENT: index (2) not in [0, 2)");
        check(batch, "int32[] -1", "INVALID_ARGUMENT: index (-1) not in [0, 2)");
        check(batch, "int32[1] 0", "INVALID_ARGUMENT: index must be a scalar, but saw: [1]");
    }
}
