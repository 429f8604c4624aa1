//! The math operators: element-wise arithmetic and functions, comparisons, casts, reductions, scans, segments.
//!
//! Start reading at [`elementwise`], whose drivers run most of them.
#![forbid(unsafe_code)]

use savedmodel_op::Op;

mod arithmetic;
mod complex;
pub mod elementwise;
#[cfg(test)]
mod testing;

/// The operators of this family.
pub const OPS: &[&[Op]] = &[arithmetic::OPS];
