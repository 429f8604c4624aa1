//! Values instead of handles.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use savedmodel_proto::attr_value::{ListValue, Value};
use savedmodel_proto::tensor_shape_proto::Dim;
use savedmodel_proto::{FunctionDef, NodeDef, TensorShapeProto};
use savedmodel_tensor::{Error, Result, Tensor};

use super::flow::{Body, Flow, Kind};
use crate::nodes::{self, Nodes, constant, of};

/// What is known of a variable's value, and how the variable was given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Frozen {
    pub kind: Kind,
    pub dtype: i32,
    pub shape: Vec<i64>,
}

impl Frozen {
    fn shape(&self) -> TensorShapeProto {
        let dim = self.shape.iter().map(|&size| Dim { size, ..Dim::default() }).collect();
        TensorShapeProto { dim, unknown_rank: false }
    }
}

/// Arguments of a function that are values now.
type Arguments = BTreeMap<usize, Frozen>;

/// Rewrites graphs and copies functions.
pub(crate) struct Rewrite<'n, 'g> {
    nodes: &'n Nodes<'g>,
    flow: Flow<'n, 'g>,
    /// The copies, by the function that they are of.
    names: BTreeMap<(String, Arguments), String>,
    made: Vec<FunctionDef>,
}

impl<'n, 'g> Rewrite<'n, 'g> {
    pub fn new(nodes: &'n Nodes<'g>, flow: Flow<'n, 'g>) -> Rewrite<'n, 'g> {
        Rewrite { nodes, flow, names: BTreeMap::new(), made: Vec::new() }
    }

    /// The functions that were made.
    pub fn finish(self) -> Vec<FunctionDef> {
        self.made
    }

    /// Rewrites the nodes of a graph, given the tensors that are values now.
    pub fn graph(&mut self, nodes: &mut Vec<NodeDef>, carriers: &BTreeMap<String, Frozen>) -> Result<()> {
        self.body(nodes, carriers, None).map(drop)
    }

    /// Rewrites nodes; gives the outputs that have other names now.
    fn body(
        &mut self,
        nodes: &mut Vec<NodeDef>,
        carriers: &BTreeMap<String, Frozen>,
        function: Option<&FunctionDef>,
    ) -> Result<FxHashMap<String, String>> {
        let (mut added, mut renamed) = (Vec::new(), FxHashMap::default());
        let room = Body { nodes: &[], function };
        for node in nodes.iter_mut() {
            let own: Arguments = node
                .input
                .iter()
                .enumerate()
                .filter(|(_, input)| !input.starts_with('^'))
                .filter_map(|(i, input)| Some((i, carriers.get(room.normal(input))?.clone())))
                .collect();
            let Some(first) = own.values().next().cloned() else { continue };
            let old = node.op.clone();
            // Who does not take a reference has got the value all along.
            let takes_reference = old.starts_with("Ref") || old == "IsVariableInitialized";
            let own: Arguments =
                own.into_iter().filter(|(_, f)| takes_reference || f.kind == Kind::Handle).collect();
            if own.is_empty() {
                continue;
            }
            node.attr.remove("_output_shapes");
            node.experimental_type = None;
            match &*old {
                "ReadVariableOp" | "ResourceGather" | "ResourceGatherNd" | "VariableShape" => {
                    added.extend(read(node, &first, function.is_some())?);
                }
                "VarIsInitializedOp" | "IsVariableInitialized" => {
                    initialized(node, function.is_some())?;
                }
                "Identity" | "Enter" | "Switch" | "RefIdentity" | "RefEnter" | "RefSwitch" => {
                    node.op = old.trim_start_matches("Ref").to_owned();
                    node.attr.insert("T".to_owned(), of(Value::Type(first.dtype)));
                }
                _ => self.call(node, &own)?,
            }
            let output = match &*old {
                "ReadVariableOp" => "value",
                "VarIsInitializedOp" | "IsVariableInitialized" => "is_initialized",
                _ => continue,
            };
            renamed.insert(format!("{}:{output}:0", node.name), format!("{}:output:0", node.name));
        }
        nodes.extend(added);
        for input in nodes.iter_mut().flat_map(|node| &mut node.input) {
            if let Some(new) = renamed.get(input) {
                input.clone_from(new);
            }
        }
        Ok(renamed)
    }

