//! From a directory to a model that is ready to run.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use savedmodel_graph::{AttrValue, Graph, NodeId};
use savedmodel_loader::{Draft, MetaGraph, Source};
use savedmodel_op::{Registry, Variable};
use savedmodel_runtime::{Options, Precision, Session, SessionOptions};
use savedmodel_tensor::{Code, DType, Error, Handle, PartialShape, Result, Tensor};

use crate::restore::Reading;
use crate::{SavedModel, anonymous, captured, memory, restore};

/// How to load a model.
///
/// ```
/// use savedmodel::LoadOptions;
/// let options = LoadOptions { threads: Some(1), ..LoadOptions::default() };
/// ```
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// The tags of the metagraph; `None` takes the only one.
    pub tags: Option<Vec<String>>,
    /// Number of threads that large steps are split over; all cores if `None`, the caller's alone if 1.
    pub threads: Option<usize>,
    /// Whether graphs are rewritten before they run.
    pub optimize: bool,
    /// How exact products of matrices and convolutions are; only optimised graphs round.
    pub precision: Precision,
    /// Whether the checksums of the checkpoint are verified.
    pub verify_checksums: bool,
    /// Whether variables that the checkpoint lacks stay without values; else they are an error. Some must be there.
    pub allow_partial_checkpoint: bool,
    /// Whether the checkpoint is left alone and no variable gets a value. What reads one before it is assigned fails with
    /// `FAILED_PRECONDITION`, as an uninitialised variable does everywhere; TensorFlow's loader gives such a variable an empty
    /// vector instead, whatever its shape.
    pub skip_checkpoint: bool,
    /// The operators; those of this project if `None`.
    pub registry: Option<Arc<Registry>>,
    /// The most bytes that one tensor may take; if `None`, half of the memory that is free when the model is loaded, as the system and the
    /// control groups of the process tell, or 2^38 where nothing does.
    pub tensor_bytes: Option<usize>,
}

impl Default for LoadOptions {
    fn default() -> LoadOptions {
        LoadOptions {
            tags: None,
            threads: None,
            optimize: true,
            precision: Precision::Full,
            verify_checksums: true,
            allow_partial_checkpoint: false,
            skip_checkpoint: false,
            registry: None,
            tensor_bytes: None,
        }
    }
}

impl LoadOptions {
    /// The most bytes that one tensor may take in a session that is made now.
    pub fn tensor_limit(&self) -> usize {
        self.tensor_bytes.unwrap_or_else(memory::tensor_bytes)
    }
}

/// Loads a model: converts it, restores its variables and runs its initialiser.
pub(crate) fn load(directory: &Path, options: &LoadOptions) -> Result<SavedModel> {
    let at = |e: Error| e.at(format!("SavedModel {}", directory.display()));
    let (meta, session) = open(Draft::read(Source::Directory(directory.to_owned()))?, options).map_err(at)?;
    start(&session, &meta, reading(options)).map_err(at)?;
    Ok(SavedModel::new(meta, session, reading(options)))
}

/// Gives a session without state what a metagraph starts with.
pub(crate) fn start(session: &Session, meta: &MetaGraph, reading: Reading) -> Result<()> {
    let prefix = &meta.checkpoint;
    if let (Some(restore), false) = (&meta.restore, prefix.as_os_str().is_empty()) {
        // A model without variables may come without the files; TensorFlow's loader looks at the index alone.
        if prefix.with_extension("index").is_file() {
            restore::run(session, meta, restore, prefix, reading)?;
            captured::join(session, meta)?;
        } else if meta.has_objects() && !restore.entries.is_empty() {
            let prefix = prefix.display();
            return Err(Error::not_found(format!("Failed to find any matching files for {prefix}")));
        }
    }
    initialize(session, meta)
}

fn reading(options: &LoadOptions) -> Reading {
    Reading { verify: options.verify_checksums, partial: options.allow_partial_checkpoint }
}

/// Loads a GraphDef, which has no state but what its operations make.
pub(crate) fn load_graph_def(path: &Path, options: &LoadOptions) -> Result<SavedModel> {
    let at = |e: Error| e.at(format!("GraphDef {}", path.display()));
    let (meta, session) = open(Draft::read(Source::GraphDef(path.to_owned()))?, options).map_err(at)?;
    Ok(SavedModel::new(meta, session, reading(options)))
}

