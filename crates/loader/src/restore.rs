//! Which tensors of the checkpoint belong to which variables.
//!
//! A metagraph says how to restore itself by a subgraph that TensorFlow runs. Its structure tells the same without
//! running anything: each output of a `RestoreV2` goes to one assignment, whose other input is the variable. A module of
//! TensorFlow Hub's first format has no such subgraph; its variables stand in the checkpoint under their own names.

use savedmodel_graph::{AttrValue, FunctionLibrary, FunctionRef, Graph, NodeId, Output};
use savedmodel_proto::MetaGraphDef;
use savedmodel_tensor::{Result, Tensor};

use crate::variables::{self, GraphVariable, VariableSlice};

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

/// A table and the tensors of the checkpoint that are its contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreTable {
    /// The names of its keys and values in the checkpoint.
    pub keys: [String; 2],
    /// The table's node in the graph.
    pub table: NodeId,
}

/// How a metagraph's state comes out of its checkpoint.
#[derive(Clone, Debug)]
pub struct Restore {
    /// The variables that take a tensor as it is.
    pub entries: Vec<RestoreEntry>,
    /// The tables that take their contents as they are.
    pub tables: Vec<RestoreTable>,
    /// Whether there is more to restore than the entries (tables, reshaped tensors), so that the subgraph must run.
    pub needs_subgraph: bool,
    /// The operation that restores everything; empty, as are the next two, where no subgraph does.
    pub operation: String,
    /// The tensor that gives it the checkpoint's prefix.
    pub filename: String,
    /// The tensor that is there when everything is saved to the checkpoint of that prefix.
    pub save: String,
}

/// Reads the structure of the subgraph, or, where the metagraph names none, the list of its variables; `None` if there is nothing
/// to restore.
pub(crate) fn find(
    message: &MetaGraphDef,
    graph: &Graph,
    library: &FunctionLibrary,
) -> Result<Option<Restore>> {
    let Some(saver) = &message.saver_def else { return Ok(by_name(message, graph)) };
    if saver.restore_op_name.is_empty() {
        return Ok(None);
    }
    let mut restore = Restore {
        entries: Vec::new(),
        tables: Vec::new(),
        needs_subgraph: false,
        operation: saver.restore_op_name.split(':').next().unwrap_or_default().to_owned(),
        filename: saver.filename_tensor_name.clone(),
        save: saver.save_tensor_name.clone(),
    };
    let Some(operation) = graph.find(&restore.operation) else { return Ok(None) };
    for node in needed(graph, operation) {
        match &*graph.node(node).op {
            "RestoreV2" | "Restore" | "RestoreSlice" => {
                restore.add(graph, node, &|output| Some(maker(graph, output)));
            }
            "PartitionedCall" | "StatefulPartitionedCall" => restore.add_call(graph, node, library)?,
            _ => {}
        }
    }
    Ok(Some(restore))
}

/// What the saver restores that TensorFlow makes for a metagraph without one: each listed variable by its name.
fn by_name(message: &MetaGraphDef, graph: &Graph) -> Option<Restore> {
    let entry = |GraphVariable { name, node, slice, .. }| RestoreEntry {
        shape_and_slice: slice.as_ref().map(VariableSlice::spec).unwrap_or_default(),
        key: slice.map_or(name, |slice| slice.full_name),
        variable: node,
    };
    let entries: Vec<_> = variables::listed(message, graph, &["variables"]).into_iter().map(entry).collect();
    (!entries.is_empty()).then(|| Restore {
        entries,
        tables: Vec::new(),
        needs_subgraph: false,
        operation: String::new(),
        filename: String::new(),
        save: String::new(),
    })
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
        let outside = |output: Output| {
            let output = origin(&function.graph, output);
            let argument = function.argument_nodes.iter().position(|&node| node == output.node)?;
            Some(maker(graph, *arguments.get(argument)?))
        };
        for node in function.graph.nodes() {
            match &*function.graph.node(node).op {
                "RestoreV2" => self.add(&function.graph, node, &outside),
                // A saver that a class brings along restores in its own way.
                "PartitionedCall" | "StatefulPartitionedCall" => self.needs_subgraph = true,
                _ => {}
            }
        }
        Ok(())
    }

    /// Notes what a node restores; `outside` gives the node of the whole graph that makes a resource, and whether that is a
    /// variable.
    fn add(&mut self, graph: &Graph, restore: NodeId, outside: &dyn Fn(Output) -> Option<(NodeId, bool)>) {
        let inputs = graph.inputs(restore).unwrap_or_default();
        let constant = |i: usize| inputs.get(i).and_then(|&output| strings(graph, output));
        // The oldest operator restores one tensor as a whole.
        let slices = if inputs.len() > 2 { constant(2) } else { Some(vec![String::new()]) };
        let (Some(keys), Some(slices)) = (constant(1), slices) else {
            self.needs_subgraph = true;
            return;
        };
        for (index, (key, shape_and_slice)) in keys.iter().zip(slices).enumerate() {
            let output = Output { node: restore, index };
            let Some(targets) = assignments(graph, output) else {
                self.needs_subgraph = true;
                let table = imported(graph, output).and_then(|(table, values)| {
                    Some((outside(table)?.0, keys.get(values.index).filter(|_| values.node == restore)?))
                });
                if let Some((table, values)) = table {
                    self.tables.push(RestoreTable { keys: [key.clone(), values.clone()], table });
                }
                continue;
            };
            for target in targets {
                let (key, shape_and_slice) = (key.clone(), shape_and_slice.clone());
                match outside(target) {
                    Some((variable, true)) => {
                        self.entries.push(RestoreEntry { key, shape_and_slice, variable })
                    }
                    _ => self.needs_subgraph = true,
                }
            }
        }
    }
}

/// The table whose keys an output is, and the output that is its values.
fn imported(graph: &Graph, output: Output) -> Option<(Output, Output)> {
    graph.consumers(output.node).into_iter().find_map(|(index, consumer, input)| {
        let is_import = matches!(&*graph.node(consumer).op, "LookupTableImportV2" | "LookupTableImport");
        let inputs = graph.inputs(consumer).ok()?;
        (is_import && index == output.index && input == 1)
            .then(|| Some((*inputs.first()?, *inputs.get(2)?)))
            .flatten()
    })
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

/// The node that makes the resource that an output gives, and whether that is a variable.
fn maker(graph: &Graph, output: Output) -> (NodeId, bool) {
    let node = origin(graph, output).node;
    (node, matches!(&*graph.node(node).op, "VarHandleOp" | "VariableV2" | "Variable"))
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
