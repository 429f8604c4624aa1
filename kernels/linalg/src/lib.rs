//! The linear-algebra operators: matrix products, decompositions and solvers.
//!
//! Start reading at [`OPS`]. All products go through `product`, which chooses the routine of an element type;
//! decompositions of one matrix are in `dense`, `matrices` runs them on batches.
#![forbid(unsafe_code)]

use savedmodel_op::Op;

mod banded_triangular_solve;
mod batch_matmul;
mod cholesky;
mod dense;
mod determinant;
mod eig;
mod einsum;
mod fused_matmul;
mod half;
mod lu;
mod matmul;
mod matrices;
mod matrix_functions;
mod matrix_inverse;
mod matrix_solve;
mod matrix_solve_ls;
mod matrix_triangular_solve;
mod pairs;
mod product;
mod qr;
mod self_adjoint_eig;
mod sparse_mat_mul;
mod svd;
mod tridiagonal_mat_mul;
mod tridiagonal_solve;
mod xla_decompositions;

/// Every operator of the family.
pub static OPS: &[&[Op]] = &[
    batch_matmul::OPS,
    cholesky::OPS,
    determinant::OPS,
    fused_matmul::OPS,
    matrix_functions::OPS,
    matrix_inverse::OPS,
    matrix_solve::OPS,
    matrix_solve_ls::OPS,
    matrix_triangular_solve::OPS,
    self_adjoint_eig::OPS,
    svd::OPS,
    xla_decompositions::OPS,
    &[
        banded_triangular_solve::OP,
        eig::OP,
        einsum::OP,
        lu::OP,
        matmul::OP,
        qr::OP,
        sparse_mat_mul::OP,
        tridiagonal_mat_mul::OP,
        tridiagonal_solve::OP,
    ],
];
