//! The operators on quantised values: floats to codes of a few bits and back, and arithmetic on codes.
//!
//! Every scale is computed in the precision and order in which TensorFlow computes it, so that the codes are equal.
//! Start reading at [`OPS`], then at `range` (codes over a range) and `uniform` (codes with scale and zero point).
#![forbid(unsafe_code)]

use savedmodel_op::Op;

mod code;
mod dequantize;
mod fake_quant;
mod fake_quant_gradient;
mod quantize_and_dequantize;
mod quantize_down_and_shrink_range;
mod quantize_v2;
mod quantized_batch_norm_with_global_normalization;
mod quantized_bias_add;
mod quantized_binary;
mod quantized_concat;
mod quantized_conv2d;
mod quantized_instance_norm;
mod quantized_mat_mul;
mod quantized_relu;
mod quantized_reshape;
mod quantized_resize_bilinear;
mod range;
mod requantization_range;
mod requantize;
mod uniform;

/// Every operator of the family.
pub static OPS: &[&[Op]] = &[
    fake_quant::OPS,
    fake_quant_gradient::OPS,
    quantize_and_dequantize::OPS,
    quantized_binary::OPS,
    quantized_concat::OPS,
    quantized_relu::OPS,
    requantization_range::OPS,
    requantize::OPS,
    uniform::convolution::OPS,
    uniform::dot::OPS,
    &[
        dequantize::OP,
        quantize_down_and_shrink_range::OP,
        quantize_v2::OP,
        quantized_batch_norm_with_global_normalization::OP,
        quantized_bias_add::OP,
        quantized_conv2d::OP,
        quantized_instance_norm::OP,
        quantized_mat_mul::OP,
        quantized_reshape::OP,
        quantized_resize_bilinear::OP,
        uniform::add::OP,
        uniform::clip_by_value::OP,
        uniform::dequantize::OP,
        uniform::quantize::OP,
        uniform::requantize::OP,
    ],
];
