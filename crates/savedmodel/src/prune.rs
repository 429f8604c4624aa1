//! Any part of the graph as a function.

use std::sync::Arc;

use savedmodel_runtime::{Prepared, Session};
use savedmodel_tensor::{Result, Tensor};

/// A part of the graph as a function: tensors in the order of its feeds in, in the order of its fetches out.
#[derive(Clone)]
pub struct ConcreteFunction<'m> {
    session: &'m Session,
    plan: Arc<Prepared>,
    outputs: Vec<String>,
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
        let (mut outputs, mut names) = (Vec::with_capacity(fetches.len()), Vec::with_capacity(fetches.len()));
        for name in fetches {
            match session.fetch(name)? {
                savedmodel_runtime::Fetch::Tensor(output) => {
                    outputs.push(output);
                    names.push((*name).to_owned());
                }
                savedmodel_runtime::Fetch::Operation(node) => targets.push(node),
            }
        }
        let plan = session.prepare(&feeds, &outputs, &targets)?;
        Ok(ConcreteFunction { session, plan, outputs: names })
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
