//! See [`OP`].

use num_traits::Float;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, Error, PartialShape, Result};

use crate::dense::{Matrix, Real, Scalar, loops};
use crate::matrices::{Batch, each, fill};

/// The solutions of systems of equations with matrices of three diagonals.
///
/// The rows of `diagonals` are the upper one, whose last element is ignored, the main one, and the lower one, whose first
/// is ignored. A singular matrix gives NaN, but with `perturb_singular`, where small pivots are moved away from zero.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TridiagonalSolve>
pub const OP: Op = Op {
    name: "TridiagonalSolve",
    inputs: &["diagonals: T", "rhs: T"],
    outputs: &["output: T"],
    attrs: &[
        "partial_pivoting: bool = true",
        "perturb_singular: bool = false",
        "T: {double, float, complex64, complex128}",
    ],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64 Complex32 Complex64),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![ctx.input(1)])
}

#[derive(Clone, Copy)]
enum Method {
    Thomas,
    Pivoting,
    Perturbing,
}

fn build<T: Scalar>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let method = match (node.attr("partial_pivoting")?, node.attr("perturb_singular")?) {
        (true, false) => Method::Pivoting,
        (true, true) => Method::Perturbing,
        (false, false) => Method::Thomas,
        (false, true) => {
            return Err(Error::invalid_argument(
                "Setting perturb_singular requires also setting partial_pivoting.",
            ));
        }
    };
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (diagonals, right) = sizes(ctx)?;
        let mut out = ctx.allocate(T::DTYPE, ctx.input(1).shape())?;
        if out.elements() > 0 {
            let (a, b) = (ctx.input(0).as_slice::<T>()?, ctx.input(1).as_slice::<T>()?);
            let results = each(diagonals.count(), right.rows.saturating_mul(right.columns), |i| {
                let (a, b) = (diagonals.matrix(a, i), right.matrix(b, i));
                let solution = match method {
                    Method::Thomas => thomas(&a, b)?,
                    Method::Pivoting => pivoting(&a, b),
                    Method::Perturbing => Some(perturbing(&a, b)),
                };
                let nan = T::of_real(T::Real::of(f64::NAN));
                Ok(solution.unwrap_or_else(|| Matrix::from_fn(right.rows, right.columns, |_, _| nan)))
            })?;
            fill(&mut out, results.iter().map(Matrix::data))?;
        }
        ctx.set(0, out);
        Ok(())
    }))
}

fn sizes(ctx: &Context<'_>) -> Result<(Batch, Batch)> {
    let diagonals = Batch::of(0, ctx.input(0).shape())?;
    if ctx.input(1).rank() != ctx.input(0).rank() {
        return Err(Error::invalid_argument("All input tensors must have the same rank."));
    }
    let right = Batch::of(1, ctx.input(1).shape())?;
    if right.outer != diagonals.outer {
        return Err(Error::invalid_argument("All input tensors must have the same outer dimensions."));
    }
    if diagonals.rows != 3 {
        return Err(Error::invalid_argument(format!(
            "Expected diagonals to be provided as a matrix with 3 rows, got {} rows.",
            diagonals.rows
        )));
    }
    if diagonals.columns != right.rows {
        return Err(Error::invalid_argument(format!(
            "Expected the same number of left-hand sides and right-hand sides, got {} and {}.",
            diagonals.columns, right.rows
        )));
    }
    Ok((diagonals, right))
}

/// `row[i] = (row[i] - sum of factor * row[k]) / pivot`.
fn reduce<T: Scalar>(x: &mut Matrix<T>, i: usize, known: &[(T, usize)], pivot: T) {
    for &(factor, k) in known {
        let (row, other) = x.two_rows(i, k);
        loops::add_scaled(-factor, other, row);
    }
    x.row_mut(i).iter_mut().for_each(|x| *x = x.over(pivot));
}

/// Thomas's algorithm, without exchanges.
fn thomas<T: Scalar>(a: &Matrix<T>, mut x: Matrix<T>) -> Result<Option<Matrix<T>>> {
    let n = a.columns();
    let mut above = vec![T::zero(); n];
    for i in 0..n {
        let (mut pivot, mut known) = (a[(1, i)], Vec::new());
        if i > 0 {
            pivot -= above[i - 1] * a[(2, i)];
            known.push((a[(2, i)], i - 1));
        }
        if pivot == T::zero() {
            return Ok(None);
        }
        for (factor, k) in known {
            let (other, row) = x.two_rows(k, i);
            loops::add_scaled(-factor, other, row);
        }
        x.row_mut(i).iter_mut().for_each(|x| *x = x.over(pivot));
        if i + 1 < n {
            above[i] = a[(0, i)].over(pivot);
        }
    }
    for i in (0..n.saturating_sub(1)).rev() {
        reduce(&mut x, i, &[(above[i], i + 1)], T::one());
    }
    Ok(Some(x))
}

/// The three diagonals of U: rows are those of the matrix.
type Upper<T> = Vec<[T; 3]>;

/// Eliminates below the diagonal; `swaps(k, pivot, below)` tells whether rows `k` and `k + 1` change places.
fn eliminate<T: Scalar>(
    a: &Matrix<T>,
    x: &mut Matrix<T>,
    mut swaps: impl FnMut(usize, T, T) -> bool,
) -> Option<Upper<T>> {
    let n = a.columns();
    let mut u = vec![[T::zero(); 3]; n];
    u[0] = [a[(1, 0)], a[(0, 0)], T::zero()];
    for k in 0..n - 1 {
        let (below, next) = (a[(2, k + 1)], a[(1, k + 1)]);
        let beyond = if k + 2 < n { a[(0, k + 1)] } else { T::zero() };
        let [pivot, beside, _] = u[k];
        if swaps(k, pivot, below) {
            let factor = pivot.over(below);
            u[k] = [below, next, beyond];
            u[k + 1] = [beside - factor * next, -factor * beyond, T::zero()];
            x.swap_rows(k, k + 1);
            let (top, row) = x.two_rows(k, k + 1);
            loops::add_scaled(-factor, top, row);
        } else {
            if pivot == T::zero() && below == T::zero() {
                u[k + 1] = [next, beyond, T::zero()];
                continue;
            }
            let factor = below.over(pivot);
            u[k + 1] = [next - factor * beside, beyond, T::zero()];
            let (top, row) = x.two_rows(k, k + 1);
            loops::add_scaled(-factor, top, row);
        }
    }
    Some(u)
}

