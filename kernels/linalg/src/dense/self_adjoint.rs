//! Eigenvalues and eigenvectors of symmetric and Hermitian matrices, of which only the lower half is looked at.

use num_traits::Float;

use super::householder::{self, Reflection};
use super::rotation::Rotation;
use super::{Matrix, Real, Scalar, loops};

/// Steps for each row before giving up.
const STEPS: usize = 30;

/// A real tridiagonal matrix.
struct Tridiagonal<R> {
    diagonal: Vec<R>,
    below: Vec<R>,
}

/// Eigenvalues and, if they were asked for, eigenvectors.
pub type Decomposition<T> = (Vec<<T as Scalar>::Real>, Option<Matrix<T>>);

/// The eigenvalues in ascending order, and a matrix of which each column is an eigenvector, if asked for.
///
/// `None` when the iteration does not end, as for NaN.
pub fn decompose<T: Scalar>(a: &Matrix<T>, with_vectors: bool) -> Option<Decomposition<T>> {
    let n = a.rows();
    if n == 1 {
        return Some((vec![a[(0, 0)].real()], with_vectors.then(|| Matrix::identity(1, 1))));
    }
    let full = Matrix::from_fn(n, n, |i, j| if j <= i { a[(i, j)] } else { a[(j, i)].conjugate() });
    let scale = full.largest();
    let scale = if scale == T::Real::of(0.0) { T::Real::of(1.0) } else { scale };
    let (mut tridiagonal, q) = reduce(full.divided(scale), with_vectors);
    // Transposed, so that what is turned lies in rows.
    let mut vectors = q.map(|q| q.transpose());
    tridiagonal.diagonalize(vectors.as_mut())?;
    let mut values = tridiagonal.diagonal;
    sort(&mut values, vectors.as_mut());
    values.iter_mut().for_each(|value| *value *= scale);
    Some((values, vectors.map(|vectors| vectors.transpose())))
}

/// Reduces a matrix to a tridiagonal one: `A = Q T Q*`.
fn reduce<T: Scalar>(mut a: Matrix<T>, with_q: bool) -> (Tridiagonal<T::Real>, Option<Matrix<T>>) {
    let n = a.rows();
    let mut reflections = Vec::new();
    let mut below = Vec::new();
    for i in 0..n - 1 {
        let (reflection, beta) = Reflection::of(&a.column(i, i + 1));
        below.push(beta);
        let tau = reflection.tau.conjugate();
        let v: Vec<T> = std::iter::once(T::one()).chain(reflection.tail.iter().copied()).collect();
        let conjugates: Vec<T> = v.iter().map(|v| v.conjugate()).collect();
        // The product with `v`: rows of a Hermitian matrix are conjugated columns.
        let inner = (i + 1) * (n + 1);
        let mut w = vec![T::zero(); n - i - 1];
        loops::add_rows(&conjugates, &a.data()[inner..], n, &mut w);
        w.iter_mut().for_each(|w| *w = tau * w.conjugate());
        let factor = tau.times(T::Real::of(-0.5)) * loops::dot(&w, &v);
        loops::add_scaled(factor, &v, &mut w);
        let negative = |values: &[T]| values.iter().map(|&x| -x).collect::<Vec<T>>();
        let w_conjugates: Vec<T> = w.iter().map(|w| w.conjugate()).collect();
        let rows = &mut a.data_mut()[inner..];
        loops::add_to_rows(&negative(&v), &w_conjugates, rows, n);
        loops::add_to_rows(&negative(&w), &conjugates, rows, n);
        reflections.push(reflection.with(tau));
    }
    let diagonal = (0..n).map(|i| a[(i, i)].real()).collect();
    let q = with_q.then(|| householder::product(&reflections, [n, n], 1));
    (Tridiagonal { diagonal, below }, q)
}

impl<R: Real> Tridiagonal<R> {
    /// Turns the matrix until it is diagonal, and the rows of `vectors` with it.
    fn diagonalize<T: Scalar<Real = R>>(&mut self, mut vectors: Option<&mut Matrix<T>>) -> Option<()> {
        let n = self.diagonal.len();
        let (mut end, mut start, mut steps) = (n - 1, 0, 0);
        while end > 0 {
            for i in start..end {
                let scaled = self.below[i] / R::EPSILON;
                let around = Float::abs(self.diagonal[i]) + Float::abs(self.diagonal[i + 1]);
                if Float::abs(self.below[i]) < R::TINY || scaled * scaled <= around {
                    self.below[i] = R::zero();
                }
            }
            while end > 0 && self.below[end - 1] == R::zero() {
                end -= 1;
            }
            if end == 0 {
                break;
            }
            steps += 1;
            if steps > STEPS * n {
                return None;
            }
            start = end - 1;
            while start > 0 && self.below[start - 1] != R::zero() {
                start -= 1;
            }
            self.step(start, end, vectors.as_deref_mut());
        }
        Some(())
    }

    /// Wilkinson's shift for the rows up to `end`.
    fn shift(&self, end: usize) -> R {
        let half = (self.diagonal[end - 1] - self.diagonal[end]) * R::of(0.5);
        let e = self.below[end - 1];
        if half == R::zero() {
            return self.diagonal[end] - Float::abs(e);
        }
        if e == R::zero() {
            return self.diagonal[end];
        }
        let length = half.hypot(e);
        let sum = half + if half > R::zero() { length } else { -length };
        let square = e * e;
        self.diagonal[end] - if square == R::zero() { e / (sum / e) } else { square / sum }
    }

    /// One step on the rows from `start` to `end`.
    fn step<T: Scalar<Real = R>>(&mut self, start: usize, end: usize, vectors: Option<&mut Matrix<T>>) {
        let mut x = self.diagonal[start] - self.shift(end);
        let mut z = self.below[start];
        let (d, b) = (&mut self.diagonal, &mut self.below);
        let mut rotations = Vec::new();
        for k in start..end {
            if z == R::zero() {
                break;
            }
            let (Rotation { c, s }, _) = Rotation::givens(x, z);
            let (left, right) = (s * d[k] + c * b[k], s * b[k] + c * d[k + 1]);
            d[k] = c * (c * d[k] - s * b[k]) - s * (c * b[k] - s * d[k + 1]);
            d[k + 1] = s * left + c * right;
            b[k] = c * left - s * right;
            if k > start {
                b[k - 1] = c * b[k - 1] - s * z;
            }
            x = b[k];
            if k + 1 < end {
                z = -s * b[k + 1];
                b[k + 1] *= c;
            }
            if vectors.is_some() {
                rotations.push((T::of_real(c), T::of_real(-s)));
            }
        }
        if let Some(vectors) = vectors {
            let columns = vectors.columns();
            loops::rotate_down(&rotations, &mut vectors.data_mut()[start * columns..], columns);
        }
    }
}

/// Sorts values, and the rows that belong to them, by exchanging each with the least that follows.
fn sort<T: Scalar>(values: &mut [T::Real], mut vectors: Option<&mut Matrix<T>>) {
    for i in 0..values.len() {
        let mut least = i;
        for j in i + 1..values.len() {
            if values[j] < values[least] {
                least = j;
            }
        }
        values.swap(i, least);
        if let Some(vectors) = &mut vectors {
            vectors.swap_rows(i, least);
        }
    }
}
