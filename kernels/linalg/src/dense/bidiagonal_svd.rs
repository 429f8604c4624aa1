//! Singular values by reduction to a bidiagonal matrix and implicit QR steps (Golub and Reinsch), for larger matrices.

use num_traits::Float;

use super::householder::{self, Reflection};
use super::jacobi_svd::Svd;
use super::qr::Qr;
use super::{Matrix, Real, Scalar, loops};

/// Steps for each singular value before giving up.
const STEPS: usize = 75;

/// How many times more rows than columns are first reduced by a QR decomposition.
const TALL: usize = 2;

/// A real bidiagonal matrix, and the rotations done to it.
struct Bidiagonal<T: Scalar> {
    diagonal: Vec<T::Real>,
    above: Vec<T::Real>,
    /// The transposes of U and V, so that what is turned lies in rows; none if only values are wanted.
    vectors: Option<(Matrix<T>, Matrix<T>)>,
}

/// Decomposes a matrix of finite numbers; U and V are square if `full`, else as narrow as the matrix is thin, and empty
/// unless wanted. `None` when the iteration does not end.
pub fn decompose<T: Scalar>(a: &Matrix<T>, full: bool, with_vectors: bool) -> Option<Svd<T>> {
    if a.columns() > a.rows() {
        let (values, u, v) = decompose(&a.adjoint(), full, with_vectors)?;
        return Some((values, v, u));
    }
    let (rows, columns) = (a.rows(), a.columns());
    let scale = a.largest();
    let scale = if scale == T::Real::of(0.0) { T::Real::of(1.0) } else { scale };
    let a = a.divided(scale);
    if rows > columns.saturating_mul(TALL) && !full {
        let qr = Qr::of(a);
        let (mut values, u, v) = bidiagonal(qr.r(columns), columns, with_vectors)?;
        values.iter_mut().for_each(|value| *value *= scale);
        let u = if with_vectors { qr.q(columns).times(&u) } else { u };
        return Some((values, u, v));
    }
    let (mut values, u, v) = bidiagonal(a, if full { rows } else { columns }, with_vectors)?;
    values.iter_mut().for_each(|value| *value *= scale);
    Some((values, u, v))
}

fn bidiagonal<T: Scalar>(a: Matrix<T>, width: usize, with_vectors: bool) -> Option<Svd<T>> {
    let mut work = reduce(a, width, with_vectors);
    work.diagonalize()?;
    work.sort();
    let empty = || (Matrix::zeros(0, 0), Matrix::zeros(0, 0));
    let (u, v) = work.vectors.unwrap_or_else(empty);
    Some((work.diagonal, u.transpose(), v.transpose()))
}

/// Reduces a matrix with at least as many rows as columns: `A = U B V*`.
fn reduce<T: Scalar>(mut a: Matrix<T>, width: usize, with_vectors: bool) -> Bidiagonal<T> {
    let (rows, columns) = (a.rows(), a.columns());
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let (mut diagonal, mut above) = (Vec::new(), Vec::new());
    for k in 0..columns {
        let (reflection, beta) = Reflection::of(&a.column(k, k));
        diagonal.push(beta);
        reflection.left(&mut a, k, k + 1);
        left.push(reflection.with(reflection.tau.conjugate()));
        if k + 1 < columns {
            let row: Vec<T> = a.row(k)[k + 1..].iter().map(|x| x.conjugate()).collect();
            let (reflection, beta) = Reflection::of(&row);
            above.push(beta);
            let reflection = reflection.with(reflection.tau.conjugate());
            reflection.right(&mut a, rows, k + 1);
            right.push(reflection);
        }
    }
    let vectors = with_vectors.then(|| {
        let u = householder::product(&left, [rows, width], 0);
        let v = householder::product(&right, [columns, columns], 1);
        (u.transpose(), v.transpose())
    });
    Bidiagonal { diagonal, above, vectors }
}

impl<T: Scalar> Bidiagonal<T> {
    fn diagonalize(&mut self) -> Option<()> {
        let mut end = self.diagonal.len();
        let mut steps = 0;
        while end > 1 {
            let last = end - 1;
            let Some(start) = self.start(last) else {
                steps = 0;
                end -= 1;
                continue;
            };
            steps += 1;
            if steps > STEPS {
                return None;
            }
            let tiny = self.norm() * T::Real::EPSILON;
            match (start..=last).rev().find(|&i| Float::abs(self.diagonal[i]) <= tiny) {
                Some(zero) if zero == last => self.clear_column(start, last),
                Some(zero) => self.clear_row(zero, last),
                None => self.step(start, last),
            }
        }
        self.make_positive();
        Some(())
    }

    fn norm(&self) -> T::Real {
        let largest = |values: &[T::Real]| {
            values.iter().fold(T::Real::of(0.0), |most, &x| Float::max(most, Float::abs(x)))
        };
        Float::max(Float::max(largest(&self.diagonal), largest(&self.above)), T::Real::TINY)
    }

