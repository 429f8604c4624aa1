//! A metagraph, converted.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;
use savedmodel_graph::{FunctionLibrary, Graph, Signature};
use savedmodel_op::Registry;
use savedmodel_proto::collection_def::Kind;
use savedmodel_proto::tensor_info::Encoding;
use savedmodel_proto::{AssetFileDef, MetaGraphDef, SavedObjectGraph};
use savedmodel_tensor::{Error, Result};

use crate::draft::{Draft, Part};
use crate::file::{self, Source};
use crate::initializer::{self, INIT_SIGNATURE, Initializer};
use crate::objects::ObjectGraph;
use crate::restore::{self, Restore};
use crate::variables::{self, GraphVariable};
use crate::{functions, graph_def, signatures};

/// A file that the model brings along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// The tensor that the initialiser gets the path from.
    pub tensor: String,
    /// The file's name under `assets/`.
    pub filename: String,
}

/// One metagraph of a SavedModel: all that is needed to run it, and nothing computed yet.
#[derive(Debug)]
pub struct MetaGraph {
    /// What it was read from.
    pub source: Source,
    /// The model's directory.
    pub directory: PathBuf,
    /// Its tags.
    pub tags: Vec<String>,
    /// The version of TensorFlow that wrote it.
    pub tensorflow_version: String,
    /// The graph.
    pub graph: Arc<Graph>,
    /// The functions that the graph and they themselves call.
    pub library: Arc<FunctionLibrary>,
    /// The signatures, sorted by name, without those that only the loader uses.
    pub signatures: IndexMap<String, Signature>,
    /// What runs after the variables are restored.
    pub initializer: Option<Initializer>,
    /// The files that the initialiser reads.
    pub assets: Vec<Asset>,
    /// The variables of the graph.
    pub variables: Vec<GraphVariable>,
    /// Other names of library functions, by the functions' names.
    pub function_aliases: BTreeMap<String, String>,
    /// Which variables the checkpoint holds.
    pub restore: Option<Restore>,
    /// The prefix of the checkpoint's files.
    pub checkpoint: PathBuf,
    /// The objects, as they were saved; few callers want them.
    objects: Option<SavedObjectGraph>,
}

impl MetaGraph {
    /// Converts the metagraph with these tags (see [`SavedModelFile::select`](crate::SavedModelFile::select)).
    ///
    /// # Errors
    /// When there is no such metagraph, or its graph or signatures are malformed.
    pub fn load(mut draft: Draft, tags: Option<&[String]>, registry: &Arc<Registry>) -> Result<MetaGraph> {
        let sets: Vec<_> = draft.meta_graphs.iter().map(|part| file::tags(&part.message)).collect();
        let part = draft.meta_graphs.swap_remove(file::position(&sets, tags)?);
        MetaGraph::convert(part, draft.source, draft.directory, registry)
    }

    /// Converts all metagraphs, in order.
    ///
    /// # Errors
    /// When the graph or the signatures of one are malformed.
    pub fn load_all(draft: Draft, registry: &Arc<Registry>) -> Result<Vec<MetaGraph>> {
        let Draft { source, directory, meta_graphs } = draft;
        let convert = |part| MetaGraph::convert(part, source.clone(), directory.clone(), registry);
        meta_graphs.into_iter().map(convert).collect()
    }

    fn convert(
        Part { mut message, functions }: Part,
        source: Source,
        directory: PathBuf,
        registry: &Arc<Registry>,
    ) -> Result<MetaGraph> {
        let graph = graph_def::graph(&message.graph_def.take().unwrap_or_default())?;
        let library = functions::encoded_library(functions, Arc::clone(registry))?;
        let mut signatures = IndexMap::new();
        for (name, def) in message.signature_def.iter().filter(|(name, _)| is_callable(name)) {
            let signature = signatures::signature(def).map_err(|e| e.at(format!("signature '{name}'")))?;
            signatures.insert(name.clone(), signature);
        }
        let info = message.meta_info_def.as_ref();
        Ok(MetaGraph {
            source,
            checkpoint: directory.join("variables").join("variables"),
            directory,
            tags: file::tags(&message),
            tensorflow_version: info.map(|info| info.tensorflow_version.clone()).unwrap_or_default(),
            restore: restore::find(&message, &graph, &library)?,
            variables: variables::find(&message, &graph),
            function_aliases: info.map(|info| info.function_aliases.clone()).unwrap_or_default(),
            graph: Arc::new(graph),
            library: Arc::new(library),
            signatures,
            initializer: initializer::initializer(&message)?,
            assets: assets(&message).iter().filter_map(asset).collect(),
            objects: message.object_graph_def,
        })
    }

    /// Whether there are objects, as in models of TensorFlow 2.
    pub fn has_objects(&self) -> bool {
        self.objects.is_some()
    }

    /// The objects of a TensorFlow 2 model.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` when there are none, as in models of TensorFlow 1; those of [`ObjectGraph::convert`].
    pub fn objects(&self) -> Result<ObjectGraph> {
        let message = self.objects.as_ref().ok_or_else(|| {
            Error::failed_precondition("the metagraph has no object graph; it is a model of TensorFlow 1")
        })?;
        ObjectGraph::convert(message).map_err(|e| e.at("object graph"))
    }

    /// Where the asset of a number lies.
    ///
    /// # Errors
    /// `NOT_FOUND` when there are fewer assets.
    pub fn asset_path_at(&self, index: usize) -> Result<PathBuf> {
        let asset = self.assets.get(index);
        asset.map(|asset| self.asset_path(asset)).ok_or_else(|| {
            Error::not_found(format!("there is no asset {index}; the model has {}", self.assets.len()))
        })
    }

    /// Where an asset lies.
    pub fn asset_path(&self, asset: &Asset) -> PathBuf {
        self.directory.join("assets").join(&asset.filename)
    }
}

fn is_callable(signature: &str) -> bool {
    signature != INIT_SIGNATURE && signature != "__saved_model_train_op"
}

/// The assets, from where TensorFlow lists them now and where it did before.
pub fn assets(message: &MetaGraphDef) -> Vec<AssetFileDef> {
    let older = message.collection_def.get("saved_model_assets").and_then(|def| def.kind.as_ref());
    match older {
        Some(Kind::AnyList(list)) if message.asset_file_def.is_empty() => {
            let decoded = list.value.iter().map(|any| savedmodel_proto::decode(any.value.clone()));
            decoded.filter_map(Result::ok).collect()
        }
        _ => message.asset_file_def.clone(),
    }
}

fn asset(def: &AssetFileDef) -> Option<Asset> {
    match def.tensor_info.as_ref()?.encoding.as_ref()? {
        Encoding::Name(name) => Some(Asset { tensor: name.clone(), filename: def.filename.clone() }),
        _ => None,
    }
}
