//! Reduction to Hessenberg form: nothing below the first subdiagonal.

use super::householder::{self, Reflection};
use super::{Matrix, Scalar};

/// `(H, Q)` with `A = Q H Q*`; Q only if asked for.
pub fn reduce<T: Scalar>(mut a: Matrix<T>, with_q: bool) -> (Matrix<T>, Option<Matrix<T>>) {
    let n = a.rows();
    let mut reflections = Vec::new();
    for i in 0..n.saturating_sub(1) {
        let (reflection, beta) = Reflection::of(&a.column(i, i + 1));
        a[(i + 1, i)] = T::of_real(beta);
        (i + 2..n).for_each(|row| a[(row, i)] = T::zero());
        let adjoint = reflection.with(reflection.tau.conjugate());
        reflection.left(&mut a, i + 1, i + 1);
        adjoint.right(&mut a, n, i + 1);
        reflections.push(adjoint);
    }
    let q = with_q.then(|| householder::product(&reflections, [n, n], 1));
    (a, q)
}
