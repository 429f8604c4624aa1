//! Decompositions of dense matrices, of real and complex numbers.
//!
//! They choose signs, phases and orders as Eigen does, with which TensorFlow computes. Start at [`Matrix`] and [`Scalar`].

pub mod bidiagonal_svd;
pub mod cholesky;
pub mod complex_schur;
pub mod eigen;
pub mod hessenberg;
pub mod householder;
pub mod jacobi_svd;
pub mod jacobi_sweeps;
pub mod loops;
pub mod lu;
mod matrix;
pub mod one_sided_jacobi;
pub mod orthogonal_solve;
pub mod pivoted_qr;
pub mod qr;
pub mod real_root;
pub mod real_schur;
pub mod rotation;
mod scalar;
pub mod self_adjoint;
pub mod triangular;

pub use matrix::Matrix;
pub use scalar::{Real, Scalar};
