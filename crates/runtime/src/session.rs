//! Sessions: a graph with its state, ready to run any part of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustc_hash::FxHashMap;
use savedmodel_graph::{AttrValue, FunctionRef, Graph, NodeId, Output};
use savedmodel_math::{denormal, par};
use savedmodel_op::{Limits, Registry, ResourceManager};
use savedmodel_optimize::{Bodies, Program};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

use crate::compile::{self, Feed, Request};
use crate::environment::{Environment, Options, Unit};
use crate::{Plan, execute};

/// Settings of a session.
#[derive(Clone, Copy, Debug, Default)]
pub struct SessionOptions {
    /// Number of threads that large steps are split over; all cores if `None`, the caller's alone if 1.
    pub threads: Option<usize>,
    /// How plans are made.
    pub plans: Options,
    /// What kernels may allocate.
    pub limits: Limits,
}

/// A graph with its variables, tables, threads and the plans made so far.
///
/// Runs from many threads at once; they share the state and nothing else.
pub struct Session {
    env: Arc<Environment>,
    graph: Arc<Graph>,
    plans: Mutex<FxHashMap<PlanKey, Arc<Prepared>>>,
    pool: Option<Arc<par::Pool>>,
    /// What the names of random nodes begin with.
    site: String,
    expanded: [OnceLock<Result<Arc<Session>>>; 2],
}

/// What a run can be asked for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetch {
    /// The value of an output.
    Tensor(Output),
    /// That an operation runs.
    Operation(NodeId),
}

/// A plan of a session.
///
/// It may hold values of variables; a session that runs it after one of them was written makes it anew.
pub struct Prepared {
    key: PlanKey,
    unit: Arc<Unit>,
    plan: Plan,
}

impl Prepared {
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct PlanKey {
    feeds: Vec<Output>,
    fetches: Vec<Output>,
    targets: Vec<NodeId>,
}

impl Session {
    /// A session over a graph.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` when the threads can't be started.
    pub fn new(
        graph: Arc<Graph>,
        library: Arc<savedmodel_graph::FunctionLibrary>,
        registry: Arc<Registry>,
        options: SessionOptions,
    ) -> Result<Session> {
        let mut env = Environment::new(registry, library, Arc::new(ResourceManager::new()));
        env.options = options.plans;
        env.limits = options.limits;
        let threads = options.threads.unwrap_or_else(par::available);
        let pool = par::Pool::new(threads)
            .map_err(|e| Error::resource_exhausted(format!("{threads} threads can't be started: {e}")))?;
        let (plans, site, expanded) = (Mutex::default(), String::new(), Default::default());
        Ok(Session { env: Arc::new(env), graph, plans, pool: Some(Arc::new(pool)), site, expanded })
    }

    /// A session over the same graph with state of its own, of which there is none yet.
    pub fn fresh(&self) -> Session {
        let mut env = Environment::new(
            Arc::clone(&self.env.registry),
            Arc::clone(&self.env.library),
            Arc::new(ResourceManager::new()),
        );
        env.options = self.env.options;
        env.limits = self.env.limits;
        Session {
            env: Arc::new(env),
            graph: Arc::clone(&self.graph),
            plans: Mutex::default(),
            pool: self.pool.clone(),
            site: self.site.clone(),
            expanded: Default::default(),
        }
    }

