//! The model.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;
use savedmodel_graph::{FunctionRef, Graph, Signature};
use savedmodel_loader::MetaGraph;
use savedmodel_runtime::{Bodies, Session};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::objects::Objects;
use crate::prune::Host;
use crate::restore::Reading;
use crate::{
    ConcreteFunction, LoadOptions, Object, ObjectVariable, RestoredFunction, Runner, SignatureFunction,
    StructuredFunction, Value, captured, load, restore,
};

/// A loaded SavedModel: one metagraph and its state, ready to be called from any thread.
///
/// Signatures and pruned functions share variables and tables: what one changes, the others see.
pub struct SavedModel {
    meta: Arc<MetaGraph>,
    session: Session,
    reading: Reading,
    objects: OnceLock<Result<Box<Objects>>>,
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

    /// Loads a GraphDef, such as a frozen graph: `.pb`, or text in `.pbtxt`. It has no signatures; see
    /// [`SavedModel::prune`].
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such file; `DATA_LOSS` or `INVALID_ARGUMENT` when it is malformed.
    pub fn from_graph_def(path: impl AsRef<Path>, options: &LoadOptions) -> Result<SavedModel> {
        load::load_graph_def(path.as_ref(), options)
    }

    /// Loads a MetaGraphDef, the `.meta` that TensorFlow 1 writes beside a checkpoint, with variables out of a checkpoint of
    /// either format: its prefix, or the directory of which the latest is taken. Without one, variables have no values.
    ///
    /// # Errors
    /// As [`SavedModel::from_graph_def`], and any of restoring; `FAILED_PRECONDITION` when a checkpoint is given but the
    /// metagraph does not say how to restore.
    pub fn from_meta_graph(
        path: impl AsRef<Path>,
        checkpoint: Option<&Path>,
        options: &LoadOptions,
    ) -> Result<SavedModel> {
        load::load_meta_graph(path.as_ref(), checkpoint, options)
    }

    /// Gives all variables the values of another checkpoint: its prefix, or the directory of which the latest is taken.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` when the metagraph does not say how to restore; `NOT_FOUND` when a file or a variable is
    /// missing, `INVALID_ARGUMENT` when a dtype or shape does not fit. Then all variables are as they were.
    pub fn restore(&self, checkpoint: impl AsRef<Path>) -> Result<()> {
        let restore = self.meta.restore.as_ref().ok_or_else(restore::no_saver)?;
        let reading = Reading { verify: true, partial: false };
        restore::run(&self.session, &self.meta, restore, &restore::prefix(checkpoint.as_ref())?, reading)
    }

    /// The same model with state of its own, as it is now: variables, tables, queues and random streams. What either model
    /// changes from now on the other does not see. Only iterators over datasets, which can't be copied, and tables that
    /// nothing names but the object that made them, are as they were after loading.
    ///
    /// Graph, threads and, until they are written, the values of variables are shared.
    ///
    /// ```
    /// # use savedmodel::{SavedModel, Tensor};
    /// # let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/cases/objects/checkpoint_tutorial");
    /// let model = SavedModel::load(dir)?;
    /// let fork = model.fork()?;
    /// fork.root()?.variable("v")?.assign(Tensor::scalar(5.0_f32))?;
    /// let product = |model: &SavedModel| model.root()?.function("f")?.call([2.0], [])?.tensor()?.to_scalar::<f32>();
    /// assert_eq!((product(&model)?, product(&fork)?), (6.0, 10.0));
    /// # Ok::<(), savedmodel::Error>(())
    /// ```
    ///
    /// # Errors
    /// Any of restoring and initialising, when there are iterators.
    pub fn fork(&self) -> Result<SavedModel> {
        let session = self.session.fork(|session| load::start(session, &self.meta, self.reading))?;
        captured::join(&session, &self.meta)?;
        let (meta, objects) = (Arc::clone(&self.meta), OnceLock::new());
        Ok(SavedModel { meta, session, reading: self.reading, objects })
    }

