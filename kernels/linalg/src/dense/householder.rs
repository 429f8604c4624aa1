//! Householder reflections `I - tau v v*`, where `v` begins with one.

use num_traits::Float;

use super::{Matrix, Real, Scalar, loops};

/// A reflection.
#[derive(Clone, Debug)]
pub struct Reflection<T> {
    /// The vector after its leading one.
    pub tail: Vec<T>,
    /// Its factor.
    pub tau: T,
}

impl<T: Scalar> Reflection<T> {
    /// The reflection that turns `x` into `(beta, 0, ...)`, and `beta`, which has the sign opposite to `x[0]`.
    pub fn of(x: &[T]) -> (Reflection<T>, T::Real) {
        Reflection::above(x, T::Real::TINY)
    }

    /// The same, where squares up to `tiny` count as zero.
    pub fn above(x: &[T], tiny: T::Real) -> (Reflection<T>, T::Real) {
        let (head, tail) = (x[0], &x[1..]);
        let norm = loops::dot(tail, tail).real();
        let imaginary = head.imaginary();
        if norm <= tiny && imaginary * imaginary <= tiny {
            return (Reflection { tail: vec![T::zero(); tail.len()], tau: T::zero() }, head.real());
        }
        let beta = (head.squared_modulus() + norm).sqrt();
        let beta = if head.real() >= T::Real::of(0.0) { -beta } else { beta };
        let divisor = head - T::of_real(beta);
        let tail = tail.iter().map(|x| x.over(divisor)).collect();
        let tau = (T::of_real(beta) - head).times(T::Real::of(1.0) / beta).conjugate();
        (Reflection { tail, tau }, beta)
    }

    /// The same with another factor.
    pub fn with(&self, tau: T) -> Reflection<T> {
        Reflection { tail: self.tail.clone(), tau }
    }

    /// Reflects the rows from `row` on, columns from `column` on: this times the matrix.
    pub fn left(&self, matrix: &mut Matrix<T>, row: usize, column: usize) {
        if self.tau == T::zero() || column >= matrix.columns() {
            return;
        }
        let columns = matrix.columns();
        let mut sums = matrix.row(row)[column..].to_vec();
        let (first, rest) = matrix.data_mut()[row * columns..].split_at_mut(columns);
        let conjugates: Vec<T> = self.tail.iter().map(|v| v.conjugate()).collect();
        if let Some(rest) = rest.get_mut(column..) {
            loops::add_rows(&conjugates, rest, columns, &mut sums);
            let factors: Vec<T> = self.tail.iter().map(|&v| -self.tau * v).collect();
            loops::add_to_rows(&factors, &sums, rest, columns);
        }
        loops::add_scaled(-self.tau, &sums, &mut first[column..]);
    }

    /// Reflects the columns from `column` on of the first `rows` rows: the matrix times this.
    pub fn right(&self, matrix: &mut Matrix<T>, rows: usize, column: usize) {
        if self.tau == T::zero() {
            return;
        }
        if let [v, w] = self.tail[..] {
            // The iterations towards Schur forms reflect three columns at a time.
            let (v, w) = (v.conjugate(), w.conjugate());
            let columns = matrix.columns();
            for row in matrix.data_mut()[..rows * columns].chunks_exact_mut(columns) {
                if let [x, y, z] = &mut row[column..column + 3] {
                    let sum = self.tau * (*x + (v.conjugate() * *y + w.conjugate() * *z));
                    (*x, *y, *z) = (*x - sum, *y - sum * v, *z - sum * w);
                }
            }
            return;
        }
        let conjugates: Vec<T> = self.tail.iter().map(|v| v.conjugate()).collect();
        for i in 0..rows {
            let row = &mut matrix.row_mut(i)[column..=column + conjugates.len()];
            let sum = self.tau * (row[0] + loops::dot(&conjugates, &row[1..]));
            row[0] -= sum;
            loops::add_scaled(-sum, &conjugates, &mut row[1..]);
        }
    }
}

/// The product of reflections, of which number `i` begins at row `i + shift`, times the first columns of the identity.
pub fn product<T: Scalar>(
    reflections: &[Reflection<T>],
    [rows, columns]: [usize; 2],
    shift: usize,
) -> Matrix<T> {
    let mut matrix = Matrix::identity(rows, columns);
    for (i, reflection) in reflections.iter().enumerate().rev() {
        reflection.left(&mut matrix, i + shift, i + shift);
    }
    matrix
}
