//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, Error, Result};

use crate::dense::{Matrix, Real, Scalar, cholesky, orthogonal_solve};
use crate::matrices::{Batch, cube, each, fill, solver_shape};

/// Solutions in the sense of least squares.
///
/// If `fast`, by normal equations, which need full rank, with the regularizer on their diagonal; else of least norm by
/// orthogonal decompositions, without a regularizer.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MatrixSolveLs>
pub const OPS: &[Op] = &[
    Op {
        name: "MatrixSolveLs",
        inputs: &["matrix: T", "rhs: T", "l2_regularizer: double"],
        outputs: &["output: T"],
        attrs: &["T: {double, float, half, complex64, complex128}", "fast: bool = true"],
        effect: Effect::Pure,
        shape: solver_shape,
        kernels: by_dtype!("T"; build: f32 f64 Complex32 Complex64),
    },
    Op {
        name: "BatchMatrixSolveLs",
        inputs: &["matrix: T", "rhs: T", "l2_regularizer: double"],
        outputs: &["output: T"],
        attrs: &["T: {double, float}", "fast: bool = true"],
        effect: Effect::Pure,
        shape: solver_shape,
        kernels: by_dtype!("T"; build: f32 f64),
    },
];

fn build<T: Scalar>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let fast: bool = node.attr("fast")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let regularizer = ctx.input(2);
        if regularizer.rank() != 0 {
            return Err(Error::invalid_argument(format!(
                "l2_regularizer must be scalar, got shape {}",
                regularizer.shape()
            )));
        }
        let regularizer = regularizer.to_scalar::<f64>()?;
        if regularizer.is_nan() || regularizer < 0.0 {
            return Err(Error::invalid_argument("l2_regularizer must be >= 0."));
        }
        let (matrix, right) = Batch::solver(ctx, false)?;
        let mut out = ctx.allocate(T::DTYPE, matrix.with(&[matrix.columns, right.columns]))?;
        if out.elements() > 0 && matrix.rows > 0 {
            let (a, b) = (ctx.input(0).as_slice::<T>()?, ctx.input(1).as_slice::<T>()?);
            let results = each(matrix.count(), cube(matrix.rows.max(matrix.columns)), |i| {
                let (a, b) = (matrix.matrix(a, i), right.matrix(b, i));
                if fast { normal(&a, &b, regularizer) } else { Ok(orthogonal_solve::least_squares(&a, &b)) }
            })?;
            fill(&mut out, results.iter().map(|x| x.data()))?;
        }
        ctx.set(0, out);
        Ok(())
    }))
}

/// The solution by normal equations.
fn normal<T: Scalar>(a: &Matrix<T>, b: &Matrix<T>, regularizer: f64) -> Result<Matrix<T>> {
    let adjoint = a.adjoint();
    let tall = a.rows() >= a.columns();
    let mut gramian = if tall { adjoint.times(a) } else { a.times(&adjoint) };
    if regularizer > 0.0 {
        (0..gramian.rows()).for_each(|i| gramian[(i, i)] += T::of_real(T::Real::of(regularizer)));
    }
    let l = cholesky::factor(&gramian).ok_or_else(|| {
        let more = if tall { "a larger" } else { "an" };
        Error::invalid_argument(format!(
            "Input matrix was rank deficient or ill-conditioned. Try setting fast=False or provide {more} \
             l2_regularizer > 0."
        ))
    })?;
    Ok(if tall { cholesky::solve(&l, &adjoint.times(b)) } else { adjoint.times(&cholesky::solve(&l, b)) })
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "MatrixSolveLs";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (op, "", "float[2,1] 1 1; float[2,1] 1 3; double[] 0", "float[1,1] 2"),
                (op, "", "double[2,1] 1 1; double[2,1] 1 3; double[] 2", "double[1,1] 1"),
                (op, "", "float[1,2] 1 1; float[1,1] 4; double[] 0", "float[2,1] 2 2"),
                (op, "fast=false", "double[1,2] 1 1; double[1,1] 4; double[] 7", "double[2,1] 2 2"),
                (op, "fast=false", "double[2,2] 1 1 1 1; double[2,1] 4 4; double[] 0", "double[2,1] 2 2"),
                (
                    op,
                    "fast=false",
                    "complex64[1,1] 0+0i; complex64[1,1] 1+0i; double[] 0",
                    "complex64[1,1] 0+0i",
                ),
                (
                    "BatchMatrixSolveLs",
                    "",
                    "float[2,1,1] 2 4; float[2,1,1] 1 1; double[] 0",
                    "float[2,1,1] 0.5 0.25",
                ),
                (op, "", "float[0,2]; float[0,1]; double[] 0", "float[2,1] 0 0"),
                (
                    op,
                    "",
                    "float[2,2] 1 0 0 0; float[2,1] 4 4; double[] 0",
                    "INVALID_ARGUMENT: Input matrix was rank deficient or ill-conditioned. Try setting fast=False or \
                     provide a larger l2_regularizer > 0.",
                ),
                (
                    op,
                    "",
                    "float[1,1] 1; float[1,1] 1; double[] nan",
                    "INVALID_ARGUMENT: l2_regularizer must be >= 0.",
                ),
                (
                    op,
                    "",
                    "float[1,1] 1; float[1,1] 1; double[] -1",
                    "INVALID_ARGUMENT: l2_regularizer must be >= 0.",
                ),
                (
                    op,
                    "",
                    "float[1,1] 1; float[2,1] 1 1; double[] 0",
                    "INVALID_ARGUMENT: Input matrix and rhs are incompatible.",
                ),
            ],
        );
    }
}