    /// A session over the same graph with copies of the state as it is now. What can't be copied, such as the place of an
    /// iterator in its dataset, is as `start` leaves it, which is given a session without state if there is such.
    ///
    /// # Errors
    /// Those of `start`.
    pub fn fork(&self, start: impl FnOnce(&Session) -> Result<()>) -> Result<Session> {
        let session = self.fresh();
        if !self.resources().fork_into(session.resources()) {
            start(&session)?;
            self.resources().fork_into(session.resources());
            // They hold what the copies have replaced.
            session.plans.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        Ok(session)
    }

    /// A session over another graph with the same operators, functions, state and threads.
    fn over(&self, graph: Graph, site: String) -> Session {
        Session {
            env: Arc::clone(&self.env),
            graph: Arc::new(graph),
            plans: Mutex::default(),
            pool: self.pool.clone(),
            site,
            expanded: Default::default(),
        }
    }

    /// The same session over its graph with the bodies of calls, or of branches, too, where each tensor of a function that is
    /// called has a name (`call/node:0`).
    ///
    /// # Errors
    /// When a function is malformed.
    pub fn expanded(&self, bodies: Bodies) -> Result<&Arc<Session>> {
        let made = self.expanded[usize::from(bodies == Bodies::Branches)].get_or_init(|| {
            let Environment { registry, library, .. } = &*self.env;
            let graph = savedmodel_optimize::expand(&self.graph, registry, library, bodies)?;
            Ok(Arc::new(self.over(graph, self.site.clone())))
        });
        made.as_ref().map_err(Error::clone)
    }

    /// A session over the body of a function, with the bodies of all that it calls and `bound` for its last arguments; the
    /// other arguments are nodes that can be fed.
    ///
    /// # Errors
    /// As [`Session::bind`], but for what compiling may find.
    pub fn body(&self, function: &FunctionRef, bound: Vec<Tensor>) -> Result<Session> {
        let function = self.env.library.get(function)?;
        let bound = crate::function::check_bound(&function, bound)?;
        let program = Program::whole(&function, &bound, &self.env.registry);
        let Environment { registry, library, .. } = &*self.env;
        let graph = savedmodel_optimize::expand(&program.graph, registry, library, Bodies::Calls)?;
        Ok(self.over(graph, format!("{}/", function.name)))
    }

    /// The graph.
    pub fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// Operators, functions and state.
    pub fn environment(&self) -> &Arc<Environment> {
        &self.env
    }

    /// Variables, tables and other state.
    pub fn resources(&self) -> &ResourceManager {
        &self.env.resources
    }

    /// The output with this name: `node:1`, or `node` for output 0.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such node, or it has no such output.
    pub fn output(&self, name: &str) -> Result<Output> {
        let (node_name, index) = split_name(name)?;
        let node = self.graph.find(node_name).ok_or_else(|| {
            Error::not_found(format!(
                "The name '{name}' refers to a Tensor which does not exist. The operation, '{node_name}', does not \
                 exist in the graph."
            ))
        })?;
        if let Some(outputs) = self.output_dtypes(node).filter(|outputs| outputs.len() <= index) {
            return Err(Error::not_found(format!(
                "The name '{name}' refers to a Tensor which does not exist. The operation, '{node_name}', exists but \
                 only has {} outputs.",
                outputs.len()
            )));
        }
        Ok(Output { node, index })
    }

    /// What a fetch names: `x:1` and `x` are outputs; `^x`, and `x` that has no outputs, are operations.
    ///
    /// # Errors
    /// As [`Session::output`] and [`Session::operation`].
    pub fn fetch(&self, name: &str) -> Result<Fetch> {
        if name.starts_with('^') {
            return self.operation(name).map(Fetch::Operation);
        }
        let node = if name.contains(':') { None } else { Some(self.operation(name)?) };
        match node.and_then(|node| self.output_dtypes(node).map(|outputs| (node, outputs))) {
            Some((node, outputs)) if outputs.is_empty() => Ok(Fetch::Operation(node)),
            _ => self.output(name).map(Fetch::Tensor),
        }
    }

    /// The node with this name, for targets.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is none.
    pub fn operation(&self, name: &str) -> Result<NodeId> {
        self.graph.find(name.trim_start_matches('^')).ok_or_else(|| {
            Error::not_found(format!("The name '{name}' refers to an Operation not in the graph."))
        })
    }

    /// The dtype of an output, where the operator is known or the node says it.
    pub fn dtype(&self, output: Output) -> Option<DType> {
        match self.output_dtypes(output.node) {
            Some(dtypes) => dtypes.get(output.index).copied(),
            None => {
                let attrs = &self.graph.node(output.node).attrs;
                match attrs.get("dtype").or_else(|| attrs.get("T")) {
                    Some(AttrValue::Type(dtype)) => Some(*dtype),
                    _ => None,
                }
            }
        }
    }

    fn output_dtypes(&self, node: NodeId) -> Option<Vec<DType>> {
        let node = self.graph.node(node);
        if let Ok(def) = self.env.registry.def(&node.op) {
            return compile::output_dtypes(def, &node.attrs);
        }
        let reference = FunctionRef { name: node.op.to_string(), attrs: node.attrs.clone() };
        let function = self.env.library.find(&reference).ok()??;
        Some(function.results.iter().map(|result| result.dtype).collect())
    }

    /// The plan that gives `fetches` and runs `targets` from `feeds`, made unless it was made before.
    ///
    /// # Errors
    /// `UNIMPLEMENTED` when it needs an operator, attribute or dtype that there is not, `NOT_FOUND` when TensorFlow has no such operator,
    /// either; `INVALID_ARGUMENT` when that part of the graph is malformed or a feed is repeated.
    pub fn prepare(&self, feeds: &[Output], fetches: &[Output], targets: &[NodeId]) -> Result<Arc<Prepared>> {
        self.prepared(PlanKey { feeds: feeds.to_vec(), fetches: fetches.to_vec(), targets: targets.to_vec() })
    }

    /// Whether such a plan was made before.
    pub fn is_prepared(&self, feeds: &[Output], fetches: &[Output], targets: &[NodeId]) -> bool {
        let key = PlanKey { feeds: feeds.to_vec(), fetches: fetches.to_vec(), targets: targets.to_vec() };
        self.plans.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&key)
    }

