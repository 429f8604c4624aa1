//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, Error, Result};

use crate::dense::Scalar;
use crate::dense::lu::Lu;
use crate::matrices::{Batch, cube, each, fill, solver_shape};

/// The solutions of systems of equations with square matrices, or with their adjoints.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MatrixSolve>
pub const OPS: &[Op] = &[
    Op {
        name: "MatrixSolve",
        inputs: &["matrix: T", "rhs: T"],
        outputs: &["output: T"],
        attrs: &["adjoint: bool = false", "T: {double, float, half, complex64, complex128}"],
        effect: Effect::Pure,
        shape: solver_shape,
        kernels: by_dtype!("T"; build: f32 f64 Complex32 Complex64),
    },
    Op {
        name: "BatchMatrixSolve",
        inputs: &["matrix: T", "rhs: T"],
        outputs: &["output: T"],
        attrs: &["adjoint: bool = false", "T: {double, float}"],
        effect: Effect::Pure,
        shape: solver_shape,
        kernels: by_dtype!("T"; build: f32 f64),
    },
];

fn build<T: Scalar>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let adjoint: bool = node.attr("adjoint")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (matrix, right) = Batch::solver(ctx, true)?;
        let mut out = ctx.allocate(T::DTYPE, ctx.input(1).shape())?;
        if out.elements() > 0 {
            let (a, b) = (ctx.input(0).as_slice::<T>()?, ctx.input(1).as_slice::<T>()?);
            let results = each(matrix.count(), cube(matrix.rows), |i| {
                let a = matrix.matrix(a, i);
                let lu = Lu::of(if adjoint { a.adjoint() } else { a });
                if !lu.is_invertible() {
                    return Err(Error::invalid_argument("Input matrix is not invertible."));
                }
                Ok(lu.solve(&right.matrix(b, i)))
            })?;
            fill(&mut out, results.iter().map(|x| x.data()))?;
        }
        ctx.set(0, out);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                ("MatrixSolve", "", "float[2,2] 0 2 4 0; float[2,1] 1 2", "float[2,1] 0.5 0.5"),
                ("MatrixSolve", "adjoint=true", "double[2,2] 0 2 4 0; double[2,1] 1 2", "double[2,1] 1 0.25"),
                (
                    "MatrixSolve",
                    "adjoint=true",
                    "complex64[1,1] 0+2i; complex64[1,2] 2+0i 0+2i",
                    "complex64[1,2] 0+1i -1+0i",
                ),
                ("BatchMatrixSolve", "", "float[2,1,1] 2 4; float[2,1,1] 1 1", "float[2,1,1] 0.5 0.25"),
                ("MatrixSolve", "", "float[0,0]; float[0,3]", "float[0,3]"),
                (
                    "MatrixSolve",
                    "",
                    "float[2,2] 1 1 1 1; float[2,1] 1 2",
                    "INVALID_ARGUMENT: Input matrix is not invertible.",
                ),
                (
                    "MatrixSolve",
                    "",
                    "float[1,2] 1 1; float[1,1] 1",
                    "INVALID_ARGUMENT: First input (lhs) must be a square matrix.",
                ),
                (
                    "MatrixSolve",
                    "",
                    "float[1,1] 1; float[2,1] 1 1",
                    "INVALID_ARGUMENT: Input matrix and rhs are incompatible.",
                ),
                (
                    "MatrixSolve",
                    "",
                    "float[1,1] 1; float[1,1,1] 1",
                    "INVALID_ARGUMENT: All input tensors must have the same rank.",
                ),
                (
                    "MatrixSolve",
                    "",
                    "float[2,1,1] 1 1; float[1,1,1] 1",
                    "INVALID_ARGUMENT: All input tensors must have the same outer dimensions.",
                ),
            ],
        );
    }
}
