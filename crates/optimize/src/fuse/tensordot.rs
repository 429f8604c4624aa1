//! Products of matrices that are written with reshapes around them become products of tensors.

use savedmodel_graph::{AttrValue, Node, NodeId, Output};
use savedmodel_tensor::{DType, Result};

use super::{is_transposed, product_before, rank};
use crate::Program;

/// Makes one operator of a product of a tensor's last dimension with a matrix, which `tf.tensordot`, and with it Keras's Dense for
/// tensors of rank three and more, writes as a product of matrices between two reshapes whose shapes it computes.
pub(super) fn join(program: &mut Program, reshape: NodeId) -> Result<()> {
    let Some((product, x)) = find(program, reshape) else { return Ok(()) };
    let weights = program.graph.inputs(product)?[1];
    let node = program.graph.node(product);
    let name = program.graph.fresh_name(&format!("{}/tensordot", node.name));
    let joined = Node::new(name, "BatchMatMulV2")
        .with("T", AttrValue::Type(DType::Float))
        .with("adj_x", AttrValue::Bool(false))
        .with("adj_y", AttrValue::Bool(is_transposed(node)));
    let joined = program.graph.add(joined)?;
    program.graph.connect(x, joined, 0);
    program.graph.connect(weights, joined, 1);
    program.take_over(reshape, joined);
    Ok(())
}

/// The product of matrices and the tensor, if a reshape gives the tensor's product.
///
/// That the reshapes fit says how the matrix was made of the tensor: where its rows are all dimensions but the last together, its
/// columns are the last.
fn find(program: &Program, reshape: NodeId) -> Option<(NodeId, Output)> {
    let op = |node: NodeId| &*program.graph.node(node).op;
    if op(reshape) != "Reshape" || !program.graph.controls(reshape).is_empty() {
        return None;
    }
    let inputs = program.graph.inputs(reshape).ok()?;
    let &[product, shape] = &inputs[..] else { return None };
    let product = product_before(program, product).filter(|&product| rank(program, product) == 2)?;
    let weights = *program.graph.inputs(product).ok()?.get(1)?;
    let has_columns = program.constant(weights)?.elements() > 0;
    let matrix = program.graph.inputs(product).ok()?.first()?.node;
    let made = |node: NodeId, by: &str| op(node) == by && program.graph.controls(node).is_empty();
    let lying = made(matrix, "Reshape").then(|| program.graph.inputs(matrix).ok()?.first().copied())??;
    let transposed = made(lying.node, "Transpose").then(|| program.graph.inputs(lying.node).ok())??;
    let &[x, order] = &transposed[..] else { return None };
    // It moves nothing, but tells the rank.
    let order = program.constant(order)?.to_i64s().ok()?;
    let is_in_order = order.len() > 2 && order.iter().copied().eq(0..order.len() as i64);
    (has_columns && is_in_order && is_shape(program, shape, x, order.len())).then_some((product, x))
}

/// Whether `shape` joins all dimensions of `x` but the last with one number.
fn is_shape(program: &Program, shape: Output, x: Output, rank: usize) -> bool {
    let inputs_of = |output: Output, by: &str| {
        let node = program.graph.node(output.node);
        (&*node.op == by && output.index == 0).then(|| program.graph.inputs(output.node).ok())?
    };
    let values = |output: Output| program.constant(output)?.to_i64s().ok();
    let found = || {
        let parts = inputs_of(shape, "ConcatV2")?;
        let &[leading, last, axis] = &parts[..] else { return None };
        let gather = inputs_of(leading, "GatherV2")?;
        let &[dims, which, along] = &gather[..] else { return None };
        let whole = inputs_of(dims, "Shape")?;
        let joins = values(axis)? == [0] && values(last)?.len() == 1 && values(along)? == [0];
        let leads = values(which)?.into_iter().eq(0..rank as i64 - 1);
        Some(joins && leads && whole == [x])
    };
    found() == Some(true)
}
