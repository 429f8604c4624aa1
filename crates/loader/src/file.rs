//! Finding and decoding a SavedModel.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use savedmodel_proto::{MetaGraphDef, SavedModel, pbtxt};
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
        let at = |path: &Path| format!("file {}", path.display());
        let message = if binary.is_file() {
            let bytes = std::fs::read(&binary).map_err(|e| Error::from(e).at(at(&binary)))?;
            savedmodel_proto::decode(Bytes::from(bytes)).map_err(|e| e.at(at(&binary)))?
        } else if text.is_file() {
            let content = std::fs::read_to_string(&text).map_err(|e| Error::from(e).at(at(&text)))?;
            pbtxt::parse(&content).map_err(|e| e.at(at(&text)))?
        } else {
            return Err(Error::not_found(format!(
                "SavedModel file does not exist at: {0}/{{saved_model.pbtxt|saved_model.pb}}",
                directory.display()
            )));
        };
        let file = SavedModelFile { directory: directory.to_owned(), message };
        if file.message.meta_graphs.is_empty() {
            return Err(Error::data_loss("the SavedModel holds no metagraph").at(at(&binary)));
        }
        Ok(file)
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

/// The tags of a metagraph.
pub(crate) fn tags(graph: &MetaGraphDef) -> Vec<String> {
    graph.meta_info_def.as_ref().map(|info| info.tags.clone()).unwrap_or_default()
}
