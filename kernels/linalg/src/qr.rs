//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Complex32, Complex64, DType, PartialShape, Result, f16};

use crate::dense::qr::Qr;
use crate::dense::{Real, Scalar};
use crate::half::with_single;
use crate::matrices::{Batch, cube, each, fill, partial};

/// A unitary and an upper triangular factor of matrices.
///
/// The diagonal of the latter has signs opposite to those of the columns it was made of. Half is computed in single
/// precision, but a vector whose squares vanish in half stays.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Qr>
pub const OP: Op = Op {
    name: "Qr",
    inputs: &["input: T"],
    outputs: &["q: T", "r: T"],
    attrs: &["full_matrices: bool = false", "T: {double, float, half, complex64, complex128}"],
    effect: Effect::Pure,
    shape,
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
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let Some((outer, rows, columns)) = partial(ctx, 0)? else { return Ok(vec![PartialShape::unknown(); 2]) };
    let full = ctx.attr::<bool>("full_matrices").unwrap_or_default();
    let inner = if full { rows } else { rows.zip(columns).map(|(rows, columns)| rows.min(columns)) };
    let with = |dims: [Option<usize>; 2]| PartialShape::new(outer.iter().copied().chain(dims));
    Ok(vec![with([rows, inner]), with([inner, columns])])
}

fn build<T: Scalar>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    kernel::<T>(node, T::Real::TINY)
}

fn build_half(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(with_single(kernel::<f32>(node, f16::MIN_POSITIVE.to_f32())?))
}

/// The kernel for which sums of squares up to `tiny` count as zero.
fn kernel<T: Scalar>(node: &Construction<'_>, tiny: T::Real) -> Result<Box<dyn Kernel>> {
    let full: bool = node.attr("full_matrices")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let batch = Batch::of(0, ctx.input(0).shape())?;
        let inner = if full { batch.rows } else { batch.rows.min(batch.columns) };
        let mut q = ctx.allocate(T::DTYPE, batch.with(&[batch.rows, inner]))?;
        let mut r = ctx.allocate(T::DTYPE, batch.with(&[inner, batch.columns]))?;
        let data = ctx.input(0).as_slice::<T>()?;
        let results = each(batch.count(), cube(batch.rows.max(batch.columns)), |i| {
            let qr = Qr::above(batch.matrix(data, i), tiny);
            Ok((qr.q(inner), qr.r(inner)))
        })?;
        fill(&mut q, results.iter().map(|result| result.0.data()))?;
        fill(&mut r, results.iter().map(|result| result.1.data()))?;
        ctx.set(0, q);
        ctx.set(1, r);
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
                ("Qr", "", "float[2,1] 3 4", "float[2,1] -0.6 -0.8; float[1,1] -5"),
                (
                    "Qr",
                    "full_matrices=true",
                    "double[2,1] 3 4",
                    "double[2,2] -0.6 -0.8 -0.8 0.6; double[2,1] -5 0",
                ),
                ("Qr", "", "half[1,2] -2 4", "half[1,1] 1; half[1,2] -2 4"),
                ("Qr", "", "complex64[1,1] 0+2i", "complex64[1,1] 0-1i; complex64[1,1] -2+0i"),
                ("Qr", "", "float[2,0,3]", "float[2,0,0]; float[2,0,3]"),
                ("Qr", "full_matrices=true", "float[2,0]", "float[2,2] 1 0 0 1; float[2,0]"),
                ("Qr", "", "float[2] 1 2", "INVALID_ARGUMENT: Input tensor 0 must have rank >= 2, got 1"),
            ],
        );
    }
}
