//! The `savedmodel` command.
//!
//! `arguments.rs` says what may be asked, `command/` has one file for each answer, `file/` the formats of tensors.
#![forbid(unsafe_code)]

mod arguments;
mod command;
mod file;
mod print;

use std::panic::{catch_unwind, set_hook};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use clap::Parser;
use savedmodel_tensor::{Code, Error, Result};

use arguments::Arguments;

/// Where the last panic arose.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }));
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command; a defect that panics is an error like others, with the place in the source.
fn run(arguments: Arguments) -> Result<()> {
    let result = catch_unwind(|| command::run(arguments))
        .unwrap_or_else(|_| Err(Error::internal("savedmodel has a defect, please report it")));
    match (result, PANIC.lock().unwrap_or_else(PoisonError::into_inner).take()) {
        (Err(error), Some(place)) if error.code() == Code::Internal => Err(error.at(place)),
        (result, _) => result,
    }
}
