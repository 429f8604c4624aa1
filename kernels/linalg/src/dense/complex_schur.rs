//! The complex Schur form: `A = U T U*` with an upper triangular T.

use super::hessenberg;
use super::rotation::Rotation;
use super::{Matrix, Real, Scalar, loops};

/// Steps for each row before giving up.
const STEPS: usize = 30;

/// `(T, U)`; U only if asked for. `None` when the iteration does not end.
pub fn decompose<T: Scalar>(a: Matrix<T>, with_u: bool) -> Option<(Matrix<T>, Option<Matrix<T>>)> {
    let n = a.rows();
    if n <= 1 {
        return Some((a, with_u.then(|| Matrix::identity(n, n))));
    }
    let (mut t, u) = hessenberg::reduce(a, with_u);
    // The transpose of U, whose rows are adjacent where steps turn columns of U.
    let mut u = u.map(|u| u.transpose());
    let (mut last, mut since, mut total) = (n - 1, 0, 0);
    loop {
        while last > 0 && is_negligible(&mut t, last - 1) {
            since = 0;
            last -= 1;
        }
        if last == 0 {
            return Some((t, u.map(|u| u.transpose())));
        }
        since += 1;
        total += 1;
        if total > STEPS * n {
            return None;
        }
        let mut first = last - 1;
        while first > 0 && !is_negligible(&mut t, first - 1) {
            first -= 1;
        }
        let shift = shift(&t, last, since);
        step(&mut t, u.as_mut(), first, last, shift);
    }
}

/// Whether the element below the diagonal in column `i` is as good as zero; then it is made so.
fn is_negligible<T: Scalar>(t: &mut Matrix<T>, i: usize) -> bool {
    let around = t[(i, i)].parts() + t[(i + 1, i + 1)].parts();
    let negligible = t[(i + 1, i)].parts() <= around * T::Real::EPSILON;
    if negligible {
        t[(i + 1, i)] = T::zero();
    }
    negligible
}

/// An eigenvalue of the last two rows, or something else when that has not helped for long.
fn shift<T: Scalar>(t: &Matrix<T>, last: usize, since: usize) -> T {
    let abs = |x: T::Real| num_traits::Float::abs(x);
    if (since == 10 || since == 20) && last > 1 {
        return T::of_real(abs(t[(last, last - 1)].real()) + abs(t[(last - 1, last - 2)].real()));
    }
    let block = [(last - 1, last - 1), (last - 1, last), (last, last - 1), (last, last)].map(|at| t[at]);
    let norm = block.iter().fold(T::Real::of(0.0), |sum, x| sum + x.modulus());
    let [a, b, c, d] = block.map(|x| T::of_parts(x.real() / norm, x.imaginary() / norm));
    let (product, difference, trace) = (b * c, a - d, a + d);
    let root = (difference * difference + product.times(T::Real::of(4.0))).root();
    let determinant = a * d - product;
    let half = T::Real::of(0.5);
    let (mut one, mut two) = ((trace + root).times(half), (trace - root).times(half));
    if one.parts() > two.parts() {
        two = determinant.over(one);
    } else if two.parts() != T::Real::of(0.0) {
        one = determinant.over(two);
    }
    if (one - d).parts() < (two - d).parts() { one.times(norm) } else { two.times(norm) }
}

/// One step on the rows from `first` to `last`, chasing the bulge down.
fn step<T: Scalar>(t: &mut Matrix<T>, mut u: Option<&mut Matrix<T>>, first: usize, last: usize, shift: T) {
    let (mut rotation, _) = Rotation::givens(t[(first, first)] - shift, t[(first + 1, first)]);
    for i in first..last {
        if i > first {
            let (next, r) = Rotation::givens(t[(i, i - 1)], t[(i + 1, i - 1)]);
            rotation = next;
            t[(i, i - 1)] = r;
            t[(i + 1, i - 1)] = T::zero();
        }
        rotation.adjoint().rows(t, (i, i + 1), i);
        rotation.columns(t, (i, i + 1), (i + 2).min(last) + 1);
        if let Some(u) = &mut u {
            rotation.transpose().rows(u, (i, i + 1), 0);
        }
    }
}

/// The principal square root of an upper triangular matrix.
pub fn triangular_root<T: Scalar>(t: &Matrix<T>) -> Matrix<T> {
    let n = t.rows();
    // Columns of the root, conjugated: a sum of products is then one of adjacent numbers.
    let (mut root, mut turned) = (Matrix::zeros(n, n), Matrix::zeros(n, n));
    for j in 0..n {
        for i in (0..=j).rev() {
            let value = if i == j {
                t[(j, j)].root()
            } else {
                let products = loops::dot(&turned.row(j)[i + 1..j], &root.row(i)[i + 1..j]);
                (t[(i, j)] - products).over(root[(i, i)] + root[(j, j)])
            };
            root[(i, j)] = value;
            turned[(j, i)] = value.conjugate();
        }
    }
    root
}
