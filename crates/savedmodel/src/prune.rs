//! Any part of the graph as a function.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use savedmodel_graph::{Graph, NodeId, Output};
use savedmodel_runtime::{Bodies, Fetch, Prepared, Session};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::{Value, hidden};

/// The session that a function runs in: that of the model, or one over the body of a function.
#[derive(Clone)]
pub(crate) enum Host<'m> {
    Model(&'m Session),
    Body(Arc<Session>),
}

impl Deref for Host<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        match self {
            Host::Model(session) => session,
            Host::Body(session) => session,
        }
    }
}

/// A part of the graph as a function: tensors in the order of its feeds in, in the order of its fetches out.
#[derive(Clone)]
pub struct ConcreteFunction<'m> {
    session: Host<'m>,
    plan: Arc<Prepared>,
    inputs: Vec<String>,
    outputs: Vec<String>,
}

impl<'m> ConcreteFunction<'m> {
    /// What gives the fetches and runs the targets, whether or not all that it needs is fed.
    pub(crate) fn new(
        session: Host<'m>,
        feeds: &[&str],
        fetches: &[&str],
        targets: &[&str],
    ) -> Result<ConcreteFunction<'m>> {
        let (session, names) = Names::resolve(session, feeds, fetches, targets)?;
        ConcreteFunction::of(session, feeds, fetches, names)
    }

    /// The same, refused when a placeholder that it needs is not fed.
    pub(crate) fn pruned(
        session: Host<'m>,
        feeds: &[&str],
        fetches: &[&str],
    ) -> Result<ConcreteFunction<'m>> {
        let (session, names) = Names::resolve(session, feeds, fetches, &[])?;
        check_fed(&session, &names.feeds, &names.fetches, &names.targets)?;
        ConcreteFunction::of(session, feeds, fetches, names)
    }

    fn of(session: Host<'m>, feeds: &[&str], fetches: &[&str], names: Names) -> Result<ConcreteFunction<'m>> {
        let plan = session.prepare(&names.feeds, &names.fetches, &names.targets)?;
        let outputs = fetches.iter().zip(&names.is_tensor).filter(|(_, is_tensor)| **is_tensor);
        let outputs = outputs.map(|(name, _)| (*name).to_owned()).collect();
        let inputs = feeds.iter().map(|name| (*name).to_owned()).collect();
        Ok(ConcreteFunction { session, plan, inputs, outputs })
    }

    /// The feeds, in order: the names of what a call takes.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        self.inputs.iter().map(String::as_str)
    }

    /// The fetches that are tensors, in order: the names of what a call gives.
    pub fn outputs(&self) -> impl Iterator<Item = &str> {
        self.outputs.iter().map(String::as_str)
    }

    /// Calls the function.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when number or dtypes of the arguments are wrong; else the first error of an operator, with
    /// node, operator, dtypes and shapes.
    pub fn call(&self, arguments: &[Tensor]) -> Result<Vec<Tensor>> {
        self.session.run(&self.plan, arguments.to_vec())
    }
}

/// A part of the graph whose results come in the structure in which they were asked for.
#[derive(Clone)]
pub struct StructuredFunction<'m> {
    function: ConcreteFunction<'m>,
    fetches: Value,
}

