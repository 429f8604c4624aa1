//! The linear-algebra operators: matrix products, decompositions and solvers.
//!
//! Start reading at [`OPS`]. All products go through `product`, which chooses the routine of an element type.
#![forbid(unsafe_code)]

use savedmodel_op::Op;

mod batch_matmul;
mod einsum;
mod fused_matmul;
mod matmul;
mod product;

/// Every operator of the family.
pub const OPS: &[&[Op]] = &[batch_matmul::OPS, &[fused_matmul::OP, einsum::OP, matmul::OP]];
