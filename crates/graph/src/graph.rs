//! The graph.

use std::sync::Arc;

use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::EdgeRef;
use rustc_hash::FxHashMap;
use savedmodel_tensor::{Error, Result};

use crate::{AttrValue, Attrs};

/// The identity of a node in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(NodeIndex);

impl NodeId {
    /// A number below [`Graph::id_bound`], for tables by node.
    pub fn index(self) -> usize {
        self.0.index()
    }
}

/// One output of one node: what an edge carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Output {
    /// The node.
    pub node: NodeId,
    /// Which of its outputs.
    pub index: usize,
}

/// An operation of a graph.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name, unique in the graph.
    pub name: Arc<str>,
    /// The operator, or the function that it calls.
    pub op: Arc<str>,
    /// Its attributes.
    pub attrs: Attrs,
    /// The device that the model asks for; empty for most.
    pub device: String,
}

impl Node {
    /// A node without attributes or device.
    pub fn new(name: impl Into<Arc<str>>, op: impl Into<Arc<str>>) -> Node {
        Node { name: name.into(), op: op.into(), attrs: Attrs::default(), device: String::new() }
    }

    /// The same node with one more attribute.
    #[must_use]
    pub fn with(mut self, attr: &str, value: AttrValue) -> Node {
        self.attrs.insert(attr.to_owned(), value);
        self
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    Data { output: u32, input: u32 },
    Control,
}

/// A dataflow graph: operations, the tensors that flow between them, and control dependencies.
///
/// V1 loops are cycles through their `NextIteration` nodes; everything else is acyclic.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    inner: StableDiGraph<Node, Edge>,
    names: FxHashMap<Arc<str>, NodeId>,
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Graph {
        Graph::default()
    }

    /// Adds a node.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the name is taken.
    pub fn add(&mut self, node: Node) -> Result<NodeId> {
        let name = Arc::clone(&node.name);
        if self.names.contains_key(&name) {
            return Err(Error::invalid_argument(format!("Duplicate node name in graph: '{name}'")));
        }
        let id = NodeId(self.inner.add_node(node));
        self.names.insert(name, id);
        Ok(id)
    }

    /// A name that starts with `stem` and that no node has.
    pub fn fresh_name(&self, stem: &str) -> String {
        if !self.names.contains_key(stem) {
            return stem.to_owned();
        }
        (1_usize..)
            .map(|i| format!("{stem}_{i}"))
            .find(|name| !self.names.contains_key(name.as_str()))
            .unwrap_or_default()
    }

    /// Connects an output to input number `input` of `to`.
    pub fn connect(&mut self, from: Output, to: NodeId, input: usize) {
        let edge = Edge::Data { output: from.index as u32, input: input as u32 };
        self.inner.add_edge(from.node.0, to.0, edge);
    }

    /// Makes `to` run after `from`.
    pub fn connect_control(&mut self, from: NodeId, to: NodeId) {
        if !self.inner.edges_connecting(from.0, to.0).any(|e| *e.weight() == Edge::Control) {
            self.inner.add_edge(from.0, to.0, Edge::Control);
        }
    }