    /// Lets a call pass values.
    fn call(&mut self, node: &mut NodeDef, own: &Arguments) -> Result<()> {
        let mut by_target: BTreeMap<(Option<&'static str>, String), Arguments> = BTreeMap::new();
        for (&position, frozen) in own {
            for target in self.flow.targets(node, position) {
                let key = (target.attr, target.function);
                by_target.entry(key).or_default().insert(target.argument, frozen.clone());
            }
        }
        for ((attr, function), arguments) in by_target {
            let (name, results) = self.function(&function, &arguments)?;
            let Some(attr) = attr else {
                node.op = name;
                continue;
            };
            match node.attr.get_mut(attr).and_then(|value| value.value.as_mut()) {
                Some(Value::Func(reference)) => reference.name.clone_from(&name),
                Some(Value::List(list)) => {
                    let same = list.func.iter_mut().filter(|reference| reference.name == function);
                    same.for_each(|reference| reference.name.clone_from(&name));
                }
                _ => {}
            }
            let types = if attr == "cond" || attr == "body" { "T" } else { "Tin" };
            set_types(node, types, &arguments);
            if types == "T" {
                set_shapes(node, "output_shapes", &arguments);
            } else {
                set_types(node, "Tout", &results);
            }
        }
        Ok(())
    }

    /// The copy of a function whose arguments are values, and the results that are.
    fn function(&mut self, name: &str, arguments: &Arguments) -> Result<(String, Arguments)> {
        let missing = || Error::invalid_argument(format!("function '{name}' is not known"));
        let function = self.nodes.function(name).ok_or_else(missing)?;
        let signature = function.signature.as_ref().ok_or_else(missing)?;
        let mut carriers = BTreeMap::new();
        let body = Body { nodes: &function.node_def, function: Some(function) };
        for (&argument, frozen) in arguments {
            let start = &signature.input_arg.get(argument).ok_or_else(missing)?.name;
            let found = self.flow.carriers(&body, start, Kind::Handle).map_err(Error::internal)?;
            carriers.extend(found.into_iter().map(|tensor| (tensor, frozen.clone())));
        }
        let result = |(i, arg): (usize, &savedmodel_proto::op_def::ArgDef)| {
            Some((i, carriers.get(function.ret.get(&arg.name)?)?.clone()))
        };
        let results: Arguments = signature.output_arg.iter().enumerate().filter_map(result).collect();
        let key = (name.to_owned(), arguments.clone());
        if let Some(known) = self.names.get(&key) {
            return Ok((known.clone(), results));
        }
        let new = self.fresh_name(name);
        self.names.insert(key, new.clone());
        let mut copy = function.clone();
        retype(&mut copy, &new, arguments, &results);
        let renamed = self.body(&mut copy.node_def, &carriers, Some(function))?;
        for tensor in copy.ret.values_mut() {
            if let Some(new) = renamed.get(tensor) {
                tensor.clone_from(new);
            }
        }
        self.made.push(copy);
        Ok((new, results))
    }

    fn fresh_name(&self, name: &str) -> String {
        let taken =
            |new: &str| self.nodes.function(new).is_some() || self.names.values().any(|known| known == new);
        let first = format!("{name}_frozen");
        if !taken(&first) {
            return first;
        }
        (1_usize..).map(|i| format!("{first}_{i}")).find(|new| !taken(new)).unwrap_or(first)
    }
}

/// Makes a node that reads a variable one that takes its value; gives a node that it needs besides.
fn read(node: &mut NodeDef, frozen: &Frozen, in_function: bool) -> Result<Option<NodeDef>> {
    let dtype = of(Value::Type(frozen.dtype));
    let mut keep = |names: &[&str]| {
        node.attr.retain(|name, _| names.contains(&name.as_str()) || name.starts_with('_'));
    };
    match &*node.op {
        "ReadVariableOp" => {
            keep(&[]);
            node.op = "Identity".to_owned();
            node.attr.insert("T".to_owned(), dtype);
        }
        "VariableShape" => {
            keep(&["out_type"]);
            node.op = "Shape".to_owned();
            node.attr.insert("T".to_owned(), dtype);
        }
        "ResourceGatherNd" => {
            keep(&["Tindices"]);
            node.op = "GatherNd".to_owned();
            node.attr.insert("Tparams".to_owned(), dtype);
        }
        _ => {
            keep(&["Tindices", "batch_dims"]);
            node.op = "GatherV2".to_owned();
            node.attr.insert("Tparams".to_owned(), dtype);
            return gather_axis(node, in_function).map(Some);
        }
    }
    Ok(None)
}

/// The axis that a gather of a variable leaves out: the first after those that are batched.
fn gather_axis(node: &mut NodeDef, in_function: bool) -> Result<NodeDef> {
    let batch_dims = match node.attr.get("batch_dims").and_then(|value| value.value.as_ref()) {
        Some(Value::I(n)) => *n as i32,
        _ => 0,
    };
    let axis = Tensor::scalar(batch_dims);
    let mut axis_node = constant(format!("{}/axis", node.name), &axis)?;
    let name = if in_function { format!("{}:output:0", axis_node.name) } else { axis_node.name.clone() };
    node.attr.insert("Taxis".to_owned(), of(Value::Type(axis.dtype().number())));
    if !in_function && let Some(indices) = node.input.get(1) {
        // In a loop, a constant must belong to the same loop.
        axis_node.input.push(format!("^{}", nodes::source(indices)));
    }
    let at = node.input.iter().position(|input| input.starts_with('^')).unwrap_or(node.input.len());
    node.input.insert(at, name);
    Ok(axis_node)
}

fn initialized(node: &mut NodeDef, in_function: bool) -> Result<()> {
    let mut inputs: Vec<String> = node.input.drain(..).collect();
    let before = inputs.remove(0);
    if !in_function {
        inputs.insert(0, format!("^{}", nodes::source(&before)));
    }
    let device = std::mem::take(&mut node.device);
    *node = NodeDef { device, input: inputs, ..constant(&node.name, &Tensor::scalar(true))? };
    Ok(())
}

fn list_mut<'n>(node: &'n mut NodeDef, attr: &str) -> Option<&'n mut ListValue> {
    match node.attr.get_mut(attr)?.value.as_mut()? {
        Value::List(list) => Some(list),
        _ => None,
    }
}

