//! Functions of the library, called from outside.

use std::sync::{Arc, Mutex, PoisonError};

use savedmodel_graph::{Function, FunctionRef};
use savedmodel_optimize::Program;
use savedmodel_tensor::{Error, Result, Tensor};

use crate::environment::Unit;
use crate::{Plan, Session, compile, execute};

/// A function with values for some of its arguments, ready to be called.
///
/// Its plan may hold values of variables; it is made anew after one of them was written.
pub struct BoundFunction {
    function: Arc<Function>,
    bound: Vec<Option<Tensor>>,
    plan: Mutex<(Arc<Unit>, Arc<Plan>)>,
}

impl BoundFunction {
    /// The function.
    pub fn function(&self) -> &Arc<Function> {
        &self.function
    }
}

impl Session {
    /// A function of the library, compiled with `bound` for its last arguments, such as handles of captured variables.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such function; `INVALID_ARGUMENT` when more is bound than it takes, or of other dtypes;
    /// `UNIMPLEMENTED` when it needs an operator, attribute or dtype that there is not, `NOT_FOUND` when TensorFlow has no such operator, either.
    pub fn bind(&self, function: &FunctionRef, bound: Vec<Tensor>) -> Result<BoundFunction> {
        let function = self.environment().library.get(function)?;
        let bound = check_bound(&function, bound)?;
        let plan = Mutex::new(self.compile_function(&function, &bound)?);
        Ok(BoundFunction { function, bound, plan })
    }

    /// Calls a bound function with its other arguments.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when number or dtypes of the arguments are wrong; else the first error of a step, with node,
    /// operator, dtypes and shapes.
    pub fn call(&self, function: &BoundFunction, arguments: Vec<Tensor>) -> Result<Vec<Tensor>> {
        let free = function.bound.iter().take_while(|value| value.is_none()).count();
        if arguments.len() != free {
            return Err(Error::invalid_argument(format!(
                "{} arguments for function '{}' that takes {free}",
                arguments.len(),
                function.function.name
            )));
        }
        let (unit, plan) = self.current(function)?;
        let feeds: Vec<Tensor> =
            arguments.into_iter().chain(function.bound.iter().flatten().cloned()).collect();
        plan.check_feeds(&feeds)?;
        self.inside(|| execute::run(&unit, &plan, feeds, execute::result))
            .map_err(|e| e.at(format!("function '{}'", function.function.name)))
    }

    fn current(&self, function: &BoundFunction) -> Result<(Arc<Unit>, Arc<Plan>)> {
        let known = || function.plan.lock().unwrap_or_else(PoisonError::into_inner);
        let (unit, plan) = known().clone();
        if unit.is_current() {
            return Ok((unit, plan));
        }
        let made = self.compile_function(&function.function, &function.bound)?;
        *known() = made.clone();
        Ok(made)
    }

    fn compile_function(
        &self,
        function: &Function,
        bound: &[Option<Tensor>],
    ) -> Result<(Arc<Unit>, Arc<Plan>)> {
        self.inside(|| {
            let env = self.environment();
            // What it writes depends on the handles that it is given.
            let program = Program::of(function, bound, &env.registry)?;
            let unit = Unit::new(env, &program.graph)?;
            let plan = compile::function(&unit, function, bound, &format!("{}/", function.name))?;
            Ok((unit, Arc::new(plan)))
        })
    }
}

/// Values for the last arguments of a function, and none for the others.
pub(crate) fn check_bound(function: &Function, bound: Vec<Tensor>) -> Result<Vec<Option<Tensor>>> {
    let taken = function.arguments.len();
    let free = taken.checked_sub(bound.len()).ok_or_else(|| {
        let name = &function.name;
        Error::invalid_argument(format!(
            "{} captured inputs for function '{name}' of {taken} arguments",
            bound.len()
        ))
    })?;
    for (argument, value) in function.arguments[free..].iter().zip(&bound) {
        if argument.dtype != value.dtype() {
            return Err(Error::invalid_argument(format!(
                "captured input '{}' of function '{}' must be {}, got {}",
                argument.name,
                function.name,
                argument.dtype,
                value.describe()
            )));
        }
    }
    Ok(std::iter::repeat_n(None, free).chain(bound.into_iter().map(Some)).collect())
}
