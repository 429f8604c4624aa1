//! What a directory holds.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;
use savedmodel_graph::{AttrValue, FunctionRef, Graph, NodeId, Signature};
use savedmodel_loader::{Draft, MetaGraph, ObjectGraph, ObjectKind, SavedObject, Source};
use savedmodel_op::Registry;
use savedmodel_tensor::{DType, PartialShape, Result};

/// What a SavedModel directory holds.
#[derive(Debug)]
pub struct Inspection {
    /// Its metagraphs, in order.
    pub meta_graphs: Vec<MetaGraphInfo>,
}

/// What a metagraph holds.
#[derive(Debug)]
pub struct MetaGraphInfo {
    /// Its tags.
    pub tags: Vec<String>,
    /// The version of TensorFlow that wrote it.
    pub tensorflow_version: String,
    /// Its signatures, by name.
    pub signatures: IndexMap<String, Signature>,
    /// The placeholders, which a run is fed, by name.
    pub placeholders: Vec<VariableInfo>,
    /// The nodes that no other takes anything from, by name, with their operators.
    pub leaves: Vec<(String, String)>,
    /// Its variables, sorted by name.
    pub variables: Vec<VariableInfo>,
    /// The files that it brings along.
    pub assets: Vec<String>,
    /// The operators of the graph and of all functions, sorted by name.
    pub operators: Vec<OperatorUse>,
    /// The functions of its objects, by path, sorted; none in a model of TensorFlow 1.
    pub functions: Vec<FunctionInfo>,
}

/// A function of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionInfo {
    /// The attributes that lead to it from the root, with dots between.
    pub path: String,
    /// Its parameters, as Python writes them.
    pub parameters: String,
    /// How many traces it has.
    pub traces: usize,
}

/// A variable of a metagraph, or a placeholder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VariableInfo {
    /// Its name.
    pub name: String,
    /// Its dtype.
    pub dtype: Option<DType>,
    /// What is declared of its shape, as text.
    pub shape: String,
}

/// An operator that a metagraph uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorUse {
    /// Its name.
    pub name: String,
    /// How many nodes use it.
    pub count: usize,
    /// Whether the registry has it.
    pub supported: bool,
}

/// Tells what a directory holds, or a file with a GraphDef or a MetaGraphDef, without restoring or running anything.
///
/// ```
/// # let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/cases/models/keras3_mlp/model");
/// let inspection = savedmodel::inspect(dir)?;
/// assert_eq!(inspection.meta_graphs[0].tags, ["serve"]);
/// # Ok::<(), savedmodel::Error>(())
/// ```
///
/// # Errors
/// As [`SavedModel::load`](crate::SavedModel::load), but for what restoring and running may find.
pub fn inspect(path: impl AsRef<Path>) -> Result<Inspection> {
    let draft = Draft::read(Source::of(path))?;
    let registry = crate::registry();
    let metas = MetaGraph::load_all(draft, &registry)?.into_iter();
    Ok(Inspection { meta_graphs: metas.map(|meta| meta_graph(meta, &registry)).collect::<Result<_>>()? })
}

fn meta_graph(meta: MetaGraph, registry: &Arc<Registry>) -> Result<MetaGraphInfo> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    count(&meta.graph, &mut counts);
    let functions = meta.library.names();
    for name in &functions {
        let reference = FunctionRef { name: name.clone(), ..FunctionRef::default() };
        if let Some(function) = meta.library.find(&reference)? {
            count(&function.graph, &mut counts);
        }
    }
    let operators = counts
        .into_iter()
        .filter(|(name, _)| name != "_Arg" && functions.binary_search(name).is_err())
        .map(|(name, count)| OperatorUse { supported: registry.find(&name).is_some(), name, count })
        .collect();
    // A model whose objects are malformed has its signatures all the same.
    let objects = if meta.has_objects() { meta.objects().ok() } else { None };
    let functions = objects.map_or_else(Vec::new, |objects| object_functions(&objects));
    Ok(MetaGraphInfo {
        functions,
        variables: nodes(&meta.graph, &["VarHandleOp", "VariableV2", "Variable"]),
        placeholders: nodes(&meta.graph, &["Placeholder", "PlaceholderV2", "PlaceholderWithDefault"]),
        leaves: leaves(&meta.graph),
        assets: meta.assets.iter().map(|asset| asset.filename.clone()).collect(),
        tags: meta.tags,
        tensorflow_version: meta.tensorflow_version,
        signatures: meta.signatures,
        operators,
    })
}

fn object_functions(objects: &ObjectGraph) -> Vec<FunctionInfo> {
    let info = |(object, path): (&SavedObject, Option<String>)| {
        let (parameters, traces) = match &object.kind {
            ObjectKind::Function { traces, spec } => (spec.to_string(), traces.len()),
            ObjectKind::ConcreteFunction { keywords, .. } => (format!("({})", keywords.join(", ")), 1),
            _ => return None,
        };
        Some(FunctionInfo { path: path?, parameters, traces })
    };
    let mut found: Vec<_> = objects.objects.iter().zip(objects.paths()).filter_map(info).collect();
    found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    found
}

fn count(graph: &Graph, counts: &mut BTreeMap<String, usize>) {
    for node in graph.nodes() {
        *counts.entry(graph.node(node).op.to_string()).or_default() += 1;
    }
}

fn leaves(graph: &Graph) -> Vec<(String, String)> {
    let is_leaf = |&node: &NodeId| graph.successors(node).next().is_none();
    let named = graph.nodes().filter(is_leaf).map(|node| graph.node(node));
    let mut found: Vec<_> = named.map(|node| (node.name.to_string(), node.op.to_string())).collect();
    found.sort_unstable();
    found
}

/// What nodes of some operators say of the tensors that they hold or take.
fn nodes(graph: &Graph, operators: &[&str]) -> Vec<VariableInfo> {
    let mut found: Vec<VariableInfo> = graph
        .nodes()
        .map(|node| graph.node(node))
        .filter(|node| operators.contains(&&*node.op))
        .map(|node| {
            let shared = match node.attrs.get("shared_name") {
                Some(AttrValue::Bytes(bytes)) if !bytes.is_empty() => {
                    String::from_utf8_lossy(bytes).into_owned()
                }
                _ => node.name.to_string(),
            };
            let dtype = match node.attrs.get("dtype") {
                Some(AttrValue::Type(dtype)) => Some(*dtype),
                _ => None,
            };
            let shape = match node.attrs.get("shape") {
                Some(AttrValue::Shape(shape)) => shape.clone(),
                _ => PartialShape::unknown(),
            };
            VariableInfo { name: shared, dtype, shape: shape.to_string() }
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}