/// Gaussian elimination with exchange of neighbouring rows; `None` when a pivot is zero.
fn pivoting<T: Scalar>(a: &Matrix<T>, mut x: Matrix<T>) -> Option<Matrix<T>> {
    let n = a.columns();
    let u = eliminate(a, &mut x, |_, pivot, below| pivot.modulus() < below.modulus())?;
    if u.iter().any(|row| row[0] == T::zero()) {
        return None;
    }
    for i in (0..n).rev() {
        let known: Vec<(T, usize)> = (1..3).filter(|d| i + d < n).map(|d| (u[i][d], i + d)).collect();
        reduce(&mut x, i, &known, u[i][0]);
    }
    Some(x)
}

/// Gaussian elimination with exchanges by relative size, and pivots kept away from zero.
fn perturbing<T: Scalar>(a: &Matrix<T>, mut x: Matrix<T>) -> Matrix<T> {
    let n = a.columns();
    let one_if_alone = if n > 1 { a[(0, 0)].modulus() } else { T::Real::of(0.0) };
    let mut scale = a[(1, 0)].modulus() + one_if_alone;
    let size = |k: usize| {
        let beyond = if k + 1 < n { a[(0, k)].modulus() } else { T::Real::of(0.0) };
        a[(2, k)].modulus() + a[(1, k)].modulus() + beyond
    };
    let zero = T::Real::of(0.0);
    let u = eliminate(a, &mut x, |k, pivot, below| {
        let next = size(k + 1);
        let first = if pivot == T::zero() { zero } else { pivot.modulus() / scale };
        let swap = below != T::zero() && below.modulus() / next > first;
        if !swap {
            scale = next;
        }
        swap
    });
    let u = u.unwrap_or_default();
    let largest = u.iter().flatten().fold(zero, |most, x| Float::max(most, x.modulus()));
    let tolerance = largest * T::Real::EPSILON;
    for i in (0..n).rev() {
        for d in (1..3).filter(|d| i + d < n) {
            let (row, other) = x.two_rows(i, i + d);
            loops::add_scaled(-u[i][d], other, row);
        }
        let inverse = T::one().over(perturb(tolerance, u[i][0], x.row_mut(i)));
        x.row_mut(i).iter_mut().for_each(|x| *x *= inverse);
    }
    x
}

/// The pivot, moved or scaled (with its row) until dividing by it does not overflow.
fn perturb<T: Scalar>(tolerance: T::Real, pivot: T, row: &mut [T]) -> T {
    let (one, two) = (T::Real::of(1.0), T::Real::of(2.0));
    let safe = T::Real::TINY;
    let big = one / safe;
    let mut pivot = pivot;
    let sign = if pivot.real().is_sign_negative() { -one } else { one };
    let mut step = Float::max(Float::abs(tolerance), safe) * sign;
    let most = row.iter().fold(T::Real::of(0.0), |most, x| Float::max(most, x.modulus()));
    while pivot.modulus() < one {
        let size = pivot.modulus();
        if size < safe && size != T::Real::of(0.0) && most * safe <= size {
            pivot = pivot.times(big);
            row.iter_mut().for_each(|x| *x = x.times(big));
            break;
        }
        if size >= safe && most <= size * big {
            break;
        }
        pivot += T::of_real(step);
        step *= two;
    }
    pivot
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let op = "TridiagonalSolve";
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (op, "", "float[3,3] 1 1 9 2 4 2 9 1 1; float[3,1] 3 6 3", "float[3,1] 1 1 1"),
                (op, "partial_pivoting=false", "double[3,2] 1 9 2 4 9 1; double[2,1] 3 5", "double[2,1] 1 1"),
                (op, "", "double[3,2] 1 9 0 0 9 1; double[2,1] 2 3", "double[2,1] 3 2"),
                (op, "", "complex64[3,1] 9+0i 0+2i 9+0i; complex64[1,1] 2+0i", "complex64[1,1] 0-1i"),
                (op, "", "float[3,1] 0 0 0; float[1,1] 1", "float[1,1] NaN"),
                (op, "", "float[3,2] 1 0 1 1 0 1; float[2,1] 1 1", "float[2,1] NaN NaN"),
                (op, "", "float[2,3,0]; float[2,0,1]", "float[2,0,1]"),
                (
                    op,
                    "partial_pivoting=false perturb_singular=true",
                    "float[3,1] 0 1 0; float[1,1] 1",
                    "INVALID_ARGUMENT: Setting perturb_singular requires also setting partial_pivoting.",
                ),
                (
                    op,
                    "",
                    "float[2,1] 0 1; float[1,1] 1",
                    "INVALID_ARGUMENT: Expected diagonals to be provided as a matrix with 3 rows, got 2 rows.",
                ),
                (
                    op,
                    "",
                    "float[3,1] 0 1 0; float[2,1] 1 1",
                    "INVALID_ARGUMENT: Expected the same number of left-hand sides and right-hand sides, got 1 and 2.",
                ),
            ],
        );
    }
}