    /// The first row of the block that ends with row `last`; `None` when that row stands alone.
    fn start(&mut self, last: usize) -> Option<usize> {
        let mut start = last;
        while start > 0 {
            let around = Float::abs(self.diagonal[start - 1]) + Float::abs(self.diagonal[start]);
            if Float::abs(self.above[start - 1]) <= T::Real::EPSILON * around + T::Real::TINY {
                self.above[start - 1] = T::Real::of(0.0);
                break;
            }
            start -= 1;
        }
        (start < last).then_some(start)
    }

    fn turn(&mut self, in_u: bool, (p, q): (usize, usize), (c, s): (T::Real, T::Real)) {
        if let Some((u, v)) = &mut self.vectors {
            let (x, y) = (if in_u { u } else { v }).two_rows(p.min(q), p.max(q));
            let (x, y) = if p < q { (x, y) } else { (y, x) };
            loops::rotate(T::of_real(c), T::of_real(s), x, y);
        }
    }

    /// The last diagonal element is zero: turns columns until the element above it is zero, too.
    fn clear_column(&mut self, start: usize, last: usize) {
        let mut f = std::mem::replace(&mut self.above[last - 1], T::Real::of(0.0));
        for j in (start..last).rev() {
            let (c, s, r) = direction(self.diagonal[j], f);
            self.diagonal[j] = r;
            if j > start {
                f = -s * self.above[j - 1];
                self.above[j - 1] *= c;
            }
            self.turn(false, (j, last), (c, s));
        }
    }

    /// A diagonal element is zero: turns rows until the element beside it is zero, too.
    fn clear_row(&mut self, zero: usize, last: usize) {
        let mut f = std::mem::replace(&mut self.above[zero], T::Real::of(0.0));
        for j in zero + 1..=last {
            let (c, s, r) = direction(self.diagonal[j], f);
            self.diagonal[j] = r;
            if j < last {
                f = -s * self.above[j];
                self.above[j] *= c;
            }
            self.turn(true, (j, zero), (c, s));
        }
    }

    /// One implicit QR step with a shift on the rows from `start` to `last`.
    fn step(&mut self, start: usize, last: usize) {
        let (mut f, mut g) = self.shifted(start, last);
        for j in start..last {
            let (c, s, r) = direction(f, g);
            if j > start {
                self.above[j - 1] = r;
            }
            f = c * self.diagonal[j] + s * self.above[j];
            self.above[j] = c * self.above[j] - s * self.diagonal[j];
            g = s * self.diagonal[j + 1];
            self.diagonal[j + 1] *= c;
            self.turn(false, (j, j + 1), (c, s));
            let (c, s, r) = direction(f, g);
            self.diagonal[j] = r;
            f = c * self.above[j] + s * self.diagonal[j + 1];
            self.diagonal[j + 1] = c * self.diagonal[j + 1] - s * self.above[j];
            if j + 1 < last {
                g = s * self.above[j + 1];
                self.above[j + 1] *= c;
            }
            self.turn(true, (j, j + 1), (c, s));
        }
        self.above[last - 1] = f;
    }

    /// The first rotation of a step: towards the eigenvalue of the last two rows of `B* B`.
    fn shifted(&self, start: usize, last: usize) -> (T::Real, T::Real) {
        let (d, e) = (&self.diagonal, &self.above);
        let parts = [d[last], d[last - 1], e[last - 1], d[start], e[start]];
        let scale = parts.iter().fold(T::Real::of(0.0), |most, &x| Float::max(most, Float::abs(x)));
        let [end, before, beside, first, next] = parts.map(|x| x / scale);
        let b = ((before + end) * (before - end) + beside * beside) / T::Real::of(2.0);
        let c = end * beside * (end * beside);
        let mut shift = T::Real::of(0.0);
        if b != T::Real::of(0.0) || c != T::Real::of(0.0) {
            let root = (b * b + c).sqrt();
            shift = c / (b + if b < T::Real::of(0.0) { -root } else { root });
        }
        ((first + end) * (first - end) + shift, first * next)
    }

    fn make_positive(&mut self) {
        for i in 0..self.diagonal.len() {
            if self.diagonal[i] < T::Real::of(0.0) {
                self.diagonal[i] = -self.diagonal[i];
                if let Some((u, _)) = &mut self.vectors {
                    u.row_mut(i).iter_mut().for_each(|x| *x = -*x);
                }
            }
        }
    }

    /// Puts the largest first.
    fn sort(&mut self) {
        for i in 0..self.diagonal.len() {
            let mut most = i;
            for j in i + 1..self.diagonal.len() {
                if self.diagonal[j] > self.diagonal[most] {
                    most = j;
                }
            }
            self.diagonal.swap(i, most);
            if let Some((u, v)) = &mut self.vectors {
                u.swap_rows(i, most);
                v.swap_rows(i, most);
            }
        }
    }
}

/// Cosine, sine and length of a vector in the plane.
fn direction<R: Real>(x: R, y: R) -> (R, R, R) {
    let length = x.hypot(y);
    if length == R::zero() { (R::one(), R::zero(), length) } else { (x / length, y / length, length) }
}
