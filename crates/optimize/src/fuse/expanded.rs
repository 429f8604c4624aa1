//! A convolution of single cells and the depthwise one that takes it become one operator, which keeps what lies between in cache.

use savedmodel_graph::{AttrValue, Node, NodeId};
use savedmodel_op::FACTORS;
use savedmodel_tensor::{Bytes, DType, Result};

use super::is_private;
use crate::{Program, Scope};

const FUSED: &str = "_FusedExpandedDepthwiseConv2d";

/// Joins a fused depthwise convolution with the fused convolution before it, where that expands channels and nothing else takes its output.
pub(super) fn join(program: &mut Program, node: NodeId, scope: &Scope<'_>) -> Result<()> {
    let depthwise = program.graph.node(node);
    let is_depthwise =
        matches!(&*depthwise.op, "_FusedDepthwiseConv2dNative" | "_FusedDepthwiseConv2dExplicit");
    if !is_depthwise || scope.registry.find(FUSED).is_none() {
        return Ok(());
    }
    let inputs = program.graph.inputs(node)?;
    let (Some(depthwise_ops), Some(source)) = (activation(depthwise), inputs.first()) else { return Ok(()) };
    let expand = program.graph.node(source.node);
    let is_expand = &*expand.op == "_FusedConv2D"
        && is_private(program, source.node)
        && program.graph.controls(node).is_empty()
        && is_plain(expand);
    let Some(expand_ops) = activation(expand).filter(|_| is_expand) else { return Ok(()) };
    let before = program.graph.inputs(source.node)?;
    let (&[input, filter, bias], &[_, taps, other]) = (&before[..], &inputs[..]) else { return Ok(()) };
    let dims = |output| program.constant(output).map(|tensor| tensor.shape().dims().to_vec());
    let expands = matches!(dims(filter).as_deref(), Some(&[1, 1, channels, expanded]) if channels < expanded);
    if !expands || !matches!(dims(taps).as_deref(), Some(&[_, _, _, 1])) {
        return Ok(());
    }
    let mut attrs = depthwise.attrs.clone();
    for attr in ["fused_ops", "num_args", "epsilon", "leakyrelu_alpha"] {
        attrs.shift_remove(attr);
    }
    if let Some(factors) = expand.attrs.get(FACTORS) {
        attrs.insert(FACTORS.to_owned(), factors.clone());
    }
    attrs.insert("expand_ops".to_owned(), expand_ops);
    attrs.insert("depthwise_ops".to_owned(), depthwise_ops);
    let name = program.graph.fresh_name(&format!("{}/expanded", depthwise.name));
    let fused = program.graph.add(Node { attrs, ..Node::new(name, FUSED) })?;
    for (i, output) in [input, filter, bias, taps, other].into_iter().enumerate() {
        program.graph.connect(output, fused, i);
    }
    program.take_over(node, fused);
    Ok(())
}

/// What follows the bias, if that is nothing or one activation without a parameter.
fn activation(node: &Node) -> Option<AttrValue> {
    let Some(AttrValue::List(steps)) = node.attrs.get("fused_ops") else { return None };
    let is = |step: &AttrValue, name: &[u8]| matches!(step, AttrValue::Bytes(text) if &text[..] == name);
    let (bias, rest) = steps.split_first()?;
    let fits = rest.len() <= 1 && !rest.iter().any(|step| is(step, b"Add") || is(step, b"LeakyRelu"));
    let is_float = matches!(node.attrs.get("T"), Some(AttrValue::Type(DType::Float)));
    let channels_last = match node.attrs.get("data_format") {
        Some(AttrValue::Bytes(format)) => format == &Bytes::from_static(b"NHWC"),
        _ => true,
    };
    (is(bias, b"BiasAdd") && fits && is_float && channels_last).then(|| AttrValue::List(rest.to_vec()))
}

/// Whether a convolution goes from cell to cell and adds none around the images.
fn is_plain(node: &Node) -> bool {
    let ones = match node.attrs.get("strides") {
        Some(AttrValue::List(strides)) => strides.iter().all(|stride| matches!(stride, AttrValue::Int(1))),
        _ => false,
    };
    ones && !matches!(node.attrs.get("padding"), Some(AttrValue::Bytes(padding)) if &padding[..] == b"EXPLICIT")
}
