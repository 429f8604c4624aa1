//! Activations that follow a product.

use savedmodel_graph::NodeId;

use super::{gelu, hard_swish, is_private};
use crate::Program;

/// The activation that alone takes the output of a product of matrices or a convolution, and what its fused operator calls it.
pub(super) fn after(program: &Program, node: NodeId, is_matrix: bool) -> Option<(NodeId, &'static str)> {
    if !is_private(program, node) {
        let smooth = if is_matrix { gelu::after(program, node) } else { silu_after(program, node) };
        return smooth.or_else(|| hard_swish::after(program, node));
    }
    let next = program.graph.successors(node).next()?;
    let function = match &*program.graph.node(next).op {
        "Relu" => "Relu",
        "Relu6" => "Relu6",
        "Elu" => "Elu",
        "LeakyRelu" => "LeakyRelu",
        "Tanh" => "Tanh",
        "Sigmoid" => "Sigmoid",
        _ => return None,
    };
    Some((next, function))
}

/// The product of a node's output with its sigmoid, if nothing else takes either.
fn silu_after(program: &Program, node: NodeId) -> Option<(NodeId, &'static str)> {
    let is_used_elsewhere = !program.graph.controlled(node).is_empty()
        || !program.graph.controls(node).is_empty()
        || program.targets.contains(&node)
        || program.fetches.iter().any(|fetch| fetch.node == node);
    let next: Vec<NodeId> = program.graph.successors(node).collect();
    let &[a, b] = &next[..] else { return None };
    let is = |node: NodeId, op: &str| &*program.graph.node(node).op == op;
    let (sigmoid, product) = if is(a, "Sigmoid") { (a, b) } else { (b, a) };
    let inputs = program.graph.inputs(product).ok()?;
    let joins = inputs.len() == 2
        && inputs.iter().any(|input| input.node == node)
        && inputs.iter().any(|input| input.node == sigmoid);
    let fits = is(sigmoid, "Sigmoid") && is(product, "Mul") && joins && is_private(program, sigmoid);
    (fits && !is_used_elsewhere).then_some((product, "Silu"))
}
