//! See [`OPS`].

use num_traits::Float;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, Error, PartialShape, Result};

use crate::dense::Scalar;
use crate::dense::lu::Lu;
use crate::matrices::{Batch, cube, each, fill, partial};

/// The determinant of square matrices, or its sign (or direction) and the logarithm of its absolute value.
///
/// That of an empty matrix is one; where it is zero the sign is zero and the logarithm negative infinity.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MatrixDeterminant>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/LogMatrixDeterminant>
pub const OPS: &[Op] = &[
    Op {
        name: "MatrixDeterminant",
        inputs: &["input: T"],
        outputs: &["output: T"],
        attrs: &["T: {half, float, double, complex64, complex128}"],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; build: f32 f64 Complex32 Complex64),
    },
    Op {
        name: "BatchMatrixDeterminant",
        inputs: &["input: T"],
        outputs: &["output: T"],
        attrs: &["T: {float, double, complex64, complex128}"],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; build: f32 f64 Complex32 Complex64),
    },
    Op {
        name: "LogMatrixDeterminant",
        inputs: &["input: T"],
        outputs: &["sign: T", "log_abs_determinant: T"],
        attrs: &["T: {half, float, double, complex64, complex128}"],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; build_log: f32 f64 Complex32 Complex64),
    },
];

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let Some((outer, rows, columns)) = partial(ctx, 0)? else {
        return Ok(vec![PartialShape::unknown(); ctx.outputs]);
    };
    if rows.zip(columns).is_some_and(|(rows, columns)| rows != columns) {
        return Err(Error::invalid_argument("Input matrix must be square."));
    }
    Ok(vec![PartialShape::new(outer); ctx.outputs])
}

/// Sign and logarithm of each determinant.
fn logs<T: Scalar>(ctx: &Context<'_>, batch: &Batch) -> Result<Vec<(T, T::Real)>> {
    let data = ctx.input(0).as_slice::<T>()?;
    each(batch.count(), cube(batch.rows), |i| Ok(Lu::of(batch.matrix(data, i)).log_determinant()))
}

fn build<T: Scalar>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let batch = Batch::square(ctx.input(0).shape())?;
        let mut out = ctx.allocate(T::DTYPE, batch.with(&[]))?;
        let values: Vec<T> =
            logs::<T>(ctx, &batch)?.iter().map(|&(sign, log)| sign.times(log.exp())).collect();
        fill(&mut out, std::iter::once(&values[..]))?;
        ctx.set(0, out);
        Ok(())
    }))
}

fn build_log<T: Scalar>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let batch = Batch::square(ctx.input(0).shape())?;
        let mut signs = ctx.allocate(T::DTYPE, batch.with(&[]))?;
        let mut values = ctx.allocate(T::DTYPE, batch.with(&[]))?;
        let (sign, log): (Vec<T>, Vec<T>) =
            logs::<T>(ctx, &batch)?.iter().map(|&(sign, log)| (sign, T::of_real(log))).unzip();
        fill(&mut signs, std::iter::once(&sign[..]))?;
        fill(&mut values, std::iter::once(&log[..]))?;
        ctx.set(0, signs);
        ctx.set(1, values);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let (plain, log) = ("MatrixDeterminant", "LogMatrixDeterminant");
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (plain, "", "float[2,2] 0 2 4 0", "float[] -8"),
                (plain, "", "double[2,2,2] 1 2 3 4 1 1 1 1", "double[2] -2 0"),
                (plain, "", "complex64[1,1] 1+2i", "complex64[] 1+2i"),
                ("BatchMatrixDeterminant", "", "float[2,0,0]", "float[2] 1 1"),
                (log, "", "float[2,2] 0 2 4 0", "float[] -1; float[] 2.0794415"),
                (log, "", "complex128[1,1] 0-1i", "complex128[] 0-1i; complex128[] 0+0i"),
                (log, "", "float[2,2] 1 1 1 1", "float[] 0; float[] -inf"),
                (log, "", "float[1,1] -inf", "float[] -1; float[] inf"),
                (plain, "", "float[1,1] NaN", "float[] NaN"),
                (log, "", "float[0,0]", "float[] 1; float[] 0"),
                (log, "", "float[1,2] 1 1", "INVALID_ARGUMENT: Input matrix must be square."),
                (plain, "", "float[1] 1", "INVALID_ARGUMENT: Input tensor 0 must have rank >= 2, got 1"),
            ],
        );
    }
}
