//! Finding and decoding a SavedModel.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use prost::DecodeError;
use savedmodel_proto::{GraphDef, Message, MetaGraphDef, Name, SavedModel, SaverDef, pbtxt};
use savedmodel_tensor::{Error, Result};

use crate::whole;

/// What a model is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A SavedModel's directory.
    Directory(PathBuf),
    /// A file with a GraphDef.
    GraphDef(PathBuf),
    /// A file with a MetaGraphDef.
    MetaGraph(PathBuf),
}

impl Source {
    /// What a path means. A directory, or its `saved_model.pb` or `.pbtxt`, is a SavedModel; a name that ends in `.meta`, or
    /// in `.meta` before `.pbtxt` or `.txt`, a MetaGraphDef; any other file a GraphDef.
    ///
    /// ```
    /// use savedmodel_loader::Source;
    /// assert_eq!(Source::of("m/saved_model.pb"), Source::Directory("m".into()));
    /// assert_eq!(Source::of("m/model.ckpt-7.meta"), Source::MetaGraph("m/model.ckpt-7.meta".into()));
    /// assert_eq!(Source::of("frozen.pb"), Source::GraphDef("frozen.pb".into()));
    /// ```
    pub fn of(path: impl AsRef<Path>) -> Source {
        let path = path.as_ref();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let stem = name.strip_suffix(".pbtxt").or_else(|| name.strip_suffix(".txt")).unwrap_or(&name);
        match &*name {
            _ if path.is_dir() => Source::Directory(path.to_owned()),
            BINARY | TEXT => Source::Directory(path.parent().map(Path::to_owned).unwrap_or_default()),
            _ if stem.ends_with(".meta") => Source::MetaGraph(path.to_owned()),
            _ if stem.ends_with(".pb") || stem != name || path.is_file() => Source::GraphDef(path.to_owned()),
            _ => Source::Directory(path.to_owned()),
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// As [`SavedModelFile::read`], [`SavedModelFile::read_graph_def`] and [`SavedModelFile::read_meta_graph`].
    pub fn read(&self) -> Result<SavedModelFile> {
        match self {
            Source::Directory(path) => SavedModelFile::read(path),
            Source::GraphDef(path) => SavedModelFile::read_graph_def(path),
            Source::MetaGraph(path) => SavedModelFile::read_meta_graph(path),
        }
    }
}

const BINARY: &str = "saved_model.pb";
const TEXT: &str = "saved_model.pbtxt";

/// A decoded SavedModel and where it comes from.
#[derive(Clone, Debug)]
pub struct SavedModelFile {
    /// What was read.
    pub source: Source,
    /// The directory, with `variables/` and `assets/`.
    pub directory: PathBuf,
    /// The message.
    pub message: SavedModel,
}

impl SavedModelFile {
    /// Reads `saved_model.pb`, or `saved_model.pbtxt` if there is no such file.
    ///
    /// # Errors
    /// `NOT_FOUND` when the directory holds neither (perhaps because it is still being written: the file comes last);
    /// `DATA_LOSS` when the file is damaged or cut.
    pub fn read(directory: impl AsRef<Path>) -> Result<SavedModelFile> {
        let directory = directory.as_ref();
        let path = find(directory)?;
        let message: SavedModel = message(&path)?;
        if message.meta_graphs.is_empty() {
            return Err(without_metagraph(&path));
        }
        let source = Source::Directory(directory.to_owned());
        Ok(SavedModelFile { source, directory: directory.to_owned(), message })
    }

    /// A file with a GraphDef, as a SavedModel of nothing but this graph. A name that ends in `.pbtxt` or `.txt` means text.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such file, `DATA_LOSS` or `INVALID_ARGUMENT` when it holds no GraphDef.
    pub fn read_graph_def(path: impl AsRef<Path>) -> Result<SavedModelFile> {
        let path = path.as_ref();
        let graph: GraphDef = message(path)?;
        let saver_def = saver(&graph);
        let meta_graph = MetaGraphDef { graph_def: Some(graph), saver_def, ..MetaGraphDef::default() };
        Ok(SavedModelFile::of(Source::GraphDef(path.to_owned()), path, meta_graph))
    }

    /// A file with a MetaGraphDef, such as the `.meta` that TensorFlow 1 writes beside a checkpoint, binary or text.
    ///
    /// # Errors
    /// As [`SavedModelFile::read_graph_def`].
    pub fn read_meta_graph(path: impl AsRef<Path>) -> Result<SavedModelFile> {
        let path = path.as_ref();
        // The name does not tell: TensorFlow tries the binary form first, too.
        let meta_graph = message(path).or_else(|error| text_message(path).map_err(|_| error))?;
        Ok(SavedModelFile::of(Source::MetaGraph(path.to_owned()), path, meta_graph))
    }

    /// Writes the message to `saved_model.pb` of a directory: under another name first, so that it is whole when it is
    /// there.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is larger than protobuf allows; those of the file system.
    pub fn write(&self, directory: &Path) -> Result<()> {
        whole::write(&directory.join(BINARY), &self.message)
    }

    /// Writes the message to `saved_model.pbtxt` of a directory, as [`SavedModelFile::write`] does.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write_text(&self, directory: &Path) -> Result<()> {
        whole::write(&directory.join(TEXT), &self.message)
    }

    /// Writes the message to the file of its directory that it was read from.
    ///
    /// # Errors
    /// As [`SavedModelFile::write`].
    pub fn rewrite(&self) -> Result<()> {
        match self.directory.join(BINARY).is_file() {
            true => self.write(&self.directory),
            false => self.write_text(&self.directory),
        }
    }

    fn of(source: Source, path: &Path, meta_graph: MetaGraphDef) -> SavedModelFile {
        let directory = path.parent().map(Path::to_owned).unwrap_or_default();
        let message = SavedModel { meta_graphs: vec![meta_graph], ..SavedModel::default() };
        SavedModelFile { source, directory, message }
    }

    /// The tag sets of all metagraphs, in order.
    pub fn tag_sets(&self) -> Vec<Vec<String>> {
        self.message.meta_graphs.iter().map(tags).collect()
    }

    /// The first metagraph with exactly these tags, in any order; without tags, the only metagraph.
    ///
    /// # Errors
    /// `NOT_FOUND` when none has these tags, `INVALID_ARGUMENT` when no tags are given and there are several; both list
    /// the tag sets that there are.
    pub fn select(&self, wanted: Option<&[String]>) -> Result<&MetaGraphDef> {
        Ok(&self.message.meta_graphs[position(&self.tag_sets(), wanted)?])
    }
}

/// Which of these tag sets [`SavedModelFile::select`] means.
pub(crate) fn position(sets: &[Vec<String>], wanted: Option<&[String]>) -> Result<usize> {
    let available = || {
        let sets: Vec<String> = sets.iter().map(|set| format!("[{}]", set.join(", "))).collect();
        sets.join(", ")
    };
    let Some(wanted) = wanted else {
        return match sets {
            [_] => Ok(0),
            _ => Err(Error::invalid_argument(format!(
                "Importing a SavedModel with several metagraphs requires tags, out of these tag sets: {}",
                available()
            ))),
        };
    };
    let sorted = |tags: &[String]| {
        let mut tags = tags.to_vec();
        tags.sort_unstable();
        tags.dedup();
        tags
    };
    let wanted = sorted(wanted);
    sets.iter().position(|set| sorted(set) == wanted).ok_or_else(|| {
        Error::not_found(format!(
            "MetaGraphDef associated with tags [{}] could not be found in SavedModel; available tag sets: {}",
            wanted.join(", "),
            available()
        ))
    })
}

/// The file of a SavedModel's directory.
pub(crate) fn find(directory: &Path) -> Result<PathBuf> {
    [BINARY, TEXT].map(|name| directory.join(name)).into_iter().find(|path| path.is_file()).ok_or_else(|| {
        Error::not_found(format!(
            "SavedModel file does not exist at: {}/{{saved_model.pbtxt|saved_model.pb}}",
            directory.display()
        ))
    })
}

pub(crate) fn without_metagraph(path: &Path) -> Error {
    Error::data_loss("the SavedModel holds no metagraph").at(place(path))
}

/// How errors call a file.
pub(crate) fn place(path: &Path) -> String {
    format!("file {}", path.display())
}

/// The message in a file, whose name tells whether it is text.
fn message<M: Message + Name + Default>(path: &Path) -> Result<M> {
    read(path, |bytes| M::decode(bytes), |message: M| message)
}

/// What becomes of the message in a file: by `decode` of its binary form, by `of` of the message that its text is.
pub(crate) fn read<M: Message + Name + Default, R>(
    path: &Path,
    decode: fn(Bytes) -> Result<R, DecodeError>,
    of: impl FnOnce(M) -> R,
) -> Result<R> {
    if whole::is_text(path) {
        return text_message(path).map(of);
    }
    let at = |e: Error| e.at(place(path));
    let bytes = std::fs::read(path).map_err(|e| at(e.into()))?;
    let damaged = |e| Error::data_loss(format!("Can't parse bytes as {}: {e}", M::full_name()));
    decode(bytes.into()).map_err(|e| at(damaged(e)))
}

pub(crate) fn text_message<M: Message + Name + Default>(path: &Path) -> Result<M> {
    let at = |e: Error| e.at(place(path));
    let bytes = std::fs::read(path).map_err(|e| at(e.into()))?;
    let text = String::from_utf8(bytes).map_err(|_| at(Error::data_loss("the text is not UTF-8")))?;
    pbtxt::parse(&text).map_err(at)
}

/// The operations that TensorFlow 1's Saver has added to a graph, by the names that it gives them.
pub(crate) fn saver(graph: &GraphDef) -> Option<SaverDef> {
    let [filename, save, restore] = ["save/Const", "save/control_dependency", "save/restore_all"];
    let names: std::collections::HashSet<&str> = graph.node.iter().map(|node| node.name.as_str()).collect();
    [filename, restore].iter().all(|name| names.contains(name)).then(|| SaverDef {
        filename_tensor_name: format!("{filename}:0"),
        save_tensor_name: format!("{save}:0"),
        restore_op_name: restore.to_owned(),
        ..SaverDef::default()
    })
}

/// The tags of a metagraph.
pub fn tags(graph: &MetaGraphDef) -> Vec<String> {
    graph.meta_info_def.as_ref().map(|info| info.tags.clone()).unwrap_or_default()
}
