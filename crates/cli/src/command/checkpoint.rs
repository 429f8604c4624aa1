//! `savedmodel checkpoint`.

use std::path::{Path, PathBuf};

use savedmodel::{Checkpoint, Entry, latest_checkpoint};
use savedmodel_tensor::{Error, Result};
use serde_json::{Value, json};

use crate::arguments::CheckpointArguments;
use crate::print;

/// Lists what a checkpoint holds.
///
/// # Errors
/// `NOT_FOUND` when there is none, `DATA_LOSS` when it is damaged; those of standard output.
pub fn run(arguments: &CheckpointArguments) -> Result<()> {
    let prefix = prefix(&arguments.path)?;
    let checkpoint = Checkpoint::open(&prefix)?;
    let entries = checkpoint.entries();
    if arguments.json {
        let tensors: Vec<Value> = entries.iter().map(json).collect();
        let all = json!({ "prefix": prefix.to_string_lossy(), "tensors": tensors });
        return print::out(&format!("{all:#}\n"));
    }
    let mut table = print::table(["tensor", "dtype", "shape", "slices"]);
    for entry in &entries {
        let slices: Vec<String> = entry.slices.iter().map(ToString::to_string).collect();
        table.add_row([entry.name, entry.dtype.name(), &entry.shape.to_string(), &slices.join("\n")]);
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

fn json(entry: &Entry<'_>) -> Value {
    json!({
        "name": entry.name,
        "dtype": entry.dtype.name(),
        "shape": entry.shape.dims(),
        "slices": entry.slices.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
