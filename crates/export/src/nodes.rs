//! Nodes of a GraphDef: names of tensors, what needs what, dtypes of inputs and outputs.

use rustc_hash::{FxHashMap, FxHashSet};
use savedmodel_loader::op_defs;
use savedmodel_proto::attr_value::Value;
use savedmodel_proto::op_def::ArgDef;
use savedmodel_proto::{AttrValue, FunctionDef, GraphDef, NodeDef, OpDef};
use savedmodel_tensor::{Error, Result};

/// The node and the output that `node:1`, or `node` for output 0, names.
pub(crate) fn split(tensor: &str) -> (&str, usize) {
    match tensor.rsplit_once(':').map(|(node, index)| (node, index.parse())) {
        Some((node, Ok(index))) => (node, index),
        _ => (tensor, 0),
    }
}

/// The name of an output as nodes write it.
pub(crate) fn output_name(node: &str, index: usize) -> String {
    if index == 0 { node.to_owned() } else { format!("{node}:{index}") }
}

/// The node that an input comes from.
pub(crate) fn source(input: &str) -> &str {
    split(input.trim_start_matches('^')).0
}

/// A GraphDef with its nodes by name.
pub(crate) struct Nodes<'g> {
    pub graph: &'g GraphDef,
    by_name: FxHashMap<&'g str, usize>,
    functions: FxHashMap<&'g str, &'g FunctionDef>,
}

/// Outputs of nodes that are given from outside.
pub(crate) type Fed = FxHashSet<(String, usize)>;

impl<'g> Nodes<'g> {
    pub fn new(graph: &'g GraphDef) -> Nodes<'g> {
        let by_name = graph.node.iter().enumerate().map(|(i, node)| (node.name.as_str(), i)).collect();
        let functions = graph.library.iter().flat_map(|library| &library.function);
        let functions = functions.map(|function| (function_name(function), function)).collect();
        Nodes { graph, by_name, functions }
    }

    /// The number of a node.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is none of that name.
    pub fn find(&self, name: &str) -> Result<usize> {
        self.by_name.get(name).copied().ok_or_else(|| {
            Error::not_found(format!("The name '{name}' refers to an Operation not in the graph."))
        })
    }

    /// The numbers of the nodes that tensors and operations need, themselves included, but for what only makes fed outputs.
    ///
    /// # Errors
    /// `NOT_FOUND` when one of them, or of what they need, is not in the graph.
    pub fn reach<S: AsRef<str>>(
        &self,
        roots: impl IntoIterator<Item = S>,
        fed: &Fed,
    ) -> Result<FxHashSet<usize>> {
        let mut seen = FxHashSet::default();
        let mut stack: Vec<usize> = Vec::new();
        let is_fed = |input: &str| {
            let (node, index) = split(input);
            !input.starts_with('^') && fed.contains(&(node.to_owned(), index))
        };
        for root in roots {
            if !is_fed(root.as_ref()) {
                stack.push(self.find(source(root.as_ref()))?);
            }
        }
        while let Some(node) = stack.pop() {
            if !seen.insert(node) {
                continue;
            }
            for input in self.graph.node[node].input.iter().filter(|input| !is_fed(input)) {
                stack.push(self.find(source(input))?);
            }
        }
        Ok(seen)
    }

    /// The dtype numbers of a node's outputs; `None` if its operator is known to nobody.
    pub fn output_types(&self, node: &NodeDef) -> Option<Vec<i32>> {
        let def = self.def(&node.op)?;
        types(&def.output_arg, node, def)
    }

    /// The function of a name.
    pub fn function(&self, name: &str) -> Option<&'g FunctionDef> {
        self.functions.get(name).copied()
    }

    /// The declaration of an operator or function.
    pub fn def(&self, op: &str) -> Option<&'g OpDef> {
        let function = self.functions.get(op).and_then(|function| function.signature.as_ref());
        function.or_else(|| op_defs::messages().get(op))
    }

    /// The dtype number of a tensor.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such node or output; `INVALID_ARGUMENT` when nobody knows its dtype.
    pub fn dtype(&self, tensor: &str) -> Result<i32> {
        let (name, index) = split(tensor);
        let node = &self.graph.node[self.find(name)?];
        let types = self.output_types(node).ok_or_else(|| {
            Error::invalid_argument(format!(
                "the dtype of tensor '{tensor}' is not known, as operator {} is not",
                node.op
            ))
        })?;
        types.get(index).map(|number| number % 100).ok_or_else(|| {
            Error::not_found(format!(
                "The name '{tensor}' refers to a Tensor which does not exist. The operation, '{name}', exists but only \
                 has {} outputs.",
                types.len()
            ))
        })
    }

    /// A name that starts with `stem` and that no node has, nor anything below it.
    pub fn fresh_scope(&self, stem: &str) -> String {
        let is_free = |scope: &str| {
            let below = format!("{scope}/");
            !self.graph.node.iter().any(|node| node.name == scope || node.name.starts_with(&below))
        };
        if is_free(stem) {
            return stem.to_owned();
        }
        (1_usize..).map(|i| format!("{stem}_{i}")).find(|name| is_free(name)).unwrap_or_default()
    }
}

/// The name of a function.
pub(crate) fn function_name(function: &FunctionDef) -> &str {
    function.signature.as_ref().map_or("", |signature| &signature.name)
}

