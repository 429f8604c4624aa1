//! The math operators: element-wise arithmetic and functions, comparisons, casts, reductions, scans, segments.
//!
//! Start reading at [`elementwise`], whose drivers run most of them.
#![forbid(unsafe_code)]

use savedmodel_op::Op;

mod accumulate_nv2;
mod add;
mod add_n;
mod approximate_equal;
mod arg;
mod arithmetic;
mod atan2;
mod bincount;
mod bitwise;
mod bucketize;
mod cast;
mod check_numerics;
mod classes;
mod clip_by_value;
mod comparison;
mod complex;
mod complex_packets;
mod complex_parts;
mod cross;
mod division;
pub mod elementwise;
mod equal;
mod exponential;
mod fused_elementwise;
mod gradients;
mod histogram_fixed_width;
mod isotonic_regression;
mod lin_space;
mod logical;
mod nearest_neighbors;
mod next_after;
mod pow;
mod powers;
mod range;
mod reduction;
mod reductions;
mod rounding;
mod safe_products;
mod scans;
mod segment;
mod signs;
mod sobol;
mod special;
#[cfg(test)]
mod testing;
mod to_bool;
mod trigonometric;

/// The operators of this family.
pub static OPS: &[&[Op]] = &[
    &[
        accumulate_nv2::OP,
        add::OP,
        add_n::OP,
        approximate_equal::OP,
        atan2::OP,
        bincount::dense::OP,
        bincount::flat::OP,
        bincount::ragged::OP,
        bincount::sparse::OP,
        bucketize::OP,
        cast::OP,
        clip_by_value::OP,
        cross::OP,
        fused_elementwise::OP,
        histogram_fixed_width::OP,
        isotonic_regression::OP,
        lin_space::OP,
        nearest_neighbors::OP,
        next_after::OP,
        pow::OP,
        range::OP,
        sobol::OP,
        to_bool::OP,
    ],
    arg::OPS,
    arithmetic::OPS,
    bitwise::OPS,
    check_numerics::OPS,
    classes::OPS,
    comparison::OPS,
    complex_parts::OPS,
    division::OPS,
    equal::OPS,
    exponential::OPS,
    gradients::OPS,
    logical::OPS,
    powers::OPS,
    reductions::OPS,
    rounding::OPS,
    safe_products::OPS,
    scans::OPS,
    segment::sorted::OPS,
    segment::unsorted::OPS,
    signs::OPS,
    special::functions::OPS,
    special::pairs::OPS,
    trigonometric::OPS,
];
