//! See [`OPS`].

use num_traits::Float;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, by_dtype};
use savedmodel_tensor::{Complex32, Complex64, Result};

use crate::dense::lu::Lu;
use crate::dense::triangular::{self, Half};
use crate::dense::{Matrix, Real, Scalar, complex_schur, eigen, real_root, real_schur};
use crate::matrices::{map_square, square_shape};

/// The exponential, principal logarithm and principal square root of square matrices.
///
/// A real matrix with a negative eigenvalue has no real root: the result is NaN.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MatrixExponential>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MatrixLogarithm>,
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/MatrixSquareRoot>
pub const OPS: &[Op] = &[
    op("MatrixExponential", by_dtype!("T"; exponential: f32 f64 Complex32 Complex64)),
    Op {
        attrs: &["T: {complex64, complex128}"],
        ..op("MatrixLogarithm", by_dtype!("T"; logarithm: Complex32 Complex64))
    },
    op("MatrixSquareRoot", by_dtype!("T"; real_root: f32 f64; complex_root: Complex32 Complex64)),
];

const fn op(name: &'static str, kernels: Kernels) -> Op {
    Op {
        name,
        inputs: &["input: T"],
        outputs: &["output: T"],
        attrs: &["T: {double, float, half, complex64, complex128}"],
        effect: Effect::Pure,
        shape: square_shape,
        kernels,
    }
}

fn kernel<T: Scalar>(f: fn(Matrix<T>) -> Result<Matrix<T>>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |ctx: &mut Context<'_>| map_square::<T>(ctx, f)))
}

fn exponential<T: Scalar>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    kernel::<T>(|matrix| Ok(exp(&matrix)))
}

fn logarithm<T: Scalar>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    kernel::<T>(|matrix| {
        let n = matrix.rows();
        let Some((t, u)) = schur(matrix) else { return Ok(nans(n)) };
        Ok(u.times(&log_triangular(t)).times(&u.adjoint()))
    })
}

fn complex_root<T: Scalar>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    kernel::<T>(root)
}

fn real_root<R: Real>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    kernel::<R>(|matrix| {
        let n = matrix.rows();
        let Some((t, Some(u))) = real_schur::decompose(&matrix, true) else { return Ok(nans(n)) };
        let negative = |value: &R::Complex| value.imaginary() == R::zero() && value.real() < R::zero();
        if eigen::block_values(&t).iter().any(negative) {
            return Ok(nans(n));
        }
        Ok(u.times(&real_root::of_blocks(&t)).times(&u.transpose()))
    })
}

/// What is there where a decomposition fails: TensorFlow does not ask whether it was successful.
fn nans<T: Scalar>(n: usize) -> Matrix<T> {
    let nan = T::Real::of(f64::NAN);
    Matrix::from_fn(n, n, |_, _| T::of_parts(nan, nan))
}

fn schur<T: Scalar>(matrix: Matrix<T>) -> Option<(Matrix<T>, Matrix<T>)> {
    match complex_schur::decompose(matrix, true) {
        Some((t, Some(u))) => Some((t.upper(), u)),
        _ => None,
    }
}

fn root<T: Scalar>(matrix: Matrix<T>) -> Result<Matrix<T>> {
    let n = matrix.rows();
    let Some((t, u)) = schur(matrix) else { return Ok(nans(n)) };
    Ok(u.times(&complex_schur::triangular_root(&t)).times(&u.adjoint()))
}

/// The largest sum of absolute values of a column.
fn norm<T: Scalar>(matrix: &Matrix<T>) -> T::Real {
    (0..matrix.columns()).fold(T::Real::of(0.0), |most, j| {
        let sum = matrix.column(j, 0).iter().fold(T::Real::of(0.0), |sum, x| sum + x.modulus());
        if sum > most || sum.is_nan() { sum } else { most }
    })
}

/// Degrees of approximation, and the norms up to which they serve single and double precision (Higham, 2005).
const DEGREES: [(usize, f64, f64); 5] = [
    (3, 0.4258, 0.014_956),
    (5, 1.88, 0.253_94),
    (7, 3.9257, 0.950_418),
    (9, 0.0, 2.097_848),
    (13, 0.0, 5.371_92),
];

/// The exponential by Padé approximation, scaling and squaring.
fn exp<T: Scalar>(matrix: &Matrix<T>) -> Matrix<T> {
    let n = matrix.rows();
    let single = T::Real::EPSILON > T::Real::of(1e-10);
    let length = norm(matrix);
    if !length.is_finite() {
        return Matrix::from_fn(n, n, |_, _| T::of_real(T::Real::of(f64::NAN)));
    }
    let bound = |degree: &(usize, f64, f64)| T::Real::of(if single { degree.1 } else { degree.2 });
    if let Some(degree) = DEGREES.iter().find(|degree| length < bound(degree)) {
        return pade(matrix, degree.0);
    }
    let (degree, most) = if single { (7, DEGREES[2].1) } else { (13, DEGREES[4].2) };
    let squarings = Float::max((length / T::Real::of(most)).log2().ceil(), T::Real::of(0.0));
    let count = num_traits::ToPrimitive::to_usize(&squarings).unwrap_or(0);
    let scaled = matrix.scaled(T::Real::of(0.5).powf(squarings));
    (0..count).fold(pade(&scaled, degree), |x, _| x.times(&x))
}

