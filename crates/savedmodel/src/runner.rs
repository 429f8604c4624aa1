//! Runs put together piece by piece.

use savedmodel_tensor::{Result, Tensor};

use crate::SavedModel;

/// Feeds, fetches and targets of one run, in the manner of TensorFlow's `Session.Runner`.
#[derive(Clone)]
#[must_use = "nothing happens before run()"]
pub struct Runner<'m> {
    model: &'m SavedModel,
    feeds: Vec<(String, Tensor)>,
    fetches: Vec<String>,
    targets: Vec<String>,
}

impl<'m> Runner<'m> {
    pub(crate) fn new(model: &'m SavedModel) -> Runner<'m> {
        Runner { model, feeds: Vec::new(), fetches: Vec::new(), targets: Vec::new() }
    }

    /// Gives a tensor of the graph (`x:0`, or `x` for output 0) a value.
    pub fn feed(mut self, name: &str, value: Tensor) -> Runner<'m> {
        self.feeds.push((name.to_owned(), value));
        self
    }

    /// Asks for a tensor of the graph.
    pub fn fetch(mut self, name: &str) -> Runner<'m> {
        self.fetches.push(name.to_owned());
        self
    }

    /// Asks for an operation to run.
    pub fn target(mut self, name: &str) -> Runner<'m> {
        self.targets.push(name.to_owned());
        self
    }

    /// Runs: the fetched tensors, in the order in which they were asked for.
    ///
    /// # Errors
    /// As [`SavedModel::run`].
    pub fn run(self) -> Result<Vec<Tensor>> {
        let feeds: Vec<(&str, Tensor)> =
            self.feeds.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        let fetches: Vec<&str> = self.fetches.iter().map(String::as_str).collect();
        let targets: Vec<&str> = self.targets.iter().map(String::as_str).collect();
        self.model.run(&feeds, &fetches, &targets)
    }
}
