//! The real Schur form: `A = U T U'`, where T has blocks of one or two rows on its diagonal.

use num_traits::Float;

use super::hessenberg;
use super::householder::Reflection;
use super::rotation::Rotation;
use super::{Matrix, Real};

/// Steps for each row before giving up.
const STEPS: usize = 40;

/// An iteration towards the Schur form.
struct Schur<R> {
    t: Matrix<R>,
    /// The transpose of U, whose rows are adjacent where steps change columns of U.
    u: Option<Matrix<R>>,
    /// What was taken off the diagonal.
    shifted: R,
}

/// `(T, U)`; U only if asked for. `None` when the iteration does not end.
pub fn decompose<R: Real>(a: &Matrix<R>, with_u: bool) -> Option<(Matrix<R>, Option<Matrix<R>>)> {
    let n = a.rows();
    let scale = a.largest();
    if scale < R::TINY {
        return Some((Matrix::zeros(n, n), with_u.then(|| Matrix::identity(n, n))));
    }
    let (t, u) = hessenberg::reduce(a.divided(scale), with_u);
    let mut schur = Schur { t, u: u.map(|u| u.transpose()), shifted: R::zero() };
    schur.run()?;
    Some((schur.t.scaled(scale), schur.u.map(|u| u.transpose())))
}

impl<R: Real> Schur<R> {
    fn run(&mut self) -> Option<()> {
        let n = self.t.rows();
        let norm = self.t.data().iter().fold(R::zero(), |sum, &x| sum + Float::abs(x));
        let least = Float::max(norm * R::EPSILON * R::EPSILON, R::TINY);
        let (mut end, mut since, mut total) = (n, 0, 0);
        while end > 0 {
            let last = end - 1;
            let first = self.first_of_block(last, least);
            if first == last {
                self.t[(last, last)] += self.shifted;
                if last > 0 {
                    self.t[(last, last - 1)] = R::zero();
                }
                end -= 1;
                since = 0;
            } else if first + 1 == last {
                self.split(last);
                end -= 2;
                since = 0;
            } else {
                let shift = self.shift(last, since);
                since += 1;
                total += 1;
                if total > STEPS * n {
                    return None;
                }
                self.step(first, last, shift);
            }
        }
        Some(())
    }

    /// The first row of the block that ends with row `last`.
    fn first_of_block(&self, last: usize, least: R) -> usize {
        let t = &self.t;
        let mut first = last;
        while first > 0 {
            let around = Float::abs(t[(first - 1, first - 1)]) + Float::abs(t[(first, first)]);
            if Float::abs(t[(first, first - 1)]) <= Float::max(around * R::EPSILON, least) {
                break;
            }
            first -= 1;
        }
        first
    }

    /// Parts the last two rows off; makes them triangular if their eigenvalues are real.
    fn split(&mut self, last: usize) {
        let (t, n) = (&mut self.t, last - 1);
        let p = R::of(0.5) * (t[(n, n)] - t[(last, last)]);
        let q = p * p + t[(last, n)] * t[(n, last)];
        t[(last, last)] += self.shifted;
        t[(n, n)] += self.shifted;
        if q >= R::zero() {
            let z = Float::abs(q).sqrt();
            let (rotation, _) = Rotation::givens(if p >= R::zero() { p + z } else { p - z }, t[(last, n)]);
            rotation.adjoint().rows(t, (n, last), n);
            rotation.columns(t, (n, last), last + 1);
            t[(last, n)] = R::zero();
            if let Some(u) = &mut self.u {
                rotation.transpose().rows(u, (n, last), 0);
            }
        }
        if last > 1 {
            t[(n, n - 1)] = R::zero();
        }
    }

    /// The shift as two diagonal elements and a product; an exceptional one now and then.
    fn shift(&mut self, last: usize, since: usize) -> [R; 3] {
        let t = &mut self.t;
        let shift = [t[(last, last)], t[(last - 1, last - 1)], t[(last, last - 1)] * t[(last - 1, last)]];
        if since == 0 || !since.is_multiple_of(16) {
            return shift;
        }
        if !since.is_multiple_of(32) {
            self.shifted += shift[0];
            (0..=last).for_each(|i| t[(i, i)] -= shift[0]);
            let s = Float::abs(t[(last, last - 1)]) + Float::abs(t[(last - 1, last - 2)]);
            return [R::of(0.75) * s, R::of(0.75) * s, R::of(-0.4375) * s * s];
        }
        let half = (shift[1] - shift[0]) / R::of(2.0);
        let square = half * half + shift[2];
        if square <= R::zero() {
            return shift;
        }
        let root = if shift[1] < shift[0] { -square.sqrt() } else { square.sqrt() };
        let s = shift[0] - shift[2] / (root + half);
        self.shifted += s;
        (0..=last).for_each(|i| t[(i, i)] -= s);
        [R::of(0.964); 3]
    }

    /// Where a step may begin, and the first column of what it shifts.
    fn start(&self, first: usize, last: usize, shift: [R; 3]) -> (usize, [R; 3]) {
        let t = &self.t;
        let mut m = last - 2;
        loop {
            let (r, s) = (shift[0] - t[(m, m)], shift[1] - t[(m, m)]);
            let v = [
                (r * s - shift[2]) / t[(m + 1, m)] + t[(m, m + 1)],
                t[(m + 1, m + 1)] - t[(m, m)] - r - s,
                t[(m + 2, m + 1)],
            ];
            if m == first {
                return (m, v);
            }
            let left = t[(m, m - 1)] * (Float::abs(v[1]) + Float::abs(v[2]));
            let around =
                Float::abs(t[(m - 1, m - 1)]) + Float::abs(t[(m, m)]) + Float::abs(t[(m + 1, m + 1)]);
            if Float::abs(left) < R::EPSILON * v[0] * around {
                return (m, v);
            }
            m -= 1;
        }
    }

    /// Francis's step with two shifts at once.
    fn step(&mut self, first: usize, last: usize, shift: [R; 3]) {
        let (start, head) = self.start(first, last, shift);
        for k in start..last {
            let width = if k + 1 < last { 3 } else { 2 };
            let vector =
                if k == start { head.to_vec() } else { (0..width).map(|i| self.t[(k + i, k - 1)]).collect() };
            let (reflection, beta) = Reflection::of(&vector);
            if beta == R::zero() {
                continue;
            }
            if k > start {
                self.t[(k, k - 1)] = beta;
            } else if k > first {
                self.t[(k, k - 1)] = -self.t[(k, k - 1)];
            }
            reflection.left(&mut self.t, k, k);
            reflection.right(&mut self.t, last.min(k + 3) + 1, k);
            if let Some(u) = &mut self.u {
                reflection.left(u, k, 0);
            }
        }
        for i in start + 2..=last {
            self.t[(i, i - 2)] = R::zero();
            if i > start + 2 {
                self.t[(i, i - 3)] = R::zero();
            }
        }
    }
}
