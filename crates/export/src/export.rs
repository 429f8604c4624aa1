//! A metagraph on its way to disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use savedmodel_graph::Signature;
use savedmodel_loader::whole;
use savedmodel_proto::meta_graph_def::MetaInfoDef;
use savedmodel_proto::tensor_info::Encoding;
use savedmodel_proto::{self as proto, MetaGraphDef, SignatureDef};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::nodes::{Nodes, split};
use crate::{SavedModelBuilder, builder, messages};

/// The signature under which the initialiser stands.
pub(crate) const INIT_SIGNATURE: &str = "__saved_model_init_op";

/// A tensor of a checkpoint.
#[derive(Clone, Debug)]
pub struct CheckpointTensor {
    /// Its name in the checkpoint.
    pub key: String,
    /// Shape of the whole and slice, if it is a part of a tensor; else empty.
    pub shape_and_slice: String,
    /// Its value.
    pub value: Tensor,
}

/// A variable of the graph.
#[derive(Clone, Debug)]
pub struct ExportedVariable {
    /// The name of its value in the checkpoint; none if it is not saved.
    pub key: Option<String>,
    /// Shape of the whole and slice, if it is a part of a tensor; else empty.
    pub shape_and_slice: String,
    /// Its value; none if it has none.
    pub value: Option<Tensor>,
}

/// One metagraph on its way to disk: graph, signatures, the values of its variables, and the files that it brings along.
///
/// It is made by `SavedModel::export` of a loaded model, or by [`GraphBuilder::export`](crate::GraphBuilder::export), then
/// changed, and written by [`Export::save`] or, with others, by [`SavedModelBuilder`].
#[derive(Clone, Debug)]
pub struct Export {
    pub(crate) message: MetaGraphDef,
    /// What the checkpoint holds.
    pub(crate) checkpoint: Vec<CheckpointTensor>,
    /// The variables, by node.
    pub(crate) variables: BTreeMap<String, ExportedVariable>,
    /// Files below `assets`, by name there, and where they are now.
    pub(crate) assets: BTreeMap<String, PathBuf>,
    /// Files below `assets.extra`, likewise.
    pub(crate) extra: BTreeMap<String, PathBuf>,
    /// The variables that are trained, by node.
    pub(crate) trainable: BTreeSet<String>,
    /// The nodes of tables whose contents the checkpoint holds.
    pub(crate) saved_tables: Vec<SavedTable>,
}

/// A table whose contents a checkpoint holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedTable {
    /// Its node.
    pub node: String,
    /// The names of its keys and values in the checkpoint.
    pub keys: [String; 2],
}

impl Export {
    /// A metagraph without variables or files.
    pub fn new(message: MetaGraphDef) -> Export {
        Export {
            message,
            checkpoint: Vec::new(),
            variables: BTreeMap::new(),
            assets: BTreeMap::new(),
            extra: BTreeMap::new(),
            trainable: BTreeSet::new(),
            saved_tables: Vec::new(),
        }
    }

    /// The message as it would be written.
    pub fn message(&self) -> &MetaGraphDef {
        &self.message
    }

    /// Says what the checkpoint will hold.
    pub fn set_checkpoint(&mut self, tensors: Vec<CheckpointTensor>, tables: Vec<SavedTable>) {
        self.checkpoint = tensors;
        self.saved_tables = tables;
    }

    /// Notes a variable of the graph.
    pub fn set_variable(&mut self, node: impl Into<String>, variable: ExportedVariable) {
        self.variables.insert(node.into(), variable);
    }

    /// The tags.
    pub fn tags(&self) -> &[String] {
        self.message.meta_info_def.as_ref().map_or(&[], |info| &info.tags)
    }

    /// Gives the metagraph other tags.
    pub fn set_tags<T: Into<String>>(&mut self, tags: impl IntoIterator<Item = T>) {
        self.info().tags = tags.into_iter().map(Into::into).collect();
    }

    fn info(&mut self) -> &mut MetaInfoDef {
        self.message.meta_info_def.get_or_insert_default()
    }

    /// The names of the signatures that can be called.
    pub fn signatures(&self) -> impl Iterator<Item = &str> {
        self.message.signature_def.keys().map(String::as_str).filter(|name| is_callable(name))
    }

