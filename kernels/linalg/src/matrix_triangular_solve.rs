//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype, shape};
use savedmodel_tensor::{Complex32, Complex64, Error, PartialShape, Result};

use crate::dense::triangular::{self, Half};
use crate::dense::{Matrix, Scalar};
use crate::matrices::{cube, each, fill, partial};
use crate::pairs::Pairs;

/// The solutions of systems of equations with triangular matrices, or with their adjoints.
///
/// The other half of the matrices is not looked at, nor whether there are zeros on the diagonal. Batches broadcast, but for `BatchMatrixTriangularSolve`.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MatrixTriangularSolve>
pub const OPS: &[Op] = &[
    Op {
        name: "MatrixTriangularSolve",
        inputs: &["matrix: T", "rhs: T"],
        outputs: &["output: T"],
        attrs: &[
            "lower: bool = true",
            "adjoint: bool = false",
            "T: {bfloat16, double, float, half, complex64, complex128}",
        ],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; build: f32 f64 Complex32 Complex64),
    },
    Op {
        name: "BatchMatrixTriangularSolve",
        inputs: &["matrix: T", "rhs: T"],
        outputs: &["output: T"],
        attrs: &["lower: bool = true", "adjoint: bool = false", "T: {double, float}"],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; build: f32 f64),
    },
];

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let (Some((left, rows, _)), Some((right, _, columns))) = (partial(ctx, 0)?, partial(ctx, 1)?) else {
        return Ok(vec![PartialShape::unknown()]);
    };
    let outer = shape::broadcast_shapes(&PartialShape::new(left), &PartialShape::new(right))?;
    let outer = outer.dims().unwrap_or_default().to_vec();
    Ok(vec![PartialShape::new(outer.into_iter().chain([rows, columns]))])
}

fn build<T: Scalar>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let lower: bool = node.attr("lower")?;
    let adjoint: bool = node.attr("adjoint")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let pairs = Pairs::of(ctx)?;
        let [rows, columns] = pairs.left;
        if rows != columns {
            return Err(Error::invalid_argument(format!(
                "In[0] matrices in the last dimensions must be square ({columns} =/= {rows})"
            )));
        }
        pairs.check(ctx, rows, lower, adjoint)?;
        let mut out = ctx.allocate(T::DTYPE, pairs.with(&[rows, pairs.right[1]]))?;
        if out.elements() > 0 {
            let (a, b) = (ctx.input(0).as_slice::<T>()?, ctx.input(1).as_slice::<T>()?);
            let results = each(pairs.count(), cube(rows), |i| {
                let (a, mut b) = pairs.matrices(a, b, i);
                solve(a, lower, adjoint, &mut b);
                Ok(b)
            })?;
            fill(&mut out, results.iter().map(Matrix::data))?;
        }
        ctx.set(0, out);
        Ok(())
    }))
}

fn solve<T: Scalar>(a: Matrix<T>, lower: bool, adjoint: bool, b: &mut Matrix<T>) {
    let half = if lower == adjoint { Half::Upper } else { Half::Lower };
    triangular::solve(&if adjoint { a.adjoint() } else { a }, half, b);
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "MatrixTriangularSolve";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (op, "", "float[2,2] 2 9 1 4; float[2,1] 2 5", "float[2,1] 1 1"),
                (op, "lower=false", "float[2,2] 2 1 9 4; float[2,1] 3 4", "float[2,1] 1 1"),
                (op, "adjoint=true", "double[2,2] 2 9 1 4; double[2,1] 3 4", "double[2,1] 1 1"),
                (
                    op,
                    "lower=false adjoint=true",
                    "complex64[1,1] 0+2i; complex64[2,1,1] 2+0i 0+2i",
                    "complex64[2,1,1] 0+1i -1+0i",
                ),
                (op, "", "float[2,1,1] 1 2; float[1,1,2] 2 4", "float[2,1,2] 2 4 1 2"),
                ("BatchMatrixTriangularSolve", "", "double[0,0]; double[0,2]", "double[0,2]"),
                (op, "", "float[2,2] 1 1 0 0; float[2,1] 1 1", "float[2,1] 1 inf"),
                (
                    op,
                    "",
                    "float[2,3] 1 1 1 1 1 1; float[2,1] 1 1",
                    "INVALID_ARGUMENT: In[0] matrices in the last dimensions must be square (3 =/= 2)",
                ),
                (op, "", "float[1] 1; float[1] 1", "INVALID_ARGUMENT: In[0] ndims must be >= 2: 1"),
                (
                    op,
                    "",
                    "float[1,1] 1; float[2,1] 1 1",
                    "INVALID_ARGUMENT: In[0] mismatch In[1] shape: 1 vs. 2: [1,1] [2,1] 1 0",
                ),
                (
                    op,
                    "",
                    "float[2,1,1] 1 1; float[3,1,1] 1 1 1",
                    "INVALID_ARGUMENT: In[0] and In[1] must have compatible batch dimensions: [2,1,1] vs. [3,1,1]",
                ),
            ],
        );
    }
}
