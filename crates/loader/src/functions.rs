//! FunctionDef to function, when it is first called.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use rustc_hash::FxHashMap;
use savedmodel_graph::{
    Argument, AttrValue, Attrs, Function, FunctionLibrary, FunctionRef, FunctionSource, Graph, Node, NodeId,
    Output,
};
use savedmodel_op::{OpDef, Registry};
use savedmodel_proto::{self as proto, FunctionDef, FunctionDefLibrary, Message, fields};
use savedmodel_tensor::{Error, Result};

use crate::{attributes, graph_def, graph_rules, op_defs};

/// The functions of a graph. What an operator's outputs are called is looked up in `registry`, then among TensorFlow's.
///
/// # Errors
/// `INVALID_ARGUMENT` when a function has no name.
pub fn library(message: &FunctionDefLibrary, registry: Arc<Registry>) -> Result<FunctionLibrary> {
    encoded_library(message.function.iter().map(encoded), registry)
}

/// A message in its binary form.
pub(crate) fn encoded(function: &FunctionDef) -> Bytes {
    function.encode_to_vec().into()
}

/// [`library`] of encoded functions.
pub(crate) fn encoded_library(
    functions: impl IntoIterator<Item = Bytes>,
    registry: Arc<Registry>,
) -> Result<FunctionLibrary> {
    let named = |def: Bytes| match signature(&def)? {
        Some(signature) if !signature.name.is_empty() => Ok((signature.name, def)),
        _ => Err(Error::invalid_argument("a function of the library has no name")),
    };
    let functions = functions.into_iter().map(named).collect::<Result<_>>()?;
    Ok(FunctionLibrary::new(Source { functions, registry }))
}

/// The signature of an encoded function, without what it does.
fn signature(function: &Bytes) -> Result<Option<proto::OpDef>> {
    let damaged = |error| Error::data_loss(format!("Can't parse bytes as tensorflow.FunctionDef: {error}"));
    let mut found = None;
    for field in fields::of(function.clone()) {
        let field = field.map_err(damaged)?;
        if field.number == SIGNATURE {
            let mut content = field.content.unwrap_or_default();
            found.get_or_insert_with(proto::OpDef::default).merge(&mut content).map_err(damaged)?;
        }
    }
    Ok(found)
}

/// The number of a FunctionDef's field.
const SIGNATURE: u32 = 1;

struct Source {
    /// Encoded, as most are never called.
    functions: FxHashMap<String, Bytes>,
    registry: Arc<Registry>,
}

impl FunctionSource for Source {
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.functions.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    fn load(&self, function: &FunctionRef) -> Result<Option<Function>> {
        let Some(def) = self.functions.get(&function.name) else { return Ok(None) };
        let at = |e: Error| e.at(format!("function '{}'", function.name));
        let def: FunctionDef = savedmodel_proto::decode(def.clone()).map_err(at)?;
        let body =
            Body { source: self, attrs: &function.attrs, graph: Graph::new(), named: FxHashMap::default() };
        body.convert(&def).map(Some).map_err(at)
    }
}

impl Source {
    /// For each output argument of a node, its first output and how many there are; `None` if nobody knows the operator.
    fn output_ranges(&self, node: &Node) -> Option<Vec<(String, usize, usize)>> {
        let owned = |def: &OpDef, attrs: &Attrs| {
            let ranges = def.output_ranges(attrs).ok()?;
            Some(ranges.into_iter().map(|(name, start, n)| (name.to_owned(), start, n)).collect())
        };
        let completed = |def: &OpDef| {
            let mut attrs = node.attrs.clone();
            // What is wrong with the attributes is said when the node is compiled.
            let _ = def.complete(&mut attrs);
            owned(def, &attrs)
        };
        if let Ok(def) = self.registry.def(&node.op) {
            return completed(def);
        }
        if let Some(def) = self.functions.get(&*node.op) {
            return completed(&op_defs::convert(&signature(def).ok()??).ok()?);
        }
        completed(&op_defs::find(&node.op)?)
    }
}

struct Body<'a> {
    source: &'a Source,
    attrs: &'a Attrs,
    graph: Graph,
    /// What a name in the body stands for: an argument's tensors, or a node.
    named: FxHashMap<String, Named>,
}

/// The attribute of functions that TensorFlow compiles.
const COMPILED: &str = "_XlaMustCompile";

/// Operators that take more in such functions than their kernels do. Their nodes bear the attribute, too, wherever they are inlined.
const OTHERWISE: &[&str] = &["Conv3D", "Conv3DBackpropFilterV2", "Conv3DBackpropInputV2"];

enum Named {
    Argument(Vec<NodeId>),
    Node(NodeId),
}

