//! Tables without names, as the objects of TensorFlow 2 hold them.
//!
//! Their operators give a new table each time they run, which TensorFlow's loader hides: an object keeps the one that it made, and all
//! functions and signatures that captured the object use that. Here objects, signatures and the initialiser share one session, so the
//! tables of the session's graph get names.

use std::sync::Arc;

use savedmodel_graph::{AttrValue, Graph};
use savedmodel_loader::{MetaGraph, named_table};

/// The container of their tables.
const CONTAINER: &str = "objects";

/// The graph that a session of this metagraph runs: the metagraph's own, but that the objects' tables have names. Nodes have the numbers that
/// they have there.
pub(crate) fn session_graph(meta: &MetaGraph) -> Arc<Graph> {
    let graph = &meta.graph;
    let tables: Vec<_> =
        graph.nodes().filter_map(|node| Some((node, named_table(&graph.node(node).op)?))).collect();
    if tables.is_empty() || !meta.has_objects() {
        return Arc::clone(graph);
    }
    let mut graph = Graph::clone(graph);
    for (id, op) in tables {
        let node = graph.node_mut(id);
        node.op = op.into();
        for (attr, text) in [("container", CONTAINER), ("shared_name", "")] {
            node.attrs.insert(attr.to_owned(), AttrValue::Bytes(text.as_bytes().into()));
        }
        node.attrs.insert("use_node_name_sharing".to_owned(), AttrValue::Bool(true));
    }
    Arc::new(graph)
}
