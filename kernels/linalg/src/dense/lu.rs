//! LU decomposition with row exchanges.

use num_traits::Float;
use savedmodel_math::gemm::View;

use super::triangular::{self, Half};
use super::{Matrix, Real, Scalar, loops};

/// `P A = L U`: the factors in one matrix, and the row of A that came to each place.
pub struct Lu<T> {
    /// L below the diagonal, without its ones, and U.
    pub factors: Matrix<T>,
    /// The row of A that is row `i` of `P A`.
    pub order: Vec<usize>,
    /// Whether the number of exchanges is odd.
    pub is_odd: bool,
}

/// Columns factored before the rest is updated at once.
const BLOCK: usize = 48;

impl<T: Scalar> Lu<T> {
    /// Decomposes a square matrix.
    pub fn of(matrix: Matrix<T>) -> Lu<T> {
        let n = matrix.rows();
        let mut lu = Lu { factors: matrix, order: (0..n).collect(), is_odd: false };
        for start in (0..n).step_by(BLOCK) {
            let end = (start + BLOCK).min(n);
            for column in start..end {
                lu.eliminate(column, end);
            }
            lu.update(start, end);
        }
        lu
    }

    /// Chooses the pivot of a column and eliminates below it, in the columns before `end`.
    fn eliminate(&mut self, column: usize, end: usize) {
        let n = self.factors.rows();
        let mut pivot = column;
        for i in column + 1..n {
            if self.factors[(i, column)].modulus() > self.factors[(pivot, column)].modulus() {
                pivot = i;
            }
        }
        if pivot != column {
            self.factors.swap_rows(pivot, column);
            self.order.swap(pivot, column);
            self.is_odd = !self.is_odd;
        }
        let divisor = self.factors[(column, column)];
        if divisor == T::zero() {
            return;
        }
        for i in column + 1..n {
            let (top, row) = self.factors.two_rows(column, i);
            row[column] = row[column].over(divisor);
            loops::add_scaled(-row[column], &top[column + 1..end], &mut row[column + 1..end]);
        }
    }

    /// Updates the columns from `end` on for those from `start` to `end`.
    fn update(&mut self, start: usize, end: usize) {
        let n = self.factors.rows();
        if end == n {
            return;
        }
        for i in start + 1..end {
            for k in start..i {
                let (top, row) = self.factors.two_rows(k, i);
                loops::add_scaled(-row[k], &top[end..], &mut row[end..]);
            }
        }
        let (rows, depth, columns) = (n - end, end - start, n - end);
        let mut product = vec![T::zero(); rows * columns];
        let data = self.factors.data();
        let (left, right) = (View::new(&data[end * n + start..], n), View::new(&data[start * n + end..], n));
        T::multiply([rows, depth, columns], left, right, &mut product);
        for (i, product) in product.chunks_exact(columns).enumerate() {
            let row = &mut self.factors.row_mut(end + i)[end..];
            row.iter_mut().zip(product).for_each(|(x, &y)| *x -= y);
        }
    }

    /// The diagonal of U.
    pub fn pivots(&self) -> impl Iterator<Item = T> + '_ {
        (0..self.factors.rows()).map(|i| self.factors[(i, i)])
    }

    /// Whether no pivot is zero.
    pub fn is_invertible(&self) -> bool {
        // The least is found as TensorFlow finds it: a NaN that is not the first is passed over.
        let mut sizes = self.pivots().map(|pivot| pivot.modulus());
        let Some(first) = sizes.next() else { return true };
        sizes.fold(first, |least, size| if size < least { size } else { least }) > T::Real::of(0.0)
    }

    /// The solution X of `A X = B`.
    pub fn solve(&self, b: &Matrix<T>) -> Matrix<T> {
        let mut x = Matrix::zeros(b.rows(), b.columns());
        for (i, &from) in self.order.iter().enumerate() {
            x.row_mut(i).copy_from_slice(b.row(from));
        }
        triangular::solve(&self.factors, Half::UnitLower, &mut x);
        triangular::solve(&self.factors, Half::Upper, &mut x);
        x
    }

    /// The sign (or direction) of the determinant and the logarithm of its absolute value: `0, -inf` when it is zero.
    pub fn log_determinant(&self) -> (T, T::Real) {
        let mut sign = if self.is_odd { -T::one() } else { T::one() };
        let mut log = T::Real::of(0.0);
        for pivot in self.pivots() {
            let length = pivot.modulus();
            log += length.ln();
            sign *= match (pivot == T::zero(), T::IS_COMPLEX) {
                (true, _) => T::zero(),
                (_, true) => pivot.over(T::of_real(length)),
                (_, false) => T::of_real(Float::signum(pivot.real())),
            };
        }
        (sign, log)
    }
}
