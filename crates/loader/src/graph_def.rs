//! GraphDef to graph.

use rustc_hash::FxHashMap;
use savedmodel_graph::{AttrValue, Graph, Node, NodeId, Output};
use savedmodel_proto::{GraphDef, NodeDef};
use savedmodel_tensor::{Error, PartialShape, Result};

use crate::{attributes, declared, graph_rules};

/// The last version of graphs that write a placeholder of unknown shape as if it were a scalar.
const UNKNOWN_IS_SCALAR: i32 = 21;

/// The graph of a message.
///
/// ```
/// use savedmodel_proto::{pbtxt, GraphDef};
/// let message: GraphDef = pbtxt::parse(r#"
///     node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } }
///     node { name: "y" op: "Identity" input: "x:0" input: "^x" attr { key: "T" value { type: DT_FLOAT } } }
/// "#)?;
/// let graph = savedmodel_loader::graph(&message)?;
/// let (x, y) = (graph.find("x").unwrap(), graph.find("y").unwrap());
/// assert_eq!((graph.inputs(y)?[0].node, graph.controls(y)), (x, vec![x]));
/// # Ok::<(), savedmodel_tensor::Error>(())
/// ```
///
/// # Errors
/// `INVALID_ARGUMENT` when a name is given twice or is none, an input names no node, nodes wait for each other in a circle, an attribute
/// or a dtype is not as TensorFlow declares its operator, or the graph is not for TensorFlow 2.21.
pub fn graph(message: &GraphDef) -> Result<Graph> {
    graph_rules::check(message)?;
    let mut graph = Graph::new();
    let mut ids: FxHashMap<&str, NodeId> = FxHashMap::default();
    let is_old = message.versions.as_ref().is_none_or(|versions| versions.producer <= UNKNOWN_IS_SCALAR);
    for node in &message.node {
        let id = add_node(&mut graph, node)?;
        if is_old && node.op == "Placeholder" {
            forget_scalar(graph.node_mut(id));
        }
        ids.insert(&node.name, id);
    }
    for node in &message.node {
        connect(&mut graph, node, &ids).map_err(|e| e.at(place(node)))?;
    }
    graph_rules::check_order(&graph)?;
    declared::check(&graph)?;
    Ok(graph)
}

/// Makes a scalar shape one of which nothing is known.
fn forget_scalar(placeholder: &mut Node) {
    if let Some(AttrValue::Shape(shape)) = placeholder.attrs.get_mut("shape")
        && shape.rank() == Some(0)
    {
        *shape = PartialShape::unknown();
    }
}

fn connect(graph: &mut Graph, node: &NodeDef, ids: &FxHashMap<&str, NodeId>) -> Result<()> {
    let to = ids[node.name.as_str()];
    let find = |name: &str, input: &str| {
        ids.get(name).copied().ok_or_else(|| {
            Error::invalid_argument(format!(
                "input '{input}' of node '{}' names no node of the graph",
                node.name
            ))
        })
    };
    let mut number = 0;
    for input in &node.input {
        match input.strip_prefix('^') {
            Some(control) => graph.connect_control(find(control, input)?, to),
            None => {
                let (name, index) = match input.rsplit_once(':') {
                    Some((name, index)) => match index.parse() {
                        Ok(index) => (name, index),
                        Err(_) => {
                            return Err(Error::invalid_argument(format!(
                                "input '{input}' is no output name"
                            )));
                        }
                    },
                    None => (input.as_str(), 0),
                };
                graph.connect(Output { node: find(name, input)?, index }, to, number);
                number += 1;
            }
        }
    }
    Ok(())
}

/// Adds the node of a message, without its inputs.
pub(crate) fn add_node(graph: &mut Graph, message: &NodeDef) -> Result<NodeId> {
    let attrs = attributes::attrs(&message.attr).map_err(|e| e.at(place(message)))?;
    graph.add(Node {
        attrs,
        device: message.device.clone(),
        ..Node::new(message.name.as_str(), message.op.as_str())
    })
}

/// How errors call a node.
pub(crate) fn place(node: &NodeDef) -> String {
    format!("node '{}' ({})", node.name, node.op)
}
