//! QR decomposition with exchange of columns, the longest first.

use num_traits::Float;

use super::householder::{self, Reflection};
use super::{Matrix, Real, Scalar, loops};

/// `A P = Q R`.
pub struct PivotedQr<T: Scalar> {
    r: Matrix<T>,
    reflections: Vec<Reflection<T>>,
    /// The column of A that is column `j` of `A P`.
    pub order: Vec<usize>,
}

/// Lengths of what is left of each column.
struct Lengths<R> {
    updated: Vec<R>,
    computed: Vec<R>,
}

impl<T: Scalar> PivotedQr<T> {
    /// Decomposes a matrix.
    pub fn of(matrix: &Matrix<T>) -> PivotedQr<T> {
        let (rows, columns) = (matrix.rows(), matrix.columns());
        let mut qr = PivotedQr { r: matrix.clone(), reflections: Vec::new(), order: (0..columns).collect() };
        let computed: Vec<T::Real> = (0..columns).map(|j| length(&matrix.column(j, 0))).collect();
        let mut lengths = Lengths { updated: computed.clone(), computed };
        for k in 0..rows.min(columns) {
            let mut longest = k;
            for j in k + 1..columns {
                let (length, most) = (lengths.updated[j], lengths.updated[longest]);
                // What is no number is the longest.
                if length > most || length.is_nan() && !most.is_nan() {
                    longest = j;
                }
            }
            qr.r.swap_columns(k, longest);
            qr.order.swap(k, longest);
            lengths.updated.swap(k, longest);
            lengths.computed.swap(k, longest);
            let (reflection, beta) = Reflection::of(&qr.r.column(k, k));
            qr.r[(k, k)] = T::of_real(beta);
            reflection.left(&mut qr.r, k, k + 1);
            qr.reflections.push(reflection.with(reflection.tau.conjugate()));
            lengths.shorten(&qr.r, k);
        }
        qr
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

    /// Number of pivots that count beside the largest.
    pub fn rank(&self) -> usize {
        let size = self.r.rows().min(self.r.columns());
        let pivots: Vec<T::Real> = (0..size).map(|i| self.r[(i, i)].modulus()).collect();
        let largest = pivots.iter().copied().fold(T::Real::of(0.0), Float::max);
        let least = largest * T::Real::EPSILON * T::Real::of(size as f64);
        pivots.iter().filter(|&&pivot| pivot > least).count()
    }
}

impl<R: Real> Lengths<R> {
    /// Leaves row `k` out of the columns after `k`; computes anew what would lose too many digits.
    fn shorten<T: Scalar<Real = R>>(&mut self, r: &Matrix<T>, k: usize) {
        let worst = R::EPSILON.sqrt();
        for j in k + 1..self.updated.len() {
            let updated = self.updated[j];
            if updated == R::zero() {
                continue;
            }
            let part = r[(k, j)].modulus() / updated;
            let left = Float::max((R::one() + part) * (R::one() - part), R::zero());
            let ratio = updated / self.computed[j];
            if left * ratio * ratio <= worst {
                self.computed[j] = length(&r.column(j, k + 1));
                self.updated[j] = self.computed[j];
            } else {
                self.updated[j] = updated * left.sqrt();
            }
        }
    }
}

fn length<T: Scalar>(x: &[T]) -> T::Real {
    loops::dot(x, x).real().sqrt()
}
