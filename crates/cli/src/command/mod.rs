//! One file for each command.

mod bench;
mod call;
mod checkpoint;
mod demo;
mod infer;
mod ops;
mod profile;
mod run;
mod show;
mod verify;
mod write;

use savedmodel::Method;
use savedmodel_tensor::Result;

use crate::arguments::{Arguments, Command};

/// Does what is asked.
///
/// # Errors
/// Those of model and run.
pub fn run(arguments: Arguments) -> Result<()> {
    match arguments.command {
        Some(Command::Show(arguments)) => show::run(&arguments),
        Some(Command::Run(arguments)) => run::run(arguments),
        Some(Command::Classify(arguments)) => infer::run(&arguments, Method::Classify),
        Some(Command::Regress(arguments)) => infer::run(&arguments, Method::Regress),
        Some(Command::MultiInference(arguments)) => infer::several(&arguments),
        Some(Command::Verify(arguments)) => verify::run(&arguments),
        Some(Command::Bench(arguments)) => bench::run(arguments),
        Some(Command::Profile(arguments)) => profile::run(arguments),
        Some(Command::Ops(arguments)) => ops::run(&arguments),
        Some(Command::Checkpoint(arguments)) => checkpoint::run(&arguments),
        Some(Command::Prune(arguments)) => write::prune(&arguments),
        Some(Command::Freeze(arguments)) => write::freeze(&arguments),
        Some(Command::Convert(arguments)) => write::convert(&arguments),
        Some(Command::SetMethod(arguments)) => write::set_method(&arguments),
        None => demo::run(),
    }
}
