//! Sparse and ragged tensors, sets, counts and crosses.
//!
//! A sparse tensor is three tensors (`coo`): indices, values, dense shape. A ragged tensor is values and the vectors
//! that split them into rows (`ragged`). Start reading at [`OPS`].
#![forbid(unsafe_code)]

mod boosted_trees_bucketize;
mod coo;
mod count_sparse_output;
mod crossing;
mod csr_sparse_matrix;
mod csr_sparse_matrix_components;
mod csr_sparse_matrix_to_dense;
mod csr_sparse_matrix_to_sparse_tensor;
mod dense_to_csr_sparse_matrix;
mod deserialize_sparse;
mod merge;
mod minibatch;
mod minimum_degree;
mod number;
mod ragged;
mod ragged_cross;
mod ragged_gather;
mod ragged_places;
mod ragged_range;
mod ragged_tensor_from_variant;
mod ragged_tensor_to_sparse;
mod ragged_tensor_to_tensor;
mod ragged_tensor_to_variant;
mod ragged_tensor_to_variant_gradient;
mod ragged_tensor_variant;
mod serialize_sparse;
mod set_operation;
mod set_size;
mod sets;
mod shapes;
mod sparse_add;
mod sparse_add_grad;
mod sparse_concat;
mod sparse_cross;
mod sparse_dense_cwise;
mod sparse_fill_empty_rows;
mod sparse_fill_empty_rows_grad;
mod sparse_matrix_mat_mul;
mod sparse_matrix_nnz;
mod sparse_matrix_ordering_amd;
mod sparse_matrix_sparse_cholesky;
mod sparse_matrix_sparse_mat_mul;
mod sparse_matrix_transpose;
mod sparse_reduce;
mod sparse_reorder;
mod sparse_reshape;
mod sparse_segment;
mod sparse_segment_grad;
mod sparse_slice;
mod sparse_softmax;
mod sparse_sparse_maximum;
mod sparse_split;
mod sparse_tensor_dense_add;
mod sparse_tensor_dense_mat_mul;
mod sparse_tensor_to_csr_sparse_matrix;
mod sparse_tensors_map;
mod sparse_to_dense;

use savedmodel_op::Op;

pub use csr_sparse_matrix::CsrSparseMatrix;
pub use ragged_tensor_variant::RaggedTensorVariant;
pub use serialize_sparse::TensorVariant;

/// The operators of this family.
pub static OPS: &[&[Op]] = &[
    count_sparse_output::OPS,
    deserialize_sparse::OPS,
    serialize_sparse::OPS,
    set_operation::OPS,
    sparse_tensors_map::OPS,
    sparse_cross::OPS,
    sparse_dense_cwise::OPS,
    sparse_fill_empty_rows::OPS,
    sparse_fill_empty_rows_grad::OPS,
    sparse_reduce::OPS,
    sparse_add_grad::OPS,
    sparse_segment::OPS,
    sparse_segment_grad::OPS,
    sparse_sparse_maximum::OPS,
    &[
        boosted_trees_bucketize::OP,
        csr_sparse_matrix_components::OP,
        csr_sparse_matrix_to_dense::OP,
        csr_sparse_matrix_to_sparse_tensor::OP,
        dense_to_csr_sparse_matrix::OP,
        sparse_matrix_mat_mul::OP,
        sparse_matrix_nnz::OP,
        sparse_matrix_ordering_amd::OP,
        sparse_matrix_sparse_cholesky::OP,
        sparse_matrix_sparse_mat_mul::OP,
        sparse_matrix_transpose::OP,
        sparse_tensor_to_csr_sparse_matrix::OP,
        ragged_gather::OP,
        ragged_cross::OP,
        ragged_range::OP,
        ragged_tensor_from_variant::OP,
        ragged_tensor_to_variant::OP,
        ragged_tensor_to_variant_gradient::OP,
        set_size::OP,
        ragged_tensor_to_sparse::OP,
        ragged_tensor_to_tensor::OP,
        sparse_add::OP,
        sparse_concat::OP,
        sparse_reorder::OP,
        sparse_reshape::OP,
        sparse_slice::OP,
        sparse_softmax::OP,
        sparse_split::OP,
        sparse_tensor_dense_add::OP,
        sparse_tensor_dense_mat_mul::OP,
        sparse_to_dense::OP,
    ],
];
