//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, Error, PartialShape, Result};

use crate::dense::{Matrix, Scalar, loops};
use crate::matrices::{Batch, each, fill};

/// Products of matrices of three diagonals with dense ones.
///
/// Each diagonal is a row; the last element of the upper one and the first of the lower one are ignored.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TridiagonalMatMul>
pub const OP: Op = Op {
    name: "TridiagonalMatMul",
    inputs: &["superdiag: T", "maindiag: T", "subdiag: T", "rhs: T"],
    outputs: &["output: T"],
    attrs: &["T: {double, float, complex64, complex128}"],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64 Complex32 Complex64),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![ctx.input(3)])
}

/// The sizes of the right-hand sides.
fn sizes(ctx: &Context<'_>) -> Result<Batch> {
    let first = Batch::of(0, ctx.input(0).shape())?;
    for i in 1..4 {
        if ctx.input(i).rank() != ctx.input(0).rank() {
            return Err(Error::invalid_argument("All input tensors must have the same rank."));
        }
        if Batch::of(i, ctx.input(i).shape())?.outer != first.outer {
            return Err(Error::invalid_argument("All input tensors must have the same outer dimensions."));
        }
    }
    let right = Batch::of(3, ctx.input(3).shape())?;
    for (i, name) in [(0, "superdiagonal"), (1, "main diagonal"), (2, "subdiagonal")] {
        let diagonal = Batch::of(i, ctx.input(i).shape())?;
        if (diagonal.rows, diagonal.columns) != (1, right.rows) {
            return Err(Error::invalid_argument(format!("Invalid {name} shape.")));
        }
    }
    Ok(right)
}

fn build<T: Scalar>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let right = sizes(ctx)?;
        let mut out = ctx.allocate(T::DTYPE, ctx.input(3).shape())?;
        let n = right.rows;
        if out.elements() > 0 {
            let diagonals =
                [ctx.input(0).as_slice::<T>()?, ctx.input(1).as_slice::<T>()?, ctx.input(2).as_slice::<T>()?];
            let b = ctx.input(3).as_slice::<T>()?;
            let results = each(right.count(), n.saturating_mul(right.columns), |i| {
                let [above, main, below] = diagonals.map(|diagonal| &diagonal[i * n..(i + 1) * n]);
                let b = right.matrix(b, i);
                let mut x = Matrix::zeros(n, right.columns);
                for row in 0..n {
                    let to = x.row_mut(row);
                    if row + 1 < n {
                        loops::add_scaled(above[row], b.row(row + 1), to);
                    }
                    loops::add_scaled(main[row], b.row(row), to);
                    if row > 0 {
                        loops::add_scaled(below[row], b.row(row - 1), to);
                    }
                }
                Ok(x)
            })?;
            fill(&mut out, results.iter().map(Matrix::data))?;
        }
        ctx.set(0, out);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "TridiagonalMatMul";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (
                    op,
                    "",
                    "float[1,3] 1 2 9; float[1,3] 10 20 30; float[1,3] 9 3 4; float[3,1] 1 1 1",
                    "float[3,1] 11 25 34",
                ),
                (
                    op,
                    "",
                    "complex64[1,1] 9+0i; complex64[1,1] 0+1i; complex64[1,1] 9+0i; complex64[1,2] 1+0i 0+1i",
                    "complex64[1,2] 0+1i -1+0i",
                ),
                (op, "", "double[2,1,0]; double[2,1,0]; double[2,1,0]; double[2,0,3]", "double[2,0,3]"),
                (
                    op,
                    "",
                    "float[1,1] 1; float[1,1] 1; float[1,2] 1 1; float[1,1] 1",
                    "INVALID_ARGUMENT: Invalid subdiagonal shape.",
                ),
                (
                    op,
                    "",
                    "float[1,1] 1; float[2,1] 1 1; float[1,1] 1; float[1,1] 1",
                    "INVALID_ARGUMENT: Invalid main diagonal shape.",
                ),
            ],
        );
    }
}
