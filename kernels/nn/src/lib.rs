//! The neural-network operators: activations, convolutions, pooling, normalisation, recurrent cells.
//!
//! Start reading at [`OPS`].
#![forbid(unsafe_code)]

pub use pool::greatest;
pub use pool::places::NOWHERE;
use savedmodel_op::Op;
pub use window::{Dim, UNIT};

mod activation;
mod activation_grad;
mod any_conv;
mod approx_top_k;
mod avg_pool;
mod avg_pool_grad;
mod batch_norm;
mod batch_norm_with_global_normalization;
mod bias_add;
mod bias_add_grad;
mod block_lstm;
mod cell;
mod codes;
mod compute_accidental_hits;
mod conv;
mod conv2d;
mod conv3d;
mod conv_backprop_filter;
mod conv_backprop_input;
mod cross_entropy;
mod ctc;
mod ctc_beam_search_decoder;
mod ctc_greedy_decoder;
mod ctc_loss;
mod depthwise_backprop;
mod depthwise_conv2d_native;
mod dilation2d;
pub mod extremes;
mod fractional_pool;
mod fused_attention;
mod fused_batch_norm;
mod fused_batch_norm_grad;
mod fused_conv;
mod fused_expanded_depthwise_conv2d;
mod fused_gru_cell;
mod fused_layer_norm;
mod fused_lstm_cell;
mod fused_pad_conv2d;
mod gru_block_cell;
mod in_top_k;
mod l2_loss;
mod layout;
mod lrn;
mod lrn_grad;
mod lstm;
mod lstm_block_cell;
mod max_pool;
mod max_pool_grad;
mod max_pool_with_argmax;
mod nth_element;
mod numbers;
mod plain_conv;
mod pool;
mod quantized_conv;
mod quantized_mat_mul;
mod quantized_pool;
mod rank;
mod softmax;
mod softmax_cross_entropy_with_logits;
mod sparse_softmax_cross_entropy_with_logits;
mod top_k;
mod window;
pub mod windows;

/// Every operator of the family.
pub static OPS: &[&[Op]] = &[
    activation::OPS,
    activation_grad::OPS,
    avg_pool::OPS,
    avg_pool_grad::OPS,
    bias_add::OPS,
    block_lstm::OPS,
    conv_backprop_filter::OPS,
    conv_backprop_input::OPS,
    depthwise_backprop::OPS,
    fractional_pool::OPS,
    fused_batch_norm::OPS,
    fused_batch_norm_grad::OPS,
    fused_conv::OPS,
    &[fused_expanded_depthwise_conv2d::OP],
    fused_pad_conv2d::OPS,
    in_top_k::OPS,
    max_pool::OPS,
    max_pool_grad::OPS,
    quantized_conv::OPS,
    quantized_mat_mul::OPS,
    quantized_pool::OPS,
    softmax::OPS,
    top_k::OPS,
    &[
        any_conv::OP,
        approx_top_k::OP,
        bias_add_grad::OP,
        batch_norm_with_global_normalization::OP,
        compute_accidental_hits::OP,
        conv2d::OP,
        conv3d::OP,
        ctc_beam_search_decoder::OP,
        ctc_greedy_decoder::OP,
        ctc_loss::OP,
        depthwise_conv2d_native::OP,
        dilation2d::OP,
        fused_attention::OP,
        fused_gru_cell::OP,
        fused_layer_norm::OP,
        fused_lstm_cell::OP,
        gru_block_cell::OP,
        l2_loss::OP,
        lrn::OP,
        lrn_grad::OP,
        lstm_block_cell::OP,
        max_pool_with_argmax::OP,
        nth_element::OP,
        softmax_cross_entropy_with_logits::OP,
        sparse_softmax_cross_entropy_with_logits::OP,
    ],
];
