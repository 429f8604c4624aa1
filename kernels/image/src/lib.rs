//! The image operators: sizes, crops, colours, boxes, encoded images.
//!
//! Images are `[batch, height, width, channels]`. Start reading at [`OPS`].
#![forbid(unsafe_code)]

use savedmodel_op::Op;

mod crop_and_resize;
mod image_projective_transform;
mod pixel;
mod resize;
mod resize_area;
mod resize_bicubic;
mod resize_bilinear;
mod resize_nearest_neighbor;
mod sampling;
mod scale_and_translate;

/// Every operator of the family.
pub const OPS: &[&[Op]] = &[
    image_projective_transform::OPS,
    &[
        crop_and_resize::OP,
        resize_area::OP,
        resize_bicubic::OP,
        resize_bilinear::OP,
        resize_nearest_neighbor::OP,
        scale_and_translate::OP,
    ],
];
