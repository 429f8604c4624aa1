//! A loaded model back to disk.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use savedmodel_bundle::{Checkpoint, ReadOptions};
use savedmodel_export::{CheckpointTensor, Export, ExportedVariable, SavedTable};
use savedmodel_graph::NodeId;
use savedmodel_loader::{Restore, RestoreEntry, Source};
use savedmodel_op::Variable;
use savedmodel_tensor::{Error, Result, Tensor};

use crate::{SavedModel, load};

impl SavedModel {
    /// Writes the model as a SavedModel of its one metagraph, with variables and tables as they are now.
    ///
    /// ```
    /// # use savedmodel::SavedModel;
    /// # let case = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/cases/models/keras3_mlp/model");
    /// # let room = tempfile::tempdir().unwrap();
    /// # let directory = room.path().join("copy");
    /// let model = SavedModel::load(case)?;
    /// model.save(&directory)?;
    /// assert_eq!(SavedModel::load(&directory)?.signatures().len(), model.signatures().len());
    /// # Ok::<(), savedmodel::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`SavedModel::export`] and [`Export::save`]; then nothing is left behind.
    pub fn save(&self, directory: impl AsRef<Path>) -> Result<()> {
        self.export()?.save(directory)
    }

    /// The model on its way to disk, to be changed before it is written: other signatures and tags, only a part of it, or
    /// with constants instead of variables.
    ///
    /// The file that the model came from is read again; variables and tables are as they are now.
    ///
    /// ```
    /// # use savedmodel::SavedModel;
    /// # let case = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/cases/models/keras3_mlp/model");
    /// # let room = tempfile::tempdir().unwrap();
    /// # let directory = room.path().join("frozen");
    /// let mut export = SavedModel::load(case)?.export()?;
    /// export.keep_signatures(&["serving_default"])?;
    /// export.freeze()?;
    /// export.save(&directory)?;
    /// # Ok::<(), savedmodel::Error>(())
    /// ```
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` when a variable of a SavedModel has no value; those of reading the file, and of running the
    /// operation that saves, where there are tables.
    pub fn export(&self) -> Result<Export> {
        let meta = self.meta();
        let file = meta.source.read()?;
        let is_directory = matches!(meta.source, Source::Directory(_));
        let chosen = if is_directory { file.select(Some(&meta.tags))? } else { file.select(None)? };
        let mut export = Export::new(chosen.clone());
        self.export_variables(&mut export);
        match &meta.restore {
            Some(restore) if restore.needs_subgraph => self.export_all(restore, &mut export)?,
            Some(restore) => self.export_values(restore, is_directory, &mut export)?,
            None => {}
        }
        if is_directory {
            self.export_files(&mut export)?;
        } else {
            export.renew_saver()?;
        }
        Ok(export)
    }

    /// Notes all variables of the graph.
    fn export_variables(&self, export: &mut Export) {
        let graph = self.graph();
        let find = |node| {
            let (container, name) = load::resource_name(graph, node);
            self.session().resources().find::<Variable>(&container, &name)
        };
        // The first entry of each.
        let entries = || self.meta().restore.iter().flat_map(|restore| restore.entries.iter().rev());
        let by_node: HashMap<NodeId, &RestoreEntry> =
            entries().map(|entry| (entry.variable, entry)).collect();
        // A variable may have a second node, which no entry names.
        let by_variable: HashMap<*const Variable, &RestoreEntry> =
            entries().filter_map(|entry| Some((Arc::as_ptr(&find(entry.variable)?), entry))).collect();
        for node in graph.nodes() {
            if !matches!(&*graph.node(node).op, "VarHandleOp" | "VariableV2" | "Variable") {
                continue;
            }
            let variable = find(node);
            let other = || by_variable.get(&Arc::as_ptr(variable.as_ref()?)).copied();
            let entry = by_node.get(&node).copied().or_else(other);
            export.set_variable(
                &*graph.node(node).name,
                ExportedVariable {
                    key: entry.map(|entry| entry.key.clone()),
                    shape_and_slice: entry.map(|entry| entry.shape_and_slice.clone()).unwrap_or_default(),
                    value: variable.and_then(|variable| variable.get()),
                },
            );
        }
    }

    /// The values of the variables that the checkpoint holds, with what else is in it.
    fn export_values(&self, restore: &Restore, must_all: bool, export: &mut Export) -> Result<()> {
        let mut tensors = Vec::new();
        let mut written = HashSet::new();
        for entry in &restore.entries {
            let (_, variable) = load::variable(self.session(), self.graph(), entry.variable)?;
            if !written.insert((entry.key.clone(), entry.shape_and_slice.clone())) {
                continue;
            }
            let value = match variable.get() {
                None if !must_all => continue,
                _ => variable.read()?,
            };
            let (key, shape_and_slice) = (entry.key.clone(), entry.shape_and_slice.clone());
            tensors.push(CheckpointTensor { key, shape_and_slice, value });
        }
        if must_all {
            let keys = written.into_iter().map(|(key, _)| key).collect();
            tensors.extend(self.rest_of_checkpoint(&keys)?);
        }
        export.set_checkpoint(tensors, Vec::new());
        Ok(())
    }

    /// What the operation of the graph that saves puts into a checkpoint.
    fn export_all(&self, restore: &Restore, export: &mut Export) -> Result<()> {
        let room = tempfile::tempdir()?;
        let prefix = room.path().join("variables");
        let session = self.session();
        let filename = session.output(&restore.filename)?;
        let saved = session.output(&restore.save)?;
        let plan = session.prepare(&[filename], &[saved], &[])?;
        let text = prefix.to_string_lossy().into_owned();
        session.run(&plan, vec![Tensor::from_strings([], [text])?]).map_err(|e| e.at("saving"))?;
        // The files go before the tensors do.
        let options = ReadOptions { map: false, ..ReadOptions::default() };
        let checkpoint = Checkpoint::open_with(&prefix, options)?;
        let mut tensors = Vec::new();
        for entry in checkpoint.entries() {
            if entry.slices.is_empty() {
                tensors.push(whole(entry.name, checkpoint.tensor(entry.name)?));
            }
            for slice in &entry.slices {
                let dims: Vec<String> = entry.shape.dims().iter().map(ToString::to_string).collect();
                let shape_and_slice = format!("{} {slice}", dims.join(" "));
                let value = checkpoint.slice(entry.name, slice)?;
                tensors.push(CheckpointTensor { key: entry.name.to_owned(), shape_and_slice, value });
            }
        }
        let keys = checkpoint.entries().iter().map(|entry| entry.name.to_owned()).collect();
        tensors.extend(self.rest_of_checkpoint(&keys)?);
        let table = |table: &savedmodel_loader::RestoreTable| SavedTable {
            node: self.graph().node(table.table).name.to_string(),
            keys: table.keys.clone(),
        };
        export.set_checkpoint(tensors, restore.tables.iter().map(table).collect());
        Ok(())
    }

    /// What the checkpoint that the model came with holds besides these, such as the objects.
    fn rest_of_checkpoint(&self, written: &HashSet<String>) -> Result<Vec<CheckpointTensor>> {
        let prefix = &self.meta().checkpoint;
        if !prefix.with_extension("index").is_file() {
            return Ok(Vec::new());
        }
        let before = Checkpoint::open(prefix)?;
        let rest = before.entries().into_iter().filter(|entry| !written.contains(entry.name));
        rest.map(|entry| Ok(whole(entry.name, before.tensor(entry.name)?))).collect()
    }

    fn export_files(&self, export: &mut Export) -> Result<()> {
        let directory = &self.meta().directory;
        export.set_asset_files(files_below(&directory.join("assets"))?);
        export.set_extra_files(files_below(&directory.join("assets.extra"))?);
        Ok(())
    }
}

fn whole(key: &str, value: Tensor) -> CheckpointTensor {
    CheckpointTensor { key: key.to_owned(), shape_and_slice: String::new(), value }
}

/// The files below a folder, by name there; none if there is no folder.
///
/// # Errors
/// `INVALID_ARGUMENT` when a name is no UTF-8; those of the file system.
pub(crate) fn files_below(folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    list(folder, "", &mut found).map(|()| found)
}

fn list(folder: &Path, below: &str, found: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(Error::invalid_argument(format!("the name of '{}' is no UTF-8", path.display())));
        };
        let name = format!("{below}{name}");
        match path.is_dir() {
            true => list(&path, &format!("{name}/"), found)?,
            false => {
                found.insert(name, path);
            }
        }
    }
    Ok(())
}
