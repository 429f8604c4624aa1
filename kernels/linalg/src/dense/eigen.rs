//! Eigenvalues and eigenvectors of any square matrix.

use num_traits::{Float, Zero};

use super::complex_schur;
use super::real_schur;
use super::{Matrix, Real, Scalar};

/// Eigenvalues, and a matrix of which each column is an eigenvector of length one, if asked for.
pub type Eigen<C> = (Vec<C>, Option<Matrix<C>>);

/// Of a complex matrix, the eigenvalue of least absolute value first. `None` when the iteration does not end.
pub fn of_complex<C: Scalar<Complex = C>>(a: Matrix<C>, with_vectors: bool) -> Option<Eigen<C>> {
    let n = a.rows();
    let (t, u) = complex_schur::decompose(a, with_vectors)?;
    let mut values: Vec<C> = (0..n).map(|i| t[(i, i)]).collect();
    let mut vectors = u.map(|u| {
        let x = triangular_vectors(&t);
        normalized(u.times(&x))
    });
    for i in 0..n {
        let mut least = i;
        for j in i + 1..n {
            if values[j].modulus() < values[least].modulus() {
                least = j;
            }
        }
        values.swap(i, least);
        if let Some(vectors) = &mut vectors {
            vectors.swap_columns(i, least);
        }
    }
    Some((values, vectors))
}

/// The eigenvectors of an upper triangular matrix, with ones on the diagonal.
fn triangular_vectors<C: Scalar>(t: &Matrix<C>) -> Matrix<C> {
    let n = t.rows();
    let square = t.data().iter().fold(C::Real::of(0.0), |sum, x| sum + x.squared_modulus());
    let small = C::of_real(Float::max(square.sqrt(), C::Real::TINY) * C::Real::EPSILON);
    let mut x = Matrix::identity(n, n);
    for k in 0..n {
        for i in (0..k).rev() {
            let sum = (i + 1..k).fold(-t[(i, k)], |sum, j| sum - t[(i, j)] * x[(j, k)]);
            let difference = t[(i, i)] - t[(k, k)];
            x[(i, k)] = sum.over(if difference == C::zero() { small } else { difference });
        }
    }
    x
}

/// Of a real matrix, in the order of its Schur form. `None` when the iteration does not end or gives no numbers.
pub fn of_real<R: Real>(a: &Matrix<R>, with_vectors: bool) -> Option<Eigen<R::Complex>> {
    let (t, u) = real_schur::decompose(a, with_vectors)?;
    let values = block_values(&t);
    if !values.iter().all(|value| value.is_all_finite()) {
        return None;
    }
    let vectors = u.map(|u| {
        let n = t.rows();
        let norm = t.data().iter().fold(R::zero(), |sum, &x| sum + Float::abs(x));
        let mut x = Matrix::zeros(n, n);
        for (k, &value) in values.iter().enumerate() {
            let column =
                if norm == R::zero() {
                    (0..n)
                        .map(|i| {
                            if i == k {
                                R::Complex::of_real(R::one())
                            } else {
                                R::Complex::of_real(R::zero())
                            }
                        })
                        .collect()
                } else {
                    block_vector(&t, &values, k, value, norm)
                };
            column.into_iter().enumerate().for_each(|(i, element)| x[(i, k)] = element);
        }
        normalized(u.map(|x| x.to_complex()).times(&x))
    });
    Some((values, vectors))
}

/// The eigenvalues of a matrix with blocks of one or two rows on its diagonal.
pub fn block_values<R: Real>(t: &Matrix<R>) -> Vec<R::Complex> {
    let n = t.rows();
    let mut values = Vec::with_capacity(n);
    while values.len() < n {
        let i = values.len();
        if i + 1 == n || t[(i + 1, i)] == R::zero() {
            values.push(R::Complex::of_real(t[(i, i)]));
            continue;
        }
        let p = R::of(0.5) * (t[(i, i)] - t[(i + 1, i + 1)]);
        let (below, above) = (t[(i + 1, i)], t[(i, i + 1)]);
        let scale = Float::max(Float::abs(p), Float::max(Float::abs(below), Float::abs(above)));
        let (q, product) = (p / scale, (below / scale) * (above / scale));
        let z = scale * Float::abs(q * q + product).sqrt();
        let real = t[(i + 1, i + 1)] + p;
        values.push(R::Complex::of_parts(real, z));
        values.push(R::Complex::of_parts(real, -z));
    }
    values
}

/// The eigenvector of T for eigenvalue `k`, up to its length: one at a row of its own, `i` at the second of two rows.
fn block_vector<R: Real>(
    t: &Matrix<R>,
    values: &[R::Complex],
    k: usize,
    value: R::Complex,
    norm: R,
) -> Vec<R::Complex> {
    let (zero, n) = (R::zero(), t.rows());
    let lift = |x: R| R::Complex::of_real(x);
    let mut x = vec![<R::Complex as Zero>::zero(); n];
    let mut rows = k;
    if value.imaginary() == zero {
        x[k] = lift(R::one());
    } else {
        let second = if value.imaginary() > zero { k + 1 } else { k };
        let upright = value.imaginary() > zero;
        let unit = R::Complex::of_parts(zero, if upright { R::one() } else { -R::one() });
        x[second] = unit;
        let (below, above) = (t[(second, second - 1)], t[(second - 1, second)]);
        x[second - 1] = if Float::abs(below) > Float::abs(above) {
            ((value - lift(t[(second, second)])) * unit).over(lift(below))
        } else {
            (-lift(above) * unit).over(lift(t[(second - 1, second - 1)]) - value)
        };
        rows = second - 1;
    }
    while rows > 0 {
        let i = rows - 1;
        let sum = |row: usize, x: &[R::Complex]| {
            (rows..n).fold(<R::Complex as Zero>::zero(), |sum, j| sum + x[j].times(t[(row, j)]))
        };
        if values[i].imaginary() == zero {
            let difference = lift(t[(i, i)]) - value;
            let divisor =
                if difference == <R::Complex as Zero>::zero() { lift(R::EPSILON * norm) } else { difference };
            x[i] = (-sum(i, &x)).over(divisor);
            rows -= 1;
        } else {
            let (top, bottom) = (-sum(i - 1, &x), -sum(i, &x));
            let (a, d) = (lift(t[(i - 1, i - 1)]) - value, lift(t[(i, i)]) - value);
            let (b, c) = (lift(t[(i - 1, i)]), lift(t[(i, i - 1)]));
            let determinant = a * d - b * c;
            let small = lift(R::EPSILON * norm * norm);
            let determinant = if determinant == <R::Complex as Zero>::zero() { small } else { determinant };
            x[i - 1] = (top * d - b * bottom).over(determinant);
            x[i] = (a * bottom - c * top).over(determinant);
            rows -= 2;
        }
    }
    x
}

/// The matrix with columns of length one.
fn normalized<C: Scalar>(mut matrix: Matrix<C>) -> Matrix<C> {
    for j in 0..matrix.columns() {
        let largest =
            (0..matrix.rows()).fold(C::Real::of(0.0), |most, i| Float::max(most, matrix[(i, j)].modulus()));
        if largest == C::Real::of(0.0) {
            continue;
        }
        let part = |i: usize, matrix: &Matrix<C>| matrix[(i, j)].times(C::Real::of(1.0) / largest);
        let square =
            (0..matrix.rows()).fold(C::Real::of(0.0), |sum, i| sum + part(i, &matrix).squared_modulus());
        for i in 0..matrix.rows() {
            matrix[(i, j)] = part(i, &matrix).times(C::Real::of(1.0) / square.sqrt());
        }
    }
    matrix
}