fn set_types(node: &mut NodeDef, attr: &str, own: &Arguments) {
    let Some(list) = list_mut(node, attr) else { return };
    for (&i, frozen) in own {
        if let Some(number) = list.r#type.get_mut(i) {
            *number = frozen.dtype;
        }
    }
}

fn set_shapes(node: &mut NodeDef, attr: &str, own: &Arguments) {
    let Some(list) = list_mut(node, attr) else { return };
    for (&i, frozen) in own {
        if let Some(shape) = list.shape.get_mut(i) {
            *shape = frozen.shape();
        }
    }
}

/// Gives a function its name, and its arguments and results the dtypes and shapes of values.
fn retype(function: &mut FunctionDef, name: &str, arguments: &Arguments, results: &Arguments) {
    if let Some(Value::List(list)) =
        function.attr.get_mut("_input_shapes").and_then(|value| value.value.as_mut())
    {
        for (&i, frozen) in arguments {
            if let Some(shape) = list.shape.get_mut(i) {
                *shape = frozen.shape();
            }
        }
    }
    for (&i, frozen) in arguments {
        function.resource_arg_unique_id.remove(&(i as u32));
        let attrs =
            function.arg_attr.get_mut(&(i as u32)).and_then(|attrs| attrs.attr.get_mut("_output_shapes"));
        if let Some(Value::List(list)) = attrs.and_then(|value| value.value.as_mut()) {
            list.shape = vec![frozen.shape()];
        }
    }
    let Some(signature) = &mut function.signature else { return };
    signature.name = name.to_owned();
    for (own, args) in [(arguments, &mut signature.input_arg), (results, &mut signature.output_arg)] {
        for (i, arg) in args.iter_mut().enumerate() {
            if let Some(frozen) = own.get(&i) {
                arg.r#type = frozen.dtype;
                arg.handle_data.clear();
                arg.experimental_full_type = None;
            }
        }
    }
}
