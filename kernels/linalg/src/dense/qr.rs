//! QR decomposition by reflections.

use super::householder::{self, Reflection};
use super::{Matrix, Real, Scalar};

/// `A = Q R`.
pub struct Qr<T> {
    r: Matrix<T>,
    reflections: Vec<Reflection<T>>,
}

impl<T: Scalar> Qr<T> {
    /// Decomposes a matrix.
    pub fn of(matrix: Matrix<T>) -> Qr<T> {
        Qr::above(matrix, T::Real::TINY)
    }

    /// The same, where sums of squares up to `tiny` count as zero.
    pub fn above(mut matrix: Matrix<T>, tiny: T::Real) -> Qr<T> {
        let mut reflections = Vec::new();
        for k in 0..matrix.rows().min(matrix.columns()) {
            let (reflection, beta) = Reflection::above(&matrix.column(k, k), tiny);
            matrix[(k, k)] = T::of_real(beta);
            reflection.left(&mut matrix, k, k + 1);
            reflections.push(reflection.with(reflection.tau.conjugate()));
        }
        Qr { r: matrix, reflections }
    }

    /// The first columns of Q.
    pub fn q(&self, columns: usize) -> Matrix<T> {
        householder::product(&self.reflections, [self.r.rows(), columns], 0)
    }

    /// The first rows of R.
    pub fn r(&self, rows: usize) -> Matrix<T> {
        let end = self.r.columns();
        self.r.block(0..rows, 0..end).upper()
    }
}
