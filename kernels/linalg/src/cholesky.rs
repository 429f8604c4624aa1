//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, Result};

use crate::dense::{Matrix, Real, Scalar, cholesky};
use crate::matrices::{map_square, square_shape};

/// The lower triangular factor of positive definite matrices, of which only the lower half is looked at; NaN where there is none.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Cholesky>
pub const OPS: &[Op] = &[
    Op {
        name: "Cholesky",
        inputs: &["input: T"],
        outputs: &["output: T"],
        attrs: &["T: {double, float, half, complex64, complex128}"],
        effect: Effect::Pure,
        shape: square_shape,
        kernels: by_dtype!("T"; build: f32 f64 Complex32 Complex64),
    },
    Op {
        name: "BatchCholesky",
        inputs: &["input: T"],
        outputs: &["output: T"],
        attrs: &["T: {double, float}"],
        effect: Effect::Pure,
        shape: square_shape,
        kernels: by_dtype!("T"; build: f32 f64),
    },
];

fn build<T: Scalar>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        map_square::<T>(ctx, |matrix| Ok(cholesky::factor(&matrix).unwrap_or_else(|| failed(matrix.rows()))))
    }))
}

/// What stands for a factor that there is not: TensorFlow fills the lower half, of complex numbers with zeros, and leaves the upper
/// one as it finds it.
fn failed<T: Scalar>(n: usize) -> Matrix<T> {
    let fill = if T::IS_COMPLEX { T::zero() } else { T::of_real(T::Real::of(f64::NAN)) };
    Matrix::from_fn(n, n, |i, j| if j <= i { fill } else { T::zero() })
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                ("Cholesky", "", "float[2,2] 4 9 2 5", "float[2,2] 2 0 1 2"),
                ("Cholesky", "", "double[2,1,1] 9 16", "double[2,1,1] 3 4"),
                ("Cholesky", "", "complex64[2,2] 4+0i 0+0i 0+2i 5+0i", "complex64[2,2] 2+0i 0+0i 0+1i 2+0i"),
                ("BatchCholesky", "", "float[1,1,1] 4", "float[1,1,1] 2"),
                ("Cholesky", "", "float[2,0,0]", "float[2,0,0]"),
                ("Cholesky", "", "float[1,1] NaN", "float[1,1] NaN"),
                ("Cholesky", "", "float[2,2] 1 2 2 1", "float[2,2] NaN 0 NaN NaN"),
                ("Cholesky", "", "double[2,1,1] 0 4", "double[2,1,1] NaN 2"),
                ("Cholesky", "", "complex64[1,1] -1+0i", "complex64[1,1] 0+0i"),
                ("Cholesky", "", "float[1,2] 1 2", "INVALID_ARGUMENT: Input matrix must be square."),
                (
                    "Cholesky",
                    "",
                    "float[2] 1 2",
                    "INVALID_ARGUMENT: Input tensor 0 must have rank >= 2, got 1",
                ),
                (
                    "Cholesky",
                    "",
                    "half[1,1] 1",
                    "INVALID_ARGUMENT: operator Cholesky has no kernel for attr T = half",
                ),
            ],
        );
    }
}