    /// The node.
    ///
    /// # Panics
    /// When the node was removed.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.inner[id.0]
    }

    /// The node, to change. Its name must stay.
    ///
    /// # Panics
    /// When the node was removed.
    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.inner[id.0]
    }

    /// The node with this name.
    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.names.get(name).copied()
    }

    /// All nodes, in the order in which they were added.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.inner.node_indices().map(NodeId)
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.inner.node_count()
    }

    /// Whether there are no nodes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A number above every [`NodeId::index`].
    pub fn id_bound(&self) -> usize {
        self.inner.node_indices().next_back().map_or(0, |last| last.index() + 1)
    }

    /// What flows into a node, in order of its inputs.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when an input is missing or connected twice.
    pub fn inputs(&self, id: NodeId) -> Result<Vec<Output>> {
        let mut found: Vec<(u32, Output)> = Vec::new();
        for edge in self.inner.edges_directed(id.0, Direction::Incoming) {
            if let Edge::Data { output, input } = *edge.weight() {
                found.push((input, Output { node: NodeId(edge.source()), index: output as usize }));
            }
        }
        found.sort_unstable_by_key(|&(input, _)| input);
        if found.iter().enumerate().any(|(i, &(input, _))| i != input as usize) {
            let name = &self.node(id).name;
            return Err(Error::invalid_argument(format!(
                "the inputs of node '{name}' are not numbered 0, 1, …"
            )));
        }
        Ok(found.into_iter().map(|(_, output)| output).collect())
    }

    /// The nodes that must run before a node, besides its inputs.
    pub fn controls(&self, id: NodeId) -> Vec<NodeId> {
        let mut controls: Vec<NodeId> =
            self.neighbours(id, Direction::Incoming, true).map(|(n, _)| n).collect();
        controls.sort_unstable();
        controls
    }

    /// The nodes that wait for a node without taking a tensor from it.
    pub fn controlled(&self, id: NodeId) -> Vec<NodeId> {
        self.neighbours(id, Direction::Outgoing, true).map(|(n, _)| n).collect()
    }

    /// Who takes which output of a node: (output, consumer, input of the consumer).
    pub fn consumers(&self, id: NodeId) -> Vec<(usize, NodeId, usize)> {
        let mut found: Vec<_> = self
            .neighbours(id, Direction::Outgoing, false)
            .filter_map(|(node, edge)| match edge {
                Edge::Data { output, input } => Some((output as usize, node, input as usize)),
                Edge::Control => None,
            })
            .collect();
        found.sort_unstable();
        found
    }

    /// All that must come before a node: sources of data and of control, some perhaps twice.
    pub fn predecessors(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.inner.neighbors_directed(id.0, Direction::Incoming).map(NodeId)
    }

    /// All that comes after a node, some perhaps twice.
    pub fn successors(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.inner.neighbors_directed(id.0, Direction::Outgoing).map(NodeId)
    }

    fn neighbours(
        &self,
        id: NodeId,
        direction: Direction,
        control: bool,
    ) -> impl Iterator<Item = (NodeId, Edge)> + '_ {
        self.inner.edges_directed(id.0, direction).filter_map(move |edge| {
            let other = if direction == Direction::Incoming { edge.source() } else { edge.target() };
            ((*edge.weight() == Edge::Control) == control).then(|| (NodeId(other), *edge.weight()))
        })
    }

    /// Takes all edges into a node away.
    pub fn disconnect_inputs(&mut self, id: NodeId) {
        let edges: Vec<_> = self.inner.edges_directed(id.0, Direction::Incoming).map(|e| e.id()).collect();
        edges.into_iter().for_each(|edge| {
            self.inner.remove_edge(edge);
        });
    }

    /// Takes the control edge between two nodes away, if there is one.
    pub fn disconnect_control(&mut self, from: NodeId, to: NodeId) {
        let edge =
            self.inner.edges_connecting(from.0, to.0).find(|e| *e.weight() == Edge::Control).map(|e| e.id());
        edge.map(|edge| self.inner.remove_edge(edge));
    }

    /// Lets every consumer of `old` take `new` instead.
    pub fn replace_output(&mut self, old: Output, new: Output) {
        let edges: Vec<_> = self
            .inner
            .edges_directed(old.node.0, Direction::Outgoing)
            .filter_map(|e| match *e.weight() {
                Edge::Data { output, input } if output as usize == old.index => {
                    Some((e.id(), e.target(), input))
                }
                _ => None,
            })
            .collect();
        for (edge, target, input) in edges {
            self.inner.remove_edge(edge);
            self.connect(new, NodeId(target), input as usize);
        }
    }

    /// Takes a node and its edges away.
    pub fn remove(&mut self, id: NodeId) {
        if let Some(node) = self.inner.remove_node(id.0) {
            self.names.remove(&node.name);
        }
    }

    /// Keeps only the nodes for which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(NodeId) -> bool) {
        let gone: Vec<NodeId> = self.nodes().filter(|&id| !keep(id)).collect();
        gone.into_iter().for_each(|id| self.remove(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain() -> (Graph, [NodeId; 3]) {
        let mut graph = Graph::new();
        let ids = ["a", "b", "c"].map(|name| graph.add(Node::new(name, "Identity")).unwrap());
        graph.connect(Output { node: ids[0], index: 0 }, ids[1], 0);
        graph.connect(Output { node: ids[1], index: 2 }, ids[2], 1);
        graph.connect(Output { node: ids[0], index: 1 }, ids[2], 0);
        graph.connect_control(ids[0], ids[2]);
        graph.connect_control(ids[0], ids[2]);
        (graph, ids)
    }

    #[test]
    fn edges_are_found_in_order() {
        let (graph, [a, b, c]) = chain();
        assert_eq!(graph.inputs(c).unwrap(), [Output { node: a, index: 1 }, Output { node: b, index: 2 }]);
        assert_eq!(graph.controls(c), [a]);
        assert_eq!(graph.consumers(a), [(0, b, 0), (1, c, 0)]);
        assert_eq!(graph.find("b"), Some(b));
    }

    #[test]
    fn rewriting() {
        let (mut graph, [a, b, c]) = chain();
        graph.replace_output(Output { node: b, index: 2 }, Output { node: a, index: 5 });
        assert_eq!(graph.inputs(c).unwrap()[1], Output { node: a, index: 5 });
        graph.remove(b);
        assert_eq!((graph.len(), graph.find("b")), (2, None));
        assert!(graph.add(Node::new("a", "NoOp")).is_err());
        assert_eq!(graph.fresh_name("a"), "a_1");
    }

    #[test]
    fn gaps_between_inputs_are_errors() {
        let (mut graph, [a, b, _]) = chain();
        graph.connect(Output { node: a, index: 0 }, b, 2);
        assert!(graph.inputs(b).is_err());
    }
}
