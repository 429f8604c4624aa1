//! What must run stays, whatever becomes of the nodes that wait for it; control edges that order nothing go.

use savedmodel_graph::{Node, NodeId};
use savedmodel_tensor::Result;

use crate::{Program, Scope};

/// The most edges that may stand for those of a node that goes.
const MOST: usize = 64;

/// Makes what acts a target of its own: all of a program runs, but the pure nodes that wait for an assertion may go.
///
/// Where values may be dead, nodes with values that are known still wait: see [`Program::constant`].
pub(crate) fn targets(program: &mut Program, scope: &Scope<'_>) {
    if program.has_dead_values() {
        return;
    }
    let acts = |node: &NodeId| {
        scope.registry.find(&program.graph.node(*node).op).is_some_and(|op| op.effect.is_observable())
    };
    let acting: Vec<NodeId> = program.graph.nodes().filter(acts).collect();
    program.targets.extend(acting);
    program.targets.sort_unstable();
    program.targets.dedup();
}

/// Lets what takes a constant wait for what the constant waits for; where many wait for many, by a node between them.
fn pass_on(program: &mut Program) -> Result<()> {
    let nodes: Vec<NodeId> = program.graph.nodes().collect();
    // Where nothing acts there is nothing to wait for.
    let acts = !program.targets.is_empty();
    for node in nodes {
        if &*program.graph.node(node).op != "Const" {
            continue;
        }
        let before = program.graph.controls(node);
        let after: Vec<NodeId> = if acts { program.graph.successors(node).collect() } else { Vec::new() };
        before.iter().for_each(|&source| program.graph.disconnect_control(source, node));
        let mut before = before;
        if stand_for_too_many(&before, &after) {
            let name = program.graph.fresh_name(&format!("{}/before", program.graph.node(node).name));
            let joint = program.graph.add(Node::new(name, "NoOp"))?;
            before.iter().for_each(|&source| program.graph.connect_control(source, joint));
            before = vec![joint];
        }
        for &source in &before {
            after.iter().for_each(|&waiting| program.graph.connect_control(source, waiting));
        }
    }
    Ok(())
}

/// Whether edges from each to each would be many more than those by way of one node.
fn stand_for_too_many(before: &[NodeId], after: &[NodeId]) -> bool {
    before.len() * after.len() > MOST.max(before.len() + after.len())
}

/// Drops control edges from what is there from the start, and nodes that do nothing but hand control edges on.
///
/// Constants and arguments are there from the start, and so are identities of them. Without dead values, a node that waits for one waits for nothing.
pub(crate) fn loosen(program: &mut Program) -> Result<()> {
    if program.has_dead_values() {
        return Ok(());
    }
    pass_on(program)?;
    let nodes: Vec<NodeId> = program.graph.nodes().collect();
    for &node in &nodes {
        if !is_there(program, node) {
            continue;
        }
        for waiting in program.graph.controlled(node) {
            program.graph.disconnect_control(node, waiting);
        }
    }
    for &node in &nodes {
        if &*program.graph.node(node).op != "NoOp" {
            continue;
        }
        let (before, after) = (program.graph.controls(node), program.graph.controlled(node));
        if stand_for_too_many(&before, &after) {
            continue;
        }
        for &waiting in &after {
            program.graph.disconnect_control(node, waiting);
            before.iter().for_each(|&source| program.graph.connect_control(source, waiting));
        }
        if program.targets.contains(&node) {
            program.targets.retain(|&target| target != node);
            program.targets.extend(&before);
        }
        program.graph.remove(node);
    }
    let there: Vec<NodeId> =
        program.targets.iter().copied().filter(|&node| is_there(program, node)).collect();
    program.targets.retain(|target| !there.contains(target));
    program.targets.sort_unstable();
    program.targets.dedup();
    Ok(())
}

/// Identities that may follow each other before one is taken for something else.
const DEEP: usize = 8;

/// Whether a node is a constant or an argument, or hands one on.
fn is_there(program: &Program, node: NodeId) -> bool {
    let mut node = node;
    for _ in 0..DEEP {
        match &*program.graph.node(node).op {
            "Const" | "_Arg" => return true,
            "Identity" if program.graph.controls(node).is_empty() => {}
            _ => return false,
        }
        match program.graph.inputs(node).ok().as_deref() {
            Some(&[input]) => node = input.node,
            _ => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_graph::Graph;

    #[test]
    fn many_that_wait_for_many_wait_for_one_node() {
        let mut graph = Graph::new();
        let constant = graph.add(Node::new("constant", "Const")).unwrap();
        let mut add =
            |kind: &str, i: usize, op: &str| graph.add(Node::new(format!("{kind}{i}"), op)).unwrap();
        let before: Vec<NodeId> = (0..100).map(|i| add("before", i, "Assert")).collect();
        let after: Vec<NodeId> = (0..100).map(|i| add("after", i, "Assert")).collect();
        before.iter().for_each(|&node| graph.connect_control(node, constant));
        after.iter().for_each(|&node| graph.connect_control(constant, node));
        let mut program = Program { graph, feeds: vec![], fetches: vec![], targets: before.clone() };
        loosen(&mut program).unwrap();
        let joint = program.graph.controls(after[0]);
        assert!(joint.len() == 1 && after.iter().all(|&node| program.graph.controls(node) == joint));
        assert_eq!(program.graph.controls(joint[0]).len(), before.len());
    }
}
