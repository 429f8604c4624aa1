//! What is optimised.

use rustc_hash::{FxHashMap, FxHashSet};
use savedmodel_graph::{AttrValue, Function, Graph, Node, NodeId, Output};
use savedmodel_op::Registry;
use savedmodel_tensor::{DType, Result, Tensor};

use crate::inline;

/// A part of a graph with what it is given and what it must give.
#[derive(Clone, Debug)]
pub struct Program {
    /// The nodes that are needed.
    pub graph: Graph,
    /// The node that stands for each feed: an `_Arg`, or a constant where the value is bound.
    pub feeds: Vec<NodeId>,
    /// What the program gives.
    pub fetches: Vec<Output>,
    /// Nodes that must run.
    pub targets: Vec<NodeId>,
}

impl Program {
    /// The part of a graph that gives `fetches` and runs `targets` from `feeds`.
    ///
    /// What makes a fed output is cut off; a fed placeholder is there from the start.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the inputs of a needed node are incomplete.
    pub fn cut(
        graph: &Graph,
        feeds: &[(Output, Option<DType>)],
        fetches: &[Output],
        targets: &[NodeId],
    ) -> Result<Program> {
        let mut cut =
            Cut { from: graph, graph: Graph::new(), nodes: FxHashMap::default(), fed: FxHashMap::default() };
        let mut arguments = Vec::with_capacity(feeds.len());
        for (i, &(output, dtype)) in feeds.iter().enumerate() {
            let argument = cut.argument(output, dtype, i)?;
            arguments.push(argument);
        }
        cut.copy(fetches, targets)?;
        Ok(Program {
            fetches: fetches.iter().map(|&fetch| cut.output(fetch)).collect(),
            targets: targets.iter().map(|target| cut.nodes[target]).collect(),
            graph: cut.graph,
            feeds: arguments,
        })
    }

    /// The body of a function; `bound` gives the arguments whose values are known.
    ///
    /// # Errors
    /// As [`Program::cut`].
    pub fn of(function: &Function, bound: &[Option<Tensor>], registry: &Registry) -> Result<Program> {
        let mut program = Program::whole(function, bound, registry);
        program.prune();
        Ok(program)
    }

    /// The body of a function as [`Program::of`], with all its nodes.
    pub fn whole(function: &Function, bound: &[Option<Tensor>], registry: &Registry) -> Program {
        let mut program = Program {
            graph: function.graph.clone(),
            feeds: function.argument_nodes.clone(),
            fetches: function.result_outputs.clone(),
            targets: observable(function, registry),
        };
        for (&node, value) in function.argument_nodes.iter().zip(bound) {
            if let Some(value) = value {
                program.make_constant(node, value.clone());
            }
        }
        program
    }

    /// A program that does nothing.
    pub(crate) fn empty() -> Program {
        Program { graph: Graph::new(), feeds: Vec::new(), fetches: Vec::new(), targets: Vec::new() }
    }

    /// Turns a node into a constant.
    pub(crate) fn make_constant(&mut self, node: NodeId, value: Tensor) {
        self.graph.disconnect_inputs(node);
        let node = self.graph.node_mut(node);
        node.op = "Const".into();
        node.attrs.clear();
        node.attrs.insert("dtype".to_owned(), AttrValue::Type(value.dtype()));
        node.attrs.insert("value".to_owned(), AttrValue::Tensor(value));
    }

    /// The value of a constant node's output, unless it waits for what acts: who did without it would not wait.
    pub(crate) fn constant(&self, output: Output) -> Option<&Tensor> {
        let node = self.graph.node(output.node);
        match (&*node.op, node.attrs.get("value")) {
            ("Const", Some(AttrValue::Tensor(value))) => self
                .graph
                .controls(output.node)
                .into_iter()
                .all(|source| self.only_tells_the_branch(source))
                .then_some(value),
            _ => None,
        }
    }

    /// Whether a node that others wait for is the pivot of a branch or of a loop.
    fn only_tells_the_branch(&self, node: NodeId) -> bool {
        let node = match &*self.graph.node(node).op {
            "Identity" if self.graph.controls(node).is_empty() => {
                let inputs = self.graph.inputs(node).ok();
                inputs.and_then(|inputs| inputs.first().map(|input| input.node)).unwrap_or(node)
            }
            _ => node,
        };
        matches!(&*self.graph.node(node).op, "Switch" | "_Arg" | "Const" | "Placeholder")
    }

    /// Whether the graph has control flow of V1, where a node may not run although its inputs are there.
    pub(crate) fn has_dead_values(&self) -> bool {
        inline::has_dead_values(&self.graph)
    }

