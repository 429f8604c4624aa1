//! Functions of rows.

use std::sync::Arc;

use savedmodel_op::{Callable, Context, Run};
use savedmodel_tensor::{Error, Result};

use crate::dataset::Row;

/// A function with the values that it captured.
#[derive(Clone)]
pub struct Function {
    callable: Arc<dyn Callable>,
    captured: Row,
}

impl Function {
    /// A function without captured values.
    #[cfg(test)]
    pub fn new(callable: Arc<dyn Callable>) -> Function {
        Function { callable, captured: Vec::new() }
    }

    /// The function with inputs `first` to `end` of a node as its last arguments.
    pub fn of(callable: &Arc<dyn Callable>, ctx: &Context<'_>, first: usize, end: usize) -> Function {
        let captured = (first..end).map(|i| ctx.input(i).clone()).collect();
        Function { callable: Arc::clone(callable), captured }
    }

    /// Calls the function.
    ///
    /// # Errors
    /// Those of its kernels.
    pub fn call(&self, run: &Run<'_>, mut arguments: Row) -> Result<Row> {
        arguments.extend(self.captured.iter().cloned());
        self.callable.call(run, arguments)
    }

    /// Calls a function that gives a scalar `bool`.
    ///
    /// # Errors
    /// Those of its kernels; `INVALID_ARGUMENT` when it gives something else.
    pub fn holds(&self, run: &Run<'_>, arguments: Row) -> Result<bool> {
        match &self.call(run, arguments)?[..] {
            [result] if result.rank() == 0 && result.as_slice::<bool>().is_ok() => result.to_scalar(),
            _ => Err(Error::invalid_argument("Filter predicate `f` must return a scalar bool.")),
        }
    }
}
