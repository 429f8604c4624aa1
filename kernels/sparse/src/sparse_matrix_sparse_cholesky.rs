//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype, shape};
use savedmodel_tensor::{Complex32, Complex64, Error, Result, Shape, Tensor};

use crate::csr_sparse_matrix::CsrSparseMatrix;
use crate::number::Number;

/// The lower triangular factor of a symmetric or Hermitian matrix, or of each of a batch, whose rows and columns are put in the order of a permutation first.
///
/// Only the lower half is looked at. The factor has a place for all that elimination fills in, whether that is zero or not.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseMatrixSparseCholesky>
pub const OP: Op = Op {
    name: "SparseMatrixSparseCholesky",
    inputs: &["input: variant", "permutation: int32"],
    outputs: &["output: variant"],
    attrs: &["type: {float, double, complex64, complex128}"],
    effect: Effect::Pure,
    shape: shape::scalar,
    kernels: by_dtype!("type"; build: f32 f64 Complex32 Complex64),
};

/// Elements of a factor.
trait Entry: Number {
    /// `self - a b*`.
    fn less_product(self, a: Self, b: Self) -> Self;
    /// The quotient by the real part of another.
    fn over_real(self, other: Self) -> Self;
    /// The square root of the real part; `None` when that is not positive.
    fn root(self) -> Option<Self>;
}

macro_rules! entries {
    ($($type:ty, $x:ident: $real:expr;)*) => {
        $(impl Entry for $type {
            fn less_product(self, a: Self, b: Self) -> Self { self - a * b.conjugate() }
            fn over_real(self, $x: Self) -> Self { self / $real }
            fn root(self) -> Option<Self> {
                let $x = self;
                // NaN has a root.
                if $real <= 0.0 { None } else { Some($real.sqrt().into()) }
            }
        })*
    };
}

entries! {
    f32, x: x;
    f64, x: x;
    Complex32, x: x.re;
    Complex64, x: x.re;
}

fn build<T: Entry>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let matrix = CsrSparseMatrix::of(ctx, 0, Some(T::DTYPE))?;
        let (permutation, rank) = (ctx.input(1), matrix.shape.rank());
        if permutation.rank() + 1 != rank {
            return Err(Error::invalid_argument(format!(
                "sparse matrix must have the same rank as permutation; got: {rank} != {} + 1.",
                permutation.rank()
            )));
        }
        let mut dims = matrix.shape.to_vec();
        dims.pop();
        if matrix.rows() != matrix.columns() || permutation.shape()[..] != dims[..] {
            return Err(Error::invalid_argument(format!(
                "a matrix of shape {} does not have permutations of shape {}",
                matrix.shape,
                permutation.shape()
            )));
        }
        let (mut indices, mut values) = (Vec::new(), Vec::new());
        let limit = ctx.run().limits.tensor_bytes / size_of::<T>().max(8 * rank);
        for batch in 0..matrix.batches() {
            let order = &permutation.as_slice::<i32>()?[batch * matrix.rows()..][..matrix.rows()];
            let factor = permuted::<T>(matrix, batch, order).and_then(|rows| factor(rows, limit));
            let factor = factor.ok_or_else(|| {
                Error::invalid_argument(format!(
                    "Sparse Cholesky factorization failed for batch index {batch}. The input might not be valid."
                ))
            })?;
            for (i, row) in factor.into_iter().enumerate() {
                for (j, value) in row {
                    indices.extend((rank == 3).then_some(batch as i64));
                    indices.extend([i as i64, j as i64]);
                    values.push(value);
                }
            }
        }
        let values = Tensor::from_vec([values.len()], values)?;
        let shape: Shape = matrix.shape.clone();
        let factor = CsrSparseMatrix::new(shape, &indices, values, &ctx.run())?.into_tensor()?;
        ctx.set(0, factor);
        Ok(())
    }))
}

/// The values of each row by column, in order.
type Rows<T> = Vec<Vec<(usize, T)>>;

/// The lower half in another order; `None` if that is no permutation.
fn permuted<T: Number>(matrix: &CsrSparseMatrix, batch: usize, order: &[i32]) -> Option<Rows<T>> {
    let mut places = vec![usize::MAX; order.len()];
    for (place, &row) in order.iter().enumerate() {
        let found = places.get_mut(usize::try_from(row).ok()?).filter(|found| **found == usize::MAX)?;
        *found = place;
    }
    let values = matrix.values.as_slice::<T>().ok()?;
    let mut rows: Rows<T> = vec![Vec::new(); order.len()];
    for row in 0..matrix.rows() {
        for i in matrix.row(batch, row).filter(|&i| matrix.cols[i] <= row) {
            let (a, b) = (places[row], places[matrix.cols[i]]);
            let value = if a < b { values[i].conjugate() } else { values[i] };
            rows[a.max(b)].push((a.min(b), value));
        }
    }
    Some(rows)
}

