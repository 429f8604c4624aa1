//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype, shape};
use savedmodel_tensor::{Complex32, Complex64, Error, PartialShape, Result};

use crate::dense::{Matrix, Real, Scalar, loops};
use crate::matrices::{each, fill, partial};
use crate::pairs::Pairs;

/// The solutions of systems of equations with triangular matrices of few diagonals, or with their adjoints.
///
/// The rows of `matrix` are the diagonals, each element in the column of the row that it belongs to: the main one is the
/// first row if `lower`, else the last. Only the first matrix of a batch is checked for zeros on its diagonal.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/BandedTriangularSolve>
pub const OP: Op = Op {
    name: "BandedTriangularSolve",
    inputs: &["matrix: T", "rhs: T"],
    outputs: &["output: T"],
    attrs: &[
        "lower: bool = true",
        "adjoint: bool = false",
        "T: {double, float, half, complex64, complex128}",
    ],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64 Complex32 Complex64),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let (Some((left, _, rows)), Some((right, _, columns))) = (partial(ctx, 0)?, partial(ctx, 1)?) else {
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
        for i in 0..2 {
            if ctx.input(i).elements() == 0 {
                let shape = ctx.input(i).shape();
                return Err(Error::invalid_argument(format!("In[{i}] must not be an empty tensor: {shape}")));
            }
        }
        let [bands, rows] = pairs.left;
        pairs.check(ctx, rows, lower, adjoint)?;
        let mut out = ctx.allocate(T::DTYPE, pairs.with(&[rows, pairs.right[1]]))?;
        let (a, b) = (ctx.input(0).as_slice::<T>()?, ctx.input(1).as_slice::<T>()?);
        let main = if lower { 0 } else { bands - 1 };
        if a[main * rows..(main + 1) * rows].iter().any(|x| x.modulus() <= T::Real::of(0.0)) {
            return Err(Error::invalid_argument("Input matrix is not invertible."));
        }
        let results = each(pairs.count(), bands.saturating_mul(rows), |i| {
            let (a, mut b) = pairs.matrices(a, b, i);
            solve(&Bands { a: &a, lower, adjoint }, &mut b);
            Ok(b)
        })?;
        fill(&mut out, results.iter().map(Matrix::data))?;
        ctx.set(0, out);
        Ok(())
    }))
}

/// The diagonals of a matrix.
struct Bands<'a, T> {
    a: &'a Matrix<T>,
    lower: bool,
    adjoint: bool,
}

impl<T: Scalar> Bands<'_, T> {
    /// Element `(i, j)` of what is solved with, where it lies on a diagonal that is there.
    fn at(&self, i: usize, j: usize) -> T {
        let (row, column) = if self.adjoint { (j, i) } else { (i, j) };
        let band = if self.lower { row - column } else { self.a.rows() - 1 - (column - row) };
        let element = self.a[(band, row)];
        if self.adjoint { element.conjugate() } else { element }
    }
}

fn solve<T: Scalar>(bands: &Bands<'_, T>, b: &mut Matrix<T>) {
    let (width, n) = (bands.a.rows(), bands.a.columns());
    let forward = bands.lower != bands.adjoint;
    for step in 0..n {
        let i = if forward { step } else { n - 1 - step };
        let known = if forward { i.saturating_sub(width - 1)..i } else { i + 1..n.min(i + width) };
        for k in known {
            let factor = -bands.at(i, k);
            let (low, high) = b.two_rows(i.min(k), i.max(k));
            let (from, to) = if k < i { (low, high) } else { (high, low) };
            loops::add_scaled(factor, from, to);
        }
        let pivot = bands.at(i, i);
        b.row_mut(i).iter_mut().for_each(|x| *x = x.quotient(pivot));
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "BandedTriangularSolve";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (op, "", "float[2,3] 1 2 4 9 1 2; float[3,1] 1 3 6", "float[3,1] 1 1 1"),
                (op, "lower=false", "float[2,3] 1 2 9 1 2 4; float[3,1] 2 4 4", "float[3,1] 1 1 1"),
                (op, "adjoint=true", "double[2,3] 1 2 4 9 1 2; double[3,1] 2 4 4", "double[3,1] 1 1 1"),
                (
                    op,
                    "lower=false adjoint=true",
                    "complex64[1,1] 0+2i; complex64[1,1] 2+0i",
                    "complex64[1,1] 0+1i",
                ),
                (op, "", "float[1,1] 0; float[1,1] 1", "INVALID_ARGUMENT: Input matrix is not invertible."),
                (op, "", "float[1,0]; float[0,1]", "INVALID_ARGUMENT: In[0] must not be an empty tensor"),
                (op, "", "float[1,1] 1; float[1,0]", "INVALID_ARGUMENT: In[1] must not be an empty tensor"),
                (
                    op,
                    "",
                    "float[1,2] 1 1; float[1,1] 1",
                    "INVALID_ARGUMENT: In[0] mismatch In[1] shape: 2 vs. 1: [1,2] [1,1] 1 0",
                ),
                (op, "", "float[1] 1; float[1,1] 1", "INVALID_ARGUMENT: In[0] ndims must be >= 2: 1"),
            ],
        );
    }
}
