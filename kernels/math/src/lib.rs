//! The math operators: element-wise arithmetic and functions, comparisons, casts, reductions, scans, segments.
//!
//! Start reading at [`elementwise`], whose drivers run most of them.
#![forbid(unsafe_code)]

use savedmodel_op::Op;

mod add;
mod arithmetic;
mod bitwise;
mod cast;
mod classes;
mod comparison;
mod complex;
mod division;
pub mod elementwise;
mod equal;
mod exponential;
mod logical;
mod pow;
mod powers;
mod reduction;
mod reductions;
mod rounding;
mod signs;
#[cfg(test)]
mod testing;
mod trigonometric;

/// The operators of this family.
pub const OPS: &[&[Op]] = &[
    &[add::OP, cast::OP, pow::OP],
    arithmetic::OPS,
    bitwise::OPS,
    classes::OPS,
    comparison::OPS,
    division::OPS,
    equal::OPS,
    exponential::OPS,
    logical::OPS,
    powers::OPS,
    reductions::OPS,
    rounding::OPS,
    signs::OPS,
    trigonometric::OPS,
];
