//! `savedmodel prune`, `freeze`, `convert` and `set-method`: models that are written.

use std::path::Path;

use savedmodel::{Export, LoadOptions, MethodNameUpdater, SavedModelBuilder, Signature};
use savedmodel_loader::Source;
use savedmodel_tensor::{Error, Result};

use crate::arguments::{Convert, Model, Named, Part, Rewrite, SetMethod};
use crate::print;

/// The signature that is called when none is named, and the method of a new one.
const DEFAULT: &str = "serving_default";
const PREDICT: &str = "tensorflow/serving/predict";

/// Writes the part of a model that signatures need.
///
/// # Errors
/// Those of loading and writing; then nothing is written.
pub fn prune(arguments: &Rewrite) -> Result<()> {
    let mut export = export(&arguments.model, &arguments.part)?;
    export.prune()?;
    save(export, &arguments.out, false)
}

/// Writes a model with constants instead of variables.
///
/// # Errors
/// As [`prune`]; `FAILED_PRECONDITION` when variables must stay and there is no place for them.
pub fn freeze(arguments: &Rewrite) -> Result<()> {
    let mut export = export(&arguments.model, &arguments.part)?;
    let staying: Vec<String> =
        export.freeze()?.into_iter().map(|(name, why)| format!("'{name}', as {why}")).collect();
    if let (Source::GraphDef(path), false) = (Source::of(&arguments.out), staying.is_empty()) {
        return Err(Error::failed_precondition(format!(
            "{} can't hold the variables that can't be constants: {}. A directory can, as a SavedModel; --signature keeps only \
             what a signature needs",
            path.display(),
            staying.join("; ")
        )));
    }
    if !staying.is_empty() {
        print::out(&format!("Variables that stay: {}\n", staying.join("; ")))?;
    }
    save(export, &arguments.out, false)
}

/// Writes a model in another form.
///
/// # Errors
/// As [`prune`].
pub fn convert(arguments: &Convert) -> Result<()> {
    let Convert { rewrite, text } = arguments;
    save(export(&rewrite.model, &rewrite.part)?, &rewrite.out, *text)
}

/// Changes the method of a signature.
///
/// # Errors
/// When there is no such signature; those of the file. Then it is as it was.
pub fn set_method(arguments: &SetMethod) -> Result<()> {
    let mut updater = MethodNameUpdater::open(&arguments.directory)?;
    updater.replace(&arguments.signature, &arguments.method, arguments.tags.list().as_deref())?;
    match &arguments.output {
        Some(directory) => updater.save_copy(directory),
        None => updater.save(),
    }
}

/// The model, with the signatures that are asked for.
fn export(model: &Model, part: &Part) -> Result<Export> {
    let options = LoadOptions { tags: model.tags.list(), ..LoadOptions::default() };
    let mut export = model.open(&options)?.export()?;
    let mut keep: Vec<&str> = part.signature.iter().map(String::as_str).collect();
    if !part.output.is_empty() {
        let pairs = |named: &[Named]| -> Vec<(String, String)> {
            named.iter().map(|named| (named.name.clone(), named.tensor.clone())).collect()
        };
        let (inputs, outputs) = (pairs(&part.input), pairs(&part.output));
        let name = part.name.as_deref().unwrap_or(DEFAULT);
        export.set_signature(name, &Signature::of(PREDICT, &borrowed(&inputs), &borrowed(&outputs)))?;
        keep.push(name);
    }
    if !keep.is_empty() {
        export.keep_signatures(&keep)?;
    }
    Ok(export)
}

fn borrowed(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(name, tensor)| (name.as_str(), tensor.as_str())).collect()
}

fn save(export: Export, out: &Path, text: bool) -> Result<()> {
    match Source::of(out) {
        Source::GraphDef(path) => export.write_graph_def(path),
        Source::MetaGraph(path) => export.write_meta_graph(path),
        Source::Directory(_) => {
            let builder = SavedModelBuilder::new().meta_graph(export);
            if text { builder.as_text().save(out) } else { builder.save(out) }
        }
    }
}
