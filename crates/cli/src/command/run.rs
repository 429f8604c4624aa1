//! `savedmodel run`.

use savedmodel::SavedModel;
use savedmodel_tensor::{Result, Tensor};

use super::call::{Call, filtered};
use crate::arguments::Run;
use crate::file::json::Form;
use crate::file::{self, TensorFile};
use crate::print;

/// Calls a signature or a part of the graph, and writes or prints the outputs.
///
/// # Errors
/// Those of files, model and run; then nothing is written.
pub fn run(arguments: Run) -> Result<()> {
    if arguments.fetch.is_empty() { call(arguments) } else { prune(&arguments) }
}

fn call(arguments: Run) -> Result<()> {
    let call = Call::read(arguments.inputs.as_ref(), arguments.signature)?;
    let (signature, filter, form) = (call.signature.clone(), call.filter.clone(), call.form);
    let model = SavedModel::load_with(&arguments.load.directory, &arguments.load.options())?;
    let (function, inputs) = call.prepare(&model)?;
    let outputs = filtered(function.call(inputs)?.into_iter().collect(), &filter)?;
    emit(arguments.outputs.as_ref(), &outputs, &signature, form)
}

fn prune(arguments: &Run) -> Result<()> {
    let model = SavedModel::load_with(&arguments.load.directory, &arguments.load.options())?;
    let mut values = Vec::with_capacity(arguments.feed.len());
    for feed in &arguments.feed {
        let dtype = model.session().dtype(model.session().output(&feed.name)?);
        values.push(file::read_npy(&feed.path, dtype)?);
    }
    let feeds: Vec<&str> = arguments.feed.iter().map(|feed| feed.name.as_str()).collect();
    let fetches: Vec<&str> = arguments.fetch.iter().map(String::as_str).collect();
    let function = model.prune(&feeds, &fetches)?;
    let names = function.outputs().map(str::to_owned).collect::<Vec<String>>();
    let outputs: Vec<(String, Tensor)> = names.into_iter().zip(function.call(&values)?).collect();
    emit(arguments.outputs.as_ref(), &outputs, "", Form::Column)
}

fn emit(file: Option<&TensorFile>, outputs: &[(String, Tensor)], signature: &str, form: Form) -> Result<()> {
    match file {
        Some(file) => file::write_outputs(file, outputs, signature, form),
        None => {
            let table = print::tensors(outputs.iter().map(|(name, tensor)| (name.as_str(), tensor)));
            print::out(&format!("{table}\n"))
        }
    }
}
