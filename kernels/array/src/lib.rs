//! The array operators: constants, shapes, and everything that moves elements without computing with them.
//!
//! One operator per file, named after it; near relatives share one. Three modules lie under many of them:
//! `layout` (which element lies where), `strided` (the copying loops, compiled per width of element) and
//! `index` (axes and sizes that arrive as tensors). Start reading at [`OPS`].
#![forbid(unsafe_code)]

use savedmodel_op::Op;

mod broadcast_args;
mod broadcast_gradient_args;
mod broadcast_to;
#[cfg(test)]
mod cases;
mod concat;
mod constant;
mod dtypes;
mod ensure_shape;
mod expand_dims;
mod fill;
pub mod gather;
pub mod gather_nd;
mod identity;
mod identity_n;
mod index;
mod invert_permutation;
mod layout;
mod like;
mod mirror_pad;
mod one_hot;
mod pack;
mod pad;
mod reshape;
mod reverse;
mod reverse_sequence;
mod select;
mod shape;
mod slice;
mod slicing;
mod split;
mod split_v;
mod squeeze;
mod strided;
mod strided_slice;
mod strided_slice_grad;
mod tensor_strided_slice_update;
mod tile;
mod transpose;
mod unpack;
mod where_;

/// Every operator of the family.
pub const OPS: &[&[Op]] = &[
    concat::OPS,
    gather::OPS,
    identity::OPS,
    like::OPS,
    pad::OPS,
    reverse::OPS,
    select::OPS,
    shape::OPS,
    transpose::OPS,
    &[
        broadcast_args::OP,
        broadcast_gradient_args::OP,
        broadcast_to::OP,
        constant::OP,
        ensure_shape::OP,
        expand_dims::OP,
        fill::OP,
        gather_nd::OP,
        identity_n::OP,
        invert_permutation::OP,
        mirror_pad::OP,
        one_hot::OP,
        pack::OP,
        reshape::OP,
        reverse_sequence::OP,
        slice::OP,
        split::OP,
        split_v::OP,
        squeeze::OP,
        strided_slice::OP,
        strided_slice_grad::OP,
        tensor_strided_slice_update::OP,
        tile::OP,
        unpack::OP,
        where_::OP,
    ],
];
