//! Any part of the graph as a function.

use std::sync::Arc;

use savedmodel_runtime::{Prepared, Session};
use savedmodel_tensor::{Result, Tensor};

/// A part of the graph as a function: tensors in the order of its feeds in, in the order of its fetches out.
#[derive(Clone)]
pub struct ConcreteFunction<'m> {
    session: &'m Session,
    plan: Arc<Prepared>,
}

impl<'m> ConcreteFunction<'m> {
    pub(crate) fn new(
        session: &'m Session,
        feeds: &[&str],
        fetches: &[&str],
        targets: &[&str],
    ) -> Result<ConcreteFunction<'m>> {
        let feeds = feeds.iter().map(|name| session.output(name)).collect::<Result<Vec<_>>>()?;
        let mut targets = targets.iter().map(|name| session.operation(name)).collect::<Result<Vec<_>>>()?;
        let mut outputs = Vec::with_capacity(fetches.len());
        for name in fetches {
            match session.fetch(name)? {
                savedmodel_runtime::Fetch::Tensor(output) => outputs.push(output),
                savedmodel_runtime::Fetch::Operation(node) => targets.push(node),
            }
        }
        let plan = session.prepare(&feeds, &outputs, &targets)?;
        Ok(ConcreteFunction { session, plan })
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