    /// Makes all state what it was after loading: variables are restored, tables filled anew, random streams begin anew.
    ///
    /// # Errors
    /// Any of restoring and initialising; then the model is as it was.
    pub fn reset(&mut self) -> Result<()> {
        let session = self.session.fresh();
        load::start(&session, &self.meta, self.reading)?;
        self.session = session;
        self.objects = OnceLock::new();
        Ok(())
    }

    pub(crate) fn new(meta: MetaGraph, session: Session, reading: Reading) -> SavedModel {
        SavedModel { meta: Arc::new(meta), session, reading, objects: OnceLock::new() }
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
        let (name, signature) = self.meta.signatures.get_key_value(name).ok_or_else(|| {
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
    /// without outputs, or is written `^x`, is run and gives nothing. What is in a function that the graph calls is named
    /// after the call, as in `StatefulPartitionedCall/dense/MatMul:0`, and what is in a branch after that, as in
    /// `cond/then_branch/mul:0`, which has no value when the branch is not taken; see [`SavedModel::expanded_graph`]. What is
    /// in a loop has no one value: see [`SavedModel::prune_function`].
    ///
    /// ```
    /// # use savedmodel::{SavedModel, Tensor};
    /// # let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/cases/models/v1_while/model");
    /// let model = SavedModel::load(dir)?;
    /// let error = model.prune(&["nothing:0"], &["x:0"]).err().unwrap();
    /// assert!(error.message().contains("'nothing:0'"));
    /// # Ok::<(), savedmodel::Error>(())
    /// ```
    ///
    /// # Errors
    /// `NOT_FOUND` when a name is unknown, `INVALID_ARGUMENT` when a feed is repeated or a placeholder that is needed is
    /// not fed, `UNIMPLEMENTED` when an operator, attribute or dtype is not supported.
    pub fn prune(&self, feeds: &[&str], fetches: &[&str]) -> Result<ConcreteFunction<'_>> {
        ConcreteFunction::pruned(Host::Model(&self.session), feeds, fetches)
    }

    /// A part of a function of the model, such as the body of a loop, by the function's name: its arguments are nodes that
    /// can be fed by their names.
    ///
    /// ```
    /// # use savedmodel::{SavedModel, Tensor};
    /// # let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/cases/models/function_while/model");
    /// let model = SavedModel::load(dir)?;
    /// let bodies = model.function_names();
    /// let body = bodies.iter().find(|name| name.contains("while_body")).unwrap();
    /// assert_eq!(model.prune_function(body, &[], &[])?.call(&[])?.len(), 0);
    /// # Ok::<(), savedmodel::Error>(())
    /// ```
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such function; as [`SavedModel::prune`].
    pub fn prune_function(
        &self,
        function: &str,
        feeds: &[&str],
        fetches: &[&str],
    ) -> Result<ConcreteFunction<'_>> {
        let reference = FunctionRef { name: function.to_owned(), ..FunctionRef::default() };
        let body = self.session.body(&reference, Vec::new())?;
        ConcreteFunction::pruned(Host::Body(Arc::new(body)), feeds, fetches)
            .map_err(|e| e.at(format!("function '{function}'")))
    }

    /// The names of the functions that the model brings along, sorted.
    pub fn function_names(&self) -> Vec<String> {
        self.meta.library.names()
    }

    /// As [`SavedModel::prune`], with fetches in a nest of lists, tuples and dicts, as which the results come back.
    ///
    /// ```
    /// # use savedmodel::{SavedModel, Tensor, Value};
    /// # let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/cases/models/v1_resource_variables/model");
    /// let model = SavedModel::load(dir)?;
    /// let x = model.graph().nodes().next().map(|node| model.graph().node(node).name.to_string()).unwrap();
    /// let fetches = Value::Dict([("same".to_owned(), vec![Value::from(format!("{x}:0"))].into())].into());
    /// let same = model.prune_nest(&[&x], fetches)?.call(&[Tensor::scalar(1.0_f64)])?;
    /// assert_eq!(same.get("same")?.items()?[0].tensor()?.to_scalar::<f64>()?, 1.0);
    /// # Ok::<(), savedmodel::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`SavedModel::prune`]; `INVALID_ARGUMENT` when a leaf of the nest is no name.
    pub fn prune_nest(&self, feeds: &[&str], fetches: impl Into<Value>) -> Result<StructuredFunction<'_>> {
        StructuredFunction::new(Host::Model(&self.session), feeds, fetches.into())
    }

