//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result, Shape};

use crate::coo::pick;
use crate::csr_sparse_matrix::CsrSparseMatrix;
use crate::sparse_tensor_to_csr_sparse_matrix::VALUES;

/// The elements of a dense matrix, or batch of matrices, at some indices, as a sparse matrix.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DenseToCSRSparseMatrix>
pub const OP: Op = Op {
    name: "DenseToCSRSparseMatrix",
    inputs: &["dense_input: T", "indices: int64"],
    outputs: &["sparse_output: variant"],
    attrs: &["T: {float, double, complex64, complex128}"],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: Kernels::All(&[("T", VALUES)], build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let (dense, indices) = (ctx.input(0), ctx.input(1));
        let (shape, refuse) = (dense.shape(), |text: String| Err(Error::invalid_argument(text)));
        if !(2..=3).contains(&shape.rank()) {
            return refuse(format!("params must have rank == 2 or 3; but saw shape: {shape}"));
        }
        if indices.rank() != 2 {
            return refuse(format!("indices must be a matrix, but saw shape: {}", indices.shape()));
        }
        if indices.shape()[1] != shape.rank() {
            return refuse(format!(
                "indices.shape[1] must be equal to the rank of params, but saw: {} vs. {}",
                indices.shape()[1],
                shape.rank()
            ));
        }
        let indices = indices.as_slice::<i64>()?;
        let place = |(i, index): (usize, &[i64])| {
            flat(index, shape).ok_or_else(|| {
                Error::invalid_argument(format!(
                    "indices[{i}] = {index:?} does not index into param shape {shape}"
                ))
            })
        };
        let places: Vec<usize> =
            indices.chunks_exact(shape.rank()).enumerate().map(place).collect::<Result<_>>()?;
        let values = pick(&dense.clone().reshape([dense.elements()])?, &places, &ctx.run())?;
        let matrix = CsrSparseMatrix::new(shape.clone(), indices, values, &ctx.run())?;
        ctx.set(0, matrix.into_tensor()?);
        Ok(())
    }))
}

fn flat(index: &[i64], shape: &Shape) -> Option<usize> {
    index.iter().zip(shape.iter()).try_fold(0, |flat, (&index, &size)| {
        usize::try_from(index).ok().filter(|&index| index < size).map(|index| flat * size + index)
    })
}

#[cfg(test)]
mod tests {
    use super::OP;
    use crate::csr_sparse_matrix::cases::call;
    use savedmodel_op::testing::parse_tensor;

    #[test]
    fn table() {
        let check = |dense: &str, indices: &str, want: &str| {
            let got = call(&OP, &[], vec![parse_tensor(dense), parse_tensor(indices)]);
            assert!(got == want || want.contains(": ") && got.starts_with(want), "{got}\n{want}");
        };
        let two = "float[2,2] 1 2 3 0";
        check(two, "int64[2,2] 0 1 1 1", "int64[2,2] 0 1 1 1; float[2] 2 0; int64[2] 2 2");
        let batch = "double[1,2,2] 1 2 3 4";
        check(batch, "int64[1,3] 0 1 0", "int64[1,3] 0 1 0; double[1] 3; int64[3] 1 2 2");
        check(
            two,
            "int64[1,2] 0 5",
            "INVALID_ARGUMENT: indices[0] = [0, 5] does not index into param shape [2,2]",
        );
        check(two, "int64[1,2] -1 0", "INVALID_ARGUMENT: indices[0] = [-1, 0] does not index into");
        check(
            two,
            "int64[1,3] 0 0 0",
            "INVALID_ARGUMENT: indices.shape[1] must be equal to the rank of params",
        );
        check(two, "int64[2] 0 0", "INVALID_ARGUMENT: indices must be a matrix, but saw shape: [2]");
        check(
            "float[2] 1 2",
            "int64[1,1] 0",
            "INVALID_ARGUMENT: params must have rank == 2 or 3; but saw shape: [2]",
        );
    }
}
