//! Rotations of two rows or columns (Givens and Jacobi).

use num_traits::Float;

use super::{Matrix, Real, Scalar, loops};

/// The rotation `[c, conjugate(s); -s, conjugate(c)]` of two rows.
#[derive(Clone, Copy, Debug)]
pub struct Rotation<T> {
    /// Cosine.
    pub c: T,
    /// Sine.
    pub s: T,
}

impl<T: Scalar> Rotation<T> {
    /// The rotation `G` for which the adjoint of `G` turns `(p, q)` into `(r, 0)`, and `r`.
    pub fn givens(p: T, q: T) -> (Rotation<T>, T) {
        if T::IS_COMPLEX { givens_complex(p, q) } else { givens_real(p, q) }
    }

    /// The adjoint rotation.
    pub fn adjoint(self) -> Rotation<T> {
        Rotation { c: self.c.conjugate(), s: -self.s }
    }

    /// The transposed rotation.
    pub fn transpose(self) -> Rotation<T> {
        Rotation { c: self.c, s: -self.s.conjugate() }
    }

    /// This rotation after another.
    pub fn after(self, other: Rotation<T>) -> Rotation<T> {
        Rotation {
            c: self.c * other.c - self.s.conjugate() * other.s,
            s: (self.c * other.s.conjugate() + self.s.conjugate() * other.c.conjugate()).conjugate(),
        }
    }

    /// Turns rows `p` and `q` from column `start` on.
    pub fn rows(self, matrix: &mut Matrix<T>, (p, q): (usize, usize), start: usize) {
        let (x, y) = matrix.two_rows(p.min(q), p.max(q));
        let (x, y) = if p < q { (x, y) } else { (y, x) };
        loops::rotate(self.c, self.s, &mut x[start..], &mut y[start..]);
    }

    /// Turns columns `p` and `q` of the first `end` rows: the matrix times this rotation.
    pub fn columns(self, matrix: &mut Matrix<T>, (p, q): (usize, usize), end: usize) {
        let Rotation { c, s } = self.transpose();
        let columns = matrix.columns();
        for row in matrix.data_mut()[..end * columns].chunks_exact_mut(columns) {
            let (x, y) = (row[p], row[q]);
            row[p] = c * x + s.conjugate() * y;
            row[q] = c.conjugate() * y - s * x;
        }
    }
}

impl<R: Real> Rotation<R> {
    /// The rotation that makes the symmetric matrix `[x, y; y, z]` diagonal.
    pub fn jacobi(x: R, y: R, z: R) -> Rotation<R> {
        let denominator = R::of(2.0) * Float::abs(y);
        if denominator < R::TINY {
            return Rotation { c: R::one(), s: R::zero() };
        }
        let tau = (x - z) / denominator;
        let w = (tau * tau + R::one()).sqrt();
        let t = R::one() / if tau > R::zero() { tau + w } else { tau - w };
        let n = R::one() / (t * t + R::one()).sqrt();
        let sign = if t > R::zero() { R::one() } else { -R::one() };
        Rotation { c: n, s: -sign * (y / Float::abs(y)) * Float::abs(t) * n }
    }

    /// The same rotation of complex numbers.
    pub fn widen<T: Scalar<Real = R>>(self) -> Rotation<T> {
        Rotation { c: T::of_real(self.c), s: T::of_real(self.s) }
    }
}

fn givens_real<T: Scalar>(p: T, q: T) -> (Rotation<T>, T) {
    let (zero, one) = (T::Real::of(0.0), T::Real::of(1.0));
    let (p, q) = (p.real(), q.real());
    let (c, s, r) = if q == zero {
        (if p < zero { -one } else { one }, zero, Float::abs(p))
    } else if p == zero {
        (zero, if q < zero { one } else { -one }, Float::abs(q))
    } else if Float::abs(p) > Float::abs(q) {
        let t = q / p;
        let u = (one + t * t).sqrt();
        let u = if p < zero { -u } else { u };
        (one / u, -t * (one / u), p * u)
    } else {
        let t = p / q;
        let u = (one + t * t).sqrt();
        let u = if q < zero { -u } else { u };
        let s = -one / u;
        (-t * s, s, q * u)
    };
    (Rotation { c: T::of_real(c), s: T::of_real(s) }, T::of_real(r))
}

fn givens_complex<T: Scalar>(p: T, q: T) -> (Rotation<T>, T) {
    let (zero, one) = (T::Real::of(0.0), T::Real::of(1.0));
    if q == T::zero() {
        let c = T::of_real(if p.real() < zero { -one } else { one });
        return (Rotation { c, s: T::zero() }, c * p);
    }
    if p == T::zero() {
        let length = q.modulus();
        return (Rotation { c: T::zero(), s: (-q).times(one / length) }, T::of_real(length));
    }
    let scale = Float::max(p.parts(), q.parts());
    let (ps, qs) = (p.times(one / scale), q.times(one / scale));
    let (p2, q2) = (ps.squared_modulus(), qs.squared_modulus());
    let sign = if p.real() < zero { -one } else { one };
    if p.parts() >= q.parts() {
        let u = sign * (one + q2 / p2).sqrt();
        let c = one / u;
        (Rotation { c: T::of_real(c), s: -(qs * ps.conjugate()).times(c / p2) }, p.times(u))
    } else {
        let u = sign * scale * (p2 + q2).sqrt();
        let length = p.modulus();
        let direction = p.times(one / length);
        let s = -(direction.conjugate() * q).times(one / u);
        (Rotation { c: T::of_real(length / u), s }, direction.times(u))
    }
}
