//! See [`OPS`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, PartialShape, Result, Tensor};

use crate::dense::jacobi_svd::Svd;
use crate::dense::{Matrix, Real, Scalar, bidiagonal_svd, jacobi_svd};
use crate::matrices::{Batch, cube, each, fill, partial};

/// The singular values of matrices in descending order, and their singular vectors as columns.
///
/// Below 16 columns the vectors have the signs (or phases) that TensorFlow gives them; from there on, where it divides and
/// conquers, only pairs of left and right vectors agree. A matrix that is not finite throughout gives NaN, a complex one zeros. Without
/// `compute_uv`, `u` and `v` are scalars, as they are in TensorFlow, which leaves them unset where these are zero.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Svd>
pub const OPS: &[Op] = &[
    Op {
        name: "Svd",
        inputs: &["input: T"],
        outputs: &["s: T", "u: T", "v: T"],
        attrs: &[
            "compute_uv: bool = true",
            "full_matrices: bool = false",
            "T: {double, float, half, complex64, complex128}",
        ],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; build: f32 f64 Complex32 Complex64),
    },
    Op {
        name: "BatchSvd",
        inputs: &["input: T"],
        outputs: &["s: T", "u: T", "v: T"],
        attrs: &[
            "compute_uv: bool = true",
            "full_matrices: bool = false",
            "T: {double, float, complex64, complex128}",
        ],
        effect: Effect::Pure,
        shape,
        kernels: by_dtype!("T"; build: f32 f64 Complex32 Complex64),
    },
];

/// Columns from which TensorFlow changes its algorithm.
const MANY: usize = 16;

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let with_vectors = ctx.attr::<bool>("compute_uv").unwrap_or_default();
    let vectors = |shape: PartialShape| if with_vectors { shape } else { PartialShape::from([]) };
    let Some((outer, rows, columns)) = partial(ctx, 0)? else {
        let unknown = PartialShape::unknown;
        return Ok(vec![unknown(), vectors(unknown()), vectors(unknown())]);
    };
    let full = ctx.attr::<bool>("full_matrices").unwrap_or_default();
    let small = rows.zip(columns).map(|(rows, columns)| rows.min(columns));
    let with = |dims: &[Option<usize>]| PartialShape::new(outer.iter().copied().chain(dims.iter().copied()));
    let side = |long: Option<usize>| with(&[long, if full { long } else { small }]);
    Ok(vec![with(&[small]), vectors(side(rows)), vectors(side(columns))])
}

fn build<T: Scalar>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let with_vectors: bool = node.attr("compute_uv")?;
    let full: bool = node.attr("full_matrices")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let batch = Batch::of(0, ctx.input(0).shape())?;
        let (rows, columns, small) = (batch.rows, batch.columns, batch.rows.min(batch.columns));
        let data = ctx.input(0).as_slice::<T>()?;
        let flops = cube(small).saturating_mul(20);
        let results =
            each(batch.count(), flops, |i| Ok(decompose(&batch.matrix(data, i), full, with_vectors)))?;
        let mut s = ctx.allocate(T::DTYPE, batch.with(&[small]))?;
        let values: Vec<T> = results.iter().flat_map(|result| &result.0).map(|&x| T::of_real(x)).collect();
        fill(&mut s, std::iter::once(&values[..]))?;
        let (mut u, mut v) = (Tensor::zeros(T::DTYPE, [])?, Tensor::zeros(T::DTYPE, [])?);
        if with_vectors {
            u = ctx.allocate(T::DTYPE, batch.with(&[rows, if full { rows } else { small }]))?;
            v = ctx.allocate(T::DTYPE, batch.with(&[columns, if full { columns } else { small }]))?;
            fill(&mut u, results.iter().map(|result| result.1.data()))?;
            fill(&mut v, results.iter().map(|result| result.2.data()))?;
        }
        ctx.set(0, s);
        ctx.set(1, u);
        ctx.set(2, v);
        Ok(())
    }))
}

