//! The array operators: constants, shapes, and everything that moves elements without computing with them.
//!
//! One operator per file, named after it; near relatives share one. Three modules lie under many of them:
//! `layout` (which element lies where), `strided` (the copying loops, compiled per width of element) and
//! `index` (axes and sizes that arrive as tensors). Start reading at [`OPS`].
#![forbid(unsafe_code)]

use savedmodel_op::Op;

#[cfg(test)]
mod cases;
mod concat;
mod constant;
mod dtypes;
mod ensure_shape;
mod expand_dims;
mod identity;
mod identity_n;
mod index;
mod layout;
mod pack;
mod reshape;
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
mod unpack;

/// Every operator of the family.
pub const OPS: &[&[Op]] = &[
    concat::OPS,
    identity::OPS,
    shape::OPS,
    &[
        constant::OP,
        ensure_shape::OP,
        expand_dims::OP,
        identity_n::OP,
        pack::OP,
        reshape::OP,
        slice::OP,
        split::OP,
        split_v::OP,
        squeeze::OP,
        strided_slice::OP,
        strided_slice_grad::OP,
        tensor_strided_slice_update::OP,
        unpack::OP,
    ],
];
