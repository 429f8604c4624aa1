//! What must run stays, whatever becomes of the nodes that wait for it; control edges that order nothing go.

use savedmodel_graph::NodeId;

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

/// Lets what takes a constant wait for what the constant waits for.
fn pass_on(program: &mut Program) {
    let nodes: Vec<NodeId> = program.graph.nodes().collect();
    // Where nothing acts there is nothing to wait for.
    let acts = !program.targets.is_empty();
    for node in nodes {
        if &*program.graph.node(node).op != "Const" {
            continue;
        }
        let before = program.graph.controls(node);
        let after: Vec<NodeId> = if acts { program.graph.successors(node).collect() } else { Vec::new() };
        for source in before {
            program.graph.disconnect_control(source, node);
            after.iter().for_each(|&waiting| program.graph.connect_control(source, waiting));
        }
    }
}

/// Drops control edges from what is there from the start, and nodes that do nothing but hand control edges on.
///
/// Constants and arguments are there from the start, and so are identities of them. Without dead values, a node that waits for one waits for nothing.
pub(crate) fn loosen(program: &mut Program) {
    if program.has_dead_values() {
        return;
    }
    pass_on(program);
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
        if before.len() * after.len() > MOST.max(before.len() + after.len()) {
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
