//! The neural-network operators: activations, convolutions, pooling, normalisation, recurrent cells, quantisation.
//!
//! Start reading at [`OPS`].
#![forbid(unsafe_code)]

use savedmodel_op::Op;

mod activation;
mod bias_add;
mod softmax;

/// Every operator of the family.
pub const OPS: &[&[Op]] = &[activation::OPS, bias_add::OPS, softmax::OPS];
