//! The variables of a graph.

use std::collections::HashSet;

use savedmodel_graph::{Graph, NodeId};
use savedmodel_proto::collection_def::Kind;
use savedmodel_proto::{MetaGraphDef, VariableDef};

/// A variable of a graph, as TensorFlow 1 lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphVariable {
    /// Its name, without `:0`.
    pub name: String,
    /// The node that gives its handle, or a reference to it.
    pub node: NodeId,
    /// Whether training changes it.
    pub trainable: bool,
    /// Which part of a partitioned variable it is.
    pub slice: Option<VariableSlice>,
}

/// Which part of a partitioned variable another variable is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableSlice {
    /// The name of the whole.
    pub full_name: String,
    /// The shape of the whole.
    pub full_shape: Vec<i64>,
    /// Where the part begins in each dimension.
    pub offset: Vec<i64>,
    /// How far it goes in each dimension.
    pub shape: Vec<i64>,
}

impl VariableSlice {
    /// How the slice is asked for in a checkpoint: the whole's shape, then offset and size in each dimension.
    pub(crate) fn spec(&self) -> String {
        let whole: String = self.full_shape.iter().map(|size| format!("{size} ")).collect();
        let part: Vec<String> =
            self.offset.iter().zip(&self.shape).map(|(offset, size)| format!("{offset},{size}")).collect();
        whole + &part.join(":")
    }
}

/// The variables that the collections list, then those of the graph that they do not.
pub(crate) fn find(message: &MetaGraphDef, graph: &Graph) -> Vec<GraphVariable> {
    let mut found = listed(message, graph, &["variables", "local_variables", "model_variables"]);
    let known: HashSet<NodeId> = found.iter().map(|variable| variable.node).collect();
    for node in graph.nodes().filter(|&node| is_variable(graph, node) && !known.contains(&node)) {
        let name = graph.node(node).name.to_string();
        found.push(GraphVariable { name, node, trainable: false, slice: None });
    }
    found
}

/// The variables that some collections list, each once.
pub(crate) fn listed(message: &MetaGraphDef, graph: &Graph, collections: &[&str]) -> Vec<GraphVariable> {
    let trainable: Vec<String> = defs(message, "trainable_variables").map(|def| def.variable_name).collect();
    let mut known = HashSet::new();
    let mut found = Vec::new();
    for def in collections.iter().flat_map(|collection| defs(message, collection)) {
        let name = def.variable_name.split(':').next().unwrap_or_default();
        let Some(node) = graph.find(name).filter(|&node| is_variable(graph, node)) else { continue };
        if !known.insert(node) {
            continue;
        }
        let trainable = def.trainable || trainable.contains(&def.variable_name);
        let slice = def.save_slice_info_def.map(|slice| VariableSlice {
            full_name: slice.full_name,
            full_shape: slice.full_shape,
            offset: slice.var_offset,
            shape: slice.var_shape,
        });
        found.push(GraphVariable { name: name.to_owned(), node, trainable, slice });
    }
    found
}

fn is_variable(graph: &Graph, node: NodeId) -> bool {
    matches!(&*graph.node(node).op, "VarHandleOp" | "VariableV2" | "Variable")
}

/// What a collection lists; what is malformed in it is passed over, since only few callers want it.
fn defs(message: &MetaGraphDef, collection: &str) -> impl Iterator<Item = VariableDef> {
    let list = match message.collection_def.get(collection).and_then(|def| def.kind.as_ref()) {
        Some(Kind::BytesList(list)) => list.value.clone(),
        _ => Vec::new(),
    };
    list.into_iter().filter_map(|bytes| savedmodel_proto::decode(bytes).ok())
}