impl<'m> StructuredFunction<'m> {
    pub(crate) fn new(session: Host<'m>, feeds: &[&str], fetches: Value) -> Result<StructuredFunction<'m>> {
        let mut names = Vec::new();
        leaves(&fetches, &mut names)?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let function = ConcreteFunction::pruned(session, feeds, &names)?;
        Ok(StructuredFunction { function, fetches })
    }

    /// Calls the function: tensors in the order of its feeds in, the structure of its fetches out, where operations give
    /// `None`.
    ///
    /// # Errors
    /// As [`ConcreteFunction::call`].
    pub fn call(&self, arguments: &[Tensor]) -> Result<Value> {
        let values = self.function.call(arguments)?;
        let mut names = self.function.outputs().zip(values).peekable();
        fill(&self.fetches, &mut |name| names.next_if(|(found, _)| *found == name).map(|(_, value)| value))
    }
}

fn leaves(fetches: &Value, names: &mut Vec<String>) -> Result<()> {
    match fetches {
        Value::String(name) => names.push(name.clone()),
        Value::List(items) | Value::Tuple(items) => {
            items.iter().try_for_each(|item| leaves(item, names))?;
        }
        Value::Dict(fields) => fields.values().try_for_each(|item| leaves(item, names))?,
        Value::NamedTuple(_, fields) => fields.iter().try_for_each(|(_, item)| leaves(item, names))?,
        other => return Err(Error::invalid_argument(format!("a fetch must be a name, got {other}"))),
    }
    Ok(())
}

fn fill(fetches: &Value, next: &mut impl FnMut(&str) -> Option<Tensor>) -> Result<Value> {
    let mut all = |items: &[Value]| items.iter().map(|item| fill(item, next)).collect::<Result<Vec<_>>>();
    Ok(match fetches {
        Value::String(name) => next(name).map_or(Value::None, Value::Tensor),
        Value::List(items) => Value::List(all(items)?),
        Value::Tuple(items) => Value::Tuple(all(items)?),
        Value::Dict(fields) => {
            let field = |(name, item): (&String, _)| Ok((name.clone(), fill(item, next)?));
            Value::Dict(fields.iter().map(field).collect::<Result<BTreeMap<_, _>>>()?)
        }
        Value::NamedTuple(name, fields) => {
            let field = |(name, item): &(String, _)| Ok((name.clone(), fill(item, next)?));
            Value::NamedTuple(name.clone(), fields.iter().map(field).collect::<Result<_>>()?)
        }
        other => return Err(Error::invalid_argument(format!("a fetch must be a name, got {other}"))),
    })
}

/// What the names of a run stand for.
struct Names {
    feeds: Vec<Output>,
    fetches: Vec<Output>,
    targets: Vec<NodeId>,
    /// For each fetch that was named, whether it is a tensor.
    is_tensor: Vec<bool>,
}

impl Names {
    /// What the names stand for, and the session that knows them all: with the bodies of functions beside their calls, and
    /// with branches as V1 control flow, only if a name is in one of them.
    fn resolve<'m>(
        session: Host<'m>,
        feeds: &[&str],
        fetches: &[&str],
        targets: &[&str],
    ) -> Result<(Host<'m>, Names)> {
        let unknown = match Names::find(&session, feeds, fetches, targets) {
            Ok(names) => return Ok((session, names)),
            Err(unknown) => unknown,
        };
        for bodies in [Bodies::Calls, Bodies::Branches] {
            let Ok(expanded) = session.expanded(bodies) else { continue };
            if let Ok(names) = Names::find(expanded, feeds, fetches, targets) {
                return Ok((Host::Body(Arc::clone(expanded)), names));
            }
        }
        let all = feeds.iter().chain(fetches).chain(targets);
        Err(all.copied().find_map(|name| hidden::error(&session, name)).unwrap_or(unknown))
    }

    fn find(session: &Session, feeds: &[&str], fetches: &[&str], targets: &[&str]) -> Result<Names> {
        let mut names = Names {
            feeds: feeds.iter().map(|name| session.output(name)).collect::<Result<_>>()?,
            fetches: Vec::with_capacity(fetches.len()),
            targets: targets.iter().map(|name| session.operation(name)).collect::<Result<_>>()?,
            is_tensor: Vec::with_capacity(fetches.len()),
        };
        for name in fetches {
            let fetch = session.fetch(name)?;
            names.is_tensor.push(matches!(fetch, Fetch::Tensor(_)));
            match fetch {
                Fetch::Tensor(output) => names.fetches.push(output),
                Fetch::Operation(node) => names.targets.push(node),
            }
        }
        Ok(names)
    }
}

/// Refuses what needs a placeholder that is not fed, with a path that leads to it.
pub(crate) fn check_fed(
    session: &Session,
    feeds: &[Output],
    fetches: &[Output],
    targets: &[NodeId],
) -> Result<()> {
    if session.is_prepared(feeds, fetches, targets) {
        return Ok(());
    }
    let graph = session.graph();
    let mut from: Vec<Option<NodeId>> = vec![None; graph.id_bound()];
    let mut seen = vec![false; graph.id_bound()];
    let wanted = fetches.iter().filter(|fetch| !feeds.contains(fetch)).map(|fetch| fetch.node);
    let mut queue: Vec<NodeId> = wanted.chain(targets.iter().copied()).collect();
    queue.iter().for_each(|node| seen[node.index()] = true);
    let mut next = 0;
    while let Some(&node) = queue.get(next) {
        next += 1;
        let is_fed = feeds.iter().any(|feed| feed.node == node);
        if matches!(&*graph.node(node).op, "Placeholder" | "PlaceholderV2" | "_Arg") && !is_fed {
            return Err(unfed(graph, node, &from));
        }
        let sources = graph.inputs(node)?.into_iter().filter(|input| !feeds.contains(input));
        let controls = graph
            .controls(node)
            .into_iter()
            .filter(|source| !feeds.contains(&Output { node: *source, index: 0 }));
        for source in sources.map(|input| input.node).chain(controls) {
            if !std::mem::replace(&mut seen[source.index()], true) {
                from[source.index()] = Some(node);
                queue.push(source);
            }
        }
    }
    Ok(())
}

#[cold]
fn unfed(graph: &Graph, placeholder: NodeId, from: &[Option<NodeId>]) -> Error {
    let mut path = vec![placeholder];
    while let Some(node) = path.last().and_then(|node| from[node.index()]) {
        path.push(node);
    }
    let shown = |node: &NodeId| format!("{} ({})", graph.node(*node).name, graph.node(*node).op);
    let fetch = path.last().map_or_else(String::new, |node| graph.node(*node).name.to_string());
    let name = &graph.node(placeholder).name;
    let path: Vec<String> = path.iter().rev().map(shown).collect();
    Error::invalid_argument(format!(
        "'{fetch}' depends on placeholder '{name}', which is not fed, via at least one path: {}",
        path.join(" <- ")
    ))
}
