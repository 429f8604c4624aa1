//! Cholesky decomposition.

use savedmodel_math::gemm::View;

use super::triangular::{self, Half};
use super::{Matrix, Real, Scalar, loops};

/// Columns factored before the rest is updated at once.
const BLOCK: usize = 48;

/// The lower triangular L with `L L* = A`, of which only the lower half is looked at; `None` unless it is positive.
pub fn factor<T: Scalar>(a: &Matrix<T>) -> Option<Matrix<T>> {
    let n = a.rows();
    let mut l = Matrix::from_fn(n, n, |i, j| if j <= i { a[(i, j)] } else { T::zero() });
    for start in (0..n).step_by(BLOCK) {
        let end = (start + BLOCK).min(n);
        for column in start..end {
            eliminate(&mut l, column, start)?;
        }
        update(&mut l, start, end);
    }
    Some(l)
}

/// Computes one column from those between `start` and it.
fn eliminate<T: Scalar>(l: &mut Matrix<T>, column: usize, start: usize) -> Option<()> {
    let left = &l.row(column)[start..column];
    let pivot = l[(column, column)].real() - loops::dot(left, left).real();
    if pivot <= T::Real::of(0.0) {
        return None;
    }
    let root = num_traits::Float::sqrt(pivot);
    l[(column, column)] = T::of_real(root);
    for i in column + 1..l.rows() {
        let (top, row) = l.two_rows(column, i);
        let sum = row[column] - loops::dot(&top[start..column], &row[start..column]);
        row[column] = T::of_parts(sum.real() / root, sum.imaginary() / root);
    }
    Some(())
}

/// Takes the product of the columns from `start` to `end` off the lower half of the columns from `end` on.
fn update<T: Scalar>(l: &mut Matrix<T>, start: usize, end: usize) {
    let n = l.rows();
    for first in (end..n).step_by(BLOCK) {
        let last = (first + BLOCK).min(n);
        let (rows, depth, columns) = (n - first, end - start, last - first);
        let right: Vec<T> = (start..end)
            .flat_map(|k| (first..last).map(move |j| (j, k)))
            .map(|(j, k)| l[(j, k)].conjugate())
            .collect();
        let mut product = vec![T::zero(); rows * columns];
        let left = View::new(&l.data()[first * n + start..], n);
        T::multiply([rows, depth, columns], left, View::new(&right, columns), &mut product);
        for (i, product) in product.chunks_exact(columns).enumerate() {
            let end = last.min(first + i + 1);
            let row = &mut l.row_mut(first + i)[first..end];
            row.iter_mut().zip(product).for_each(|(x, &y)| *x -= y);
        }
    }
}

/// The solution X of `L L* X = B`.
pub fn solve<T: Scalar>(l: &Matrix<T>, b: &Matrix<T>) -> Matrix<T> {
    let mut x = b.clone();
    triangular::solve(l, Half::Lower, &mut x);
    triangular::solve(&l.adjoint(), Half::Upper, &mut x);
    x
}
