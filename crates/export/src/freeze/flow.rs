//! Where the handle of a variable goes.

use rustc_hash::FxHashMap;
use savedmodel_proto::attr_value::Value;
use savedmodel_proto::{FunctionDef, GraphDef, NodeDef};

use crate::nodes::{self, Nodes};

/// How a tensor stands for a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// It is a handle, of a resource variable.
    Handle,
    /// It is a reference, to a variable of TensorFlow 1.
    Reference,
}

/// The nodes of a graph or of a function, which name tensors in different ways.
pub(crate) struct Body<'b> {
    pub nodes: &'b [NodeDef],
    pub function: Option<&'b FunctionDef>,
}

impl<'b> Body<'b> {
    pub fn of_graph(graph: &'b GraphDef) -> Body<'b> {
        Body { nodes: &graph.node, function: None }
    }

    /// An input as this module names tensors: output 0 of a graph's node is its name.
    pub fn normal<'i>(&self, input: &'i str) -> &'i str {
        match self.function {
            None => input.strip_suffix(":0").unwrap_or(input),
            Some(_) => input,
        }
    }
}

/// A call: the attribute that names a function, which of its functions, and the argument that an input is.
pub(crate) struct Target {
    pub attr: Option<&'static str>,
    pub function: String,
    pub argument: usize,
}

/// Follows handles through graphs and functions.
pub(crate) struct Flow<'n, 'g> {
    pub nodes: &'n Nodes<'g>,
    /// For arguments of functions: the results that carry them, or what else is done with them.
    known: FxHashMap<(String, usize), Result<Vec<usize>, String>>,
}

impl<'n, 'g> Flow<'n, 'g> {
    pub fn new(nodes: &'n Nodes<'g>) -> Flow<'n, 'g> {
        Flow { nodes, known: FxHashMap::default() }
    }

    /// The tensors of a body that carry what `start` does, itself first; an error says what else than reading is done with
    /// one.
    pub fn carriers(&mut self, body: &Body<'_>, start: &str, kind: Kind) -> Result<Vec<String>, String> {
        let mut found = vec![start.to_owned()];
        let mut next = 0;
        while let Some(tensor) = found.get(next).cloned() {
            next += 1;
            for node in body.nodes {
                for (position, input) in node.input.iter().enumerate() {
                    if input.starts_with('^') || body.normal(input) != tensor {
                        continue;
                    }
                    for output in self.outputs(node, position, kind)? {
                        let name = self.spelled(body, node, output)?;
                        if !found.contains(&name) {
                            found.push(name);
                        }
                    }
                }
            }
        }
        Ok(found)
    }

    /// The outputs of a node that carry what its input does.
    fn outputs(&mut self, node: &NodeDef, position: usize, kind: Kind) -> Result<Vec<usize>, String> {
        let refuse = || format!("node '{}' ({}) may write it", node.name, node.op);
        match (&*node.op, kind) {
            (
                "ReadVariableOp" | "ResourceGather" | "ResourceGatherNd" | "VariableShape"
                | "VarIsInitializedOp",
                Kind::Handle,
            )
            | ("IsVariableInitialized", Kind::Reference) => return Ok(Vec::new()),
            ("Identity" | "Enter", Kind::Handle) | ("RefIdentity" | "RefEnter", Kind::Reference) => {
                return Ok(vec![0]);
            }
            ("Switch", Kind::Handle) | ("RefSwitch", Kind::Reference) if position == 0 => {
                return Ok(vec![0, 1]);
            }
            _ => {}
        }
        if kind == Kind::Reference {
            let def = self.nodes.def(&node.op).ok_or_else(refuse)?;
            let types = nodes::types(&def.input_arg, node, def).ok_or_else(refuse)?;
            // Who does not take a reference takes the value.
            return if types.get(position).is_some_and(|&number| number < 100) {
                Ok(Vec::new())
            } else {
                Err(refuse())
            };
        }
        let targets = self.targets(node, position);
        if targets.is_empty() {
            return Err(refuse());
        }
        let is_loop = matches!(&*node.op, "While" | "StatelessWhile" | "_While");
        let mut results = Vec::new();
        for target in &targets {
            let carried = self.argument(&target.function, target.argument)?;
            let fits = match (is_loop, target.attr) {
                (true, Some("body")) => carried == [target.argument],
                (true, _) => carried.is_empty(),
                _ => results.is_empty() || results == carried,
            };
            if !fits || (targets.len() > 1 && !is_loop && !carried.is_empty()) {
                return Err(format!("node '{}' ({}) may give another in its place", node.name, node.op));
            }
            results = if is_loop { vec![target.argument] } else { carried };
        }
        Ok(results)
    }

