//! Biases behind a reshape: a product of matrices or a convolution, what changes its shape, then the sum.

use savedmodel_graph::{AttrValue, Node, NodeId, Output};
use savedmodel_tensor::{DType, Result, Tensor};

use super::{channels, dilated, is_private, per_channel, product_before, rank};
use crate::Program;

/// What a node adds to each channel of a product that is reshaped before: the product, the bias and the reshape.
///
/// The reshape must be known to leave the channels together, as the last dimensions: one of a product of matrices, or a
/// `Squeeze` of a convolution that takes its height or width away.
pub(super) fn added(program: &Program, node: NodeId) -> Option<(NodeId, Tensor, Option<NodeId>)> {
    let inputs = program.graph.inputs(node).ok()?;
    let &[x, y] = &inputs[..] else { return None };
    match &*program.graph.node(node).op {
        "BiasAdd" => behind(program, x, y),
        "AddV2" | "Add" => behind(program, x, y).or_else(|| behind(program, y, x)),
        _ => None,
    }
}

fn behind(program: &Program, reshaped: Output, bias: Output) -> Option<(NodeId, Tensor, Option<NodeId>)> {
    let reshape = reshaped.node;
    if dilated::squeezed(program, reshape).is_some() && is_private(program, reshape) {
        let source = program.graph.inputs(reshape).ok()?.first().copied()?;
        let product = product_before(program, source).filter(|&product| rank(program, product) == 4)?;
        let is_small = program.constant(bias)?.rank() < 4;
        let bias = per_channel(program, bias, channels(program, product)?).filter(|_| is_small)?;
        return Some((product, bias, Some(reshape)));
    }
    let is_reshape = &*program.graph.node(reshape).op == "Reshape" && is_private(program, reshape);
    let source = program.graph.inputs(reshape).ok().filter(|_| is_reshape)?.first().copied()?;
    let product = product_before(program, source).filter(|&product| rank(program, product) == 2)?;
    let bias = program.constant(bias).filter(|bias| bias.dtype() == DType::Float && bias.rank() > 0)?;
    let dims: Vec<i64> = bias.shape().dims().iter().map(|&dim| dim as i64).collect();
    let channels = channels(program, product)?;
    let is_kept = bias.elements() == channels && trailing(program, reshape)?.ends_with(&dims);
    is_kept.then(|| Some((product, bias.clone().reshape([channels]).ok()?, Some(reshape))))?
}

/// The last dimensions that a reshape gives, as far as they are known.
fn trailing(program: &Program, reshape: NodeId) -> Option<Vec<i64>> {
    let shape = *program.graph.inputs(reshape).ok()?.get(1)?;
    let values = |output| program.constant(output).and_then(|value| value.to_i64s().ok());
    if let Some(dims) = values(shape) {
        return Some(dims);
    }
    let node = program.graph.node(shape.node);
    let parts = program.graph.inputs(shape.node).ok()?;
    match &*node.op {
        "ConcatV2" => {
            let (_, parts) = parts.split_last()?;
            values(*parts.last()?)
        }
        "Pack" if !matches!(node.attrs.get("axis"), Some(AttrValue::Int(axis)) if *axis != 0) => {
            let known = parts.iter().rev().map_while(|&part| values(part)?.first().copied());
            let mut dims: Vec<i64> = known.collect();
            dims.reverse();
            Some(dims)
        }
        _ => None,
    }
}

/// Lets a reshape of `fused`, which stands for a product and all that followed it, stand for the last of these.
pub(super) fn take_over(
    program: &mut Program,
    last: NodeId,
    (fused, reshape): (NodeId, NodeId),
) -> Result<()> {
    let shape = program.graph.inputs(reshape)?.get(1).copied();
    let stem = program.graph.node(last).name.to_string();
    let copy = Node {
        name: program.graph.fresh_name(&format!("{stem}/reshaped")).into(),
        ..program.graph.node(reshape).clone()
    };
    let copy = program.graph.add(copy)?;
    program.graph.connect(Output { node: fused, index: 0 }, copy, 0);
    shape.into_iter().for_each(|shape| program.graph.connect(shape, copy, 1));
    program.take_over(last, copy);
    Ok(())
}
