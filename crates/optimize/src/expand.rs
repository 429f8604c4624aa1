//! A graph with the bodies of the functions that it calls.

use savedmodel_graph::{AttrValue, Function, FunctionLibrary, Graph, Node, NodeId, Output};
use savedmodel_op::{Effect, Registry};
use savedmodel_tensor::{DType, Result};

use crate::branches;
use crate::inline::{self, DEEPEST, MOST_NODES};
use crate::program::observable;

/// Which bodies are put beside what calls them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bodies {
    /// Those of calls. Under V1 control flow calls stay calls, since a body would run although its branch is not taken.
    Calls,
    /// Those of all calls, and those of branches, which become V1 control flow.
    Branches,
}

/// The graph with the body of every call put beside it, so that each tensor of the functions has a name: `call/node`.
///
/// A call becomes a node that hands the body's results on and waits for all that the body must do; what asks for less
/// does not run the rest. An argument is named `call/argument`, unless it is a resource. With [`Bodies::Branches`], what
/// is in a branch is named `if/then_branch/node`, `if/else_branch/node` or `case/branch0/node`, and has no value when the
/// branch is not taken.
///
/// # Errors
/// When a function is malformed.
pub fn expand(
    graph: &Graph,
    registry: &Registry,
    library: &FunctionLibrary,
    bodies: Bodies,
) -> Result<Graph> {
    let mut graph = graph.clone();
    let all = bodies == Bodies::Branches;
    if !all && inline::has_dead_values(&graph) {
        return Ok(graph);
    }
    let mut waiting: Vec<(NodeId, usize)> = graph.nodes().map(|node| (node, 0)).collect();
    while let Some((node, depth)) = waiting.pop() {
        if depth >= DEEPEST || graph.len() > MOST_NODES {
            continue;
        }
        let added = match inline::called(&graph, node, registry, library)? {
            Some(function) if all || !inline::has_dead_values(&function.graph) => {
                call(&mut graph, node, &function, (registry, all))?
            }
            None if all => branches::put(&mut graph, node, registry, library)?,
            _ => continue,
        };
        waiting.extend(added.into_iter().map(|node| (node, depth + 1)));
    }
    Ok(graph)
}

/// Where a body goes.
pub(crate) struct Place {
    /// What the names of its nodes begin with.
    pub name: String,
    /// Its arguments.
    pub sources: Vec<Output>,
    /// What all in it that has to do with state waits for.
    pub before: Vec<NodeId>,
    /// What does not run when nothing of it must.
    pub pivot: Option<NodeId>,
}

/// A body that was put into a graph.
pub(crate) struct Body {
    pub added: Vec<NodeId>,
    pub results: Vec<Output>,
    pub must_run: Vec<NodeId>,
}

fn call(
    graph: &mut Graph,
    node: NodeId,
    function: &Function,
    (registry, may_die): (&Registry, bool),
) -> Result<Vec<NodeId>> {
    let sources = graph.inputs(node)?;
    if sources.len() != function.argument_nodes.len() {
        return Ok(Vec::new());
    }
    let name = graph.node(node).name.to_string();
    let before = graph.controls(node);
    let pivot = if may_die { Some(pivot(graph, &name, (&sources, &before), function)?) } else { None };
    let is_pure = matches!(&*graph.node(node).op, "PartitionedCall");
    let body = put(graph, Place { name, sources, before: before.clone(), pivot }, function, registry)?;
    let mut after = before;
    after.extend(pivot);
    if !is_pure {
        after.extend(&body.must_run);
    }
    stand_in(graph, node, function, &body.results, &after);
    Ok(body.added)
}

/// A node that runs when a call would: when all that it takes and waits for is there.
fn pivot(
    graph: &mut Graph,
    name: &str,
    (sources, before): (&[Output], &[NodeId]),
    function: &Function,
) -> Result<NodeId> {
    let pivot = graph.add(Node::new(graph.fresh_name(&format!("{name}/pivot")), "NoOp"))?;
    before.iter().for_each(|&source| graph.connect_control(source, pivot));
    for (&source, argument) in sources.iter().zip(&function.arguments) {
        // Who waits for a Switch does not learn which of its outputs is there.
        let alive = match &*graph.node(source.node).op {
            "Switch" | "RefSwitch" => {
                let name = graph.fresh_name(&format!("{name}/alive"));
                let node = Node::new(name, "Identity").with("T", AttrValue::Type(argument.dtype));
                let alive = graph.add(node)?;
                graph.connect(source, alive, 0);
                alive
            }
            _ => source.node,
        };
        graph.connect_control(alive, pivot);
    }
    Ok(pivot)
}

/// Puts a body into a graph.
pub(crate) fn put(graph: &mut Graph, to: Place, function: &Function, registry: &Registry) -> Result<Body> {
    // Where each node of the body went; a resource that is an argument stays what it was.
    let mut places: Vec<Option<Output>> = vec![None; function.graph.id_bound()];
    let mut added = Vec::new();
    for id in function.graph.nodes() {
        let argument = function.argument_nodes.iter().position(|&argument| argument == id);
        places[id.index()] = Some(match argument {
            Some(i) if function.arguments[i].dtype == DType::Resource => to.sources[i],
            _ => {
                let node = graph.add(copy(graph, &to.name, function, id))?;
                match argument {
                    Some(i) => graph.connect(to.sources[i], node, 0),
                    None => added.push(node),
                }
                Output { node, index: 0 }
            }
        });
    }
    let place = |output: Output| {
        let place = places[output.node.index()].unwrap_or(output);
        Output { index: place.index + output.index, ..place }
    };
    let node = |node: NodeId| place(Output { node, index: 0 }).node;
    for id in function.graph.nodes().filter(|id| !function.argument_nodes.contains(id)) {
        let copy = node(id);
        for (number, &input) in function.graph.inputs(id)?.iter().enumerate() {
            graph.connect(place(input), copy, number);
        }
        for control in function.graph.controls(id) {
            if !function.argument_nodes.contains(&control) {
                graph.connect_control(node(control), copy);
            }
        }
        let pure = registry.find(&graph.node(copy).op).is_some_and(|op| op.effect == Effect::Pure);
        if !pure {
            to.before.iter().for_each(|&source| graph.connect_control(source, copy));
        }
        to.pivot.iter().for_each(|&pivot| graph.connect_control(pivot, copy));
    }
    Ok(Body {
        added,
        results: function.result_outputs.iter().map(|&output| place(output)).collect(),
        must_run: observable(function, registry).into_iter().map(node).collect(),
    })
}

/// A node of a body under its new name; an argument becomes what hands it on.
fn copy(graph: &Graph, place: &str, function: &Function, id: NodeId) -> Node {
    let node = function.graph.node(id);
    let name = graph.fresh_name(&format!("{place}/{}", node.name));
    if let Some(i) = function.argument_nodes.iter().position(|&argument| argument == id) {
        return Node::new(name, "Identity").with("T", AttrValue::Type(function.arguments[i].dtype));
    }
    let mut node = Node { name: name.into(), ..node.clone() };
    // The same loop in two places is two loops.
    if let ("Enter" | "RefEnter", Some(AttrValue::Bytes(frame))) =
        (&*node.op, node.attrs.get_mut("frame_name"))
    {
        *frame = [place.as_bytes(), b"/", frame].concat().into();
    }
    node
}

/// Turns what calls a function into what hands on the results of its body.
pub(crate) fn stand_in(
    graph: &mut Graph,
    call: NodeId,
    function: &Function,
    results: &[Output],
    after: &[NodeId],
) {
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
    after.iter().for_each(|&source| graph.connect_control(source, call));
}
