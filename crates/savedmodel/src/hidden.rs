//! Names of what can be neither fed nor fetched, although a function has it.

use savedmodel_graph::{AttrValue, FunctionRef, Graph, NodeId};
use savedmodel_runtime::{Bodies, Session};
use savedmodel_tensor::Error;

/// Says why a tensor or operation is out of reach: it is in a function that its caller runs any number of times, such as the
/// body of a loop. `None` if nothing has that name.
pub(crate) fn error(session: &Session, name: &str) -> Option<Error> {
    let library = &session.environment().library;
    let expanded = session.expanded(Bodies::Branches).ok()?;
    let node = name.trim_start_matches('^');
    let node = node.rsplit_once(':').map_or(node, |(node, _)| node);
    let (caller, function) = find(expanded.graph(), node, &|function: &FunctionRef, rest: &str| {
        let body = library.find(function).ok().flatten()?;
        let has = body.graph.find(rest).is_some()
            || callers(&body.graph, rest).any(|(caller, _)| !functions(&body.graph, caller).is_empty());
        has.then_some(())
    })?;
    let caller = expanded.graph().node(caller);
    Some(Error::invalid_argument(format!(
        "'{name}' has no one value and is not fetchable: it is in function '{function}', which '{}' ({}) calls any number \
         of times. Feed and fetch what goes into '{0}' and what comes out of it, or take that function on its own \
         (prune_function)",
        caller.name, caller.op
    )))
}

/// The caller and the function that a path leads into; `has` tells whether a function has what is left of the path.
fn find(
    graph: &Graph,
    path: &str,
    has: &dyn Fn(&FunctionRef, &str) -> Option<()>,
) -> Option<(NodeId, String)> {
    callers(graph, path).find_map(|(caller, rest)| {
        functions(graph, caller).into_iter().find_map(|(attr, function)| {
            let rest = rest.strip_prefix(attr.as_str())?.strip_prefix('/')?;
            has(function, rest).map(|()| (caller, function.name.clone()))
        })
    })
}

/// The nodes whose names a path begins with, longest first, with the rest of the path.
fn callers<'g>(graph: &'g Graph, path: &'g str) -> impl Iterator<Item = (NodeId, &'g str)> {
    let ends = path.rmatch_indices('/').map(|(end, _)| end);
    ends.filter_map(move |end| Some((graph.find(&path[..end])?, &path[end + 1..])))
}

/// The functions that a node calls, by attribute.
fn functions(graph: &Graph, node: NodeId) -> Vec<(String, &FunctionRef)> {
    let mut found = Vec::new();
    for (attr, value) in &graph.node(node).attrs {
        match value {
            AttrValue::Function(function) => found.push((attr.clone(), function)),
            AttrValue::List(items) => {
                found.extend(items.iter().enumerate().filter_map(|(i, item)| match item {
                    AttrValue::Function(function) => Some((format!("{attr}{i}"), function)),
                    _ => None,
                }))
            }
            _ => {}
        }
    }
    found
}
