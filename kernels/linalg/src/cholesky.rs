//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, Error, Result};

use crate::dense::{Scalar, cholesky};
use crate::matrices::{map_square, square_shape};

/// The lower triangular factor of positive definite matrices, of which only the lower half is looked at.
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
        map_square::<T>(ctx, |matrix| {
            cholesky::factor(&matrix).ok_or_else(|| {
                Error::invalid_argument(
                    "Cholesky decomposition was not successful. The input might not be valid.",
                )
            })
        })
    }))
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
                (
                    "Cholesky",
                    "",
                    "float[2,2] 1 2 2 1",
                    "INVALID_ARGUMENT: Cholesky decomposition was not successful.",
                ),
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
