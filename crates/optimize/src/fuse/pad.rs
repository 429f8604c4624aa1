//! Zeros around the images become the padding of the convolution that takes them.

use savedmodel_graph::{AttrValue, NodeId};
use savedmodel_tensor::{Bytes, Result};

use super::{dilated, ints, is_private, is_product, take_instead};
use crate::Program;

/// Lets a convolution pad its input itself where a node before it does, for nothing else.
pub(super) fn take_in(program: &mut Program, node: NodeId) -> Result<()> {
    let attrs = &program.graph.node(node).attrs;
    let own = match attrs.get("padding") {
        Some(AttrValue::Bytes(padding)) if &padding[..] == b"VALID" => vec![0; 8],
        Some(AttrValue::Bytes(padding)) if &padding[..] == b"EXPLICIT" => {
            ints(attrs.get("explicit_paddings")).unwrap_or_default()
        }
        _ => return Ok(()),
    };
    let takes = matches!(&*program.graph.node(node).op, "Conv2D" | "DepthwiseConv2dNative");
    if !takes || own.len() != 8 || !is_product(program, node) {
        return Ok(());
    }
    let mut taker = node;
    let mut input = program.graph.inputs(node)?[0];
    let mut single = None;
    if let Some(axis) = dilated::expanded(program, input.node) {
        (taker, single) = (input.node, Some(axis));
        input = program.graph.inputs(taker)?[0];
    }
    let Some(more) = padding(program, input.node, single).filter(|_| input.index == 0) else { return Ok(()) };
    let sums: Option<Vec<i64>> = own.iter().zip(&more).map(|(own, more)| own.checked_add(*more)).collect();
    let Some(sums) = sums else { return Ok(()) };
    let source = program.graph.inputs(input.node)?[0];
    let attrs = &mut program.graph.node_mut(node).attrs;
    attrs.insert("padding".to_owned(), AttrValue::Bytes(Bytes::from_static(b"EXPLICIT")));
    attrs.insert(
        "explicit_paddings".to_owned(),
        AttrValue::List(sums.into_iter().map(AttrValue::Int).collect()),
    );
    take_instead(program, taker, source)
}

/// How many zeros a node that alone is taken puts around the height and width of images, and around nothing else.
///
/// Of images with three dimensions, `single` is the fourth, which they are given later.
fn padding(program: &Program, node: NodeId, single: Option<usize>) -> Option<Vec<i64>> {
    let inputs = program.graph.inputs(node).ok().filter(|_| is_private(program, node))?;
    let is_zero = |value: f32| value.to_bits() == 0;
    let pads = match &*program.graph.node(node).op {
        "Pad" => true,
        "PadV2" => program.constant(*inputs.get(2)?)?.to_scalar::<f32>().is_ok_and(is_zero),
        _ => false,
    };
    let paddings = program.constant(*inputs.get(1)?).filter(|_| pads)?;
    let rank = if single.is_some() { 3 } else { 4 };
    let mut values = paddings.to_i64s().ok().filter(|_| paddings.shape().dims() == [rank, 2])?;
    single.into_iter().for_each(|axis| drop(values.splice(2 * axis..2 * axis, [0, 0])));
    let fits = values.iter().all(|&value| value >= 0) && values[..2] == [0, 0] && values[6..] == [0, 0];
    fits.then_some(values)
}