/// The factor, row by row; `None` if a pivot is not positive, or there are more values than `limit`.
fn factor<T: Entry>(rows: Rows<T>, limit: usize) -> Option<Rows<T>> {
    let n = rows.len();
    let zero = T::from_sum(T::Sum::default());
    let mut factor: Rows<T> = Vec::with_capacity(n);
    let (mut parents, mut marks) = (vec![usize::MAX; n], vec![usize::MAX; n]);
    let (mut dense, mut total) = (vec![zero; n], 0_usize);
    for (k, row) in rows.into_iter().enumerate() {
        let mut pattern = Vec::new();
        marks[k] = k;
        for (j, value) in row {
            dense[j] = dense[j].plus(value);
            // Elimination fills the row in along the way to the root.
            let mut at = j;
            while marks[at] != k {
                marks[at] = k;
                pattern.push(at);
                if parents[at] == usize::MAX {
                    parents[at] = k;
                }
                at = parents[at];
            }
        }
        pattern.sort_unstable();
        total = total.checked_add(pattern.len() + 1).filter(|&total| total <= limit)?;
        let (mut pivot, mut made) =
            (std::mem::replace(&mut dense[k], zero), Vec::with_capacity(pattern.len() + 1));
        for j in pattern {
            let (&(_, diagonal), others) = factor[j].split_last()?;
            let rest = others.iter().fold(dense[j], |rest, &(i, value)| rest.less_product(dense[i], value));
            dense[j] = rest.over_real(diagonal);
            pivot = pivot.less_product(dense[j], dense[j]);
            made.push((j, dense[j]));
        }
        made.iter().for_each(|&(j, _)| dense[j] = zero);
        made.push((k, pivot.root()?));
        factor.push(made);
    }
    Some(factor)
}

#[cfg(test)]
mod tests {
    use super::OP;
    use crate::csr_sparse_matrix::cases::{call, matrix};
    use savedmodel_op::testing::parse_tensor;
    use savedmodel_tensor::DType;

    #[test]
    fn table() {
        let check = |text: &str, dtype: DType, order: &str, want: &str| {
            let got = call(&OP, &[("type", dtype.into())], vec![matrix(text), parse_tensor(order)]);
            assert_eq!(got, want, "{text} {order}");
        };
        let one = "int64[5,2] 0 0 1 0 1 1 2 1 2 2; float[5] 4 1 5 2 6; int64[2] 3 3";
        check(
            one,
            DType::Float,
            "int32[3] 2 0 1",
            "int64[5,2] 0 0 1 1 2 0 2 1 2 2; float[5] 2.4494898 2 0.81649655 0.5 2.020726; int64[2] 3 3",
        );
        // The lower half alone, filled in.
        check(
            "int64[7,2] 0 0 0 1 1 0 1 1 2 0 2 1 2 2; double[7] 4 9 2 2 2 1 6; int64[2] 3 3",
            DType::Double,
            "int32[3] 0 1 2",
            "int64[6,2] 0 0 1 0 1 1 2 0 2 1 2 2; double[6] 2 1 1 1 0 2.23606797749979; int64[2] 3 3",
        );
        check(
            "int64[3,2] 0 0 1 0 1 1; complex64[3] 4+1i 2+2i 6+0i; int64[2] 2 2",
            DType::Complex64,
            "int32[2] 0 1",
            "int64[3,2] 0 0 1 0 1 1; complex64[3] 2+0i 1+1i 2+0i; int64[2] 2 2",
        );
        let failed = "INVALID_ARGUMENT: Sparse Cholesky factorization failed for batch index 0. The input might not be valid.";
        for order in ["int32[3] 0 1 1", "int32[3] 0 1 3", "int32[3] -1 0 1"] {
            check(one, DType::Float, order, failed);
        }
        check("int64[1,2] 0 0; float[1] 1; int64[2] 2 2", DType::Float, "int32[2] 0 1", failed);
        check("int64[1,2] 0 0; float[1] -1; int64[2] 1 1", DType::Float, "int32[1] 0", failed);
        let rank = "INVALID_ARGUMENT: sparse matrix must have the same rank as permutation; got: 2 != 2 + 1.";
        check(one, DType::Float, "int32[1,3] 0 1 2", rank);
        let sizes = "INVALID_ARGUMENT: a matrix of shape [3,3] does not have permutations of shape [2]";
        check(one, DType::Float, "int32[2] 0 1", sizes);
    }
}
