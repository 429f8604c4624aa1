//! What may be asked.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use savedmodel::LoadOptions;

use crate::file::TensorFile;

/// Runs TensorFlow SavedModels without TensorFlow.
///
/// Without a command, in a clone of the project, it shows and runs a small model that is kept there.
///
/// Exit status: 0; 1 for an error of model or run, which is told on standard error with TensorFlow's status code; 2 for
/// wrong usage.
#[derive(Debug, Parser)]
#[command(name = "savedmodel", version)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tells what a SavedModel holds: metagraphs, signatures, variables, assets, operators.
    Show(Show),
    /// Calls a signature, or runs any part of the graph.
    Run(Run),
    /// Replays logged requests and compares the answers with the logged ones.
    Verify(Verify),
    /// Measures how long loading and calling take.
    Bench(Bench),
    /// Tells where the time of a call goes: by operator and by step.
    Profile(Profile),
    /// Lists the operators that there are, against TensorFlow's.
    Ops(Ops),
    /// Lists what a checkpoint holds: names, dtypes, shapes, slices.
    Checkpoint(CheckpointArguments),
}

/// Tells what a SavedModel holds: metagraphs, signatures, variables, assets, operators.
#[derive(Debug, Args)]
pub struct Show {
    /// The SavedModel's directory.
    pub directory: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// How a model is loaded.
#[derive(Debug, Args)]
pub struct Load {
    /// The SavedModel's directory.
    pub directory: PathBuf,
    /// The tags of the metagraph, with commas between; may be left out if there is only one.
    #[arg(long, value_delimiter = ',')]
    pub tags: Option<Vec<String>>,
    /// Threads for large operators; all cores if left out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Run the graph as it is, without rewriting it for speed.
    #[arg(long)]
    pub unoptimized: bool,
}

impl Load {
    /// The options of the library.
    pub fn options(&self) -> LoadOptions {
        // No tags at all are an empty word.
        let tags =
            self.tags.as_ref().map(|tags| tags.iter().filter(|tag| !tag.is_empty()).cloned().collect());
        LoadOptions {
            tags,
            threads: self.threads.map(usize::from),
            optimize: !self.unoptimized,
            ..LoadOptions::default()
        }
    }
}

/// Calls a signature, or runs any part of the graph.
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    pub load: Load,
    /// The signature; else the one that the inputs name, else `serving_default`.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["feed", "fetch"])]
    pub signature: Option<String>,
    /// Inputs: `.npz` (arrays by name), `.json` (the body of TensorFlow Serving's REST predict call) or `.pb` (a serialized
    /// tensorflow.serving.PredictRequest).
    #[arg(long, value_name = "FILE", conflicts_with_all = ["feed", "fetch"])]
    pub inputs: Option<TensorFile>,
    /// Where outputs go: `.npz`, `.json` or `.pb` (a PredictResponse). Without, they are printed.
    #[arg(long, value_name = "FILE")]
    pub outputs: Option<TensorFile>,
    /// Feed a tensor of the graph: `NAME:0=FILE.npy`. May be repeated.
    #[arg(long, value_name = "NAME:0=FILE.npy", requires = "fetch")]
    pub feed: Vec<Feed>,
    /// Fetch a tensor of the graph, `NAME:0`, or run an operation, `^NAME`. May be repeated.
    #[arg(long, value_name = "NAME:0")]
    pub fetch: Vec<String>,
}

/// A tensor of the graph and the file with its value.
#[derive(Clone, Debug)]
pub struct Feed {
    pub name: String,
    pub path: PathBuf,
}

impl std::str::FromStr for Feed {
    type Err = String;

    fn from_str(text: &str) -> Result<Feed, String> {
        let (name, path) = text.split_once('=').ok_or("expected NAME:0=FILE.npy")?;
        let path = PathBuf::from(path);
        if path.extension().is_none_or(|extension| extension != "npy") {
            return Err("the name of the file must end in .npy".to_owned());
        }
        Ok(Feed { name: name.to_owned(), path })
    }
}

