//! The image operators: sizes, crops, colours, boxes, encoded images.
//!
//! Images are `[batch, height, width, channels]`. Start reading at [`OPS`].
#![forbid(unsafe_code)]

use savedmodel_op::Op;

mod pixel;
mod resize;
mod resize_bilinear;
mod resize_nearest_neighbor;

/// Every operator of the family.
pub const OPS: &[&[Op]] = &[&[resize_bilinear::OP, resize_nearest_neighbor::OP]];