    /// The results of a function that carry one of its arguments.
    fn argument(&mut self, function: &str, argument: usize) -> Result<Vec<usize>, String> {
        let key = (function.to_owned(), argument);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        // A function that calls itself does with it what it does elsewhere.
        self.known.insert(key.clone(), Ok(Vec::new()));
        let found = self.follow(function, argument);
        self.known.insert(key, found.clone());
        found
    }

    fn follow(&mut self, name: &str, argument: usize) -> Result<Vec<usize>, String> {
        let missing = || format!("function '{name}' is not known");
        let function = self.nodes.function(name).ok_or_else(missing)?;
        let signature = function.signature.as_ref().ok_or_else(missing)?;
        let start = &signature.input_arg.get(argument).ok_or_else(missing)?.name;
        let body = Body { nodes: &function.node_def, function: Some(function) };
        let carriers = self.carriers(&body, start, Kind::Handle)?;
        let carried = |name: &String| function.ret.get(name).is_some_and(|tensor| carriers.contains(tensor));
        let results = signature.output_arg.iter().enumerate();
        Ok(results.filter(|(_, result)| carried(&result.name)).map(|(i, _)| i).collect())
    }

    /// The functions that an input of a node goes to; none if it is no call.
    pub fn targets(&self, node: &NodeDef, position: usize) -> Vec<Target> {
        let target = |attr: &'static str, function: &str, argument: usize| Target {
            attr: Some(attr),
            function: function.to_owned(),
            argument,
        };
        let value = |attr: &str| node.attr.get(attr).and_then(|value| value.value.as_ref());
        let named = |attr: &'static str, argument: usize| match value(attr) {
            Some(Value::Func(function)) => vec![target(attr, &function.name, argument)],
            _ => Vec::new(),
        };
        match (&*node.op, position.checked_sub(1)) {
            ("PartitionedCall" | "StatefulPartitionedCall", _) => named("f", position),
            ("While" | "StatelessWhile" | "_While", _) => {
                named("cond", position).into_iter().chain(named("body", position)).collect()
            }
            ("If" | "StatelessIf" | "_If", Some(argument)) => {
                named("then_branch", argument).into_iter().chain(named("else_branch", argument)).collect()
            }
            ("Case" | "StatelessCase", Some(argument)) => match value("branches") {
                Some(Value::List(list)) => {
                    list.func.iter().map(|function| target("branches", &function.name, argument)).collect()
                }
                _ => Vec::new(),
            },
            (op, _) if self.nodes.function(op).is_some() => {
                vec![Target { attr: None, function: op.to_owned(), argument: position }]
            }
            _ => Vec::new(),
        }
    }

    /// The name of a node's output in a body.
    fn spelled(&self, body: &Body<'_>, node: &NodeDef, output: usize) -> Result<String, String> {
        if body.function.is_none() {
            return Ok(nodes::output_name(&node.name, output));
        }
        let unknown = || format!("operator {} of node '{}' is not known", node.op, node.name);
        let def = self.nodes.def(&node.op).ok_or_else(unknown)?;
        let mut before = 0;
        for arg in &def.output_arg {
            let count = nodes::types(std::slice::from_ref(arg), node, def).ok_or_else(unknown)?.len();
            if output < before + count {
                return Ok(format!("{}:{}:{}", node.name, arg.name, output - before));
            }
            before += count;
        }
        Err(unknown())
    }
}