    /// Adds a signature, or puts another in the place of one.
    ///
    /// Dtypes that it does not tell are looked up in the graph, and shapes of placeholders.
    ///
    /// # Errors
    /// `NOT_FOUND` when a tensor is not in the graph; `INVALID_ARGUMENT` when its dtype is another, or nobody knows it;
    /// `UNIMPLEMENTED` for composite tensors other than sparse ones.
    pub fn set_signature(&mut self, name: &str, signature: &Signature) -> Result<()> {
        let at = |e: Error| e.at(format!("signature '{name}'"));
        let mut def = messages::signature(signature).map_err(at)?;
        let graph = self.message.graph_def.get_or_insert_default();
        let nodes = Nodes::new(graph);
        for (tensor, info) in def.inputs.iter_mut().chain(def.outputs.iter_mut()) {
            complete(&nodes, info).map_err(|e| at(e.at(format!("'{tensor}'"))))?;
        }
        self.message.signature_def.insert(name.to_owned(), def);
        Ok(())
    }

    /// Takes a signature away.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is none of that name.
    pub fn remove_signature(&mut self, name: &str) -> Result<()> {
        let removed = if is_callable(name) { self.message.signature_def.remove(name) } else { None };
        removed.map(drop).ok_or_else(|| self.no_signature(name))
    }

    /// Takes all signatures away but these.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is none of one of the names.
    pub fn keep_signatures(&mut self, names: &[&str]) -> Result<()> {
        for name in names {
            self.signature_mut(name)?;
        }
        self.message.signature_def.retain(|name, _| !is_callable(name) || names.contains(&name.as_str()));
        Ok(())
    }

    /// Gives a signature another name.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is none of that name; `ALREADY_EXISTS` when there is one of the new name.
    pub fn rename_signature(&mut self, from: &str, to: &str) -> Result<()> {
        self.signature_mut(from)?;
        if self.message.signature_def.contains_key(to) {
            return Err(Error::already_exists(format!("there is a signature '{to}'")));
        }
        if let Some(def) = self.message.signature_def.remove(from) {
            self.message.signature_def.insert(to.to_owned(), def);
        }
        Ok(())
    }

    /// Gives a signature another method, such as `tensorflow/serving/classify`.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such signature.
    pub fn set_method(&mut self, signature: &str, method: &str) -> Result<()> {
        self.signature_mut(signature)?.method_name = method.to_owned();
        Ok(())
    }

    fn signature_mut(&mut self, name: &str) -> Result<&mut SignatureDef> {
        if !is_callable(name) || !self.message.signature_def.contains_key(name) {
            return Err(self.no_signature(name));
        }
        Ok(self.message.signature_def.entry(name.to_owned()).or_default())
    }

    fn no_signature(&self, name: &str) -> Error {
        let known: Vec<&str> = self.signatures().collect();
        Error::not_found(format!("there is no signature '{name}'; there are: {}", known.join(", ")))
    }

    /// Brings along a file, whose path the initialiser gets as the value of a string tensor.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such file or tensor; `ALREADY_EXISTS` when another file of that name comes along.
    pub fn add_asset(&mut self, tensor: &str, file: impl AsRef<Path>) -> Result<()> {
        let name = self.add_file(file.as_ref())?;
        let graph = self.message.graph_def.get_or_insert_default();
        let mut info = named(tensor);
        complete(&Nodes::new(graph), &mut info)?;
        let asset = proto::AssetFileDef { tensor_info: Some(info), filename: name };
        self.message.asset_file_def.push(asset);
        Ok(())
    }

    fn add_file(&mut self, file: &Path) -> Result<String> {
        let name = file.file_name().filter(|_| file.is_file());
        let name = name.ok_or_else(|| Error::not_found(format!("there is no file '{}'", file.display())))?;
        let name = name.to_string_lossy().into_owned();
        match self.assets.insert(name.clone(), file.to_owned()) {
            Some(before) if before != file => {
                Err(Error::already_exists(format!("another asset is called '{name}'")))
            }
            _ => Ok(name),
        }
    }

    /// Files below `assets`, by name there, and where they are now; the graph knows of them already.
    pub fn set_asset_files(&mut self, files: BTreeMap<String, PathBuf>) {
        self.assets = files;
    }

