//! What all plans of a session share, and what one plan shares with the functions that it calls.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use rustc_hash::FxHashMap;
use savedmodel_graph::{FunctionLibrary, FunctionRef, Graph};
use savedmodel_op::{Callable, Functions, Limits, Registry, ResourceManager, Run};
use savedmodel_optimize::{self as optimize, Precision, Written};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::{Plan, compile, execute, formula};

/// How plans are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// Whether graphs are rewritten before they are compiled. Without, each node of the model is one step.
    pub optimize: bool,
    /// How exact products are; those of graphs that are not rewritten are as they are written.
    pub precision: Precision,
}

impl Default for Options {
    fn default() -> Options {
        Options { optimize: true, precision: Precision::Full }
    }
}

/// Operators, functions and state: what a graph needs besides itself to be compiled and run.
pub struct Environment {
    /// The operators.
    pub registry: Arc<Registry>,
    /// The functions.
    pub library: Arc<FunctionLibrary>,
    /// Variables, tables and other state.
    pub resources: Arc<ResourceManager>,
    /// What kernels may allocate.
    pub limits: Limits,
    /// How plans are made.
    pub options: Options,
    /// Counts the writes to variables whose values plans hold as constants.
    pub(crate) epoch: Arc<AtomicU64>,
    /// Whether a function takes from streams of its own, by name.
    random: Mutex<FxHashMap<String, bool>>,
}

impl Environment {
    /// An environment.
    pub fn new(
        registry: Arc<Registry>,
        library: Arc<FunctionLibrary>,
        resources: Arc<ResourceManager>,
    ) -> Environment {
        Environment {
            registry,
            library,
            resources,
            limits: Limits::default(),
            options: Options::default(),
            epoch: Arc::default(),
            random: Mutex::default(),
        }
    }

    /// What kernels of a run share.
    pub fn run(&self) -> Run<'_> {
        Run { resources: &self.resources, limits: &self.limits }
    }

    /// Whether a function takes from streams of its own.
    pub(crate) fn is_random(&self, function: &FunctionRef) -> bool {
        let known = || self.random.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&found) = known().get(&function.name) {
            return found;
        }
        // What is malformed is said when it is compiled.
        let found = optimize::is_random(function, &self.registry, &self.library).unwrap_or(false);
        known().insert(function.name.clone(), found);
        found
    }
}

/// What a plan shares with the plans of the functions that it calls.
pub(crate) struct Unit {
    pub env: Arc<Environment>,
    /// The variables that something in reach may write.
    pub written: Written,
    /// The epoch in which it was made.
    epoch: u64,
    functions: Mutex<FxHashMap<String, Arc<LazyFunction>>>,
}

impl Unit {
    pub fn new(env: &Arc<Environment>, graph: &Graph) -> Result<Arc<Unit>> {
        let epoch = env.epoch.load(Ordering::SeqCst);
        let written = match env.options.optimize {
            true => Written::find(graph, &env.registry, &env.library)?,
            false => Written::default(),
        };
        Ok(Arc::new(Unit { env: Arc::clone(env), written, epoch, functions: Mutex::default() }))
    }

    /// Whether nothing was written that its plans hold as constants.
    pub fn is_current(&self) -> bool {
        self.epoch == self.env.epoch.load(Ordering::SeqCst)
    }

    /// A function, some of whose arguments are known, called at `site`.
    ///
    /// A random operator has one stream for each place that its function is called at; all else is shared.
    pub fn function(
        &self,
        function: &FunctionRef,
        bound: Vec<Option<Tensor>>,
        site: impl FnOnce() -> String,
    ) -> Arc<LazyFunction> {
        self.turn((function, None), bound, site)
    }

