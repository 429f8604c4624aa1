//! Variables that nothing writes, as constants.
//!
//! `flow.rs` finds out where the handle of a variable goes, through calls, branches and loops, and whether anything but
//! reading is done with it; `rewrite.rs` lets the value go those ways instead. Functions that are called with handles are
//! copied for it, so that calls stay calls.

mod flow;
mod rewrite;

use std::collections::BTreeMap;

use savedmodel_proto::attr_value::Value;
use savedmodel_proto::{GraphDef, NodeDef, shape};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::nodes::{self, Nodes, constant};
use crate::{Export, saver};
use flow::{Body, Flow, Kind};
use rewrite::{Frozen, Rewrite};

/// The most bytes that constants of a graph may have together: protobuf's limit for the message that holds them.
const MOST_BYTES: usize = i32::MAX as usize;

impl Export {
    /// Keeps what the signatures need, as [`Export::prune`], and makes constants of all variables of it that nothing
    /// writes. Gives the nodes of the variables that stay, with what writes them or hides where they go.
    ///
    /// # Errors
    /// As [`Export::prune`]; `FAILED_PRECONDITION` when a variable that nothing writes has no value; `INVALID_ARGUMENT` when the
    /// constants are larger than protobuf allows.
    pub fn freeze(&mut self) -> Result<Vec<(String, String)>> {
        self.cut()?;
        let graph = self.message.graph_def.take().unwrap_or_default();
        let staying = staying(&graph);
        let frozen = self.values(&graph, &staying).and_then(|values| {
            check_size(&values, MOST_BYTES)?;
            apply(&graph, &values)
        });
        match frozen {
            Ok(new) => self.message.graph_def = Some(new),
            Err(error) => {
                self.message.graph_def = Some(graph);
                return Err(error);
            }
        }
        self.variables.retain(|node, _| staying.contains_key(node));
        saver::attach(self)?;
        Ok(staying.into_iter().collect())
    }

    fn values(
        &self,
        graph: &GraphDef,
        staying: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, Tensor>> {
        let mut values = BTreeMap::new();
        for node in graph.node.iter().filter(|node| kind(node).is_some() && !staying.contains_key(&node.name))
        {
            let value = self.variables.get(&node.name).and_then(|variable| variable.value.clone());
            let value = value.ok_or_else(|| {
                Error::failed_precondition(format!("variable '{}' has no value to freeze", node.name))
            })?;
            values.insert(node.name.clone(), value);
        }
        Ok(values)
    }
}

/// How a node gives its variable, if it is one.
fn kind(node: &NodeDef) -> Option<Kind> {
    match &*node.op {
        "VarHandleOp" => Some(Kind::Handle),
        "VariableV2" | "Variable" => Some(Kind::Reference),
        _ => None,
    }
}

/// The variables that can't be constants, by node, with the reason.
fn staying(graph: &GraphDef) -> BTreeMap<String, String> {
    let nodes = Nodes::new(graph);
    let mut flow = Flow::new(&nodes);
    let variables = || graph.node.iter().filter_map(|node| kind(node).map(|kind| (node, kind)));
    let mut reasons: BTreeMap<String, String> = BTreeMap::new();
    let library = graph.library.iter().flat_map(|library| &library.function);
    for node in library.flat_map(|function| &function.node_def).filter(|node| kind(node).is_some()) {
        reasons.insert(shared_name(node), format!("a function makes it by node '{}'", node.name));
    }
    for (node, kind) in variables() {
        if let Err(reason) = flow.carriers(&Body::of_graph(graph), &node.name, kind) {
            reasons.insert(shared_name(node), reason);
        }
    }
    // Nodes that share a variable freeze it together or not at all.
    let reason = |node: &NodeDef| Some((node.name.clone(), reasons.get(&shared_name(node))?.clone()));
    variables().filter_map(|(node, _)| reason(node)).collect()
}

/// Container and name under which a variable is shared.
fn shared_name(node: &NodeDef) -> String {
    let text = |attr: &str| match node.attr.get(attr).and_then(|value| value.value.as_ref()) {
        Some(Value::S(text)) => String::from_utf8_lossy(text).into_owned(),
        _ => String::new(),
    };
    let shared = text("shared_name");
    format!("{}/{}", text("container"), if shared.is_empty() { &node.name } else { &shared })
}

fn check_size(values: &BTreeMap<String, Tensor>, most: usize) -> Result<()> {
    let size = |tensor: &Tensor| match tensor.strings() {
        Ok(strings) => strings.iter().map(|string| string.len()).sum(),
        Err(_) => tensor.bytes().map_or(0, <[u8]>::len),
    };
    let total: usize = values.values().map(size).sum();
    match values.iter().max_by_key(|(_, value)| size(value)) {
        Some((name, value)) if total > most => Err(Error::invalid_argument(format!(
            "the variables have {total} bytes, but protobuf allows a graph {most}; the largest is '{name}' with {}",
            size(value)
        ))),
        _ => Ok(()),
    }
}

fn apply(graph: &GraphDef, values: &BTreeMap<String, Tensor>) -> Result<GraphDef> {
    let nodes = Nodes::new(graph);
    let mut flow = Flow::new(&nodes);
    let mut carriers = BTreeMap::new();
    for node in &graph.node {
        let (Some(value), Some(kind)) = (values.get(&node.name), kind(node)) else { continue };
        let frozen = Frozen { kind, dtype: value.dtype().number(), shape: value.shape().to_i64() };
        let found = flow.carriers(&Body::of_graph(graph), &node.name, kind).map_err(Error::internal)?;
        carriers.extend(found.into_iter().map(|tensor| (tensor, frozen.clone())));
    }
    let mut new = graph.clone();
    let mut rewrite = Rewrite::new(&nodes, flow);
    rewrite.graph(&mut new.node, &carriers)?;
    let made = rewrite.finish();
    for node in &mut new.node {
        if let Some(value) = values.get(&node.name) {
            let (device, kept) = (std::mem::take(&mut node.device), std::mem::take(&mut node.input));
            *node = NodeDef { device, input: kept, ..constant(&node.name, value)? };
            let shapes = savedmodel_proto::attr_value::ListValue {
                shape: vec![shape::from_shape(value.shape())],
                ..Default::default()
            };
            node.attr.insert("_output_shapes".to_owned(), nodes::of(Value::List(Box::new(shapes))));
        }
    }
    if !made.is_empty() {
        new.library.get_or_insert_default().function.extend(made);
    }
    nodes::drop_unused_functions(&mut new);
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_have_a_largest_size() {
        let values = BTreeMap::from([
            ("a".to_owned(), Tensor::zeros(savedmodel_tensor::DType::Float, [4]).unwrap()),
            ("b".to_owned(), Tensor::from_strings([1], ["x"]).unwrap()),
        ]);
        assert!(check_size(&values, 17).is_ok());
        let error = check_size(&values, 16).unwrap_err();
        assert!(error.message().ends_with("the largest is 'a' with 16"), "{error}");
    }
}