    /// Files below `assets.extra`, by name there, and where they are now.
    pub fn set_extra_files(&mut self, files: BTreeMap<String, PathBuf>) {
        self.extra = files;
    }

    /// Names the operation that runs once, when the variables are restored.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such operation.
    pub fn set_initializer(&mut self, operation: &str) -> Result<()> {
        let graph = self.message.graph_def.get_or_insert_default();
        Nodes::new(graph).find(operation)?;
        let mut info = named(operation);
        info.tensor_shape = Some(proto::TensorShapeProto { unknown_rank: true, ..Default::default() });
        let def =
            SignatureDef { outputs: [(INIT_SIGNATURE.to_owned(), info)].into(), ..SignatureDef::default() };
        self.message.signature_def.insert(INIT_SIGNATURE.to_owned(), def);
        Ok(())
    }

    /// Writes it as the only metagraph of a SavedModel (see [`SavedModelBuilder::save`]).
    ///
    /// # Errors
    /// As [`SavedModelBuilder::save`].
    pub fn save(self, directory: impl AsRef<Path>) -> Result<()> {
        SavedModelBuilder::new().meta_graph(self).save(directory)
    }

    /// Writes the graph alone to a file, as text if its name ends in `.pbtxt` or `.txt`. Variables, tables and files that the
    /// graph names stay behind.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is larger than protobuf allows; those of the file system. Then the file is as it was.
    pub fn write_graph_def(&self, path: impl AsRef<Path>) -> Result<()> {
        let empty = Default::default();
        whole::write(path.as_ref(), self.message.graph_def.as_ref().unwrap_or(&empty))
    }

    /// Writes the metagraph to a file (`.meta`, or text in `.meta.pbtxt`), and its variables to a checkpoint whose prefix is the
    /// file's name without these endings, as TensorFlow 1's Saver.
    ///
    /// # Errors
    /// As [`Export::write_graph_def`]; those of the checkpoint. Then all files are as they were.
    pub fn write_meta_graph(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.split(".meta").next().unwrap_or_default();
        let mut tensors = BTreeMap::new();
        self.checkpoint.iter().cloned().try_for_each(|tensor| builder::add(&mut tensors, tensor))?;
        // What most likely fails comes first: the metagraph lies ready before the checkpoint gets its name.
        let prepared = whole::Prepared::new(path, &self.message)?;
        builder::write_checkpoint(&path.with_file_name(stem), &tensors)?;
        prepared.commit()
    }
}

/// Whether users call a signature; the others are notes to the loader.
pub(crate) fn is_callable(signature: &str) -> bool {
    !signature.starts_with("__saved_model_")
}

fn named(tensor: &str) -> proto::TensorInfo {
    proto::TensorInfo { encoding: Some(Encoding::Name(tensor.to_owned())), ..Default::default() }
}

/// Fills in what a `TensorInfo` leaves out, and checks what it says.
fn complete(nodes: &Nodes<'_>, info: &mut proto::TensorInfo) -> Result<()> {
    for name in messages::tensor_names(info) {
        nodes.find(split(name).0)?;
    }
    if let Some(Encoding::Name(name)) = &mut info.encoding {
        let (node, index) = split(name);
        let own = &nodes.graph.node[nodes.find(node)?];
        let found = nodes.dtype(name);
        match (info.dtype, found) {
            (0, found) => info.dtype = found?,
            (told, Ok(found)) if told != found => {
                let [told, found] = [told, found].map(savedmodel_proto::shape::to_dtype);
                return Err(Error::invalid_argument(format!("tensor '{name}' is {}, not {}", found?, told?)));
            }
            _ => {}
        }
        let unknown = info.tensor_shape.as_ref().is_none_or(|shape| shape.unknown_rank);
        let declared = own.attr.get("shape").and_then(|value| value.value.as_ref());
        if let (
            true,
            "Placeholder" | "PlaceholderWithDefault",
            Some(proto::attr_value::Value::Shape(shape)),
        ) = (unknown, &*own.op, declared)
        {
            info.tensor_shape = Some(shape.clone());
        }
        info.tensor_shape.get_or_insert(proto::TensorShapeProto { unknown_rank: true, ..Default::default() });
        *name = format!("{node}:{index}");
    }
    Ok(())
}
