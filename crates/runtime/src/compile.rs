//! Graph to plan.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use savedmodel_graph::{Function, Graph, NodeId, Output};
use savedmodel_tensor::{DType, Error, PartialShape, Result};

use crate::environment::{Environment, FunctionAccess};
use crate::frames::{self, FrameId, Frames};
use crate::plan::{FeedInfo, Plan};
use crate::schedule;

mod frame;
mod node;
mod region;

pub(crate) use node::output_dtypes;
use region::{Made, Region};

/// What of a graph is wanted.
pub(crate) struct Request<'a> {
    /// Outputs whose values the caller gives; what makes them is not run.
    pub feeds: &'a [Feed],
    /// Outputs whose values the caller gets.
    pub fetches: &'a [Output],
    /// Nodes that must run.
    pub targets: &'a [NodeId],
}

/// An output whose value is given.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    pub output: Output,
    pub dtype: Option<DType>,
    pub shape: PartialShape,
}

/// The plan for the part of a graph that a request needs.
pub(crate) fn graph(env: &Arc<Environment>, graph: &Graph, request: &Request<'_>) -> Result<Plan> {
    let compiler = Compiler::new(env, graph, request)?;
    compiler.root(request)
}

/// The plan for a function: feeds are its arguments, fetches its results.
pub(crate) fn function(env: &Arc<Environment>, function: &Function) -> Result<Plan> {
    let feeds: Vec<Feed> = function
        .argument_nodes
        .iter()
        .zip(&function.arguments)
        .map(|(&node, argument)| Feed {
            output: Output { node, index: 0 },
            dtype: Some(argument.dtype),
            shape: PartialShape::unknown(),
        })
        .collect();
    let observable = function.graph.nodes().filter(|&node| {
        let op = env.registry.find(&function.graph.node(node).op);
        op.is_some_and(|op| op.effect.is_observable())
    });
    let targets: Vec<NodeId> = function.control_results.iter().copied().chain(observable).collect();
    let request = Request { feeds: &feeds, fetches: &function.result_outputs, targets: &targets };
    graph(env, &function.graph, &request).map_err(|e| e.at(format!("function '{}'", function.name)))
}

/// What stays the same while one graph is compiled.
struct Compiler<'a> {
    env: &'a Arc<Environment>,
    graph: &'a Graph,
    functions: FunctionAccess,
    fed: FxHashMap<Output, usize>,
    nodes: Vec<NodeId>,
    frames: Frames,
}

/// What a region does one after the other: its own nodes, and whole loops.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Item {
    Node(NodeId),
    Loop(FrameId),
}

