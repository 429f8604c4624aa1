//! Singular values by rotations of all pairs of rows and columns, as TensorFlow's compiler computes them.

use super::jacobi_sweeps::{Patience, total_order};
use super::{Matrix, Real};

/// `U D V*` of a matrix with at least as many rows as columns.
#[derive(Clone, PartialEq)]
pub struct Decomposition<R> {
    pub u: Matrix<R>,
    pub d: Matrix<R>,
    pub v: Matrix<R>,
}

/// A plane rotation.
#[derive(Clone, Copy)]
struct Turn<R> {
    c: R,
    s: R,
}

/// The decompositions of matrices of one size, with singular values in descending order on the diagonal of `d`; all are turned until each is done.
pub fn decompose<R: Real>(matrices: Vec<Matrix<R>>, patience: Patience<R>) -> Vec<Decomposition<R>> {
    let epsilon = patience.tolerance;
    let mut all: Vec<_> = matrices.into_iter().map(|a| Decomposition::bidiagonal(a, epsilon)).collect();
    for _ in 0..patience.sweeps {
        if !all.iter().any(|one| one.is_to_go_on(epsilon)) {
            break;
        }
        let before = all.clone();
        all.iter_mut().for_each(|one| one.sweep(epsilon));
        if all == before {
            break;
        }
    }
    all.iter_mut().for_each(Decomposition::finish);
    all
}

/// The reflection that makes zeros of what comes after `x[at]`, and its factor.
fn reflection<R: Real>(mut x: Vec<R>, at: usize, epsilon: R) -> (Vec<R>, R) {
    let head = x[at];
    x[..=at].fill(R::zero());
    let sigma = x.iter().fold(R::zero(), |sum, &x| sum + x * x).sqrt();
    let square = |x: R| x * x;
    let mu = sigma * (square(head / sigma) + R::one()).sqrt();
    let first = if head <= R::zero() { head - mu } else { -(sigma * (sigma / (head + mu))) };
    let mut beta = R::of(2.0) / (square(sigma / first) + R::one());
    if sigma < epsilon {
        beta = R::zero();
    } else {
        x.iter_mut().for_each(|x| *x = *x / first);
    }
    x[at] = R::one();
    (x, beta)
}

/// `a - beta a v v*`.
fn reflect_columns<R: Real>(a: &mut Matrix<R>, v: &[R], beta: R) {
    for i in 0..a.rows() {
        let row = a.row_mut(i);
        let dot = row.iter().zip(v).fold(R::zero(), |sum, (&x, &y)| sum + x * y);
        row.iter_mut().zip(v).for_each(|(x, &y)| *x -= beta * (dot * y));
    }
}

/// `a - beta v v* a`.
fn reflect_rows<R: Real>(a: &mut Matrix<R>, v: &[R], beta: R) {
    let mut dots = vec![R::zero(); a.columns()];
    for (i, &y) in v.iter().enumerate() {
        dots.iter_mut().zip(a.row(i)).for_each(|(dot, &x)| *dot += y * x);
    }
    for (i, &y) in v.iter().enumerate() {
        a.row_mut(i).iter_mut().zip(&dots).for_each(|(x, &dot)| *x -= beta * (y * dot));
    }
}

/// The rotation that makes a symmetric matrix of two rows diagonal.
fn symmetric<R: Real>(first: R, second: R, off: R, epsilon: R) -> Turn<R> {
    let tau = (second - first) / (off * R::of(2.0));
    let root = (R::one() + tau * tau).sqrt();
    let t = if tau >= R::zero() { R::one() / (tau + root) } else { -R::one() / (-tau + root) };
    let c = R::one() / (R::one() + t * t).sqrt();
    let (c, s) = if off.abs() >= epsilon { (c, t * c) } else { (R::one(), R::zero()) };
    let norm = R::one() / (c * c + s * s).sqrt();
    Turn { c: c * norm, s: s * norm }
}

fn turn_columns<R: Real>(a: &mut Matrix<R>, [p, q]: [usize; 2], turn: Turn<R>) {
    for i in 0..a.rows() {
        let row = a.row_mut(i);
        (row[p], row[q]) = (turn.c * row[p] - turn.s * row[q], turn.s * row[p] + turn.c * row[q]);
    }
}

