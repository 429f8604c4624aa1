//! The `savedmodel` command.
//!
//! `arguments.rs` says what may be asked, `command/` has one file for each answer, `file/` the formats of tensors.
#![forbid(unsafe_code)]

mod arguments;
mod command;
mod file;
mod print;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;

fn main() -> ExitCode {
    match command::run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
