//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, Run, by_dtype, shape};
use savedmodel_tensor::{Complex32, Complex64, Result, Tensor};

use crate::csr_sparse_matrix::CsrSparseMatrix;
use crate::number::Number;

/// The transposed matrix, or batch of them, perhaps with the complex conjugates of its values.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseMatrixTranspose>
pub const OP: Op = Op {
    name: "SparseMatrixTranspose",
    inputs: &["input: variant"],
    outputs: &["output: variant"],
    attrs: &["conjugate: bool = false", "type: {float, double, complex64, complex128}"],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: by_dtype!("type"; build: f32 f64 Complex32 Complex64),
};

fn build<T: Number>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let conjugate: bool = node.attr("conjugate")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let matrix = CsrSparseMatrix::of(ctx, 0, Some(T::DTYPE))?;
        let turned = transpose::<T>(matrix, conjugate, &ctx.run())?.into_tensor()?;
        ctx.set(0, turned);
        Ok(())
    }))
}

/// The transposed matrix; the values of a column stay in order.
pub(crate) fn transpose<T: Number>(
    matrix: &CsrSparseMatrix,
    conjugate: bool,
    run: &Run<'_>,
) -> Result<CsrSparseMatrix> {
    let rank = matrix.shape.rank();
    let values = matrix.values.as_slice::<T>()?;
    let mut entries = Vec::with_capacity(values.len());
    for batch in 0..matrix.batches() {
        for row in 0..matrix.rows() {
            entries.extend(matrix.row(batch, row).map(|i| (batch, matrix.cols[i], row, i)));
        }
    }
    entries.sort_by_key(|&(batch, col, ..)| (batch, col));
    let mut indices = Vec::with_capacity(entries.len() * rank);
    for &(batch, col, row, _) in &entries {
        indices.extend((rank == 3).then_some(batch as i64));
        indices.extend([col as i64, row as i64]);
    }
    let turn = |value: T| if conjugate { value.conjugate() } else { value };
    let values = entries.iter().map(|&(.., i)| turn(values[i])).collect();
    let mut shape = matrix.shape.clone();
    shape.dims_mut().swap(rank - 1, rank - 2);
    CsrSparseMatrix::new(shape, &indices, Tensor::from_vec([entries.len()], values)?, run)
}

#[cfg(test)]
mod tests {
    use super::OP;
    use crate::csr_sparse_matrix::cases::{call, matrix};
    use savedmodel_tensor::DType;

    #[test]
    fn table() {
        let check = |text: &str, dtype: DType, conjugate: bool, want: &str| {
            let attrs = [("type", dtype.into()), ("conjugate", conjugate.into())];
            assert_eq!(call(&OP, &attrs, vec![matrix(text)]), want);
        };
        let one = "int64[3,2] 0 1 0 3 2 0; float[3] 1 2 3; int64[2] 3 4";
        check(one, DType::Float, false, "int64[3,2] 0 2 1 0 3 0; float[3] 3 1 2; int64[2] 4 3");
        check(
            "int64[2,3] 0 0 1 1 1 0; complex64[2] 1+2i 3+1i; int64[3] 2 2 2",
            DType::Complex64,
            true,
            "int64[2,3] 0 1 0 1 0 1; complex64[2] 1-2i 3-1i; int64[3] 2 2 2",
        );
        let want = "INVALID_ARGUMENT: Asked for a CSRSparseMatrix of type double but saw dtype: float";
        check(one, DType::Double, false, want);
    }
}
