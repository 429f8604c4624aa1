//! Singular values by two-sided Jacobi rotations, for matrices with few columns.

use num_traits::Float;

use super::pivoted_qr::PivotedQr;
use super::rotation::Rotation;
use super::{Matrix, Real, Scalar};

/// Singular values in descending order, and the matrices U and V of `A = U S V*`.
pub type Svd<T> = (Vec<<T as Scalar>::Real>, Matrix<T>, Matrix<T>);

/// Sweeps before giving up; a few are enough for any matrix of numbers.
const SWEEPS: usize = 200;

/// A matrix on its way to a diagonal one.
struct Work<T: Scalar> {
    matrix: Matrix<T>,
    u: Matrix<T>,
    v: Matrix<T>,
    largest: T::Real,
}

/// Decomposes a matrix of finite numbers; U and V are square if `full`, else as narrow as the matrix is thin.
pub fn decompose<T: Scalar>(a: &Matrix<T>, full: bool) -> Svd<T> {
    let scale = a.largest();
    let scale = if scale == T::Real::of(0.0) { T::Real::of(1.0) } else { scale };
    let mut work = square(&a.divided(scale), full);
    let size = work.matrix.rows();
    work.largest = (0..size).map(|i| work.matrix[(i, i)].modulus()).fold(T::Real::of(0.0), Float::max);
    for _ in 0..SWEEPS {
        if work.sweep() {
            break;
        }
    }
    let mut values = work.positive();
    values.iter_mut().for_each(|value| *value *= scale);
    let Work { mut u, mut v, .. } = work;
    for i in 0..size {
        let mut most = i;
        for j in i + 1..size {
            if values[j] > values[most] {
                most = j;
            }
        }
        if values[most] == T::Real::of(0.0) {
            break;
        }
        values.swap(i, most);
        u.swap_columns(i, most);
        v.swap_columns(i, most);
    }
    (values, u, v)
}

/// A square matrix with the same singular values, by a QR decomposition where there are more rows or columns.
fn square<T: Scalar>(a: &Matrix<T>, full: bool) -> Work<T> {
    let (rows, columns, size) = (a.rows(), a.columns(), a.rows().min(a.columns()));
    let largest = T::Real::of(0.0);
    if rows == columns {
        return Work {
            matrix: a.clone(),
            u: Matrix::identity(rows, rows),
            v: Matrix::identity(rows, rows),
            largest,
        };
    }
    let wide = columns > rows;
    let qr = PivotedQr::of(&if wide { a.adjoint() } else { a.clone() });
    let long = qr.q(if full { rows.max(columns) } else { size });
    let mut exchange = Matrix::zeros(size, size);
    qr.order.iter().enumerate().for_each(|(j, &i)| exchange[(i, j)] = T::one());
    let r = qr.r(size);
    if wide {
        Work { matrix: r.adjoint(), u: exchange, v: long, largest }
    } else {
        Work { matrix: r, u: long, v: exchange, largest }
    }
}

impl<T: Scalar> Work<T> {
    /// Turns every pair of rows and columns once; true when nothing was left to do.
    fn sweep(&mut self) -> bool {
        let mut finished = true;
        for p in 1..self.matrix.rows() {
            for q in 0..p {
                if self.is_off(p, q, T::Real::of(2.0)) {
                    finished = false;
                    if !T::IS_COMPLEX || self.make_real(p, q) {
                        self.turn(p, q);
                    }
                }
            }
        }
        finished
    }

    /// Whether an element beside the diagonal counts beside the largest on it.
    fn is_off(&self, p: usize, q: usize, precision: T::Real) -> bool {
        let least = Float::max(T::Real::TINY, precision * T::Real::EPSILON * self.largest);
        self.matrix[(p, q)].modulus() > least || self.matrix[(q, p)].modulus() > least
    }

    fn see(&mut self, p: usize, q: usize) {
        let most = Float::max(self.matrix[(p, p)].modulus(), self.matrix[(q, q)].modulus());
        self.largest = Float::max(self.largest, most);
    }