    /// Lets all that takes `old` take `new` instead.
    pub(crate) fn replace(&mut self, old: Output, new: Output) {
        self.graph.replace_output(old, new);
        for fetch in self.fetches.iter_mut().filter(|fetch| **fetch == old) {
            *fetch = new;
        }
    }

    /// Lets `new` stand for the first output of `old`, also for those who wait for it.
    pub(crate) fn take_over(&mut self, old: NodeId, new: NodeId) {
        self.replace(Output { node: old, index: 0 }, Output { node: new, index: 0 });
        for waiting in self.graph.controlled(old) {
            self.graph.disconnect_control(old, waiting);
            self.graph.connect_control(new, waiting);
        }
        self.targets.iter_mut().filter(|target| **target == old).for_each(|target| *target = new);
    }

    /// Takes away what nothing needs.
    pub fn prune(&mut self) {
        let mut needed: FxHashSet<NodeId> = self.feeds.iter().copied().collect();
        let mut stack: Vec<NodeId> = self.fetches.iter().map(|fetch| fetch.node).collect();
        stack.extend(&self.targets);
        let mut seen: FxHashSet<NodeId> = FxHashSet::default();
        while let Some(node) = stack.pop() {
            if seen.insert(node) {
                needed.insert(node);
                stack.extend(self.graph.predecessors(node));
            }
        }
        self.graph.retain(|node| needed.contains(&node));
    }
}

/// The nodes of a function that must run although no result may need them.
pub(crate) fn observable(function: &Function, registry: &Registry) -> Vec<NodeId> {
    let graph = &function.graph;
    let acts =
        |&node: &NodeId| registry.find(&graph.node(node).op).is_some_and(|op| op.effect.is_observable());
    let mut targets: Vec<NodeId> = function.control_results.clone();
    targets.extend(graph.nodes().filter(acts));
    targets.sort_unstable();
    targets.dedup();
    targets
}

struct Cut<'a> {
    from: &'a Graph,
    graph: Graph,
    nodes: FxHashMap<NodeId, NodeId>,
    fed: FxHashMap<Output, NodeId>,
}

impl Cut<'_> {
    fn argument(&mut self, output: Output, dtype: Option<DType>, index: usize) -> Result<NodeId> {
        let name = &self.from.node(output.node).name;
        let stem = if output.index == 0 { name.to_string() } else { format!("{name}_{}", output.index) };
        // The node itself may be needed as well, for another of its outputs.
        let name = self.graph.fresh_name(&format!("{stem}/feed"));
        let mut node = Node::new(name, "_Arg").with("index", AttrValue::Int(index as i64));
        if let Some(dtype) = dtype {
            node.attrs.insert("T".to_owned(), AttrValue::Type(dtype));
        }
        let argument = self.graph.add(node)?;
        self.fed.insert(output, argument);
        Ok(argument)
    }

    fn copy(&mut self, fetches: &[Output], targets: &[NodeId]) -> Result<()> {
        let unfed = |fed: &FxHashMap<Output, NodeId>, output: &Output| !fed.contains_key(output);
        let mut stack: Vec<NodeId> =
            fetches.iter().filter(|fetch| unfed(&self.fed, fetch)).map(|fetch| fetch.node).collect();
        stack.extend(targets);
        let mut seen: FxHashSet<NodeId> = FxHashSet::default();
        while let Some(node) = stack.pop() {
            if seen.insert(node) {
                stack.extend(self.from.inputs(node)?.iter().filter(|o| unfed(&self.fed, o)).map(|o| o.node));
                stack.extend(self.controls(node));
            }
        }
        let mut needed: Vec<NodeId> = seen.into_iter().collect();
        needed.sort_unstable();
        for &node in &needed {
            let copy = self.graph.add(self.from.node(node).clone())?;
            self.nodes.insert(node, copy);
        }
        for node in needed {
            let to = self.nodes[&node];
            for (number, &input) in self.from.inputs(node)?.iter().enumerate() {
                let from = self.output(input);
                self.graph.connect(from, to, number);
            }
            for control in self.controls(node) {
                self.graph.connect_control(self.nodes[&control], to);
            }
        }
        Ok(())
    }

    fn controls(&self, node: NodeId) -> Vec<NodeId> {
        let is_fed_placeholder = |source: &NodeId| {
            matches!(
                &*self.from.node(*source).op,
                "Placeholder" | "PlaceholderV2" | "PlaceholderWithDefault" | "_Arg"
            ) && self.fed.contains_key(&Output { node: *source, index: 0 })
        };
        self.from.controls(node).into_iter().filter(|source| !is_fed_placeholder(source)).collect()
    }

    fn output(&self, output: Output) -> Output {
        match self.fed.get(&output) {
            Some(&node) => Output { node, index: 0 },
            None => Output { node: self.nodes[&output.node], index: output.index },
        }
    }
}
