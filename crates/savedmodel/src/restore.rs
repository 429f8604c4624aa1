//! Variables out of a checkpoint, all of them or none.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use savedmodel_bundle::{Checkpoint, ReadOptions, latest_checkpoint};
use savedmodel_loader::{MetaGraph, Restore};
use savedmodel_op::Variable;
use savedmodel_runtime::Session;
use savedmodel_tensor::{Code, Error, Result, Tensor};

use crate::load;

/// The prefix that a path means: itself, or the latest checkpoint of the directory that it is.
pub(crate) fn prefix(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    latest_checkpoint(path)?
        .ok_or_else(|| Error::not_found(format!("directory {} names no latest checkpoint", path.display())))
}

/// What a metagraph is told that does not say how to restore itself.
pub(crate) fn no_saver() -> Error {
    Error::failed_precondition("the metagraph has no SaverDef, so that nothing tells how to restore it")
}

/// How a checkpoint is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// Whether checksums are verified.
    pub verify: bool,
    /// Whether it may lack variables, though not all of them.
    pub partial: bool,
}

/// Restores all variables; when that fails, they are as they were.
pub(crate) fn run(
    session: &Session,
    meta: &MetaGraph,
    restore: &Restore,
    prefix: &Path,
    reading: Reading,
) -> Result<()> {
    let options = ReadOptions { verify: reading.verify, ..ReadOptions::default() };
    let checkpoint = Checkpoint::open_with(prefix, options)?;
    let mut values: Vec<(Arc<Variable>, Tensor)> = Vec::with_capacity(restore.entries.len());
    for entry in &restore.entries {
        if reading.partial && checkpoint.entry(&entry.key).is_none() {
            continue;
        }
        let at = |e: Error| e.at(format!("checkpoint key '{}'", entry.key));
        let value = checkpoint.restore(&entry.key, &entry.shape_and_slice).map_err(at)?;
        let (_, variable) = load::variable(session, &meta.graph, entry.variable)?;
        check(&variable, &value).map_err(at)?;
        values.push((variable, value));
    }
    if values.is_empty() && !restore.entries.is_empty() {
        let text = format!("checkpoint {} holds none of the variables", prefix.display());
        return Err(Error::not_found(text));
    }
    if !restore.needs_subgraph {
        return values.into_iter().try_for_each(|(variable, value)| variable.assign(value));
    }
    let before: Vec<(Arc<Variable>, Option<Tensor>)> = session
        .resources()
        .all::<Variable>()
        .into_iter()
        .map(|(_, _, variable)| (Arc::clone(&variable), variable.get()))
        .collect();
    let done = values
        .into_iter()
        .try_for_each(|(variable, value)| variable.assign(value))
        .and_then(|()| subgraph(session, restore, prefix))
        .or_else(|e| if reading.partial && e.code() == Code::NotFound { Ok(()) } else { Err(e) });
    if done.is_err() {
        for (variable, value) in before {
            match value {
                Some(value) => variable.assign(value)?,
                None => variable.clear(),
            }
        }
    }
    done
}

fn check(variable: &Variable, value: &Tensor) -> Result<()> {
    if value.dtype() != variable.dtype() || !variable.shape().accepts(value.shape()) {
        return Err(Error::invalid_argument(format!(
            "variable '{}' is {}{}, but the checkpoint holds {}",
            variable.name(),
            variable.dtype(),
            variable.shape(),
            value.describe()
        )));
    }
    Ok(())
}

/// Runs the operation that restores what is no plain variable, such as tables.
fn subgraph(session: &Session, restore: &Restore, prefix: &Path) -> Result<()> {
    let filename = session.output(&restore.filename)?;
    let target = session.operation(&restore.operation)?;
    let plan = session.prepare(&[filename], &[], &[target])?;
    let prefix = prefix.to_string_lossy().into_owned();
    session.run(&plan, vec![Tensor::from_strings([], [prefix])?])?;
    Ok(())
}
