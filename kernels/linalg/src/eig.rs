//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, Element, Error, PartialShape, Result, Tensor};

use crate::dense::eigen::{self, Eigen};
use crate::dense::{Matrix, Real, Scalar};
use crate::matrices::{Batch, cube, each, fill, square_shape};

/// The eigenvalues of square matrices, and their eigenvectors as columns of length one.
///
/// Those of complex matrices come in ascending order of absolute value, those of real ones as TensorFlow finds them. Without
/// `compute_v`, `v` is an empty vector. `Tout` must be the complex type of the precision of `T`.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Eig>
pub const OP: Op = Op {
    name: "Eig",
    inputs: &["input: T"],
    outputs: &["e: Tout", "v: Tout"],
    attrs: &[
        "compute_v: bool = true",
        "T: {float, double, complex64, complex128}",
        "Tout: {complex64, complex128}",
    ],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; real: f32 f64; complex: Complex32 Complex64),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let v = square_shape(ctx)?.swap_remove(0);
    let e = v.dims().map(|dims| PartialShape::new(dims[..dims.len() - 1].iter().copied()));
    let with_v = ctx.attr::<bool>("compute_v").unwrap_or_default();
    Ok(vec![e.unwrap_or_default(), if with_v { v } else { PartialShape::from([0]) }])
}

fn real<R: Real>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build::<R>(node, |matrix, with_v| eigen::of_real(&matrix, with_v))
}

fn complex<C: Scalar<Complex = C>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    build::<C>(node, eigen::of_complex)
}

/// Finds the eigenvalues of a matrix, and the eigenvectors if asked for.
type Decompose<T> = fn(Matrix<T>, bool) -> Option<Eigen<<T as Scalar>::Complex>>;

fn build<T: Scalar>(node: &Construction<'_>, decompose: Decompose<T>) -> Result<Box<dyn Kernel>> {
    let with_v: bool = node.attr("compute_v")?;
    let dtype = T::Complex::DTYPE;
    if node.outputs.iter().any(|&output| output != dtype) {
        return Err(node.no_kernel("Tout"));
    }
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let batch = Batch::square(ctx.input(0).shape())?;
        let mut e = ctx.allocate(dtype, batch.with(&[batch.rows]))?;
        let mut v = Tensor::zeros(dtype, [0])?;
        if with_v {
            v = ctx.allocate(dtype, ctx.input(0).shape())?;
        }
        if e.elements() > 0 {
            let data = ctx.input(0).as_slice::<T>()?;
            let results = each(batch.count(), cube(batch.rows).saturating_mul(20), |i| {
                decompose(batch.matrix(data, i), with_v).ok_or_else(|| {
                    Error::invalid_argument(
                        "Eigen decomposition was not successful. The input might not be valid.",
                    )
                })
            })?;
            fill(&mut e, results.iter().map(|result| &result.0[..]))?;
            fill(&mut v, results.iter().filter_map(|result| result.1.as_ref()).map(Matrix::data))?;
        }
        ctx.set(0, e);
        ctx.set(1, v);
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
                (
                    "Eig",
                    "Tout=complex64",
                    "float[2,2] 0 -2 2 0",
                    "complex64[2] 0+2i 0-2i; complex64[2,2] -0.70710677+0i -0.70710677+0i 0+0.70710677i 0-0.70710677i",
                ),
                (
                    "Eig",
                    "Tout=complex128 compute_v=false",
                    "double[1,1,1] 3",
                    "complex128[1,1] 3+0i; complex128[0]",
                ),
                (
                    "Eig",
                    "Tout=complex64",
                    "complex64[2,2] 3+0i 0+0i 0+0i 0+1i",
                    "complex64[2] 0+1i 3+0i; complex64[2,2] 0+0i 1+0i 1+0i 0+0i",
                ),
                ("Eig", "Tout=complex64", "float[0,0]", "complex64[0]; complex64[0,0]"),
                (
                    "Eig",
                    "Tout=complex64",
                    "float[1,1] NaN",
                    "INVALID_ARGUMENT: Eigen decomposition was not successful. The input might not be valid.",
                ),
                (
                    "Eig",
                    "Tout=complex128",
                    "float[1,1] 1",
                    "INVALID_ARGUMENT: operator Eig has no kernel for attr Tout = complex128",
                ),
                ("Eig", "Tout=complex64", "float[1,2] 1 2", "INVALID_ARGUMENT: Input matrix must be square."),
            ],
        );
    }
}