    fn prepared(&self, key: PlanKey) -> Result<Arc<Prepared>> {
        if let Some(known) = self.plans.lock().unwrap_or_else(PoisonError::into_inner).get(&key)
            && known.unit.is_current()
        {
            return Ok(Arc::clone(known));
        }
        let feeds = &key.feeds;
        if let Some(i) = (1..feeds.len()).find(|&i| feeds[..i].contains(&feeds[i])) {
            let name = &self.graph.node(feeds[i].node).name;
            return Err(Error::invalid_argument(format!(
                "feed '{name}:{}' is given more than once",
                feeds[i].index
            )));
        }
        let described: Vec<Feed> = feeds.iter().map(|&output| self.feed(output)).collect();
        let (fetches, targets) = (&key.fetches, &key.targets);
        let request = Request { feeds: &described, fetches, targets, site: &self.site };
        let prepared = self.inside(|| {
            let (unit, plan) = compile::graph(&self.env, &self.graph, &request)?;
            Ok(Arc::new(Prepared { key: key.clone(), unit, plan }))
        })?;
        self.plans.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&prepared));
        Ok(prepared)
    }

    fn feed(&self, output: Output) -> Feed {
        let shape = match self.graph.node(output.node).attrs.get("shape") {
            Some(AttrValue::Shape(shape)) => shape.clone(),
            _ => PartialShape::unknown(),
        };
        let name = format!("{}:{}", self.graph.node(output.node).name, output.index);
        Feed { output, name, dtype: self.dtype(output), shape }
    }

    /// Runs a plan: the values of its feeds in, those of its fetches out, both in the plan's order.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when number or dtypes of the feeds are wrong; else the first error of a step, with node,
    /// operator, dtypes and shapes.
    pub fn run(&self, prepared: &Prepared, feeds: Vec<Tensor>) -> Result<Vec<Tensor>> {
        prepared.plan.check_feeds(&feeds)?;
        let name = |i: usize| {
            let fetch = prepared.key.fetches[i];
            format!("fetch '{}:{}'", self.graph.node(fetch.node).name, fetch.index)
        };
        if !prepared.unit.is_current() {
            let fresh = self.prepared(prepared.key.clone())?;
            return self.inside(|| execute::run(&fresh.unit, &fresh.plan, feeds, name));
        }
        self.inside(|| execute::run(&prepared.unit, &prepared.plan, feeds, name))
    }

    /// Does something on the session's threads, in the floating-point mode of TensorFlow's kernels.
    pub(crate) fn inside<R>(&self, work: impl FnOnce() -> Result<R>) -> Result<R> {
        let _mode = denormal::flush();
        let _pool = self.pool.as_deref().map(par::Pool::enter);
        guarded(work)
    }
}

impl Drop for Session {
    /// What this thread kept for the next tensors was for this session's.
    fn drop(&mut self) {
        savedmodel_tensor::release_kept_memory();
    }
}

impl Plan {
    pub(crate) fn check_feeds(&self, feeds: &[Tensor]) -> Result<()> {
        if feeds.len() != self.feed_infos.len() {
            return Err(Error::invalid_argument(format!(
                "{} feeds for a plan that takes {}",
                feeds.len(),
                self.feed_infos.len()
            )));
        }
        for (tensor, info) in feeds.iter().zip(&self.feed_infos) {
            if info.dtype.is_some_and(|dtype| dtype != tensor.dtype()) {
                let want = info.dtype.map_or_else(String::new, |dtype| dtype.to_string());
                return Err(Error::invalid_argument(format!(
                    "feed {} must be {want}{}, got {}",
                    info.name,
                    info.shape,
                    tensor.describe()
                )));
            }
        }
        Ok(())
    }
}

/// A defect that panics costs the caller this one run, not the process.
fn guarded<R>(work: impl FnOnce() -> Result<R>) -> Result<R> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().cloned();
        let text =
            text.or_else(|| payload.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_default();
        Err(Error::internal(format!("a kernel panicked: {text}")))
    })
}

fn split_name(name: &str) -> Result<(&str, usize)> {
    match name.rsplit_once(':') {
        None => Ok((name, 0)),
        Some((node, index)) => index.parse().map(|index| (node, index)).map_err(|_| {
            Error::invalid_argument(format!(
                "'{name}' is no tensor name; expected 'node:output', such as 'x:0'"
            ))
        }),
    }
}
