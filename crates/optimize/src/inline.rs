//! Calls become the bodies of what they call.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use savedmodel_graph::{AttrValue, Function, FunctionLibrary, FunctionRef, Graph, Node, NodeId, Output};
use savedmodel_op::{Effect, Registry};
use savedmodel_tensor::Result;

use crate::program::observable;
use crate::{Program, Scope};

/// The most nodes that inlining may leave; calls beyond stay calls.
pub(crate) const MOST_NODES: usize = 1 << 20;
/// How deep calls within calls are inlined; a recursion stays a call there.
pub(crate) const DEEPEST: usize = 32;

/// Inlines all calls, also those in what was inlined.
///
/// Under V1 control flow a call may not run although all that it would do can; there, calls stay.
pub(crate) fn calls(program: &mut Program, scope: &Scope<'_>) -> Result<()> {
    if program.has_dead_values() {
        return Ok(());
    }
    let mut waiting: Vec<(NodeId, usize)> = program.graph.nodes().map(|node| (node, 0)).collect();
    while let Some((node, depth)) = waiting.pop() {
        let Some(function) = called(&program.graph, node, scope.registry, scope.library)? else { continue };
        if depth >= DEEPEST || program.graph.len() > MOST_NODES || has_dead_values(&function.graph) {
            continue;
        }
        let added = inline(program, node, &function, scope)?;
        waiting.extend(added.into_iter().map(|node| (node, depth + 1)));
    }
    Ok(())
}

/// Whether a graph has control flow of V1, where a node may not run although its inputs are there.
pub(crate) fn has_dead_values(graph: &Graph) -> bool {
    graph.nodes().any(|node| matches!(&*graph.node(node).op, "Switch" | "RefSwitch" | "Enter" | "RefEnter"))
}

/// The function that a node calls, if it is a call.
pub(crate) fn called(
    graph: &Graph,
    node: NodeId,
    registry: &Registry,
    library: &FunctionLibrary,
) -> Result<Option<Arc<Function>>> {
    let node = graph.node(node);
    match (&*node.op, node.attrs.get("f")) {
        ("PartitionedCall" | "StatefulPartitionedCall", Some(AttrValue::Function(reference))) => {
            library.find(reference)
        }
        _ if registry.find(&node.op).is_some() => Ok(None),
        _ => library.find(&FunctionRef { name: node.op.to_string(), attrs: node.attrs.clone() }),
    }
}

/// Puts a body in the place of a call; gives the nodes that were added.
///
/// What waited for the call waits for all that its body must do, and whatever in the body has to do with state waits for
/// all that the call waited for.
fn inline(
    program: &mut Program,
    call: NodeId,
    function: &Function,
    scope: &Scope<'_>,
) -> Result<Vec<NodeId>> {
    let arguments = program.graph.inputs(call)?;
    if arguments.len() != function.argument_nodes.len() {
        return Ok(Vec::new());
    }
    let name = program.graph.node(call).name.clone();
    let (before, after) = (program.graph.controls(call), program.graph.controlled(call));
    let mut copies: FxHashMap<NodeId, NodeId> = FxHashMap::default();
    for id in function.graph.nodes().filter(|id| !function.argument_nodes.contains(id)) {
        let node = function.graph.node(id);
        let fresh = program.graph.fresh_name(&format!("{name}/{}", node.name));
        copies.insert(id, program.graph.add(Node { name: fresh.into(), ..node.clone() })?);
    }
    let place = |output: Output| match function.argument_nodes.iter().position(|&node| node == output.node) {
        Some(argument) => arguments[argument],
        None => Output { node: copies[&output.node], index: output.index },
    };
    for (&id, &copy) in &copies {
        for (number, &input) in function.graph.inputs(id)?.iter().enumerate() {
            program.graph.connect(place(input), copy, number);
        }
        for control in function.graph.controls(id) {
            if let Some(&control) = copies.get(&control) {
                program.graph.connect_control(control, copy);
            }
        }
        let pure =
            scope.registry.find(&program.graph.node(copy).op).is_some_and(|op| op.effect == Effect::Pure);
        if !pure {
            before.iter().for_each(|&source| program.graph.connect_control(source, copy));
        }
    }
    let must_run: Vec<NodeId> =
        observable(function, scope.registry).iter().filter_map(|node| copies.get(node).copied()).collect();
    for &waiting in &after {
        must_run.iter().for_each(|&source| program.graph.connect_control(source, waiting));
        // Waiting for the call meant waiting for all that came before it.
        before.iter().for_each(|&source| program.graph.connect_control(source, waiting));
        let results = function.result_outputs.iter().map(|&output| place(output).node);
        results.for_each(|source| program.graph.connect_control(source, waiting));
    }
    for (index, &result) in function.result_outputs.iter().enumerate() {
        program.replace(Output { node: call, index }, place(result));
    }
    let is_pure_call = &*program.graph.node(call).op == "PartitionedCall";
    let was_target = program.targets.contains(&call);
    program.targets.retain(|&target| target != call);
    if !is_pure_call || was_target {
        program.targets.extend(&must_run);
    }
    program.graph.remove(call);
    let mut added: Vec<NodeId> = copies.into_values().collect();
    added.sort_unstable();
    Ok(added)
}
