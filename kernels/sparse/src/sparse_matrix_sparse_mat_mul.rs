//! See [`OP`].

use rustc_hash::FxHashMap;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, Run, by_dtype, shape};
use savedmodel_tensor::{Complex32, Complex64, Error, Result, Shape, Tensor};

use crate::csr_sparse_matrix::{CsrSparseMatrix, only_one};
use crate::number::Number;
use crate::sparse_matrix_transpose::transpose;

/// The product of two sparse matrices, or batches of them, each perhaps transposed or conjugated.
///
/// A value that comes out as zero stays. A batch of one matrix is used for all of the other.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseMatrixSparseMatMul>
pub const OP: Op = Op {
    name: "SparseMatrixSparseMatMul",
    inputs: &["a: variant", "b: variant"],
    outputs: &["c: variant"],
    attrs: &[
        "type: {float, double, complex64, complex128}",
        "transpose_a: bool = false",
        "transpose_b: bool = false",
        "adjoint_a: bool = false",
        "adjoint_b: bool = false",
    ],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: by_dtype!("type"; build: f32 f64 Complex32 Complex64),
};

fn build<T: Number<Sum = T>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let flag = |name: &str| node.attr::<bool>(name);
    let (adjoint_a, adjoint_b) = (flag("adjoint_a")?, flag("adjoint_b")?);
    let (transpose_a, transpose_b) = (flag("transpose_a")?, flag("transpose_b")?);
    only_one("a", adjoint_a, transpose_a)?;
    only_one("b", adjoint_b, transpose_b)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (a, b) =
            (CsrSparseMatrix::of(ctx, 0, Some(T::DTYPE))?, CsrSparseMatrix::of(ctx, 1, Some(T::DTYPE))?);
        let turn = |matrix: &CsrSparseMatrix, transposed: bool, conjugate: bool| match transposed || conjugate
        {
            true => transpose::<T>(matrix, conjugate, &ctx.run()),
            false => Ok(matrix.clone()),
        };
        let (left, right) = (turn(a, transpose_a, adjoint_a)?, turn(b, transpose_b, adjoint_b)?);
        let batches = (left.batches(), right.batches());
        let fits = left.shape.rank() == right.shape.rank()
            && left.columns() == right.rows()
            && (batches.0 == batches.1 || batches.0 == 1 || batches.1 == 1);
        if !fits {
            return Err(Error::invalid_argument(format!(
                "Inner product dimensions of A and B do not agree.  Shapes are: {} vs. {}",
                a.shape, b.shape
            )));
        }
        let product = multiply::<T>(&left, &right, &ctx.run())?.into_tensor()?;
        ctx.set(0, product);
        Ok(())
    }))
}

fn multiply<T: Number<Sum = T>>(
    a: &CsrSparseMatrix,
    b: &CsrSparseMatrix,
    run: &Run<'_>,
) -> Result<CsrSparseMatrix> {
    let (rank, batches) = (a.shape.rank(), a.batches().max(b.batches()));
    let (left, right) = (a.values.as_slice::<T>()?, b.values.as_slice::<T>()?);
    let (mut indices, mut values) = (Vec::new(), Vec::new());
    for batch in 0..batches {
        let (own, other) = (batch % a.batches(), batch % b.batches());
        for row in 0..a.rows() {
            let mut sums: FxHashMap<usize, T> = FxHashMap::default();
            for i in a.row(own, row) {
                for j in b.row(other, a.cols[i]) {
                    let sum = sums.entry(b.cols[j]).or_default();
                    *sum = left[i].add_product(right[j], *sum);
                }
            }
            let mut sums: Vec<(usize, T)> = sums.into_iter().collect();
            sums.sort_unstable_by_key(|&(column, _)| column);
            for (column, sum) in sums {
                indices.extend((rank == 3).then_some(batch as i64));
                indices.extend([row as i64, column as i64]);
                values.push(sum);
            }
        }
    }
    let outer = (rank == 3).then_some(batches).into_iter();
    let shape: Shape = outer.chain([a.rows(), b.columns()]).collect();
    CsrSparseMatrix::new(shape, &indices, Tensor::from_vec([values.len()], values)?, run)
}

#[cfg(test)]
mod tests {
    use super::OP;
    use crate::csr_sparse_matrix::cases::{call, matrix};
    use savedmodel_tensor::DType;

    #[test]
    fn table() {
        let check = |a: &str, b: &str, flags: &str, want: &str| {
            let mut attrs: Vec<(&str, _)> =
                flags.split_whitespace().map(|flag| (flag, true.into())).collect();
            attrs.push(("type", DType::Float.into()));
            let got = call(&OP, &attrs, vec![matrix(a), matrix(b)]);
            assert!(got == want || want.contains(": ") && got.starts_with(want), "{flags}: {got}\n{want}");
        };
        let a = "int64[3,2] 0 1 0 3 2 0; float[3] 1 2 3; int64[2] 3 4";
        let b = "int64[3,2] 0 0 1 1 3 0; float[3] 1 2 3; int64[2] 4 2";
        check(a, b, "", "int64[3,2] 0 0 0 1 2 0; float[3] 6 2 3; int64[2] 3 2");
        check(
            a,
            "int64[2,2] 0 0 1 1; float[2] 1 2; int64[2] 3 2",
            "transpose_a",
            "int64[2,2] 1 0 3 0; float[2] 1 2; int64[2] 4 2",
        );
        check(a, a, "adjoint_b", "int64[2,2] 0 0 2 2; float[2] 5 9; int64[2] 3 3");
        let batch = "int64[3,3] 0 0 1 1 0 0 1 1 1; float[3] 1 2 3; int64[3] 2 2 2";
        check(batch, batch, "", "int64[2,3] 1 0 0 1 1 1; float[2] 4 9; int64[3] 2 2 2");
        let single = "int64[1,3] 0 0 0; float[1] 1; int64[3] 1 2 2";
        check(batch, single, "", "int64[1,3] 1 0 0; float[1] 2; int64[3] 2 2 2");
        check(
            "int64[2,2] 0 0 0 1; float[2] 1 1; int64[2] 1 2",
            "int64[2,2] 0 0 1 0; float[2] 1 -1; int64[2] 2 1",
            "",
            "int64[1,2] 0 0; float[1] 0; int64[2] 1 1",
        );
        check(
            a,
            a,
            "",
            "INVALID_ARGUMENT: Inner product dimensions of A and B do not agree.  Shapes are: [3,4] vs.",
        );
        check(a, single, "", "INVALID_ARGUMENT: Inner product dimensions of A and B do not agree.");
        check(
            a,
            a,
            "adjoint_a transpose_a",
            "INVALID_ARGUMENT: Only one of adjoint_a and transpose_a may be true.",
        );
    }
}
