//! A graph with the bodies of the functions that it calls.

use savedmodel_graph::{AttrValue, Function, Graph, Node, NodeId, Output};
use savedmodel_op::{Effect, Registry};
use savedmodel_tensor::{DType, Result};

use crate::inline::{self, DEEPEST, MOST_NODES};
use crate::program::observable;

/// The graph with the body of every call put beside it, so that each tensor of the functions has a name: `call/node`.
///
/// A call becomes a node that hands the body's results on and waits for all that the body must do; what asks for less
/// does not run the rest. An argument is named `call/argument`, unless it is a resource. Under V1 control flow calls stay
/// calls, since a body would run although its branch is not taken.
///
/// # Errors
/// When a function is malformed.
pub fn expand(
    graph: &Graph,
    registry: &Registry,
    library: &savedmodel_graph::FunctionLibrary,
) -> Result<Graph> {
    let mut graph = graph.clone();
    if inline::has_dead_values(&graph) {
        return Ok(graph);
    }
    let mut waiting: Vec<(NodeId, usize)> = graph.nodes().map(|node| (node, 0)).collect();
    while let Some((node, depth)) = waiting.pop() {
        let Some(function) = inline::called(&graph, node, registry, library)? else { continue };
        if depth >= DEEPEST || graph.len() > MOST_NODES || inline::has_dead_values(&function.graph) {
            continue;
        }
        let added = put(&mut graph, node, &function, registry)?;
        waiting.extend(added.into_iter().map(|node| (node, depth + 1)));
    }
    Ok(graph)
}

fn put(graph: &mut Graph, call: NodeId, function: &Function, registry: &Registry) -> Result<Vec<NodeId>> {
    let sources = graph.inputs(call)?;
    if sources.len() != function.argument_nodes.len() {
        return Ok(Vec::new());
    }
    let name = graph.node(call).name.clone();
    let before = graph.controls(call);
    // Where each node of the body went; a resource that is an argument stays what it was.
    let mut places: Vec<Option<Output>> = vec![None; function.graph.id_bound()];
    let mut added = Vec::new();
    for id in function.graph.nodes() {
        let node = function.graph.node(id);
        let argument = function.argument_nodes.iter().position(|&argument| argument == id);
        let fresh = || graph.fresh_name(&format!("{name}/{}", node.name));
        let place = match argument {
            Some(i) if function.arguments[i].dtype == DType::Resource => sources[i],
            Some(i) => {
                let dtype = AttrValue::Type(function.arguments[i].dtype);
                let copy = graph.add(Node::new(fresh(), "Identity").with("T", dtype))?;
                graph.connect(sources[i], copy, 0);
                Output { node: copy, index: 0 }
            }
            None => {
                let copy = graph.add(Node { name: fresh().into(), ..node.clone() })?;
                added.push(copy);
                Output { node: copy, index: 0 }
            }
        };
        places[id.index()] = Some(place);
    }
    let place = |output: Output| {
        let place = places[output.node.index()].unwrap_or(output);
        Output { index: place.index + output.index, ..place }
    };
    for id in function.graph.nodes().filter(|id| !function.argument_nodes.contains(id)) {
        let copy = place(Output { node: id, index: 0 }).node;
        for (number, &input) in function.graph.inputs(id)?.iter().enumerate() {
            graph.connect(place(input), copy, number);
        }
        for control in function.graph.controls(id) {
            if !function.argument_nodes.contains(&control) {
                graph.connect_control(place(Output { node: control, index: 0 }).node, copy);
            }
        }
        let pure = registry.find(&graph.node(copy).op).is_some_and(|op| op.effect == Effect::Pure);
        if !pure {
            before.iter().for_each(|&source| graph.connect_control(source, copy));
        }
    }
    let results: Vec<Output> = function.result_outputs.iter().map(|&output| place(output)).collect();
    let must_run: Vec<NodeId> =
        observable(function, registry).iter().map(|&node| place(Output { node, index: 0 }).node).collect();
    stand_in(graph, call, function, &results, &must_run);
    Ok(added)
}

/// Turns a call into what hands on the results of its body.
fn stand_in(graph: &mut Graph, call: NodeId, function: &Function, results: &[Output], must_run: &[NodeId]) {
    let is_pure = matches!(&*graph.node(call).op, "PartitionedCall");
    let before = graph.controls(call);
    graph.disconnect_inputs(call);
    let dtypes = function.results.iter().map(|result| AttrValue::Type(result.dtype)).collect();
    let node = graph.node_mut(call);
    node.op = if results.is_empty() { "NoOp".into() } else { "IdentityN".into() };
    node.attrs.clear();
    if !results.is_empty() {
        node.attrs.insert("T".to_owned(), AttrValue::List(dtypes));
    }
    for (number, &result) in results.iter().enumerate() {
        graph.connect(result, call, number);
    }
    before.iter().for_each(|&source| graph.connect_control(source, call));
    if !is_pure {
        must_run.iter().for_each(|&source| graph.connect_control(source, call));
    }
}
