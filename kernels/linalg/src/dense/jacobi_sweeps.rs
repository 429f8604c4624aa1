//! Eigenvalues of symmetric matrices by rotations of all pairs of rows in turn, as TensorFlow's compiler computes them.
//!
//! A matrix of even size `2k` is a tournament: row `i < k` plays row `k + i`, and after `2k - 1` rounds each has played each. Source: R. Brent and F. Luk,
//! "The solution of singular-value and symmetric eigenvalue problems on multiprocessor arrays", SIAM J. Sci. Stat. Comput. 6 (1985).

use num_traits::Float;

use super::{Matrix, Real};

/// When to stop: after so many sweeps, or when the squares off the diagonal are that small a part of all.
#[derive(Clone, Copy)]
pub struct Patience<R> {
    pub sweeps: i64,
    pub tolerance: R,
}

/// A matrix that becomes diagonal, and the product of the rotations.
#[derive(Clone, PartialEq)]
struct Tournament<R> {
    w: Matrix<R>,
    v: Matrix<R>,
}

/// A plane rotation of a pair of rows, and what it makes of their two elements on the diagonal.
struct Turn<R> {
    c: R,
    s: R,
    ends: [R; 2],
}

/// Eigenvalues in ascending order, and eigenvectors as columns.
pub type Decomposition<R> = (Vec<R>, Matrix<R>);

/// The decompositions of matrices of one size, which must be symmetric, and are turned until all of them are diagonal.
pub fn decompose<R: Real>(matrices: &[Matrix<R>], patience: Patience<R>) -> Vec<Decomposition<R>> {
    let n = matrices.first().map_or(0, Matrix::rows);
    if n <= 1 {
        return matrices.iter().map(|a| (a.data().to_vec(), a.map(|_| R::one()))).collect();
    }
    let mut all: Vec<_> = matrices.iter().map(Tournament::of).collect();
    for _ in 0..patience.sweeps {
        if !all.iter().any(|one| one.is_to_go_on(patience.tolerance)) {
            break;
        }
        let before = all.clone();
        all.iter_mut().for_each(Tournament::sweep);
        if all == before {
            break;
        }
    }
    all.into_iter().map(|one| one.finish(n)).collect()
}

impl<R: Real> Tournament<R> {
    fn of(a: &Matrix<R>) -> Tournament<R> {
        let (n, size) = (a.rows(), a.rows().next_multiple_of(2));
        let w = Matrix::from_fn(size, size, |i, j| if i.max(j) < n { a[(i, j)] } else { R::zero() });
        Tournament { w, v: Matrix::identity(size, size) }
    }

    fn is_to_go_on(&self, tolerance: R) -> bool {
        let (mut all, mut off_diagonal) = (R::zero(), R::zero());
        for i in 0..self.w.rows() {
            for (j, &x) in self.w.row(i).iter().enumerate() {
                all += x * x;
                off_diagonal += if i == j { R::zero() } else { x * x };
            }
        }
        all * (tolerance * tolerance) < off_diagonal
    }

    fn sweep(&mut self) {
        let size = self.w.rows();
        let half = size / 2;
        // Who was where before a round: the first stays, the others move around.
        let mut from: Vec<usize> = (0..size).collect();
        if half > 1 {
            from[1] = half;
            (2..half).for_each(|i| from[i] = i - 1);
            (half..size - 1).for_each(|i| from[i] = i + 1);
            from[size - 1] = half - 1;
        }
        for _ in 0..size - 1 {
            self.round(half);
            self.w = Matrix::from_fn(size, size, |i, j| self.w[(from[i], from[j])]);
            self.v = Matrix::from_fn(size, size, |i, j| self.v[(from[i], j)]);
        }
    }

    fn round(&mut self, half: usize) {
        let turns: Vec<Turn<R>> = (0..half).map(|i| self.turn(i, half + i)).collect();
        for (i, turn) in turns.iter().enumerate() {
            for matrix in [&mut self.w, &mut self.v] {
                let (top, bottom) = matrix.two_rows(i, half + i);
                for (x, y) in top.iter_mut().zip(bottom) {
                    (*x, *y) = (*x * turn.c - *y * turn.s, *x * turn.s + *y * turn.c);
                }
            }
        }
        for row in 0..2 * half {
            let (left, right) = self.w.row_mut(row).split_at_mut(half);
            for ((x, y), turn) in left.iter_mut().zip(right).zip(&turns) {
                (*x, *y) = (*x * turn.c - *y * turn.s, *x * turn.s + *y * turn.c);
            }
        }
        for (i, turn) in turns.iter().enumerate() {
            let [first, second] = turn.ends;
            (self.w[(i, i)], self.w[(half + i, half + i)]) = (first, second);
            (self.w[(i, half + i)], self.w[(half + i, i)]) = (R::zero(), R::zero());
        }
    }

    fn turn(&self, i: usize, j: usize) -> Turn<R> {
        let (first, off, second) = (self.w[(i, i)], self.w[(i, j)], self.w[(j, j)]);
        let tau = (second - first) / (R::of(2.0) * off);
        let root = (R::one() + tau * tau).sqrt();
        let mut t = R::one() / (tau + if tau >= R::zero() { root } else { -root });
        // In every precision, the distance between numbers of single precision.
        let tiny = R::of(f64::from(0.1_f32 * f32::EPSILON));
        if off.abs() <= tiny * Float::min(first.abs(), second.abs()) {
            t = R::zero();
        }
        let c = R::one() / (R::one() + t * t).sqrt();
        Turn { c, s: t * c, ends: [first - t * off, second + t * off] }
    }

    fn finish(self, n: usize) -> Decomposition<R> {
        let values: Vec<R> = (0..n).map(|i| self.w[(i, i)]).collect();
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&i, &j| total_order(values[i], values[j]));
        let vectors = Matrix::from_fn(n, n, |i, j| self.v[(order[j], i)]);
        (order.into_iter().map(|i| values[i]).collect(), vectors)
    }
}

/// The order in which NaN with a sign comes first, NaN without one last.
pub fn total_order<R: Real>(a: R, b: R) -> std::cmp::Ordering {
    let key = |x: R| x.to_f64().unwrap_or(f64::NAN);
    key(a).total_cmp(&key(b))
}