    /// Makes the four elements of two rows and columns real; false when nothing is left beside the diagonal.
    fn make_real(&mut self, p: usize, q: usize) -> bool {
        let (a, b) = (self.matrix[(p, p)], self.matrix[(q, p)]);
        let length = (a.squared_modulus() + b.squared_modulus()).sqrt();
        if length == T::Real::of(0.0) {
            self.matrix[(p, p)] = T::zero();
            self.matrix[(q, p)] = T::zero();
            self.turn_row(p, (p, q));
            self.turn_row(q, (q, q));
        } else {
            let inverse = T::Real::of(1.0) / length;
            let rotation = Rotation { c: a.conjugate().times(inverse), s: b.times(inverse) };
            rotation.rows(&mut self.matrix, (p, q), 0);
            let rows = self.u.rows();
            rotation.adjoint().columns(&mut self.u, (p, q), rows);
            if let Some(z) = self.direction((p, q)) {
                scale_column(&mut self.matrix, q, z);
                scale_column(&mut self.v, q, z);
            }
            self.turn_row(q, (q, q));
        }
        self.see(p, q);
        self.is_off(p, q, T::Real::of(1.0))
    }

    /// What makes an element real and positive, unless it is real.
    fn direction(&self, at: (usize, usize)) -> Option<T> {
        let element = self.matrix[at];
        (Float::abs(element.imaginary()) > T::Real::TINY).then(|| T::of_real(element.modulus()).over(element))
    }

    /// Multiplies a row so that one of its elements becomes real.
    fn turn_row(&mut self, row: usize, at: (usize, usize)) {
        if let Some(z) = self.direction(at) {
            self.matrix.row_mut(row).iter_mut().for_each(|x| *x *= z);
            scale_column(&mut self.u, row, z.conjugate());
        }
    }

    /// Makes the four elements of two rows and columns, which are real, diagonal.
    fn turn(&mut self, p: usize, q: usize) {
        let at = |i: usize, j: usize| self.matrix[(i, j)].real();
        let [a, b, c, d] = [at(p, p), at(p, q), at(q, p), at(q, q)];
        let (sum, difference) = (a + d, c - b);
        let first = if Float::abs(difference) < T::Real::TINY {
            Rotation { c: T::Real::of(1.0), s: T::Real::of(0.0) }
        } else {
            let u = sum / difference;
            let length = (T::Real::of(1.0) + u * u).sqrt();
            Rotation { c: u / length, s: T::Real::of(1.0) / length }
        };
        let mut block = Matrix::of(2, 2, &[a, b, c, d]);
        first.rows(&mut block, (0, 1), 0);
        let right = Rotation::jacobi(block[(0, 0)], block[(0, 1)], block[(1, 1)]);
        let left = first.after(right.transpose());
        let (left, right) = (left.widen::<T>(), right.widen::<T>());
        let (size, rows, columns) = (self.matrix.rows(), self.u.rows(), self.v.rows());
        left.rows(&mut self.matrix, (p, q), 0);
        left.transpose().columns(&mut self.u, (p, q), rows);
        right.columns(&mut self.matrix, (p, q), size);
        right.columns(&mut self.v, (p, q), columns);
        self.see(p, q);
    }

    /// The diagonal as positive numbers; U takes the signs.
    fn positive(&mut self) -> Vec<T::Real> {
        (0..self.matrix.rows())
            .map(|i| {
                let element = self.matrix[(i, i)];
                if T::IS_COMPLEX && Float::abs(element.imaginary()) > T::Real::TINY {
                    let length = element.modulus();
                    scale_column(&mut self.u, i, element.times(T::Real::of(1.0) / length));
                    return length;
                }
                if element.real() < T::Real::of(0.0) {
                    scale_column(&mut self.u, i, -T::one());
                }
                Float::abs(element.real())
            })
            .collect()
    }
}

fn scale_column<T: Scalar>(matrix: &mut Matrix<T>, j: usize, factor: T) {
    (0..matrix.rows()).for_each(|i| matrix[(i, j)] *= factor);
}
