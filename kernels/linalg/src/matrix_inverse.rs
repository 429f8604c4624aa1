//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, DType, Error, Result};

use crate::dense::lu::Lu;
use crate::dense::{Matrix, Scalar};
use crate::half::with_single;
use crate::matrices::{map_square, square_shape};

/// The inverse of matrices, or of their adjoints.
///
/// Half is computed in single precision.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MatrixInverse>
pub const OPS: &[Op] = &[
    Op {
        name: "MatrixInverse",
        inputs: &["input: T"],
        outputs: &["output: T"],
        attrs: &["adjoint: bool = false", "T: {double, float, half, complex64, complex128}"],
        effect: Effect::Pure,
        shape: square_shape,
        kernels: Kernels::ByDType(
            "T",
            &[
                (DType::Float, build::<f32>),
                (DType::Double, build::<f64>),
                (DType::Complex64, build::<Complex32>),
                (DType::Complex128, build::<Complex64>),
                (DType::Half, build_half),
            ],
        ),
    },
    Op {
        name: "BatchMatrixInverse",
        inputs: &["input: T"],
        outputs: &["output: T"],
        attrs: &["adjoint: bool = false", "T: {double, float}"],
        effect: Effect::Pure,
        shape: square_shape,
        kernels: by_dtype!("T"; build: f32 f64),
    },
];

fn build<T: Scalar>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let adjoint: bool = node.attr("adjoint")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| map_square::<T>(ctx, |matrix| invert(matrix, adjoint))))
}

fn build_half(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(with_single(build::<f32>(node)?))
}

fn invert<T: Scalar>(matrix: Matrix<T>, adjoint: bool) -> Result<Matrix<T>> {
    let n = matrix.rows();
    let lu = Lu::of(if adjoint { matrix.adjoint() } else { matrix });
    if !lu.is_invertible() {
        return Err(Error::invalid_argument("Input is not invertible."));
    }
    Ok(lu.solve(&Matrix::identity(n, n)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                ("MatrixInverse", "", "float[2,2] 0 2 4 0", "float[2,2] 0 0.25 0.5 0"),
                ("MatrixInverse", "adjoint=true", "double[2,2] 0 2 4 0", "double[2,2] 0 0.5 0.25 0"),
                (
                    "MatrixInverse",
                    "adjoint=true",
                    "complex64[2,1,1] 0+2i 4+0i",
                    "complex64[2,1,1] 0+0.5i 0.25+0i",
                ),
                ("MatrixInverse", "", "half[1,1] 4", "half[1,1] 0.25"),
                ("BatchMatrixInverse", "", "double[0,1,1]", "double[0,1,1]"),
                ("MatrixInverse", "", "float[0,0]", "float[0,0]"),
                ("MatrixInverse", "", "float[2,2] 1 1 1 1", "INVALID_ARGUMENT: Input is not invertible."),
                ("MatrixInverse", "", "float[1,2] 1 1", "INVALID_ARGUMENT: Input matrix must be square."),
            ],
        );
    }
}
