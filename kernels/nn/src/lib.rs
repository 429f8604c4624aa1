//! The neural-network operators: activations, convolutions, pooling, normalisation, recurrent cells, quantisation.
//!
//! Start reading at [`OPS`].
#![forbid(unsafe_code)]

use savedmodel_op::Op;

mod activation;
mod avg_pool;
mod batch_norm;
mod bias_add;
mod conv;
mod conv2d;
mod conv3d;
mod conv_backprop_input;
mod depthwise_conv2d_native;
mod dilation2d;
mod fused_batch_norm;
mod fused_conv;
mod in_top_k;
mod l2_loss;
mod layout;
mod lrn;
mod max_pool;
mod max_pool_with_argmax;
mod pool;
mod quant;
mod softmax;
mod top_k;
mod window;

/// Every operator of the family.
pub const OPS: &[&[Op]] = &[
    activation::OPS,
    avg_pool::OPS,
    bias_add::OPS,
    conv_backprop_input::OPS,
    fused_batch_norm::OPS,
    fused_conv::OPS,
    in_top_k::OPS,
    max_pool::OPS,
    quant::fake_quant::OPS,
    quant::quantize_and_dequantize::OPS,
    softmax::OPS,
    top_k::OPS,
    &[
        conv2d::OP,
        conv3d::OP,
        depthwise_conv2d_native::OP,
        dilation2d::OP,
        l2_loss::OP,
        lrn::OP,
        max_pool_with_argmax::OP,
        quant::dequantize::OP,
        quant::quantize_v2::OP,
    ],
];
