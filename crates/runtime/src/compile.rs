//! Graph to plan.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use savedmodel_graph::{Function, Graph, NodeId, Output};
use savedmodel_optimize::{Program, Scope};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

use crate::environment::{Environment, FunctionAccess, Unit};
use crate::frames::{self, FrameId, Frames};
use crate::plan::{FeedInfo, Plan};
use crate::schedule;

mod frame;
mod node;
mod region;
mod types;

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
    /// What the names of random nodes begin with, by which they find their streams.
    pub site: &'a str,
}

/// An output whose value is given.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    pub output: Output,
    pub name: String,
    pub dtype: Option<DType>,
    pub shape: PartialShape,
}

impl Feed {
    fn info(&self) -> FeedInfo {
        FeedInfo { name: self.name.clone(), dtype: self.dtype, shape: self.shape.clone() }
    }
}

/// The plan for the part of a graph that a request needs, and what it shares with the functions that it calls.
pub(crate) fn graph(
    env: &Arc<Environment>,
    graph: &Graph,
    request: &Request<'_>,
) -> Result<(Arc<Unit>, Plan)> {
    let feeds: Vec<(Output, Option<DType>)> =
        request.feeds.iter().map(|feed| (feed.output, feed.dtype)).collect();
    let program = Program::cut(graph, &feeds, request.fetches, request.targets)?;
    check_fetches(&program)?;
    // What other parts of the graph write does not matter: this plan is made anew after they have.
    let unit = Unit::new(env, &program.graph)?;
    let plan = plan(&unit, program, request.feeds.iter().map(Feed::info).collect(), request.site)?;
    Ok((unit, plan))
}

/// Refuses fetches inside of V1 loops.
fn check_fetches(program: &Program) -> Result<()> {
    let graph = &program.graph;
    if !graph.nodes().any(|node| frames::is_enter(graph, node)) {
        return Ok(());
    }
    let frames = Frames::find(graph, &inner_nodes(program), |node| before(graph, node))?;
    for fetch in &program.fetches {
        let frame = frames.after(graph, fetch.node);
        if frame != 0 {
            return Err(Error::invalid_argument(format!(
                "'{}:{}' has a value for each turn of loop '{}' and is not fetchable; fetch what leaves the loop",
                graph.node(fetch.node).name,
                fetch.index,
                frames.infos[frame].name
            )));
        }
    }
    Ok(())
}

/// The nodes that are not fed.
fn inner_nodes(program: &Program) -> Vec<NodeId> {
    let is_feed = |node: &NodeId| &*program.graph.node(*node).op == "_Arg";
    program.graph.nodes().filter(|node| !is_feed(node)).collect()
}

/// The plan for a function: feeds are its arguments, fetches its results.
///
/// Arguments that are bound are known; what is fed for them is not looked at.
///
/// The names of its random nodes begin with `site`.
pub(crate) fn function(
    unit: &Arc<Unit>,
    function: &Function,
    bound: &[Option<Tensor>],
    site: &str,
) -> Result<Plan> {
    turn(unit, (function, None), bound, site)
}

/// The plan for a function, followed by a condition on its results, whose answer then is the first fetch.
pub(crate) fn turn(
    unit: &Arc<Unit>,
    (function, condition): (&Function, Option<&Function>),
    bound: &[Option<Tensor>],
    site: &str,
) -> Result<Plan> {
    let infos = function.arguments.iter().map(|argument| FeedInfo {
        name: argument.name.clone(),
        dtype: Some(argument.dtype),
        shape: PartialShape::unknown(),
    });
    let at = |e: Error| e.at(format!("function '{}'", function.name));
    let mut program = Program::of(function, bound, &unit.env.registry).map_err(at)?;
    if let Some(condition) = condition {
        program = program.joined(condition, &unit.env.registry).map_err(at)?;
    }
    plan(unit, program, infos.collect(), site).map_err(at)
}

fn plan(unit: &Arc<Unit>, mut program: Program, infos: Vec<FeedInfo>, site: &str) -> Result<Plan> {
    let env = &unit.env;
    let functions = FunctionAccess(Arc::clone(unit));
    if env.options.optimize {
        types::check(&program.graph, &env.registry)?;
        let scope = Scope {
            registry: &env.registry,
            library: &env.library,
            resources: &env.resources,
            limits: &env.limits,
            functions: &functions,
            written: &unit.written,
            precision: env.options.precision,
            epoch: &env.epoch,
        };
        savedmodel_optimize::optimize(&mut program, &scope)?;
    }
    let plan = Compiler::new(unit, &program, functions, site)?.root(&program, infos)?;
    savedmodel_optimize::watch::see("plan", &format_args!("{plan:?}"));
    Ok(plan)
}

/// What stays the same while one program is compiled.
struct Compiler<'a> {
    unit: &'a Arc<Unit>,
    graph: &'a Graph,
    functions: FunctionAccess,
    site: &'a str,
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
    fn new(
        unit: &'a Arc<Unit>,
        program: &'a Program,
        functions: FunctionAccess,
        site: &'a str,
    ) -> Result<Compiler<'a>> {
        let graph = &program.graph;
        let nodes = inner_nodes(program);
        for &node in &nodes {
            graph.inputs(node)?;
        }
        let before = |node| before(graph, node);
        let frames = Frames::find(graph, &nodes, before)?;
        Ok(Compiler { unit, graph, functions, site, nodes, frames })
    }

    /// What a node waits for.
    fn before(&self, node: NodeId) -> Vec<NodeId> {
        before(self.graph, node)
    }

    fn root(&self, program: &Program, infos: Vec<FeedInfo>) -> Result<Plan> {
        let mut region = Region::new(self, 0);
        for (&node, info) in program.feeds.iter().zip(&infos) {
            let value = region.new_value();
            region.feeds.push(value);
            if &*self.graph.node(node).op == "_Arg" {
                region.put(Output { node, index: 0 }, Made::fed(value, info));
            }
        }
        region.build()?;
        let fetches = program.fetches.iter().map(|&fetch| region.fetch(fetch)).collect::<Result<Vec<_>>>()?;
        Ok(region.finish(&fetches, infos))
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

/// What a node waits for; feeds are there from the start.
fn before(graph: &Graph, node: NodeId) -> Vec<NodeId> {
    graph.predecessors(node).filter(|&source| &*graph.node(source).op != "_Arg").collect()
}
