//! The image operators: sizes, crops, colours, boxes, encoded images.
//!
//! Images are `[batch, height, width, channels]`. Start reading at [`OPS`].
#![forbid(unsafe_code)]

use savedmodel_op::Op;

mod codec;
mod color;
mod crop_and_resize;
mod crop_and_resize_grad_image;
mod draw_bounding_boxes;
mod extract_glimpse;
mod image_projective_transform;
mod image_summary;
mod non_max_suppression;
mod pixel;
mod resize;
mod resize_area;
mod resize_bicubic;
mod resize_bilinear;
mod resize_grad;
mod resize_nearest_neighbor;
mod sampling;
mod scale_and_translate;
mod scale_and_translate_grad;

pub use image_summary::summary as image_summary;

/// Every operator of the family.
pub static OPS: &[&[Op]] = &[
    codec::decode_image::OPS,
    codec::encode_jpeg::OPS,
    color::adjust_contrast::OPS,
    color::hsv::OPS,
    draw_bounding_boxes::OPS,
    extract_glimpse::OPS,
    image_projective_transform::OPS,
    non_max_suppression::single::OPS,
    resize_grad::OPS,
    &[
        codec::encode_png::OP,
        codec::extract_jpeg_shape::OP,
        color::adjust_hue::OP,
        color::adjust_saturation::OP,
        crop_and_resize::OP,
        crop_and_resize_grad_image::OP,
        image_summary::OP,
        non_max_suppression::combined::OP,
        non_max_suppression::with_overlaps::OP,
        resize_area::OP,
        resize_bicubic::OP,
        resize_bilinear::OP,
        resize_nearest_neighbor::OP,
        scale_and_translate::OP,
        scale_and_translate_grad::OP,
    ],
];
