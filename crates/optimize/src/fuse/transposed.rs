//! Products of transposed matrices read them as they lie.

use savedmodel_graph::{AttrValue, NodeId, Output};
use savedmodel_tensor::{DType, Result};

use crate::Program;

/// Lets a product of batches take what a transposition of the last two dimensions takes, and transpose it itself.
///
/// Complex matrices stay: the product would conjugate them, too.
pub(super) fn take_in(program: &mut Program, node: NodeId) -> Result<()> {
    let found = program.graph.node(node);
    let is_real = |name: &str| matches!(found.attrs.get(name), Some(AttrValue::Type(dtype)) if !matches!(dtype, DType::Complex64 | DType::Complex128));
    let fits = match &*found.op {
        "BatchMatMul" | "BatchMatMulV2" => is_real("T"),
        "BatchMatMulV3" => is_real("Ta") && is_real("Tb"),
        _ => false,
    };
    if !fits {
        return Ok(());
    }
    let mut inputs = program.graph.inputs(node)?;
    let mut changed = false;
    for (input, flag) in inputs.iter_mut().zip(["adj_x", "adj_y"]) {
        let Some(source) = transposed(program, *input)? else { continue };
        let attrs = &mut program.graph.node_mut(node).attrs;
        let was = matches!(attrs.get(flag), Some(AttrValue::Bool(true)));
        attrs.insert(flag.to_owned(), AttrValue::Bool(!was));
        (*input, changed) = (source, true);
    }
    if changed {
        let controls = program.graph.controls(node);
        program.graph.disconnect_inputs(node);
        inputs.into_iter().enumerate().for_each(|(i, input)| program.graph.connect(input, node, i));
        controls.into_iter().for_each(|control| program.graph.connect_control(control, node));
    }
    Ok(())
}

/// What a transposition of the last two dimensions alone takes, if that is what gives an output.
fn transposed(program: &Program, output: Output) -> Result<Option<Output>> {
    let node = program.graph.node(output.node);
    if &*node.op != "Transpose" || !program.graph.controls(output.node).is_empty() {
        return Ok(None);
    }
    let inputs = program.graph.inputs(output.node)?;
    let &[source, order] = &inputs[..] else { return Ok(None) };
    let Some(order) = program.constant(order).and_then(|order| order.to_i64s().ok()) else { return Ok(None) };
    let rank = order.len() as i64;
    let swapped = (0..rank - 2).chain([rank - 1, rank - 2]);
    let is_swap =
        rank >= 2 && order.iter().map(|&axis| if axis < 0 { axis + rank } else { axis }).eq(swapped);
    Ok(is_swap.then_some(source))
}
