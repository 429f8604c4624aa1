//! What all plans of a session share.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustc_hash::FxHashMap;
use savedmodel_graph::{FunctionLibrary, FunctionRef};
use savedmodel_op::{Callable, Functions, Limits, Registry, ResourceManager, Run};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::{Plan, compile, execute};

/// How plans are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// Whether graphs are rewritten before they are compiled. Without, each node of the model is one step.
    pub optimize: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { optimize: true }
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
    functions: Mutex<FxHashMap<String, Arc<LazyFunction>>>,
}

/// A function that is compiled when it is first called, so that branches that are never taken cost nothing.
pub struct LazyFunction {
    function: FunctionRef,
    plan: OnceLock<Result<Arc<Plan>>>,
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
            functions: Mutex::default(),
        }
    }

    /// What kernels of a run share.
    pub fn run(&self) -> Run<'_> {
        Run { resources: &self.resources, limits: &self.limits }
    }

    pub(crate) fn function(&self, function: &FunctionRef) -> Arc<LazyFunction> {
        let key = format!("{function:?}");
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || Arc::new(LazyFunction { function: function.clone(), plan: OnceLock::new() });
        Arc::clone(functions.entry(key).or_insert_with(made))
    }

    /// Forgets all compiled functions, for example because what was folded into them has changed.
    pub(crate) fn forget_functions(&self) {
        self.functions.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl LazyFunction {
    pub(crate) fn name(&self) -> &str {
        &self.function.name
    }

    pub(crate) fn plan(&self, env: &Arc<Environment>) -> Result<&Arc<Plan>> {
        let compile = || {
            let function = env.library.get(&self.function)?;
            compile::function(env, &function).map(Arc::new)
        };
        self.plan.get_or_init(compile).as_ref().map_err(Error::clone)
    }
}

/// Gives kernels the functions that their attributes name.
pub(crate) struct FunctionAccess(pub Arc<Environment>);

struct CompiledFunction {
    env: std::sync::Weak<Environment>,
    function: Arc<LazyFunction>,
}

impl Functions for FunctionAccess {
    fn callable(&self, function: &FunctionRef) -> Result<Arc<dyn Callable>> {
        let lazy = self.0.function(function);
        lazy.plan(&self.0)?;
        Ok(Arc::new(CompiledFunction { env: Arc::downgrade(&self.0), function: lazy }))
    }
}

impl Callable for CompiledFunction {
    fn call(&self, _: &Run<'_>, arguments: Vec<Tensor>) -> Result<Vec<Tensor>> {
        let env = self.env.upgrade().ok_or_else(|| Error::failed_precondition("the session is gone"))?;
        let plan = self.function.plan(&env)?;
        execute::run(&env, plan, arguments).map_err(|e| e.at(format!("function '{}'", self.function.name())))
    }
}