    /// The body of a loop, followed by the condition; see [`Unit::function`].
    pub fn turn(
        &self,
        (function, condition): (&FunctionRef, Option<&FunctionRef>),
        bound: Vec<Option<Tensor>>,
        site: impl FnOnce() -> String,
    ) -> Arc<LazyFunction> {
        let site = if self.env.is_random(function) { site() } else { String::new() };
        let mut key = format!("{function:?}{condition:?}@{site}");
        for (i, value) in bound.iter().enumerate() {
            if let Some(value) = value {
                key.push_str(&format!("|{i}={}", identity(value)));
            }
        }
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || {
            let (function, condition) = (function.clone(), condition.cloned());
            Arc::new(LazyFunction { function, condition, bound, site, plan: OnceLock::new() })
        };
        Arc::clone(functions.entry(key).or_insert_with(made))
    }
}

/// Tells tensors apart while they live: where their data lies, what it is and how it is shaped.
fn identity(tensor: &Tensor) -> String {
    let data: Vec<String> = match (tensor.bytes(), tensor.handles()) {
        (_, Ok(handles)) => {
            handles.iter().map(|handle| format!("{}/{}", handle.container(), handle.name())).collect()
        }
        (Some(bytes), _) if bytes.len() <= 64 => vec![format!("{bytes:?}")],
        (Some(bytes), _) => vec![format!("{:p}", bytes.as_ptr())],
        _ => vec![format!("{tensor:?}")],
    };
    format!("{}{data:?}", tensor.describe())
}

/// A function that is compiled when it is first called, so that branches that are never taken cost nothing.
pub struct LazyFunction {
    function: FunctionRef,
    /// For the body of a loop: what is asked after it.
    condition: Option<FunctionRef>,
    bound: Vec<Option<Tensor>>,
    /// What the names of its random nodes begin with.
    site: String,
    plan: OnceLock<Result<Arc<Plan>>>,
}

impl LazyFunction {
    pub(crate) fn name(&self) -> &str {
        &self.function.name
    }

    pub(crate) fn plan(&self, unit: &Arc<Unit>) -> Result<&Arc<Plan>> {
        let compile = || {
            let function = unit.env.library.get(&self.function)?;
            let condition =
                self.condition.as_ref().map(|condition| unit.env.library.get(condition)).transpose()?;
            compile::turn(unit, (&function, condition.as_deref()), &self.bound, &self.site).map(Arc::new)
        };
        self.plan.get_or_init(compile).as_ref().map_err(Error::clone)
    }
}

/// Gives kernels the functions that their attributes name.
pub(crate) struct FunctionAccess(pub Arc<Unit>);

/// It holds the session weakly: a kernel may keep it in a resource of the session, as iterators do.
struct CompiledFunction {
    env: Weak<Environment>,
    unit: Weak<Unit>,
    function: Arc<LazyFunction>,
}

impl Functions for FunctionAccess {
    fn callable(&self, function: &FunctionRef) -> Result<Arc<dyn Callable>> {
        self.0.env.library.get(function)?;
        let function = self.0.function(function, Vec::new(), || format!("{}/", function.name));
        let (env, unit) = (Arc::downgrade(&self.0.env), Arc::downgrade(&self.0));
        Ok(Arc::new(CompiledFunction { env, unit, function }))
    }
}

impl Callable for CompiledFunction {
    fn call(&self, _: &Run<'_>, arguments: Vec<Tensor>) -> Result<Vec<Tensor>> {
        let at = |e: Error| e.at(format!("function '{}'", self.function.name()));
        if let Some(unit) = self.unit.upgrade().filter(|unit| unit.is_current()) {
            return execute::run(&unit, self.function.plan(&unit)?, arguments, execute::result).map_err(at);
        }
        // The plan that the kernel was part of is gone or out of date.
        let env = self.env.upgrade().ok_or_else(|| Error::failed_precondition("the session is gone"))?;
        let function = env.library.get(&self.function.function)?;
        let unit = Unit::new(&env, &function.graph)?;
        let plan = compile::function(&unit, &function, &self.function.bound, &self.function.site)?;
        execute::run(&unit, &Arc::new(plan), arguments, execute::result).map_err(at)
    }

    fn formulas(&self) -> Option<Vec<String>> {
        formula::of(&*self.env.upgrade()?.library.get(&self.function.function).ok()?)
    }
}