/// Loads a MetaGraphDef, and its variables if a checkpoint is given.
pub(crate) fn load_meta_graph(
    path: &Path,
    checkpoint: Option<&Path>,
    options: &LoadOptions,
) -> Result<SavedModel> {
    let at = |e: Error| e.at(format!("MetaGraphDef {}", path.display()));
    let (mut meta, session) = open(Draft::read(Source::MetaGraph(path.to_owned()))?, options).map_err(at)?;
    if let Some(checkpoint) = checkpoint {
        meta.checkpoint = restore::prefix(checkpoint)?;
        let restore = meta.restore.as_ref().ok_or_else(|| at(restore::no_saver()))?;
        restore::run(&session, &meta, restore, &meta.checkpoint, reading(options)).map_err(at)?;
        initialize(&session, &meta).map_err(at)?;
    }
    Ok(SavedModel::new(meta, session, reading(options)))
}

fn open(draft: Draft, options: &LoadOptions) -> Result<(MetaGraph, Session)> {
    let registry = options.registry.clone().unwrap_or_else(crate::registry);
    let mut meta = MetaGraph::load(draft, options.tags.as_deref(), &registry)?;
    if options.skip_checkpoint {
        meta.checkpoint.clear();
    }
    let mut settings = SessionOptions {
        threads: options.threads,
        plans: Options { optimize: options.optimize, precision: options.precision },
        ..SessionOptions::default()
    };
    settings.limits.tensor_bytes = options.tensor_limit();
    let graph = anonymous::session_graph(&meta);
    let session = Session::new(graph, Arc::clone(&meta.library), registry, settings)?;
    Ok((meta, session))
}

/// Waits until a SavedModel is complete: `saved_model.pb` or `saved_model.pbtxt` is written last, under another name first.
///
/// ```
/// use std::time::Duration;
/// let none = savedmodel::wait_until_complete("no/such/directory", Duration::from_millis(1)).unwrap_err();
/// assert_eq!(none.code(), savedmodel::Code::DeadlineExceeded);
/// ```
///
/// # Errors
/// `DEADLINE_EXCEEDED` when it is not after that time.
pub fn wait_until_complete(directory: impl AsRef<Path>, timeout: Duration) -> Result<()> {
    const PAUSE: Duration = Duration::from_millis(20);
    let directory = directory.as_ref();
    let start = Instant::now();
    while !["saved_model.pb", "saved_model.pbtxt"].iter().any(|file| directory.join(file).is_file()) {
        let left = timeout.saturating_sub(start.elapsed());
        if left.is_zero() {
            let text = format!("SavedModel {} is not complete after {timeout:?}", directory.display());
            return Err(Error::new(Code::DeadlineExceeded, text));
        }
        std::thread::sleep(left.min(PAUSE));
    }
    Ok(())
}

/// The variable of a node that gives a handle or a reference to one, with its handle.
pub(crate) fn variable(session: &Session, graph: &Graph, node: NodeId) -> Result<(Handle, Arc<Variable>)> {
    let (container, name) = resource_name(graph, node);
    let node = graph.node(node);
    let Some(AttrValue::Type(dtype)) = node.attrs.get("dtype") else {
        return Err(Error::invalid_argument(format!("variable '{}' has no dtype", node.name)));
    };
    let shape = match node.attrs.get("shape") {
        Some(AttrValue::Shape(shape)) => shape.clone(),
        _ => PartialShape::unknown(),
    };
    let make = || Ok(Variable::new(name.clone(), *dtype, shape));
    let variable = session.resources().get_or_create(&container, &name, make)?;
    Ok((Handle::new(&container, &name, Arc::clone(&variable)), variable))
}

/// Container and name of the resource that a node makes.
pub(crate) fn resource_name(graph: &Graph, node: NodeId) -> (String, String) {
    let node = graph.node(node);
    let text = |attr: &str| match node.attrs.get(attr) {
        Some(AttrValue::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    };
    let shared = text("shared_name");
    (text("container"), if shared.is_empty() { node.name.to_string() } else { shared })
}

/// Runs the operation that fills tables, with the paths of the assets.
fn initialize(session: &Session, meta: &MetaGraph) -> Result<()> {
    let Some(initializer) = &meta.initializer else { return Ok(()) };
    let target = session.operation(&initializer.operation)?;
    let (mut feeds, mut paths) = (Vec::new(), Vec::new());
    for asset in &meta.assets {
        let output = session.output(&asset.tensor)?;
        if session.dtype(output).is_some_and(|dtype| dtype != DType::String) || feeds.contains(&output) {
            continue;
        }
        feeds.push(output);
        paths.push(Tensor::from_strings([], [meta.asset_path(asset).to_string_lossy().into_owned()])?);
    }
    let plan = session.prepare(&feeds, &[], &[target])?;
    session.run(&plan, paths).map_err(|e| e.at(format!("initialiser '{}'", initializer.operation)))?;
    Ok(())
}