fn decompose<T: Scalar>(a: &Matrix<T>, full: bool, with_vectors: bool) -> Svd<T> {
    let (rows, columns, small) = (a.rows(), a.columns(), a.rows().min(a.columns()));
    let widths = if full { [rows, columns] } else { [small; 2] };
    if small == 0 {
        return (Vec::new(), Matrix::identity(rows, widths[0]), Matrix::identity(columns, widths[1]));
    }
    let found = match a.data().iter().all(|x| x.is_all_finite()) {
        false => None,
        true if columns < MANY => Some(jacobi_svd::decompose(a, full)),
        true => bidiagonal_svd::decompose(a, full, with_vectors),
    };
    found.unwrap_or_else(|| {
        let nothing = T::Real::of(if T::IS_COMPLEX { 0.0 } else { f64::NAN });
        let matrix = |rows, columns| Matrix::from_fn(rows, columns, |_, _| T::of_real(nothing));
        (vec![nothing; small], matrix(rows, widths[0]), matrix(columns, widths[1]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        let op = "Svd";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (op, "", "float[2,2] 0 2 -3 0", "float[2] 3 2; float[2,2] 0 1 -1 0; float[2,2] 1 0 0 1"),
                (op, "compute_uv=false", "double[1,2,1] 3 4", "double[1,1] 5; double[] 0; double[] 0"),
                (
                    op,
                    "",
                    "complex64[1,1] 0+2i",
                    "complex64[1] 2+0i; complex64[1,1] 0+1i; complex64[1,1] 1+0i",
                ),
                (op, "full_matrices=true", "float[2,0]", "float[0]; float[2,2] 1 0 0 1; float[0,0]"),
                ("BatchSvd", "", "float[2,0,3]", "float[2,0]; float[2,0,0]; float[2,3,0]"),
                (op, "", "float[1,1] inf", "float[1] NaN; float[1,1] NaN; float[1,1] NaN"),
                (op, "", "float[2] 1 2", "INVALID_ARGUMENT: Input tensor 0 must have rank >= 2, got 1"),
            ],
        );
    }

    /// A matrix without structure, of rank `rank`.
    fn example<T: Scalar>(rows: usize, columns: usize, rank: usize) -> Matrix<T> {
        let noise = |i: usize, j: usize| {
            let x = (i * 7919 + j * 104_729 + 13) as f64;
            T::of_parts(T::Real::of((x * 0.7351).sin()), T::Real::of((x * 1.1317).cos()))
        };
        Matrix::from_fn(rows, rank, noise).times(&Matrix::from_fn(rank, columns, |i, j| noise(j + 31, i)))
    }

    fn check<T: Scalar>(rows: usize, columns: usize, rank: usize, full: bool) {
        let a = example::<T>(rows, columns, rank);
        let (values, u, v) = decompose(&a, full, true);
        let tolerance =
            T::Real::EPSILON * T::Real::of(40.0) * a.largest() * T::Real::of((rows + columns) as f64);
        let small = |matrix: Matrix<T>, what: &str| {
            assert!(matrix.largest() <= tolerance, "{what} of {rows} x {columns}, rank {rank}");
        };
        assert!(values.windows(2).all(|pair| pair[0] >= pair[1]));
        let zero = T::Real::of(0.0);
        let diagonal = Matrix::from_fn(u.columns(), v.columns(), |i, j| {
            T::of_real(if i == j && i < values.len() { values[i] } else { zero })
        });
        small(u.times(&diagonal).times(&v.adjoint()).zip(&a, |x, y| x - y), "product");
        for side in [u, v] {
            let one = Matrix::identity(side.columns(), side.columns());
            small(side.adjoint().times(&side).zip(&one, |x, y| x - y), "columns");
        }
    }

    #[test]
    fn products_are_what_they_were() {
        for (rows, columns, rank) in
            [(5, 3, 3), (3, 7, 2), (20, 20, 20), (40, 17, 9), (18, 33, 18), (90, 16, 16)]
        {
            for full in [false, true] {
                check::<f32>(rows, columns, rank, full);
                check::<f64>(rows, columns, rank, full);
                check::<Complex64>(rows, columns, rank, full);
            }
        }
    }
}