impl<'a> Compiler<'a> {
    fn new(env: &'a Arc<Environment>, graph: &'a Graph, request: &Request<'_>) -> Result<Compiler<'a>> {
        let fed: FxHashMap<Output, usize> =
            request.feeds.iter().enumerate().map(|(i, feed)| (feed.output, i)).collect();
        let functions = FunctionAccess(Arc::clone(env));
        let frames = Frames::find(graph, &[], |_| Vec::new())?;
        let mut compiler = Compiler { env, graph, functions, fed, nodes: Vec::new(), frames };
        compiler.nodes = compiler.needed(request)?;
        compiler.frames = Frames::find(graph, &compiler.nodes, |node| compiler.before(node))?;
        Ok(compiler)
    }

    /// What a node waits for: the sources of inputs that are not fed, and of control edges.
    fn before(&self, node: NodeId) -> Vec<NodeId> {
        // The inputs of every needed node were checked when it was found to be needed.
        let inputs = self.graph.inputs(node).unwrap_or_default();
        let data =
            inputs.into_iter().filter(|output| !self.fed.contains_key(output)).map(|output| output.node);
        data.chain(self.controls(node)).collect()
    }

    /// Whom a node waits for without taking a tensor; a fed placeholder is there from the start.
    fn controls(&self, node: NodeId) -> Vec<NodeId> {
        let is_fed_placeholder = |&source: &NodeId| {
            matches!(
                &*self.graph.node(source).op,
                "Placeholder" | "PlaceholderV2" | "PlaceholderWithDefault" | "_Arg"
            ) && self.fed.contains_key(&Output { node: source, index: 0 })
        };
        self.graph.controls(node).into_iter().filter(|source| !is_fed_placeholder(source)).collect()
    }

    /// All nodes that the request needs, in the order of the graph.
    fn needed(&self, request: &Request<'_>) -> Result<Vec<NodeId>> {
        let fetched =
            request.fetches.iter().filter(|output| !self.fed.contains_key(output)).map(|output| output.node);
        let mut stack: Vec<NodeId> = fetched.chain(request.targets.iter().copied()).collect();
        let mut seen: FxHashSet<NodeId> = FxHashSet::default();
        while let Some(node) = stack.pop() {
            if seen.insert(node) {
                self.graph.inputs(node)?;
                stack.extend(self.before(node));
            }
        }
        let mut nodes: Vec<NodeId> = seen.into_iter().collect();
        nodes.sort_unstable();
        Ok(nodes)
    }

    fn root(&self, request: &Request<'_>) -> Result<Plan> {
        let mut region = Region::new(self, 0);
        for (i, feed) in request.feeds.iter().enumerate() {
            let value = region.new_value();
            debug_assert_eq!(value, i);
            region.feeds.push(value);
            region.put(feed.output, Made::fed(value, feed));
        }
        region.build()?;
        let fetches = request.fetches.iter().map(|&fetch| region.fetch(fetch)).collect::<Result<Vec<_>>>()?;
        let infos = request.feeds.iter().map(|feed| self.feed_info(feed)).collect();
        Ok(region.finish(&fetches, infos))
    }

    fn feed_info(&self, feed: &Feed) -> FeedInfo {
        let name = format!("{}:{}", self.graph.node(feed.output.node).name, feed.output.index);
        FeedInfo { name, dtype: feed.dtype, shape: feed.shape.clone() }
    }

    /// What is done in a frame, in order.
    fn items(&self, frame: FrameId) -> Result<Vec<Item>> {
        let mut items: Vec<Item> = self.nodes.iter().filter_map(|&node| self.item(frame, node)).collect();
        items.sort_unstable();
        items.dedup();
        let number: FxHashMap<Item, usize> = items.iter().enumerate().map(|(i, &item)| (item, i)).collect();
        let before: Vec<Vec<usize>> = items
            .iter()
            .map(|&item| {
                let sources = match item {
                    Item::Node(node) => self.before(node),
                    Item::Loop(inner) => {
                        self.frames.infos[inner].enters.iter().flat_map(|&enter| self.before(enter)).collect()
                    }
                };
                let sources = sources.into_iter().filter_map(|source| self.item(frame, source));
                sources
                    .filter(|&source| source != item)
                    .filter_map(|source| number.get(&source).copied())
                    .collect()
            })
            .collect();
        let order = schedule::order(&before).map_err(|i| match items[i] {
            Item::Node(node) => schedule::cycle(&self.graph.node(node).name),
            Item::Loop(inner) => schedule::cycle(&self.frames.infos[inner].name),
        })?;
        Ok(order.into_iter().map(|i| items[i]).collect())
    }

    /// The item of a frame that makes a node's outputs; `None` if they are there from the start.
    fn item(&self, frame: FrameId, node: NodeId) -> Option<Item> {
        let own = self.frames.of(node);
        if own == frame && !frames::is_exit(self.graph, node) {
            let at_border = frame != 0
                && (frames::is_enter(self.graph, node)
                    || frames::is_next_iteration(self.graph, node)
                    || self.is_loop_head(node));
            return (!at_border).then_some(Item::Node(node));
        }
        self.frames.child_of(frame, own).map(Item::Loop)
    }

    /// Whether the node is the Merge at which a loop variable enters each iteration.
    fn is_loop_head(&self, node: NodeId) -> bool {
        frames::is_merge(self.graph, node)
            && self.before(node).into_iter().any(|source| frames::is_next_iteration(self.graph, source))
    }

    /// An error, with the node that it is about.
    fn at(&self, node: NodeId, error: Error) -> Error {
        let node = self.graph.node(node);
        error.at(format!("node '{}' ({})", node.name, node.op))
    }
}
