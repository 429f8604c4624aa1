//! Least squares by orthogonal decompositions.

use super::pivoted_qr::PivotedQr;
use super::qr::Qr;
use super::triangular::{self, Half};
use super::{Matrix, Scalar};

/// The X of least norm among those for which `A X - B` has the least norm, whatever the rank of A.
pub fn least_squares<T: Scalar>(a: &Matrix<T>, b: &Matrix<T>) -> Matrix<T> {
    let qr = PivotedQr::of(a);
    let rank = qr.rank();
    let mut x = Matrix::zeros(a.columns(), b.columns());
    if rank == 0 {
        return x;
    }
    let projected = qr.q(rank).adjoint().times(b);
    let y = least_norm(&qr.r(rank), projected);
    for (j, &to) in qr.order.iter().enumerate() {
        x.row_mut(to).copy_from_slice(y.row(j));
    }
    x
}

/// The X of least norm with `R X = B`, for a trapezoidal R of full rank.
fn least_norm<T: Scalar>(r: &Matrix<T>, mut b: Matrix<T>) -> Matrix<T> {
    if r.rows() == r.columns() {
        triangular::solve(r, Half::Upper, &mut b);
        return b;
    }
    let qr = Qr::of(r.adjoint());
    triangular::solve(&qr.r(r.rows()).adjoint(), Half::Lower, &mut b);
    qr.q(r.rows()).times(&b)
}
