//! Systems of equations with triangular matrices.

use std::ops::Range;

use savedmodel_math::gemm::View;

use super::{Matrix, Scalar, loops};

/// Which half of a matrix counts, and what of the diagonal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// On and below the diagonal.
    Lower,
    /// Below a diagonal of ones.
    UnitLower,
    /// On and above the diagonal.
    Upper,
}

/// Rows solved one by one before the rest is multiplied at once.
const BLOCK: usize = 64;

/// Solves `A X = B` in place of B, for the half of A that counts.
pub fn solve<T: Scalar>(a: &Matrix<T>, half: Half, b: &mut Matrix<T>) {
    let n = a.rows();
    let blocks = || (0..n).step_by(BLOCK).map(|start| start..(start + BLOCK).min(n));
    if half == Half::Upper {
        let blocks: Vec<Range<usize>> = blocks().collect();
        for rows in blocks.into_iter().rev() {
            subtract(a, rows.clone(), rows.end..n, b);
            for i in rows.clone().rev() {
                row(a, i, i + 1..rows.end, half, b);
            }
        }
    } else {
        for rows in blocks() {
            subtract(a, rows.clone(), 0..rows.start, b);
            for i in rows.clone() {
                row(a, i, rows.start..i, half, b);
            }
        }
    }
}

/// Solves one row whose other unknowns are known in `known`.
fn row<T: Scalar>(a: &Matrix<T>, i: usize, known: Range<usize>, half: Half, b: &mut Matrix<T>) {
    for k in known {
        let factor = -a[(i, k)];
        let (low, high) = b.two_rows(i.min(k), i.max(k));
        let (from, to) = if k < i { (low, high) } else { (high, low) };
        loops::add_scaled(factor, from, to);
    }
    if half != Half::UnitLower {
        let pivot = a[(i, i)];
        b.row_mut(i).iter_mut().for_each(|x| *x = x.quotient(pivot));
    }
}

/// Takes what is known of other rows off some rows.
fn subtract<T: Scalar>(a: &Matrix<T>, rows: Range<usize>, known: Range<usize>, b: &mut Matrix<T>) {
    let columns = b.columns();
    if known.is_empty() || columns == 0 {
        return;
    }
    let mut product = vec![T::zero(); rows.len() * columns];
    let left = View::new(&a.data()[rows.start * a.columns() + known.start..], a.columns());
    let right = View::new(&b.data()[known.start * columns..], columns);
    T::multiply([rows.len(), known.len(), columns], left, right, &mut product);
    let to = &mut b.data_mut()[rows.start * columns..rows.end * columns];
    to.iter_mut().zip(product).for_each(|(x, y)| *x -= y);
}
