//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, Error, PartialShape, Result, Tensor};

use crate::dense::{Matrix, Scalar, self_adjoint};
use crate::matrices::{Batch, cube, each, fill, square_shape};

/// The eigenvalues of symmetric or Hermitian matrices in ascending order, and their eigenvectors as columns.
///
/// Only the lower half is looked at. The first versions give one tensor: the eigenvalues in row zero, the eigenvectors
/// below. Without `compute_v`, `v` is an empty vector.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SelfAdjointEigV2>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SelfAdjointEig>
pub const OPS: &[Op] = &[
    Op {
        name: "SelfAdjointEigV2",
        attrs: &["compute_v: bool = true", "T: {double, float, half, complex64, complex128}"],
        kernels: by_dtype!("T"; build: f32 f64 Complex32 Complex64),
        ..SECOND
    },
    Op { name: "BatchSelfAdjointEigV2", ..SECOND },
    Op { name: "SelfAdjointEig", attrs: &["T: {double, float, half}"], ..FIRST },
    Op { name: "BatchSelfAdjointEig", ..FIRST },
];

const SECOND: Op = Op {
    name: "",
    inputs: &["input: T"],
    outputs: &["e: T", "v: T"],
    attrs: &["compute_v: bool = true", "T: {double, float}"],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64),
};

const FIRST: Op = Op {
    outputs: &["output: T"],
    attrs: &["T: {double, float}"],
    shape: shape_of_one,
    kernels: by_dtype!("T"; build_one: f32 f64),
    ..SECOND
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let v = square_shape(ctx)?.swap_remove(0);
    let e = v.dims().map(|dims| PartialShape::new(dims[..dims.len() - 1].iter().copied()));
    let with_v = ctx.attr::<bool>("compute_v").unwrap_or_default();
    Ok(vec![e.unwrap_or_default(), if with_v { v } else { PartialShape::from([0]) }])
}

fn shape_of_one(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let square = square_shape(ctx)?.swap_remove(0);
    let Some([outer @ .., _, side]) = square.dims() else { return Ok(vec![square]) };
    Ok(vec![PartialShape::new(outer.iter().copied().chain([side.map(|side| side + 1), *side]))])
}

/// Eigenvalues, and a matrix of eigenvectors.
type Eigen<T> = (Vec<T>, Option<Matrix<T>>);

/// Those of each matrix.
fn decompose<T: Scalar>(ctx: &Context<'_>, batch: &Batch, with_v: bool) -> Result<Vec<Eigen<T>>> {
    if batch.rows == 0 {
        return Ok(Vec::new());
    }
    let data = ctx.input(0).as_slice::<T>()?;
    each(batch.count(), cube(batch.rows), |i| {
        let (values, vectors) = self_adjoint::decompose(&batch.matrix(data, i), with_v).ok_or_else(|| {
            Error::invalid_argument(
                "Self-adjoint eigen decomposition was not successful. The input might not be valid.",
            )
        })?;
        Ok((values.into_iter().map(T::of_real).collect(), vectors))
    })
}

fn build<T: Scalar>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let with_v: bool = node.attr("compute_v")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let batch = Batch::square(ctx.input(0).shape())?;
        let results = decompose::<T>(ctx, &batch, with_v)?;
        let mut e = ctx.allocate(T::DTYPE, batch.with(&[batch.rows]))?;
        fill(&mut e, results.iter().map(|result| &result.0[..]))?;
        let mut v = Tensor::zeros(T::DTYPE, [0])?;
        if with_v {
            v = ctx.allocate(T::DTYPE, ctx.input(0).shape())?;
            fill(&mut v, results.iter().filter_map(|result| result.1.as_ref()).map(Matrix::data))?;
        }
        ctx.set(0, e);
        ctx.set(1, v);
        Ok(())
    }))
}

fn build_one<T: Scalar>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let batch = Batch::square(ctx.input(0).shape())?;
        let results = decompose::<T>(ctx, &batch, true)?;
        let mut out = ctx.allocate(T::DTYPE, batch.with(&[batch.rows + 1, batch.rows]))?;
        let parts = results.iter().flat_map(|(values, vectors)| {
            [Some(&values[..]), vectors.as_ref().map(Matrix::data)].into_iter().flatten()
        });
        fill(&mut out, parts)?;
        ctx.set(0, out);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "SelfAdjointEigV2";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (op, "", "float[2,2] 3 9 0 1", "float[2] 1 3; float[2,2] 0 1 1 0"),
                (op, "compute_v=false", "double[1,2,2] 2 0 1 2", "double[1,2] 1 3; double[0]"),
                (op, "", "complex64[1,1] 2+5i", "complex64[1] 2+0i; complex64[1,1] 1+0i"),
                ("SelfAdjointEig", "", "float[1,1] 4", "float[2,1] 4 1"),
                ("BatchSelfAdjointEig", "", "double[2,0,0]", "double[2,1,0]"),
                ("BatchSelfAdjointEigV2", "", "double[2,1,1] 1 2", "double[2,1] 1 2; double[2,1,1] 1 1"),
                (op, "", "float[0,0]", "float[0]; float[0,0]"),
                (
                    op,
                    "",
                    "float[2,2] NaN 0 1 2",
                    "INVALID_ARGUMENT: Self-adjoint eigen decomposition was not successful.",
                ),
                (op, "", "float[1,2] 1 2", "INVALID_ARGUMENT: Input matrix must be square."),
            ],
        );
    }
}
