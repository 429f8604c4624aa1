//! `savedmodel run`.

use savedmodel_tensor::{Result, Tensor};

use super::call::Call;
use crate::arguments::Run;
use crate::file::json::Form;
use crate::file::{self, TensorFile};
use crate::print;

/// Calls a signature or a part of the graph, and writes or prints the outputs.
///
/// # Errors
/// Those of files, model and run; then nothing is written.
pub fn run(arguments: Run) -> Result<()> {
    let call = Call::read(arguments.ask)?;
    let (signature, form) = (call.signature.clone(), call.form);
    let model = arguments.load.open()?;
    let outputs = call.prepare(&model)?.call()?;
    emit(arguments.outputs.as_ref(), &outputs, &signature, form)
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
