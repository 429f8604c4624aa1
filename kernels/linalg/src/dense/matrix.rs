//! A matrix that owns its elements.

use std::ops::{Index, IndexMut};

use num_traits::Float;
use savedmodel_math::gemm::View;

use super::{Real, Scalar};

/// A dense matrix, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix<T> {
    rows: usize,
    columns: usize,
    data: Vec<T>,
}

impl<T> Index<(usize, usize)> for Matrix<T> {
    type Output = T;
    #[inline(always)]
    fn index(&self, (i, j): (usize, usize)) -> &T {
        &self.data[i * self.columns + j]
    }
}

impl<T> IndexMut<(usize, usize)> for Matrix<T> {
    #[inline(always)]
    fn index_mut(&mut self, (i, j): (usize, usize)) -> &mut T {
        &mut self.data[i * self.columns + j]
    }
}

impl<T: Scalar> Matrix<T> {
    /// A matrix of zeros.
    pub fn zeros(rows: usize, columns: usize) -> Matrix<T> {
        Matrix { rows, columns, data: vec![T::zero(); rows * columns] }
    }

    /// Ones on the diagonal.
    pub fn identity(rows: usize, columns: usize) -> Matrix<T> {
        let mut matrix = Matrix::zeros(rows, columns);
        (0..rows.min(columns)).for_each(|i| matrix[(i, i)] = T::one());
        matrix
    }

    /// The matrix of these elements, row by row.
    pub fn of(rows: usize, columns: usize, data: &[T]) -> Matrix<T> {
        assert_eq!(data.len(), rows * columns);
        Matrix { rows, columns, data: data.to_vec() }
    }

    /// The matrix of `f(row, column)`.
    pub fn from_fn(rows: usize, columns: usize, f: impl Fn(usize, usize) -> T) -> Matrix<T> {
        let data = (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))).map(|(i, j)| f(i, j)).collect();
        Matrix { rows, columns, data }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All elements, row by row.
    pub fn data(&self) -> &[T] {
        &self.data
    }

    /// All elements, to change.
    pub fn data_mut(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &[T] {
        &self.data[i * self.columns..(i + 1) * self.columns]
    }

    /// Row `i`, to change.
    pub fn row_mut(&mut self, i: usize) -> &mut [T] {
        &mut self.data[i * self.columns..(i + 1) * self.columns]
    }

    /// Rows `i < j`, to change.
    pub fn two_rows(&mut self, i: usize, j: usize) -> (&mut [T], &mut [T]) {
        let (head, tail) = self.data.split_at_mut(j * self.columns);
        (&mut head[i * self.columns..(i + 1) * self.columns], &mut tail[..self.columns])
    }

    /// Column `j` from row `start` on.
    pub fn column(&self, j: usize, start: usize) -> Vec<T> {
        (start..self.rows).map(|i| self[(i, j)]).collect()
    }

    /// Exchanges two rows.
    pub fn swap_rows(&mut self, i: usize, j: usize) {
        if i != j {
            let (a, b) = self.two_rows(i.min(j), i.max(j));
            a.swap_with_slice(b);
        }
    }

    /// Exchanges two columns.
    pub fn swap_columns(&mut self, i: usize, j: usize) {
        for row in self.data.chunks_exact_mut(self.columns.max(1)) {
            row.swap(i, j);
        }
    }

    /// The conjugate transpose.
    pub fn adjoint(&self) -> Matrix<T> {
        Matrix::from_fn(self.columns, self.rows, |i, j| self[(j, i)].conjugate())
    }

    /// The transpose.
    pub fn transpose(&self) -> Matrix<T> {
        Matrix::from_fn(self.columns, self.rows, |i, j| self[(j, i)])
    }

    /// The elements through a function.
    pub fn map<U: Scalar>(&self, f: impl Fn(T) -> U) -> Matrix<U> {
        Matrix { rows: self.rows, columns: self.columns, data: self.data.iter().map(|&x| f(x)).collect() }
    }

    /// The elements of two matrices of one shape through a function.
    pub fn zip(&self, other: &Matrix<T>, f: impl Fn(T, T) -> T) -> Matrix<T> {
        assert_eq!((self.rows, self.columns), (other.rows, other.columns));
        let data = self.data.iter().zip(&other.data).map(|(&x, &y)| f(x, y)).collect();
        Matrix { rows: self.rows, columns: self.columns, data }
    }

    /// Rows and columns of a range, copied.
    pub fn block(&self, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> Matrix<T> {
        Matrix::from_fn(rows.len(), columns.len(), |i, j| self[(rows.start + i, columns.start + j)])
    }

    /// The elements on and above the diagonal; zeros below.
    pub fn upper(&self) -> Matrix<T> {
        Matrix::from_fn(self.rows, self.columns, |i, j| if i <= j { self[(i, j)] } else { T::zero() })
    }

    /// The product with another matrix.
    pub fn times(&self, other: &Matrix<T>) -> Matrix<T> {
        let mut product = Matrix::zeros(self.rows, other.columns);
        self.multiply(other, &mut product.data);
        product
    }

    /// The product with another matrix, into a slice.
    pub fn multiply(&self, other: &Matrix<T>, product: &mut [T]) {
        assert_eq!(self.columns, other.rows);
        if product.is_empty() {
            return;
        }
        if self.columns == 0 {
            return product.fill(T::zero());
        }
        let views = (View::new(&self.data, self.columns), View::new(&other.data, other.columns));
        T::multiply([self.rows, self.columns, other.columns], views.0, views.1, product);
    }

    /// The largest absolute value; NaN if there is one.
    pub fn largest(&self) -> T::Real {
        self.data
            .iter()
            .map(|x| x.modulus())
            .fold(T::Real::of(0.0), |largest, x| if x > largest || x.is_nan() { x } else { largest })
    }

    /// The matrix times a real number.
    pub fn scaled(&self, factor: T::Real) -> Matrix<T> {
        self.map(|x| x.times(factor))
    }

    /// The matrix divided by a real number.
    pub fn divided(&self, divisor: T::Real) -> Matrix<T> {
        self.map(|x| T::of_parts(x.real() / divisor, x.imaginary() / divisor))
    }
}
