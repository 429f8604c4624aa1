//! The array operators: constants, shapes, and everything that moves elements without computing with them.
//!
//! One operator per file, named after it; near relatives share one. Three modules lie under many of them:
//! `layout` (which element lies where), `strided` (the copying loops, compiled per width of element) and
//! `index` (axes and sizes that arrive as tensors). Start reading at [`OPS`].
#![forbid(unsafe_code)]

use savedmodel_op::Op;

mod batch;
mod batch_to_space;
mod bitcast;
mod blocks;
mod bounds;
mod broadcast_args;
mod broadcast_gradient_args;
mod broadcast_to;
mod concat;
mod concat_offset;
mod constant;
mod data_format;
mod depth_to_space;
mod diag;
mod diagonals;
mod dtypes;
mod dynamic_partition;
mod dynamic_stitch;
mod edit_distance;
mod empty;
mod ensure_shape;
mod expand_dims;
mod extract_image_patches;
mod extract_volume_patches;
mod fill;
mod fingerprint;
mod fused_embedding;
pub mod gather;
pub mod gather_nd;
mod identity;
mod identity_n;
mod immutable_const;
mod index;
mod inplace;
mod invert_permutation;
mod keys;
mod layout;
mod like;
mod list_diff;
mod matrix_band_part;
mod matrix_diag;
mod matrix_diag_part;
mod matrix_set_diag;
mod mirror_pad;
mod mirror_pad_grad;
mod one_hot;
mod pack;
mod pad;
mod parallel_concat;
mod patches;
mod reshape;
mod reverse;
mod reverse_sequence;
mod roll;
pub mod scatter_nd;
mod select;
mod shape;
mod slice;
mod slicing;
mod space_to_batch;
mod split;
mod split_v;
mod squeeze;
mod strided;
mod strided_slice;
mod strided_slice_grad;
mod tensor_scatter;
pub mod tensor_strided_slice_update;
mod tile;
mod transpose;
mod unique;
mod unpack;
mod unravel_index;
pub mod walk;
mod where_;

/// Every operator of the family.
pub static OPS: &[&[Op]] = &[
    batch::OPS,
    batch_to_space::OPS,
    bounds::OPS,
    concat::OPS,
    constant::OPS,
    data_format::OPS,
    depth_to_space::OPS,
    diag::OPS,
    dynamic_stitch::OPS,
    gather::OPS,
    identity::OPS,
    inplace::OPS,
    like::OPS,
    matrix_band_part::OPS,
    matrix_diag::OPS,
    matrix_diag_part::OPS,
    matrix_set_diag::OPS,
    pad::OPS,
    reverse::OPS,
    scatter_nd::OPS,
    select::OPS,
    shape::OPS,
    space_to_batch::OPS,
    tensor_scatter::OPS,
    transpose::OPS,
    unique::OPS,
    &[
        bitcast::OP,
        broadcast_args::OP,
        broadcast_gradient_args::OP,
        broadcast_to::OP,
        concat_offset::OP,
        dynamic_partition::OP,
        edit_distance::OP,
        empty::OP,
        ensure_shape::OP,
        expand_dims::OP,
        extract_image_patches::OP,
        extract_volume_patches::OP,
        fill::OP,
        fingerprint::OP,
        fused_embedding::OP,
        gather_nd::OP,
        identity_n::OP,
        immutable_const::OP,
        invert_permutation::OP,
        list_diff::OP,
        mirror_pad::OP,
        mirror_pad_grad::OP,
        one_hot::OP,
        pack::OP,
        parallel_concat::OP,
        reshape::OP,
        reverse_sequence::OP,
        roll::OP,
        slice::OP,
        split::OP,
        split_v::OP,
        squeeze::OP,
        strided_slice::OP,
        strided_slice_grad::OP,
        tensor_strided_slice_update::OP,
        tile::OP,
        unpack::OP,
        unravel_index::OP,
        where_::OP,
    ],
];
