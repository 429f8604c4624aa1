//! The principal square root of a real matrix in its Schur form (Björck and Hammarling; Higham for real blocks).

use num_traits::Float;

use super::lu::Lu;
use super::{Matrix, Real, loops};

/// The root of a matrix with blocks of one or two rows on its diagonal, none of which has a negative eigenvalue.
pub fn of_blocks<R: Real>(t: &Matrix<R>) -> Matrix<R> {
    let n = t.rows();
    let starts: Vec<usize> = (0..n).filter(|&i| i == 0 || t[(i, i - 1)] == R::zero()).collect();
    let size = |start: usize| if start + 1 < n && t[(start + 1, start)] != R::zero() { 2 } else { 1 };
    let mut root = Matrix::zeros(n, n);
    // Its transpose, whose rows are adjacent where sums of products need columns.
    let mut turned = Matrix::zeros(n, n);
    for (place, &j) in starts.iter().enumerate() {
        for &i in starts[..=place].iter().rev() {
            let (rows, columns) = (size(i), size(j));
            let block = if i == j {
                of_block(t, i, rows)
            } else {
                let inner = i + rows..j;
                let rest = Matrix::from_fn(rows, columns, |a, b| {
                    let products =
                        loops::dot(&root.row(i + a)[inner.clone()], &turned.row(j + b)[inner.clone()]);
                    t[(i + a, j + b)] - products
                });
                between(&root, i, j, rest)
            };
            for (a, b) in (0..rows).flat_map(|a| (0..columns).map(move |b| (a, b))) {
                root[(i + a, j + b)] = block[(a, b)];
                turned[(j + b, i + a)] = block[(a, b)];
            }
        }
    }
    root
}

/// The root of a block on the diagonal: one number, or two rows with a pair of complex eigenvalues.
fn of_block<R: Real>(t: &Matrix<R>, i: usize, size: usize) -> Matrix<R> {
    if size == 1 {
        return Matrix::of(1, 1, &[t[(i, i)].sqrt()]);
    }
    let half = R::of(0.5);
    let (a, b, c, d) = (t[(i, i)], t[(i, i + 1)], t[(i + 1, i)], t[(i + 1, i + 1)]);
    let (middle, p) = (half * (a + d), half * (a - d));
    // The imaginary part of the eigenvalues, whose squares may overflow.
    let scale = Float::max(Float::abs(p), Float::max(Float::abs(b), Float::abs(c)));
    let (q, product) = (p / scale, (b / scale) * (c / scale));
    let imaginary = scale * Float::abs(q * q + product).sqrt();
    let length = Float::hypot(middle, imaginary);
    let real = if middle >= R::zero() {
        (half * (length + middle)).sqrt()
    } else {
        imaginary / (R::of(2.0) * (half * (length - middle)).sqrt())
    };
    let twice = R::of(2.0) * real;
    Matrix::of(2, 2, &[real + p / twice, b / twice, c / twice, real - p / twice])
}

/// `X` with `S_i X + X S_j = rest`, where both are blocks on the diagonal of the root.
fn between<R: Real>(root: &Matrix<R>, i: usize, j: usize, rest: Matrix<R>) -> Matrix<R> {
    let (rows, columns) = (rest.rows(), rest.columns());
    if rows * columns == 1 {
        return rest.map(|rest| rest / (root[(i, i)] + root[(j, j)]));
    }
    let system = Matrix::from_fn(rows * columns, rows * columns, |equation, unknown| {
        let (a, b) = (equation / columns, equation % columns);
        let (c, d) = (unknown / columns, unknown % columns);
        let left = if b == d { root[(i + a, i + c)] } else { R::zero() };
        let right = if a == c { root[(j + d, j + b)] } else { R::zero() };
        left + right
    });
    let solution = Lu::of(system).solve(&Matrix::of(rows * columns, 1, rest.data()));
    Matrix::of(rows, columns, solution.data())
}
