//! Convolutions between `SpaceToBatchND` and `BatchToSpaceND`, which is how dilated ones are often written.

use savedmodel_graph::{AttrValue, NodeId, Output};
use savedmodel_tensor::{Bytes, Result};

use super::{ints, is_private, is_product, take_instead};
use crate::Program;

/// Makes a convolution of cells that were dealt out to as many batches as the dilation tells a dilated one of the cells where
/// they lie.
///
/// Both give the same sums; what pads the cells for dealing and is cropped again is padding of the convolution. That the cells
/// can be dealt out evenly is checked no more.
pub(super) fn take_in(program: &mut Program, node: NodeId) -> Result<()> {
    let Some(Dealt { source, first, last, gathered, dilations, paddings }) = dealt(program, node) else {
        return Ok(());
    };
    take_instead(program, first, source)?;
    let attrs = &mut program.graph.node_mut(node).attrs;
    let list = |values: &[i64]| AttrValue::List(values.iter().map(|&value| AttrValue::Int(value)).collect());
    attrs.insert("dilations".to_owned(), list(&dilations));
    attrs.insert("padding".to_owned(), AttrValue::Bytes(Bytes::from_static(b"EXPLICIT")));
    attrs.insert("explicit_paddings".to_owned(), list(&paddings));
    program.take_over(gathered, last);
    Ok(())
}

/// A convolution of cells that were dealt out.
struct Dealt {
    /// The cells before.
    source: Output,
    /// What takes the dealt cells: the convolution, or the node that gives them a fourth dimension.
    first: NodeId,
    /// What gives the result before it is put together: the convolution, or the node that takes the fourth dimension away.
    last: NodeId,
    /// What puts it together.
    gathered: NodeId,
    dilations: [i64; 4],
    paddings: [i64; 8],
}

fn dealt(program: &Program, node: NodeId) -> Option<Dealt> {
    let is = |node: NodeId, op: &str| &*program.graph.node(node).op == op;
    let attrs = &program.graph.node(node).attrs;
    let ones = |name: &str| {
        attrs.get(name).is_none() || ints(attrs.get(name)).is_some_and(|values| values == [1, 1, 1, 1])
    };
    let is_valid =
        matches!(attrs.get("padding"), Some(AttrValue::Bytes(padding)) if &padding[..] == b"VALID");
    let takes = is(node, "Conv2D") || is(node, "DepthwiseConv2dNative");
    if !(takes && is_valid && ones("strides") && ones("dilations") && is_product(program, node)) {
        return None;
    }
    let next = |node: NodeId| program.graph.successors(node).next().filter(|_| is_private(program, node));
    let before = |node: NodeId| program.graph.inputs(node).ok()?.first().copied();
    let mut input = before(node)?;
    let (mut first, mut last, mut gathered) = (node, node, next(node)?);
    let mut single = None;
    if let Some(axis) = expanded(program, input.node) {
        (first, last, gathered) = (input.node, gathered, next(gathered)?);
        (input, single) = (before(first)?, Some(axis));
        if squeezed(program, last) != single {
            return None;
        }
    }
    let deals = is(input.node, "SpaceToBatchND") && is_private(program, input.node);
    let gathers = is(gathered, "BatchToSpaceND") && program.graph.controls(gathered).is_empty();
    if !deals || !gathers || before(gathered)?.node != last {
        return None;
    }
    let numbers = |node: NodeId, input: usize| {
        program.constant(*program.graph.inputs(node).ok()?.get(input)?)?.to_i64s().ok()
    };
    let [blocks, pads] = [numbers(input.node, 1)?, numbers(input.node, 2)?];
    let [other, crops] = [numbers(gathered, 1)?, numbers(gathered, 2)?];
    // Dimensions that are dealt out come right after the batch, where the single one may lie.
    let axes: &[usize] = match (single, blocks.len()) {
        (Some(1), 1) => &[2],
        (Some(2) | None, 1) => &[1],
        (None, 2) => &[1, 2],
        _ => return None,
    };
    if other != blocks || pads.len() != 2 * axes.len() || crops.len() != pads.len() {
        return None;
    }
    let (mut dilations, mut paddings) = ([1; 4], [0; 8]);
    for (i, &axis) in axes.iter().enumerate() {
        dilations[axis] = blocks[i];
        for side in [2 * i, 2 * i + 1] {
            let padding = pads[side].checked_sub(crops[side]).filter(|&padding| padding >= 0)?;
            paddings[2 * axis + side % 2] = padding;
        }
    }
    (blocks.iter().all(|&block| block >= 1) && crops.iter().all(|&crop| crop >= 0)).then_some(())?;
    Some(Dealt { source: before(input.node)?, first, last, gathered, dilations, paddings })
}

/// Which dimension of four a node that alone is taken gives to images of three: 1 or 2.
pub(super) fn expanded(program: &Program, node: NodeId) -> Option<usize> {
    let expands = &*program.graph.node(node).op == "ExpandDims" && is_private(program, node);
    let inputs = program.graph.inputs(node).ok().filter(|_| expands)?;
    spatial(program.constant(*inputs.get(1)?)?.to_i64s().ok()?.first().copied()?)
}

/// Which dimension of four a node takes away, if it is one of height and width.
pub(super) fn squeezed(program: &Program, node: NodeId) -> Option<usize> {
    let node = program.graph.node(node);
    let axes = ints(node.attrs.get("squeeze_dims")).filter(|_| &*node.op == "Squeeze")?;
    let &[axis] = &axes[..] else { return None };
    spatial(axis)
}

/// Height or width, of four dimensions.
fn spatial(axis: i64) -> Option<usize> {
    match axis {
        1 | -3 => Some(1),
        2 | -2 => Some(2),
        _ => None,
    }
}
