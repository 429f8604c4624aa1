//! `savedmodel checkpoint`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use savedmodel::{Checkpoint, Entry, latest_checkpoint};
use savedmodel_tensor::{Error, Result, Tensor};
use serde_json::{Value, json};

use crate::arguments::{ArrayFile, CheckpointArguments};
use crate::{file, print};

/// The tensor that describes the objects, and is no value of one.
const OBJECT_GRAPH: &str = "_CHECKPOINTABLE_OBJECT_GRAPH";

/// Lists what a checkpoint holds, or gets tensors out of it.
///
/// # Errors
/// `NOT_FOUND` when there is no checkpoint, or no such tensor; `DATA_LOSS` when it is damaged; those of the file that is
/// written, and of standard output.
pub fn run(arguments: &CheckpointArguments) -> Result<()> {
    let prefix = prefix(&arguments.path)?;
    let checkpoint = Checkpoint::open(&prefix)?;
    if arguments.name.is_empty() && arguments.output.is_none() {
        return list(&checkpoint, &prefix, arguments.json);
    }
    let names: Vec<String> = match arguments.name.is_empty() {
        true => {
            let names = checkpoint.entries().into_iter().map(|entry| entry.name.to_owned());
            names.filter(|name| name != OBJECT_GRAPH).collect()
        }
        false => arguments.name.clone(),
    };
    match (&arguments.output, &names[..]) {
        (Some(ArrayFile::One(path)), [name]) => file::write_npy(path, &read(&checkpoint, name)?),
        (Some(ArrayFile::One(_)), names) => Err(Error::invalid_argument(format!(
            "an .npy file holds one tensor, not {}; name one, or write an .npz file",
            names.len()
        ))),
        (Some(ArrayFile::Several(path)), names) => {
            let tensors = names.iter().map(|name| Ok((name.clone(), read(&checkpoint, name)?)));
            file::write_npz(path, &tensors.collect::<Result<Vec<_>>>()?)
        }
        (None, names) => {
            let tensors = names.iter().map(|name| Ok((name.as_str(), read(&checkpoint, name)?)));
            let tensors = tensors.collect::<Result<Vec<_>>>()?;
            print::out(&format!("{}\n", print::tensors(tensors.iter().map(|(name, tensor)| (*name, tensor)))))
        }
    }
}

fn read(checkpoint: &Checkpoint, name: &str) -> Result<Tensor> {
    checkpoint.tensor(&checkpoint.resolve(name)?)
}

fn list(checkpoint: &Checkpoint, prefix: &Path, as_json: bool) -> Result<()> {
    let entries = checkpoint.entries();
    let objects = checkpoint.objects()?;
    let paths = objects.as_ref().map(|objects| objects.paths()).unwrap_or_default();
    if as_json {
        let tensors: Vec<Value> = entries.iter().map(|entry| json(entry, &paths)).collect();
        let all = json!({ "prefix": prefix.to_string_lossy(), "tensors": tensors });
        return print::out(&format!("{all:#}\n"));
    }
    let mut table = print::table(["tensor", "dtype", "shape", "slices", "object"]);
    for entry in &entries {
        let slices: Vec<String> = entry.slices.iter().map(ToString::to_string).collect();
        let object = paths.get(entry.name).map_or("", String::as_str);
        let shape = entry.shape.to_string();
        table.add_row([entry.name, entry.dtype.name(), &shape, &slices.join("\n"), object]);
    }
    print::out(&format!("{}\n{table}\n", prefix.display()))
}

/// The prefix that a path means: itself; of a SavedModel's directory, its variables; else the latest in the directory.
fn prefix(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let variables = path.join("variables").join("variables");
    if variables.with_extension("index").is_file() {
        return Ok(variables);
    }
    latest_checkpoint(path)?
        .ok_or_else(|| Error::not_found(format!("directory {} names no checkpoint", path.display())))
}

fn json(entry: &Entry<'_>, paths: &BTreeMap<&str, String>) -> Value {
    json!({
        "name": entry.name,
        "dtype": entry.dtype.name(),
        "shape": entry.shape.dims(),
        "slices": entry.slices.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "object": paths.get(entry.name),
    })
}
