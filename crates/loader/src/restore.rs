//! Which tensors of the checkpoint belong to which variables.
//!
//! A metagraph says how to restore itself by a subgraph that TensorFlow runs. Its structure tells the same without
//! running anything: each output of a `RestoreV2` goes to one assignment, whose other input is the variable.

use savedmodel_graph::{AttrValue, FunctionLibrary, FunctionRef, Graph, NodeId, Output};
use savedmodel_proto::MetaGraphDef;
use savedmodel_tensor::{Result, Tensor};

/// One tensor of the checkpoint and the variable that it is the value of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreEntry {
    /// The tensor's name in the checkpoint.
    pub key: String,
    /// Shape and slice, if the variable is a part of the tensor; else empty.
    pub shape_and_slice: String,
    /// The variable's node in the graph.
    pub variable: NodeId,
}

/// How a metagraph's state comes out of its checkpoint.
#[derive(Clone, Debug)]
pub struct Restore {
    /// The variables that take a tensor as it is.
    pub entries: Vec<RestoreEntry>,
    /// Whether there is more to restore than the entries (tables, reshaped tensors), so that the subgraph must run.
    pub needs_subgraph: bool,
    /// The operation that restores everything.
    pub operation: String,
    /// The tensor that gives it the checkpoint's prefix.
    pub filename: String,
}

/// Reads the structure of the subgraph; `None` if the metagraph has none.
pub(crate) fn find(
    message: &MetaGraphDef,
    graph: &Graph,
    library: &FunctionLibrary,
) -> Result<Option<Restore>> {
    let Some(saver) = message.saver_def.as_ref().filter(|saver| !saver.restore_op_name.is_empty()) else {
        return Ok(None);
    };
    let mut restore = Restore {
        entries: Vec::new(),
        needs_subgraph: false,
        operation: saver.restore_op_name.split(':').next().unwrap_or_default().to_owned(),
        filename: saver.filename_tensor_name.clone(),
    };
    let Some(operation) = graph.find(&restore.operation) else { return Ok(None) };
    for node in needed(graph, operation) {
        match &*graph.node(node).op {
            "RestoreV2" | "Restore" | "RestoreSlice" => {
                restore.add(graph, node, &|output| variable_of(graph, output));
            }
            "PartitionedCall" | "StatefulPartitionedCall" => restore.add_call(graph, node, library)?,
            _ => {}
        }
    }
    Ok(Some(restore))
}

fn needed(graph: &Graph, target: NodeId) -> Vec<NodeId> {
    let mut seen = vec![false; graph.id_bound()];
    let mut stack = vec![target];
    let mut found = Vec::new();
    while let Some(node) = stack.pop() {
        if !std::mem::replace(&mut seen[node.index()], true) {
            found.push(node);
            stack.extend(graph.predecessors(node));
        }
    }
    found.sort_unstable();
    found
}

impl Restore {
    fn add_call(&mut self, graph: &Graph, call: NodeId, library: &FunctionLibrary) -> Result<()> {
        let Some(AttrValue::Function(reference)) = graph.node(call).attrs.get("f") else { return Ok(()) };
        let reference = FunctionRef { name: reference.name.clone(), attrs: reference.attrs.clone() };
        let Some(function) = library.find(&reference)? else { return Ok(()) };
        let arguments = graph.inputs(call)?;
        let variable = |output: Output| {
            let output = origin(&function.graph, output);
            let argument = function.argument_nodes.iter().position(|&node| node == output.node)?;
            variable_of(graph, *arguments.get(argument)?)
        };
        for node in function.graph.nodes() {
            match &*function.graph.node(node).op {
                "RestoreV2" => self.add(&function.graph, node, &variable),
                // A saver that a class brings along restores in its own way.
                "PartitionedCall" | "StatefulPartitionedCall" => self.needs_subgraph = true,
                _ => {}
            }
        }
        Ok(())
    }

    fn add(&mut self, graph: &Graph, restore: NodeId, variable: &dyn Fn(Output) -> Option<NodeId>) {
        let inputs = graph.inputs(restore).unwrap_or_default();
        let constant = |i: usize| inputs.get(i).and_then(|&output| strings(graph, output));
        // The oldest operator restores one tensor as a whole.
        let slices = if inputs.len() > 2 { constant(2) } else { Some(vec![String::new()]) };
        let (Some(keys), Some(slices)) = (constant(1), slices) else {
            self.needs_subgraph = true;
            return;
        };
        for (index, (key, shape_and_slice)) in keys.into_iter().zip(slices).enumerate() {
            let Some(targets) = assignments(graph, Output { node: restore, index }) else {
                self.needs_subgraph = true;
                continue;
            };
            for target in targets {
                let (key, shape_and_slice) = (key.clone(), shape_and_slice.clone());
                match variable(target) {
                    Some(variable) => self.entries.push(RestoreEntry { key, shape_and_slice, variable }),
                    None => self.needs_subgraph = true,
                }
            }
        }
    }
}

/// The variables that an output is assigned to as it is; `None` if anything else takes it.
fn assignments(graph: &Graph, output: Output) -> Option<Vec<Output>> {
    let mut found = Vec::new();
    for (index, consumer, input) in graph.consumers(output.node) {
        if index != output.index {
            continue;
        }
        match (&*graph.node(consumer).op, input) {
            ("Identity", 0) => found.extend(assignments(graph, Output { node: consumer, index: 0 })?),
            ("Assign" | "AssignVariableOp", 1) => found.push(*graph.inputs(consumer).ok()?.first()?),
            _ => return None,
        }
    }
    Some(found)
}

fn origin(graph: &Graph, mut output: Output) -> Output {
    while matches!(&*graph.node(output.node).op, "Identity" | "RefIdentity") {
        match graph.inputs(output.node).unwrap_or_default().first() {
            Some(&source) => output = source,
            None => break,
        }
    }
    output
}

fn variable_of(graph: &Graph, output: Output) -> Option<NodeId> {
    let output = origin(graph, output);
    matches!(&*graph.node(output.node).op, "VarHandleOp" | "VariableV2" | "Variable").then_some(output.node)
}

fn strings(graph: &Graph, output: Output) -> Option<Vec<String>> {
    let output = origin(graph, output);
    let Some(AttrValue::Tensor(tensor)) = graph.node(output.node).attrs.get("value") else { return None };
    let text = |tensor: &Tensor| -> Option<Vec<String>> {
        let strings = tensor.strings().ok()?;
        Some(strings.iter().map(|s| String::from_utf8_lossy(s).into_owned()).collect())
    };
    text(tensor)
}