    /// Runs a part of the graph once, as TensorFlow's `Session.run`: fetches in order; targets run and give nothing.
    ///
    /// # Errors
    /// As [`SavedModel::prune`] and [`ConcreteFunction::call`].
    pub fn run(&self, feeds: &[(&str, Tensor)], fetches: &[&str], targets: &[&str]) -> Result<Vec<Tensor>> {
        let names: Vec<&str> = feeds.iter().map(|(name, _)| *name).collect();
        let values: Vec<Tensor> = feeds.iter().map(|(_, value)| value.clone()).collect();
        ConcreteFunction::new(Host::Model(&self.session), &names, fetches, targets)?.call(&values)
    }

    /// A run to be put together piece by piece.
    ///
    /// ```
    /// # use savedmodel::{SavedModel, Tensor};
    /// # let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/cases/models/v1_resource_variables/model");
    /// let model = SavedModel::load(dir)?;
    /// let x = model.graph().nodes().next().map(|node| model.graph().node(node).name.to_string()).unwrap();
    /// let outputs = model.runner().feed(&x, Tensor::scalar(1.0_f64)).fetch(&x).run()?;
    /// assert_eq!(outputs[0].to_scalar::<f64>()?, 1.0);
    /// # Ok::<(), savedmodel::Error>(())
    /// ```
    pub fn runner(&self) -> Runner<'_> {
        Runner::new(self)
    }

    /// The root of the objects of a TensorFlow 2 model: what `tf.saved_model.load` gives.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` when it is a model of TensorFlow 1; `INVALID_ARGUMENT` when the object graph is malformed.
    pub fn root(&self) -> Result<Object<'_>> {
        let objects = self.objects.get_or_init(|| Objects::new(self).map(Box::new));
        Ok(Object::root(self, objects.as_ref().map_err(Error::clone)?))
    }

    /// The variables: those of the objects of a TensorFlow 2 model; else those of the graph, resources, references and the
    /// parts of partitioned ones, as TensorFlow 1 lists them.
    ///
    /// # Errors
    /// As [`SavedModel::root`] and [`Object::variables`]; `INVALID_ARGUMENT` when a variable has no dtype.
    pub fn variables(&self) -> Result<Vec<ObjectVariable>> {
        if self.meta.has_objects() {
            return self.root()?.variables();
        }
        self.meta.variables.iter().map(|def| ObjectVariable::of_graph(self, def)).collect()
    }

    /// A function that was saved under another name (`SaveOptions.function_aliases`).
    ///
    /// # Errors
    /// `NOT_FOUND`, with the names that there are; as [`SavedModel::root`].
    pub fn aliased_function(&self, alias: &str) -> Result<RestoredFunction<'_>> {
        let root = self.root()?;
        root.aliased_function(alias)
    }

    /// Where the files lie that the model brings along.
    pub fn asset_paths(&self) -> Vec<PathBuf> {
        self.meta.assets.iter().map(|asset| self.meta.asset_path(asset)).collect()
    }

    pub(crate) fn meta(&self) -> &MetaGraph {
        &self.meta
    }

    /// The graph with the bodies of all functions that it calls and of all branches, also those in functions: the names of
    /// all that can be fed and fetched. Loops stay whole.
    ///
    /// # Errors
    /// When a function is malformed.
    pub fn expanded_graph(&self) -> Result<&Graph> {
        Ok(self.session.expanded(Bodies::Branches)?.graph())
    }

    /// The graph: its operations, with their operators, inputs and attributes.
    pub fn graph(&self) -> &Graph {
        &self.meta.graph
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
