//! Which variables a run may write.

use rustc_hash::FxHashSet;
use savedmodel_graph::{AttrValue, FunctionLibrary, FunctionRef, Graph, NodeId, Output};
use savedmodel_op::{Effect, Registry};
use savedmodel_tensor::{DType, Result};

/// The variables that something in reach of a run may write: in the graph, or in a function that it may call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    names: FxHashSet<String>,
    /// Something writes a variable that can't be told.
    any: bool,
}

impl Written {
    /// Whether the variable of this name may be written.
    pub fn contains(&self, name: &str) -> bool {
        self.any || self.names.contains(name)
    }

    /// Looks through a graph and all that it may call.
    ///
    /// # Errors
    /// When a function is malformed.
    pub fn find(graph: &Graph, registry: &Registry, library: &FunctionLibrary) -> Result<Written> {
        let mut search = Search { registry, library, written: Written::default(), depth: 0 };
        let arguments = search.graph(graph, &[])?;
        search.written.any |= !arguments.is_empty();
        Ok(search.written)
    }
}

/// Whether a function, or one that it may call, has an operator that takes from a stream of its own.
///
/// # Errors
/// When a function is malformed.
pub fn is_random(function: &FunctionRef, registry: &Registry, library: &FunctionLibrary) -> Result<bool> {
    let (mut waiting, mut seen) = (vec![function.clone()], FxHashSet::default());
    while let Some(reference) = waiting.pop() {
        if !seen.insert(reference.name.clone()) {
            continue;
        }
        let Some(function) = library.find(&reference)? else { continue };
        for id in function.graph.nodes() {
            let op = registry.find(&function.graph.node(id).op);
            if op.is_some_and(|op| op.effect == Effect::Random) {
                return Ok(true);
            }
            waiting.extend(functions(&function.graph, id, registry, library));
        }
    }
    Ok(false)
}

struct Search<'a> {
    registry: &'a Registry,
    library: &'a FunctionLibrary,
    written: Written,
    depth: usize,
}

impl Search<'_> {
    /// Notes what a graph writes; gives the numbers of the arguments that it writes.
    fn graph(&mut self, graph: &Graph, arguments: &[NodeId]) -> Result<FxHashSet<usize>> {
        let mut found = FxHashSet::default();
        for id in graph.nodes() {
            let node = graph.node(id);
            let op = self.registry.find(&node.op);
            let called = functions(graph, id, self.registry, self.library);
            if !called.is_empty() {
                self.calls(graph, id, &called, arguments, &mut found)?;
            } else if op.is_none_or(|op| op.effect == Effect::Write) {
                for input in graph.inputs(id)? {
                    self.note(graph, input, arguments, &mut found);
                }
            }
        }
        Ok(found)
    }

    fn calls(
        &mut self,
        graph: &Graph,
        id: NodeId,
        called: &[FunctionRef],
        arguments: &[NodeId],
        found: &mut FxHashSet<usize>,
    ) -> Result<()> {
        const DEEPEST: usize = 64;
        let inputs = graph.inputs(id)?;
        // The first input of a conditional chooses; what follows are the arguments.
        let skipped = usize::from(matches!(
            &*graph.node(id).op,
            "If" | "StatelessIf" | "_If" | "Case" | "StatelessCase"
        ));
        for reference in called {
            if self.depth >= DEEPEST {
                self.written.any = true;
                return Ok(());
            }
            let Some(function) = self.library.find(reference)? else { continue };
            self.depth += 1;
            let written = self.graph(&function.graph, &function.argument_nodes);
            self.depth -= 1;
            for argument in written? {
                if let Some(&input) = inputs.get(argument + skipped) {
                    self.note(graph, input, arguments, found);
                }
            }
        }
        Ok(())
    }

    /// Notes that whatever resource an output is a handle of may be written.
    fn note(
        &mut self,
        graph: &Graph,
        mut output: Output,
        arguments: &[NodeId],
        found: &mut FxHashSet<usize>,
    ) {
        loop {
            let node = graph.node(output.node);
            if let Some(argument) = arguments.iter().position(|&argument| argument == output.node) {
                found.insert(argument);
                return;
            }
            match &*node.op {
                "VarHandleOp" | "VariableV2" | "Variable" => {
                    self.written.names.insert(variable_name(graph, output.node));
                    return;
                }
                "Const" => {
                    if let Some(AttrValue::Tensor(value)) = node.attrs.get("value") {
                        let names =
                            value.handles().unwrap_or_default().iter().map(|handle| handle.name().to_owned());
                        self.written.names.extend(names);
                    }
                    return;
                }
                "Identity" | "RefIdentity" | "Switch" | "RefSwitch" | "Enter" | "RefEnter" | "Assign"
                | "AssignAdd" | "AssignSub" => match graph.inputs(output.node).unwrap_or_default().first() {
                    Some(&source) => output = source,
                    None => return,
                },
                // Other handles are no variables; values are no handles.
                op => {
                    let dtype = node.attrs.get("T");
                    let is_value = matches!(dtype, Some(AttrValue::Type(dtype)) if *dtype != DType::Resource);
                    let merged = matches!(op, "RefMerge" | "RefSelect") || op == "Merge" && !is_value;
                    let opaque = self
                        .registry
                        .find(op)
                        .is_none_or(|op| op.outputs.iter().any(|o| o.contains("resource")));
                    self.written.any |=
                        merged || (opaque && !op.contains("Table") && !op.contains("TensorArray"));
                    return;
                }
            }
        }
    }
}

/// The name under which a variable node's variable is shared.
pub(crate) fn variable_name(graph: &Graph, node: NodeId) -> String {
    let node = graph.node(node);
    match node.attrs.get("shared_name") {
        Some(AttrValue::Bytes(name)) if !name.is_empty() => String::from_utf8_lossy(name).into_owned(),
        _ => node.name.to_string(),
    }
}

/// The functions that a node may call.
fn functions(graph: &Graph, id: NodeId, registry: &Registry, library: &FunctionLibrary) -> Vec<FunctionRef> {
    let node = graph.node(id);
    let mut found = Vec::new();
    for value in node.attrs.values() {
        match value {
            AttrValue::Function(reference) => found.push(reference.clone()),
            AttrValue::List(items) => found.extend(items.iter().filter_map(|item| match item {
                AttrValue::Function(reference) => Some(reference.clone()),
                _ => None,
            })),
            _ => {}
        }
    }
    if registry.find(&node.op).is_none() {
        let by_name = FunctionRef { name: node.op.to_string(), attrs: node.attrs.clone() };
        if let Ok(Some(_)) = library.find(&by_name) {
            found.push(by_name);
        }
    }
    found
}