impl Body<'_> {
    fn convert(mut self, def: &FunctionDef) -> Result<Function> {
        let signature =
            def.signature.as_ref().ok_or_else(|| Error::invalid_argument("there is no signature"))?;
        let declared = op_defs::convert(signature)?;
        let mut attrs = self.attrs.clone();
        for attr in &declared.attrs {
            if let (false, Some(default)) = (attrs.contains_key(&attr.name), &attr.default) {
                attrs.insert(attr.name.clone(), default.clone());
            }
        }
        let (arguments, argument_nodes) = self.arguments(&declared, &attrs)?;
        let own_attrs = attributes::attrs(&def.attr)?;
        let is_compiled = matches!(own_attrs.get(COMPILED), Some(AttrValue::Bool(true)));
        for message in &def.node_def {
            let id = graph_def::add_node(&mut self.graph, message)?;
            let node = self.graph.node_mut(id);
            node.attrs =
                node.attrs.iter().map(|(name, value)| (name.clone(), value.instantiate(&attrs))).collect();
            if is_compiled && OTHERWISE.contains(&&*node.op) {
                node.attrs.insert(COMPILED.to_owned(), AttrValue::Bool(true));
            }
            self.named.insert(message.name.clone(), Named::Node(id));
        }
        for message in &def.node_def {
            self.connect(message).map_err(|e| e.at(graph_def::place(message)))?;
        }
        graph_rules::check_order(&self.graph)?;
        let (results, result_outputs) = self.results(def, &declared, &attrs)?;
        let control = |name: &String| match self.named.get(name) {
            Some(Named::Node(id)) => Ok(*id),
            _ => Err(Error::invalid_argument(format!("control result '{name}' names no node"))),
        };
        let control_results = def.control_ret.values().map(control).collect::<Result<_>>()?;
        Ok(Function {
            name: signature.name.as_str().into(),
            arguments,
            results,
            graph: self.graph,
            argument_nodes,
            result_outputs,
            control_results,
            attrs: own_attrs,
        })
    }

    fn arguments(&mut self, declared: &OpDef, attrs: &Attrs) -> Result<(Vec<Argument>, Vec<NodeId>)> {
        let (mut arguments, mut nodes) = (Vec::new(), Vec::new());
        for arg in &declared.inputs {
            let single = OpDef { inputs: vec![arg.clone()], ..OpDef::default() };
            let mut own = Vec::new();
            for dtype in single.input_dtypes(attrs)? {
                let name = self.graph.fresh_name(&arg.name);
                let node = Node::new(name.as_str(), "_Arg")
                    .with("T", AttrValue::Type(dtype))
                    .with("index", AttrValue::Int(nodes.len() as i64));
                let id = self.graph.add(node)?;
                arguments.push(Argument { name: arg.name.clone(), dtype });
                nodes.push(id);
                own.push(id);
            }
            self.named.insert(arg.name.clone(), Named::Argument(own));
        }
        Ok((arguments, nodes))
    }

    fn results(
        &self,
        def: &FunctionDef,
        declared: &OpDef,
        attrs: &Attrs,
    ) -> Result<(Vec<Argument>, Vec<Output>)> {
        let (mut results, mut outputs) = (Vec::new(), Vec::new());
        for arg in &declared.outputs {
            let single = OpDef { outputs: vec![arg.clone()], ..OpDef::default() };
            let dtypes = single.output_dtypes(attrs)?;
            let source = lookup(&def.ret, &arg.name)?;
            let found = self.resolve(source)?;
            if found.len() < dtypes.len() {
                return Err(Error::invalid_argument(format!("result '{}' has too few tensors", arg.name)));
            }
            for (dtype, output) in dtypes.into_iter().zip(found) {
                results.push(Argument { name: arg.name.clone(), dtype });
                outputs.push(output);
            }
        }
        Ok((results, outputs))
    }

    fn connect(&mut self, message: &savedmodel_proto::NodeDef) -> Result<()> {
        let Some(&Named::Node(to)) = self.named.get(&message.name) else { return Ok(()) };
        let mut number = 0;
        for input in &message.input {
            if let Some(control) = input.strip_prefix('^') {
                match self.named.get(control) {
                    Some(Named::Node(from)) => self.graph.connect_control(*from, to),
                    // An argument is there from the start: waiting for it is no wait.
                    Some(Named::Argument(_)) => {}
                    None => return Err(Error::invalid_argument(format!("input '{input}' names no node"))),
                }
                continue;
            }
            for output in self.resolve(input)? {
                self.graph.connect(output, to, number);
                number += 1;
            }
        }
        Ok(())
    }

    /// The tensors of `argument`, `argument:i`, `node:output_argument` or `node:output_argument:i`.
    fn resolve(&self, name: &str) -> Result<Vec<Output>> {
        let wrong = || Error::invalid_argument(format!("input '{name}' names nothing in the function"));
        let mut parts = name.split(':');
        let stem = parts.next().unwrap_or_default();
        let rest: Vec<&str> = parts.collect();
        match (self.named.get(stem).ok_or_else(wrong)?, &rest[..]) {
            (Named::Argument(nodes), []) => Ok(nodes.iter().map(|&node| Output { node, index: 0 }).collect()),
            (Named::Argument(nodes), [index]) => {
                let node = index.parse::<usize>().ok().and_then(|i| nodes.get(i)).ok_or_else(wrong)?;
                Ok(vec![Output { node: *node, index: 0 }])
            }
            (Named::Node(node), [argument]) => {
                let (start, count) = self.range(*node, argument).ok_or_else(wrong)?;
                Ok((start..start + count).map(|index| Output { node: *node, index }).collect())
            }
            (Named::Node(node), [argument, index]) => {
                let index: usize = index.parse().map_err(|_| wrong())?;
                let (start, _) = self.range(*node, argument).ok_or_else(wrong)?;
                Ok(vec![Output { node: *node, index: start + index }])
            }
            _ => Err(wrong()),
        }
    }

    fn range(&self, node: NodeId, argument: &str) -> Option<(usize, usize)> {
        match self.source.output_ranges(self.graph.node(node)) {
            Some(ranges) => {
                ranges.into_iter().find(|range| range.0 == argument).map(|(_, start, count)| (start, count))
            }
            // Nothing can run an operator that nobody knows, so it does not matter which of its outputs this is.
            None => Some((0, 1)),
        }
    }
}

fn lookup<'m>(map: &'m BTreeMap<String, String>, name: &str) -> Result<&'m str> {
    map.get(name)
        .map(String::as_str)
        .ok_or_else(|| Error::invalid_argument(format!("result '{name}' has no source")))
}