/// The dtype numbers of the tensors that arguments stand for; `None` if attributes do not tell.
pub(crate) fn types(args: &[ArgDef], node: &NodeDef, def: &OpDef) -> Option<Vec<i32>> {
    let mut found = Vec::new();
    for arg in args {
        let count = match attr(node, def, &arg.number_attr) {
            Some(Value::I(count)) => usize::try_from(*count).ok().filter(|&count| count <= 1 << 20)?,
            _ => 1,
        };
        let reference = if arg.is_ref { 100 } else { 0 };
        match (attr(node, def, &arg.type_list_attr), attr(node, def, &arg.type_attr)) {
            (Some(Value::List(list)), _) => found.extend(&list.r#type),
            (_, Some(Value::Type(number))) => found.extend(vec![number + reference; count]),
            _ if arg.r#type != 0 => found.extend(vec![arg.r#type % 100 + reference; count]),
            _ if !arg.type_list_attr.is_empty() => {}
            _ => return None,
        }
    }
    Some(found)
}

fn attr<'n>(node: &'n NodeDef, def: &'n OpDef, name: &str) -> Option<&'n Value> {
    let own = node.attr.get(name).and_then(|value| value.value.as_ref());
    let default = || {
        let declared = def.attr.iter().find(|attr| attr.name == name && !name.is_empty())?;
        declared.default_value.as_ref()?.value.as_ref()
    };
    own.or_else(default)
}

/// A node.
pub(crate) fn node<I: Into<String>>(
    op: &str,
    name: impl Into<String>,
    inputs: impl IntoIterator<Item = I>,
    attrs: impl IntoIterator<Item = (&'static str, Value)>,
) -> NodeDef {
    NodeDef {
        name: name.into(),
        op: op.to_owned(),
        input: inputs.into_iter().map(Into::into).collect(),
        attr: attrs.into_iter().map(|(name, value)| (name.to_owned(), of(value))).collect(),
        ..NodeDef::default()
    }
}

/// The message of an attribute.
pub(crate) fn of(value: Value) -> AttrValue {
    AttrValue { value: Some(value) }
}

/// A constant.
///
/// # Errors
/// `UNIMPLEMENTED` for variants that have no message.
pub(crate) fn constant(name: impl Into<String>, tensor: &savedmodel_tensor::Tensor) -> Result<NodeDef> {
    let proto = savedmodel_proto::tensor_proto::from_tensor(tensor)?;
    let attrs = [("dtype", Value::Type(proto.dtype)), ("value", Value::Tensor(Box::new(proto)))];
    Ok(node::<String>("Const", name, [], attrs))
}

/// A constant vector of strings.
pub(crate) fn strings<S: Into<savedmodel_tensor::Bytes>>(
    name: impl Into<String>,
    values: Vec<S>,
) -> Result<NodeDef> {
    constant(name, &savedmodel_tensor::Tensor::from_strings([values.len()], values)?)
}

/// The functions that a node calls, by the attributes that name them and by its operator.
pub(crate) fn called(node: &NodeDef) -> Vec<&str> {
    let mut names = vec![node.op.as_str()];
    for value in node.attr.values().filter_map(|value| value.value.as_ref()) {
        match value {
            Value::Func(function) => names.push(&function.name),
            Value::List(list) => names.extend(list.func.iter().map(|function| function.name.as_str())),
            _ => {}
        }
    }
    names
}

/// Takes the functions out of the library that no node calls, directly or through others.
pub(crate) fn drop_unused_functions(graph: &mut GraphDef) {
    let Some(library) = graph.library.take() else { return };
    let bodies: FxHashMap<&str, &FunctionDef> =
        library.function.iter().map(|function| (function_name(function), function)).collect();
    let mut needed: FxHashSet<String> = FxHashSet::default();
    let mut stack: Vec<&str> = graph.node.iter().flat_map(called).collect();
    let gradient = |name: &str| library.gradient.iter().find(|gradient| gradient.function_name == name);
    while let Some(name) = stack.pop() {
        let Some(function) = bodies.get(name) else { continue };
        if needed.insert(name.to_owned()) {
            stack.extend(function.node_def.iter().flat_map(called));
            stack.extend(gradient(name).map(|gradient| gradient.gradient_func.as_str()));
        }
    }
    let mut library = library;
    library.function.retain(|function| needed.contains(function_name(function)));
    library.gradient.retain(|gradient| needed.contains(&gradient.function_name));
    // They are looked up when somebody trains, by functions that are not called.
    library.registered_gradients.clear();
    if !library.function.is_empty() {
        graph.library = Some(library);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tensors() {
        for (text, want) in [("a/b", ("a/b", 0)), ("a:0", ("a", 0)), ("a:12", ("a", 12)), ("a:b", ("a:b", 0))]
        {
            assert_eq!(split(text), want);
        }
        assert_eq!((source("^a"), source("a:1"), &*output_name("a", 1)), ("a", "a", "a:1"));
    }

    #[test]
    fn dtypes_of_outputs() {
        let graph = GraphDef {
            node: vec![
                node("Split", "s", ["axis", "x"], [("T", Value::Type(3)), ("num_split", Value::I(2))]),
                node::<String>("VariableV2", "v", [], [("dtype", Value::Type(1))]),
                node::<String>("NobodyKnows", "n", [], []),
            ],
            ..GraphDef::default()
        };
        let nodes = Nodes::new(&graph);
        assert_eq!(nodes.output_types(&graph.node[0]), Some(vec![3, 3]));
        assert_eq!(nodes.output_types(&graph.node[1]), Some(vec![101]));
        assert_eq!((nodes.dtype("s:1"), nodes.dtype("v")), (Ok(3), Ok(1)));
        for name in ["s:2", "n:0", "m"] {
            assert!(nodes.dtype(name).is_err(), "{name}");
        }
        assert_eq!(nodes.fresh_scope("s"), "s_1");
    }
}
