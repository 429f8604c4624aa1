//! Finding and decoding a SavedModel.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use savedmodel_proto::{GraphDef, Message, MetaGraphDef, Name, SavedModel, pbtxt};
use savedmodel_tensor::{Error, Result};

/// A decoded SavedModel and the directory that it is in.
#[derive(Clone, Debug)]
pub struct SavedModelFile {
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
        let binary = directory.join("saved_model.pb");
        let text = directory.join("saved_model.pbtxt");
        let message = if binary.is_file() {
            message(&binary)?
        } else if text.is_file() {
            message(&text)?
        } else {
            return Err(Error::not_found(format!(
                "SavedModel file does not exist at: {0}/{{saved_model.pbtxt|saved_model.pb}}",
                directory.display()
            )));
        };
        let file = SavedModelFile { directory: directory.to_owned(), message };
        if file.message.meta_graphs.is_empty() {
            return Err(Error::data_loss("the SavedModel holds no metagraph").at(place(&binary)));
        }
        Ok(file)
    }

    /// A file with a GraphDef, as a SavedModel of nothing but this graph. A name that ends in `.pbtxt` or `.txt` means text.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such file, `DATA_LOSS` or `INVALID_ARGUMENT` when it holds no GraphDef.
    pub fn read_graph_def(path: impl AsRef<Path>) -> Result<SavedModelFile> {
        let graph: GraphDef = message(path.as_ref())?;
        let meta_graph = MetaGraphDef { graph_def: Some(graph), ..MetaGraphDef::default() };
        Ok(SavedModelFile::of(path.as_ref(), meta_graph))
    }

    /// A file with a MetaGraphDef, such as the `.meta` that TensorFlow 1 writes beside a checkpoint.
    ///
    /// # Errors
    /// As [`SavedModelFile::read_graph_def`].
    pub fn read_meta_graph(path: impl AsRef<Path>) -> Result<SavedModelFile> {
        Ok(SavedModelFile::of(path.as_ref(), message(path.as_ref())?))
    }

    /// Writes the message to `saved_model.pb` of a directory: under another name first, so that it is whole when it is
    /// there.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&self, directory: &Path) -> Result<()> {
        let path = directory.join("saved_model.pb");
        let aside = directory.join(format!(".saved_model.pb.tempstate{}", std::process::id()));
        let written = std::fs::write(&aside, self.message.encode_to_vec())
            .and_then(|()| std::fs::rename(&aside, &path));
        written.map_err(|e| Error::from(e).at(place(&path)))
    }

    fn of(path: &Path, meta_graph: MetaGraphDef) -> SavedModelFile {
        let directory = path.parent().map(Path::to_owned).unwrap_or_default();
        let message = SavedModel { meta_graphs: vec![meta_graph], ..SavedModel::default() };
        SavedModelFile { directory, message }
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
        let sets: Vec<String> = self.tag_sets().iter().map(|set| format!("[{}]", set.join(", "))).collect();
        let available = sets.join(", ");
        let Some(wanted) = wanted else {
            return match &self.message.meta_graphs[..] {
                [only] => Ok(only),
                _ => Err(Error::invalid_argument(format!(
                    "Importing a SavedModel with several metagraphs requires tags, out of these tag sets: {available}"
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
        self.message.meta_graphs.iter().find(|graph| sorted(&tags(graph)) == wanted).ok_or_else(|| {
            Error::not_found(format!(
                "MetaGraphDef associated with tags [{}] could not be found in SavedModel; available tag sets: {available}",
                wanted.join(", ")
            ))
        })
    }
}

fn place(path: &Path) -> String {
    format!("file {}", path.display())
}

/// The message in a file, whose name tells whether it is text.
fn message<M: Message + Name + Default>(path: &Path) -> Result<M> {
    let at = |e: Error| e.at(place(path));
    let bytes = std::fs::read(path).map_err(|e| at(e.into()))?;
    if path.extension().is_none_or(|extension| extension != "pbtxt" && extension != "txt") {
        return savedmodel_proto::decode(Bytes::from(bytes)).map_err(at);
    }
    let text = String::from_utf8(bytes).map_err(|_| at(Error::data_loss("the text is not UTF-8")))?;
    pbtxt::parse(&text).map_err(at)
}

/// The tags of a metagraph.
pub(crate) fn tags(graph: &MetaGraphDef) -> Vec<String> {
    graph.meta_info_def.as_ref().map(|info| info.tags.clone()).unwrap_or_default()
}