/// The Padé approximation of the exponential of equal degrees: `(V - U)^-1 (V + U)`.
fn pade<T: Scalar>(a: &Matrix<T>, degree: usize) -> Matrix<T> {
    let n = a.rows();
    let mut coefficients = vec![1.0_f64];
    for k in 1..=degree {
        let last = coefficients[k - 1];
        coefficients.push(last * (degree - k + 1) as f64 / ((2 * degree - k + 1) as f64 * k as f64));
    }
    let square = a.times(a);
    let mut power = Matrix::<T>::identity(n, n);
    let (mut odd, mut even) = (Matrix::zeros(n, n), Matrix::zeros(n, n));
    for k in (0..=degree).step_by(2) {
        let with = |sum: &Matrix<T>, k: usize| {
            let factor = coefficients.get(k).map_or(T::Real::of(0.0), |&c| T::Real::of(c));
            sum.zip(&power, |sum, x| sum + x.times(factor))
        };
        (even, odd) = (with(&even, k), with(&odd, k + 1));
        if k + 2 <= degree {
            power = power.times(&square);
        }
    }
    let u = a.times(&odd);
    Lu::of(even.zip(&u, |v, u| v - u)).solve(&even.zip(&u, |v, u| v + u))
}

/// Nodes and weights of Gauss and Legendre on the interval from zero to one: seven points.
const NODES: [(f64, f64); 7] = [
    (0.025_446_043_828_620_736, 0.064_742_483_084_434_85),
    (0.129_234_407_200_302_78, 0.139_852_695_744_638_32),
    (0.297_077_424_311_301_4, 0.190_915_025_252_559_46),
    (0.5, 0.208_979_591_836_734_7),
    (0.702_922_575_688_698_6, 0.190_915_025_252_559_46),
    (0.870_765_592_799_697_2, 0.139_852_695_744_638_32),
    (0.974_553_956_171_379_2, 0.064_742_483_084_434_85),
];

/// The logarithm of an upper triangular matrix: roots until it is near the identity, then a Padé approximation.
fn log_triangular<T: Scalar>(t: Matrix<T>) -> Matrix<T> {
    let n = t.rows();
    let exact: Vec<T> = (0..n).map(|i| log_scalar(t[(i, i)])).collect();
    let (mut root, mut count) = (t, 0);
    let one = Matrix::identity(n, n);
    while norm(&root.zip(&one, |x, y| x - y)) > T::Real::of(0.25) && count < 100 {
        root = complex_schur::triangular_root(&root);
        count += 1;
    }
    let x = root.zip(&one, |x, y| x - y);
    let mut sum = Matrix::zeros(n, n);
    for (node, weight) in NODES {
        let left = one.zip(&x.scaled(T::Real::of(node)), |x, y| x + y);
        let mut part = x.scaled(T::Real::of(weight));
        triangular::solve(&left, Half::Upper, &mut part);
        sum = sum.zip(&part, |x, y| x + y);
    }
    let mut log = sum.scaled(T::Real::of(2.0).powi(count));
    exact.into_iter().enumerate().for_each(|(i, value)| log[(i, i)] = value);
    log
}

fn log_scalar<T: Scalar>(x: T) -> T {
    T::of_parts(x.modulus().ln(), x.imaginary().atan2(x.real()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn table() {
        let (exp, log, root) = ("MatrixExponential", "MatrixLogarithm", "MatrixSquareRoot");
        savedmodel_op::testing::check_rows(
            crate::OPS,
            &[
                (exp, "", "float[2,2] 0 1 0 0", "float[2,2] 1 1 0 1"),
                (exp, "", "double[1,1,1] 3", "double[1,1,1] 20.085536923187668"),
                (exp, "", "double[2,2] 0 -3.141592653589793 3.141592653589793 0", "double[2,2] -1 0 0 -1"),
                (exp, "", "complex64[1,1] 0+1i", "complex64[1,1] 0.5403023+0.841471i"),
                (log, "", "complex128[2,2] 1+0i 2+0i 0+0i 1+0i", "complex128[2,2] 0+0i 2+0i 0+0i 0+0i"),
                (log, "", "complex64[1,1] -1+0i", "complex64[1,1] 0+3.1415927i"),
                (root, "", "float[2,2] 4 0 0 9", "float[2,2] 2 0 0 3"),
                (root, "", "double[2,2] 4 1 0 4", "double[2,2] 2 0.25 0 2"),
                (root, "", "float[1,1] -4", "float[1,1] NaN"),
                (root, "", "complex64[1,1] -4+0i", "complex64[1,1] 0+2i"),
                (root, "", "float[0,0]", "float[0,0]"),
                (exp, "", "float[1,2] 1 2", "INVALID_ARGUMENT: Input matrix must be square."),
            ],
        );
    }
}
