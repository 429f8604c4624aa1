//! The model.

use std::fmt;
use std::path::Path;

use indexmap::IndexMap;
use savedmodel_graph::{Graph, Signature};
use savedmodel_loader::MetaGraph;
use savedmodel_runtime::Session;
use savedmodel_tensor::{Error, Result, Tensor};

use crate::{ConcreteFunction, LoadOptions, SignatureFunction, load};

/// A loaded SavedModel: one metagraph and its state, ready to be called from any thread.
///
/// Signatures and pruned functions share variables and tables: what one changes, the others see.
pub struct SavedModel {
    meta: MetaGraph,
    session: Session,
}

impl SavedModel {
    /// Loads the only metagraph of a directory.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no SavedModel, `DATA_LOSS` when a file is damaged, `INVALID_ARGUMENT` when there are
    /// several metagraphs; any error of restoring and initialising.
    pub fn load(directory: impl AsRef<Path>) -> Result<SavedModel> {
        SavedModel::load_with(directory, &LoadOptions::default())
    }

    /// Loads a metagraph of a directory.
    ///
    /// # Errors
    /// As [`SavedModel::load`]; `NOT_FOUND` when no metagraph has the tags.
    pub fn load_with(directory: impl AsRef<Path>, options: &LoadOptions) -> Result<SavedModel> {
        load::load(directory.as_ref(), options)
    }

    pub(crate) fn new(meta: MetaGraph, session: Session) -> SavedModel {
        SavedModel { meta, session }
    }

    /// The tags of the metagraph.
    pub fn tags(&self) -> &[String] {
        &self.meta.tags
    }

    /// The version of TensorFlow that wrote the model; empty if it does not say.
    pub fn tensorflow_version(&self) -> &str {
        &self.meta.tensorflow_version
    }

    /// The signatures, by name, sorted.
    pub fn signatures(&self) -> &IndexMap<String, Signature> {
        &self.meta.signatures
    }

    /// A signature, ready to be called.
    ///
    /// # Errors
    /// `NOT_FOUND`, with the names that there are, when there is none of that name; `UNIMPLEMENTED` when it needs an
    /// operator, attribute or dtype that there is not.
    pub fn signature(&self, name: &str) -> Result<SignatureFunction<'_>> {
        let signature = self.meta.signatures.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.meta.signatures.keys().map(String::as_str).collect();
            Error::not_found(format!(
                "Serving signature name: \"{name}\" not found; there are: {}",
                known.join(", ")
            ))
        })?;
        SignatureFunction::new(&self.session, name, signature)
    }

    /// The part of the graph that gives `fetches` from `feeds`, as a function of tensors in these orders.
    ///
    /// Names are those of TensorFlow: `x:0`, or `x` for output 0. Any tensor may be fed; a fetch that is an operation
    /// without outputs, or is written `^x`, is run and gives nothing.
    ///
    /// ```
    /// # use savedmodel::{SavedModel, Tensor};
    /// # let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/cases/models/v1_while/model");
    /// let model = SavedModel::load(dir)?;
    /// let error = model.prune(&["nothing:0"], &["x:0"]).unwrap_err();
    /// assert!(error.message().contains("'nothing:0'"));
    /// # Ok::<(), savedmodel::Error>(())
    /// ```
    ///
    /// # Errors
    /// `NOT_FOUND` when a name is unknown, `INVALID_ARGUMENT` when a feed is repeated, `UNIMPLEMENTED` when an operator,
    /// attribute or dtype is not supported.
    pub fn prune(&self, feeds: &[&str], fetches: &[&str]) -> Result<ConcreteFunction<'_>> {
        ConcreteFunction::new(&self.session, feeds, fetches, &[])
    }

    /// Runs a part of the graph once, as TensorFlow's `Session.run`: fetches in order; targets run and give nothing.
    ///
    /// # Errors
    /// As [`SavedModel::prune`] and [`ConcreteFunction::call`].
    pub fn run(&self, feeds: &[(&str, Tensor)], fetches: &[&str], targets: &[&str]) -> Result<Vec<Tensor>> {
        let names: Vec<&str> = feeds.iter().map(|(name, _)| *name).collect();
        let values: Vec<Tensor> = feeds.iter().map(|(_, value)| value.clone()).collect();
        ConcreteFunction::new(&self.session, &names, fetches, targets)?.call(&values)
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        self.session.graph()
    }

    /// The session under the model.
    pub fn session(&self) -> &Session {
        &self.session
    }
}

impl fmt::Debug for SavedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signatures: Vec<&String> = self.meta.signatures.keys().collect();
        f.debug_struct("SavedModel").field("tags", &self.meta.tags).field("signatures", &signatures).finish()
    }
}
