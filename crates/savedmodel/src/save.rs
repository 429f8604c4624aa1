//! A loaded model back to disk.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use savedmodel_bundle::{BundleWriter, Checkpoint, ShapeAndSlice};
use savedmodel_loader::SavedModelFile;
use savedmodel_tensor::{Error, Result};

use crate::{SavedModel, load};

impl SavedModel {
    /// Writes the model as a SavedModel of its one metagraph, with the variables as they are now.
    ///
    /// It is written beside `directory` and renamed when it is whole; its graph comes last.
    ///
    /// # Errors
    /// `ALREADY_EXISTS` when the directory is there; `FAILED_PRECONDITION` when the model did not come from a SavedModel
    /// directory, or a variable has no value; `UNIMPLEMENTED` when the checkpoint holds more than variables, such as
    /// tables; those of the file system. Then nothing is left behind.
    pub fn save(&self, directory: impl AsRef<Path>) -> Result<()> {
        let directory = directory.as_ref();
        let at = |e: Error| e.at(format!("saving to {}", directory.display()));
        if directory.exists() {
            return Err(at(Error::already_exists("the directory exists")));
        }
        let aside = aside(directory).map_err(at)?;
        let written = self.write(&aside).and_then(|()| Ok(fs::rename(&aside, directory)?));
        if written.is_err() {
            // What matters is why it could not be written.
            let _ = fs::remove_dir_all(&aside);
        }
        written.map_err(at)
    }

    fn write(&self, directory: &Path) -> Result<()> {
        let meta = self.meta();
        let mut file = SavedModelFile::read(&meta.directory).map_err(|error| {
            Error::failed_precondition(format!(
                "the model did not come from a SavedModel: {}",
                error.message()
            ))
        })?;
        let chosen = file.select(Some(&meta.tags))?.clone();
        file.message.meta_graphs = vec![chosen];
        fs::create_dir_all(directory)?;
        for folder in ["assets", "assets.extra"] {
            copy(&meta.directory.join(folder), &directory.join(folder))?;
        }
        self.write_variables(&directory.join("variables").join("variables"))?;
        file.write(directory)
    }

    fn write_variables(&self, prefix: &Path) -> Result<()> {
        let meta = self.meta();
        let mut writer = BundleWriter::new(prefix)?;
        let mut written = HashSet::new();
        if let Some(restore) = &meta.restore {
            if restore.needs_subgraph {
                return Err(Error::unimplemented("the checkpoint holds more than variables, such as tables"));
            }
            for entry in &restore.entries {
                let (_, variable) = load::variable(self.session(), self.graph(), entry.variable)?;
                let is_first = written.insert((entry.key.as_str(), entry.shape_and_slice.as_str()));
                if !is_first {
                    continue;
                }
                match &*entry.shape_and_slice {
                    "" => writer.add(&entry.key, &variable.read()?)?,
                    text => {
                        let part: ShapeAndSlice = text.parse()?;
                        writer.add_slice(&entry.key, &part.shape, &part.slice, &variable.read()?)?;
                    }
                }
            }
        }
        if meta.checkpoint.with_extension("index").is_file() {
            let before = Checkpoint::open(&meta.checkpoint)?;
            for entry in before.entries() {
                if !written.iter().any(|(key, _)| *key == entry.name) {
                    writer.add(entry.name, &before.tensor(entry.name)?)?;
                }
            }
        }
        writer.finish()
    }
}

/// A name beside the directory that nothing has.
fn aside(directory: &Path) -> Result<PathBuf> {
    let name = directory.file_name().ok_or_else(|| Error::invalid_argument("the path names no directory"))?;
    let named = |i: u32| {
        let name = format!(".{}.tempstate{}_{i}", name.to_string_lossy(), std::process::id());
        directory.with_file_name(name)
    };
    let free = (0..).map(named).find(|path| !path.exists());
    free.ok_or_else(|| Error::already_exists("no name is free beside the directory"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &target)?,
            false => {
                fs::copy(entry.path(), target)?;
            }
        }
    }
    Ok(())
}
