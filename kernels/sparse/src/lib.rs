//! Sparse and ragged tensors, sets, counts and crosses.
//!
//! A sparse tensor is three tensors (`coo`): indices, values, dense shape. A ragged tensor is values and the vectors
//! that split them into rows (`ragged`). Start reading at [`OPS`].
#![forbid(unsafe_code)]

mod coo;
mod shapes;
mod sparse_concat;
mod sparse_fill_empty_rows;
mod sparse_reorder;
mod sparse_reshape;
mod sparse_segment;
mod sparse_slice;
mod sparse_split;
mod sparse_to_dense;

use savedmodel_op::Op;

/// The operators of this family.
pub const OPS: &[&[Op]] = &[
    sparse_fill_empty_rows::OPS,
    sparse_segment::OPS,
    &[
        sparse_concat::OP,
        sparse_reorder::OP,
        sparse_reshape::OP,
        sparse_slice::OP,
        sparse_split::OP,
        sparse_to_dense::OP,
    ],
];