/// Replays logged requests and compares the answers with the logged ones.
///
/// A floating-point number passes when its error is at most ATOL + RTOL * |expected|; with neither given, when it is at
/// most 1e-4 of the output's scale, the largest magnitude that is expected in it. All else must be equal.
#[derive(Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    pub load: Load,
    /// A TFRecord file of tensorflow.serving.PredictionLog, perhaps compressed (`.gz`).
    #[arg(long, value_name = "FILE")]
    pub log: PathBuf,
    /// How far a number may be from the expected one, relative to it; 0 if only --atol is given.
    #[arg(long, value_name = "X", value_parser = tolerance)]
    pub rtol: Option<f64>,
    /// How far a number may be from the expected one; 0 if only --rtol is given.
    #[arg(long, value_name = "X", value_parser = tolerance)]
    pub atol: Option<f64>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

fn tolerance(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "expected a number that is not negative".to_owned())
}

/// Measures how long loading and calling take.
#[derive(Debug, Args)]
pub struct Bench {
    #[command(flatten)]
    pub load: Load,
    /// The signature; else the one that the inputs name, else `serving_default`.
    #[arg(long, value_name = "NAME")]
    pub signature: Option<String>,
    /// Inputs: `.npz`, `.json` or `.pb`.
    #[arg(long, value_name = "FILE")]
    pub inputs: Option<TensorFile>,
    /// How often the signature is called after the first time.
    #[arg(long, value_name = "K", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Tells where the time of a call goes: by operator and by step.
#[derive(Debug, Args)]
pub struct Profile {
    #[command(flatten)]
    pub load: Load,
    /// The signature; else the one that the inputs name, else `serving_default`.
    #[arg(long, value_name = "NAME")]
    pub signature: Option<String>,
    /// Inputs: `.npz`, `.json` or `.pb`.
    #[arg(long, value_name = "FILE")]
    pub inputs: Option<TensorFile>,
    /// How many calls are recorded, after a first one that is not.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
    /// How many steps are shown.
    #[arg(long, value_name = "K", default_value_t = 20)]
    pub steps: usize,
    /// Write the last call's steps as a trace for Perfetto or chrome://tracing.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Lists the operators that there are, against TensorFlow's.
#[derive(Debug, Args)]
pub struct Ops {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Lists what a checkpoint holds: names, dtypes, shapes, slices.
#[derive(Debug, Args)]
pub struct CheckpointArguments {
    /// The prefix of the checkpoint's files, or a directory: a SavedModel's, or one with a `checkpoint` file.
    #[arg(value_name = "PREFIX|DIR")]
    pub path: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_legal(line: &str) -> bool {
        Arguments::try_parse_from(line.split(' ')).is_ok()
    }

    #[test]
    fn lines() {
        for line in [
            "savedmodel show m --json",
            "savedmodel run m --tags serve,gpu --signature s --inputs x.npz --outputs y.json --threads 2",
            "savedmodel run m --feed x:0=x.npy --fetch y:0 --fetch ^init",
            "savedmodel run m",
            "savedmodel verify m --log l --rtol 1e-3 --atol 0",
            "savedmodel bench m --runs 3 --json",
            "savedmodel ops",
            "savedmodel checkpoint model/variables/variables --json",
        ] {
            assert!(is_legal(line), "{line}");
        }
        for line in [
            "savedmodel show",
            "savedmodel run m --inputs x.txt",
            "savedmodel run m --outputs x",
            "savedmodel run m --threads 0",
            "savedmodel run m --feed x:0=x.npy",
            "savedmodel run m --feed x.npy --fetch y",
            "savedmodel run m --feed x=x.npz --fetch y",
            "savedmodel run m --signature s --fetch y",
            "savedmodel verify m",
            "savedmodel verify m --log l --rtol -1",
            "savedmodel bench m --runs 0",
            "savedmodel serve",
        ] {
            assert!(!is_legal(line), "{line}");
        }
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }
}