/// Divides a column by its length.
fn normalize<R: Real>(a: &mut Matrix<R>, column: usize) {
    let squares = (0..a.rows()).fold(R::zero(), |sum, i| sum + a[(i, column)] * a[(i, column)]);
    let factor = R::one() / squares.sqrt();
    (0..a.rows()).for_each(|i| a[(i, column)] *= factor);
}

impl<R: Real> Decomposition<R> {
    /// `d` has but one diagonal above its own.
    fn bidiagonal(a: Matrix<R>, epsilon: R) -> Decomposition<R> {
        let (m, n) = (a.rows(), a.columns());
        let mut all = Decomposition { u: Matrix::identity(m, m), d: a, v: Matrix::identity(n, n) };
        for i in 0..n.saturating_sub(2) {
            all.clear_column(i, epsilon);
            let (v, beta) = reflection(all.d.row(i).to_vec(), i + 1, epsilon);
            reflect_columns(&mut all.v, &v, beta);
            reflect_columns(&mut all.d, &v, beta);
        }
        (n.saturating_sub(2)..n).for_each(|i| all.clear_column(i, epsilon));
        all
    }

    fn clear_column(&mut self, i: usize, epsilon: R) {
        let (v, beta) = reflection(self.d.column(i, 0), i, epsilon);
        reflect_columns(&mut self.u, &v, beta);
        reflect_rows(&mut self.d, &v, beta);
    }

    fn is_to_go_on(&self, epsilon: R) -> bool {
        let n = self.d.columns();
        let magnitude = |i: usize| self.d[(i, i)].abs();
        let is_large = |i: usize, j: usize| {
            magnitude(i) * magnitude(j) * epsilon * epsilon < self.d[(i, j)] * self.d[(i, j)]
        };
        (0..n).any(|i| (0..n).any(|j| i != j && is_large(i, j)))
    }

    fn sweep(&mut self, epsilon: R) {
        for p in 0..self.d.columns() {
            for q in p + 1..self.d.columns() {
                self.turn(p, q, epsilon);
            }
        }
    }

    fn turn(&mut self, p: usize, q: usize, epsilon: R) {
        let (left, right) = self.turns(p, q, epsilon);
        let (top, bottom) = self.d.two_rows(p, q);
        for (x, y) in top.iter_mut().zip(bottom) {
            (*x, *y) = (left.c * *x - left.s * *y, left.s * *x + left.c * *y);
        }
        turn_columns(&mut self.d, [p, q], right);
        (self.d[(p, q)], self.d[(q, p)]) = (R::zero(), R::zero());
        for (matrix, turn) in [(&mut self.u, left), (&mut self.v, right)] {
            turn_columns(matrix, [p, q], turn);
            normalize(matrix, p);
            normalize(matrix, q);
        }
    }

    fn turns(&self, p: usize, q: usize, epsilon: R) -> (Turn<R>, Turn<R>) {
        let [pp, pq, qp, qq] = [(p, p), (p, q), (q, p), (q, q)].map(|place| self.d[place]);
        let (sum, difference) = (pp + qq, qp - pq);
        let u = sum / difference;
        let factor = R::one() / (R::one() + u * u).sqrt();
        let is_symmetric = difference.abs() < epsilon;
        let (c, s) = if is_symmetric { (R::one(), R::zero()) } else { (u * factor, -factor) };
        let right = symmetric(c * pp - s * qp, s * pq + c * qq, c * pq - s * qq, epsilon);
        (Turn { c: c * right.c - s * right.s, s: s * right.c + c * right.s }, right)
    }

    /// Makes the values positive, puts them in order, and makes vectors as long as one.
    fn finish(&mut self) {
        let (m, n) = (self.d.rows(), self.d.columns());
        let mut values: Vec<R> = (0..n).map(|i| self.d[(i, i)]).collect();
        for (j, value) in values.iter_mut().enumerate() {
            if *value >= R::zero() {
                continue;
            }
            *value = -*value;
            (0..n).for_each(|i| self.v[(i, j)] = -self.v[(i, j)]);
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&i, &j| total_order(values[j], values[i]));
        self.d = Matrix::from_fn(m, n, |i, j| if i == j { values[order[i]] } else { R::zero() });
        self.v = Matrix::from_fn(n, n, |i, j| self.v[(i, order[j])]);
        self.u = Matrix::from_fn(m, m, |i, j| self.u[(i, if j < n { order[j] } else { j })]);
        (0..n).for_each(|j| normalize(&mut self.v, j));
        (0..m).for_each(|j| normalize(&mut self.u, j));
    }
}
