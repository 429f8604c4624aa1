//! The hard swish, as it is written with a sum, a bound and products: `x relu6(x + 3) / 6`, see <https://arxiv.org/abs/1905.02244>.

use savedmodel_graph::{NodeId, Output};

use super::is_private;
use crate::Program;

/// The last node of the function of a node's output, and what fused operators call it, if nothing else takes anything between.
pub(super) fn after(program: &Program, x: NodeId) -> Option<(NodeId, &'static str)> {
    let is_kept = !program.graph.controlled(x).is_empty()
        || program.targets.contains(&x)
        || program.fetches.iter().any(|fetch| fetch.node == x);
    let takers: Vec<NodeId> = program.graph.successors(x).collect();
    let &[a, b] = &takers[..] else { return None };
    let is_sum = |node: NodeId| matches!(&*program.graph.node(node).op, "AddV2" | "Add");
    let (sum, product) = if is_sum(a) { (a, b) } else { (b, a) };
    let (taken, three) = with_number(program, sum)?;
    let bounded = next(program, sum, "Relu6")?;
    let scaled = program.graph.successors(bounded).next()?;
    let (of_bounded, number) = with_number(program, scaled)?;
    let is_sixth = match &*program.graph.node(scaled).op {
        "Mul" => (number - 1.0 / 6.0).abs() < f32::EPSILON / 6.0,
        "RealDiv" => number == 6.0 && program.graph.inputs(scaled).ok()?[0].node == bounded,
        _ => false,
    };
    let joined: Vec<Output> = program.graph.inputs(product).ok()?;
    let fits = is_sum(sum)
        && (taken.node, three) == (x, 3.0)
        && is_sixth
        && of_bounded.node == bounded
        && is_private(program, bounded)
        && next(program, scaled, "Mul") == Some(product)
        && joined.iter().any(|input| input.node == x)
        && program.graph.controls(product).is_empty();
    (fits && !is_kept).then_some((product, "HardSwish"))
}

/// The node of this operator that alone takes a node's output.
fn next(program: &Program, node: NodeId, op: &str) -> Option<NodeId> {
    let next = program.graph.successors(node).next()?;
    (is_private(program, node) && &*program.graph.node(next).op == op).then_some(next)
}

/// The inputs of a node of two inputs of which one is a constant scalar: the other, and that number.
fn with_number(program: &Program, node: NodeId) -> Option<(Output, f32)> {
    let inputs = program.graph.inputs(node).ok()?;
    let number =
        |input: Output| program.constant(input).filter(|value| value.rank() == 0)?.to_scalar::<f32>().ok();
    match inputs[..] {
        [x, y] => number(y).map(|y| (x, y)).or_else(|| number(x).map(|x| (y, x))),
        _ => None,
    }
}
