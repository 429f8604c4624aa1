//! What may be asked.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use savedmodel::{LoadOptions, Precision, SavedModel};

use crate::file::TensorFile;

mod inference;
mod write;

pub use inference::{ExampleFile, Infer, MultiInference};
pub use write::{Convert, Named, Part, Rewrite, SetMethod};

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
    /// Classifies examples with a signature that is made for it.
    Classify(Infer),
    /// Gives examples values, with a signature that is made for it.
    Regress(Infer),
    /// Classifies and regresses the same examples with several signatures.
    MultiInference(MultiInference),
    /// Replays logged requests and compares the answers with the logged ones.
    Verify(Verify),
    /// Measures how long loading and calling take.
    Bench(Bench),
    /// Tells where the time of a call goes: by operator and by step.
    Profile(Profile),
    /// Lists the operators that there are, against TensorFlow's.
    Ops(Ops),
    /// Lists what a checkpoint holds, or gets tensors out of it.
    Checkpoint(CheckpointArguments),
    /// Writes the part of a model that some signatures need, or that lies between some tensors.
    ///
    /// Tensors that are fed and that nothing computes any more become placeholders. What is written is a model in the manner of
    /// TensorFlow 1, without objects.
    Prune(Rewrite),
    /// Writes a model with constants instead of variables.
    ///
    /// Only what the signatures need is kept. Variables that it writes stay variables; they are listed, and a GraphDef, which
    /// has no place for their values, is refused.
    Freeze(Rewrite),
    /// Writes a model in another form: SavedModel, GraphDef, MetaGraphDef; text, binary.
    Convert(Convert),
    /// Changes the method name of a signature, in place or in a copy.
    SetMethod(SetMethod),
}

/// Tells what a model holds: metagraphs, signatures, variables, assets, operators.
#[derive(Debug, Args)]
pub struct Show {
    /// The SavedModel's directory, or a file with a GraphDef (`.pb`, `.pbtxt`) or a MetaGraphDef (`.meta`).
    pub model: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Which model is meant.
#[derive(Debug, Args)]
pub struct Model {
    /// The SavedModel's directory, or a file with a GraphDef (`.pb`, `.pbtxt`) or a MetaGraphDef (`.meta`).
    pub model: PathBuf,
    /// Variables come from this checkpoint: the prefix of its files, or a directory with a `checkpoint` file.
    #[arg(long, value_name = "PREFIX|DIR")]
    pub checkpoint: Option<PathBuf>,
    #[command(flatten)]
    pub tags: Tags,
}

/// Which metagraph is meant.
#[derive(Debug, Args)]
pub struct Tags {
    /// The tags of the metagraph, with commas between; may be left out if there is only one.
    #[arg(long, value_delimiter = ',')]
    pub tags: Option<Vec<String>>,
}

impl Tags {
    /// The tags. No tags at all are an empty word.
    pub fn list(&self) -> Option<Vec<String>> {
        self.tags.as_ref().map(|tags| tags.iter().filter(|tag| !tag.is_empty()).cloned().collect())
    }
}

/// How a model runs.
#[derive(Debug, Args)]
pub struct Settings {
    /// Threads for large operators; all cores if left out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Run the graph as it is, without rewriting it for speed.
    #[arg(long)]
    pub unoptimized: bool,
    /// The most bytes that one tensor may take; half of the memory that is free if left out.
    #[arg(long, value_name = "N")]
    pub tensor_bytes: Option<usize>,
    /// `bf16`: products of matrices and convolutions may round their factors to bfloat16, where the processor multiplies these
    /// faster. Answers then have two to three digits.
    #[arg(long, value_enum, value_name = "PRECISION", default_value_t = Rounding::F32, conflicts_with = "unoptimized")]
    pub precision: Rounding,
}

/// How exact products are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Rounding {
    /// As they are written.
    F32,
    /// Rounded to bfloat16.
    Bf16,
}

impl Settings {
    /// The options of the library.
    pub fn options(&self, tags: &Tags) -> LoadOptions {
        LoadOptions {
            tags: tags.list(),
            threads: self.threads.map(usize::from),
            optimize: !self.unoptimized,
            precision: match self.precision {
                Rounding::F32 => Precision::Full,
                Rounding::Bf16 => Precision::Bfloat16,
            },
            tensor_bytes: self.tensor_bytes,
            ..LoadOptions::default()
        }
    }
}

impl Model {
    /// Loads the model as the options say.
    ///
    /// # Errors
    /// Those of loading and restoring.
    pub fn open(&self, options: &LoadOptions) -> savedmodel::Result<SavedModel> {
        SavedModel::open(&self.model, self.checkpoint.as_deref(), options)
    }
}

/// A model and how it runs.
#[derive(Debug, Args)]
pub struct Load {
    #[command(flatten)]
    pub model: Model,
    #[command(flatten)]
    pub settings: Settings,
}

impl Load {
    /// Loads the model.
    ///
    /// # Errors
    /// Those of loading and restoring.
    pub fn open(&self) -> savedmodel::Result<SavedModel> {
        self.model.open(&self.settings.options(&self.model.tags))
    }
}

/// What is asked of a model.
#[derive(Debug, Args)]
pub struct Ask {
    /// The signature; else the one that the inputs name, else `serving_default`.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["feed", "fetch"])]
    pub signature: Option<String>,
    /// Inputs: `.npz` (arrays by name), `.json` (the body of TensorFlow Serving's REST predict call) or `.pb` (a serialized
    /// tensorflow.serving.PredictRequest).
    #[arg(long, value_name = "FILE", conflicts_with_all = ["feed", "fetch"])]
    pub inputs: Option<TensorFile>,
    /// Call a function of an object of a TensorFlow 2 model instead, by the path to it, such as `f` or `encoder.__call__`. Inputs
    /// are `.npz`, or `.json` of the form `{"args": […], "kwargs": {…}}`: JSON's values are Python's, and
    /// `{"tuple": […]}`, `{"b64": "…"}` and `{"tensor": …, "dtype": "float32"}` the others.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["signature", "feed", "fetch"])]
    pub function: Option<String>,
    /// Feed a tensor of the graph: `NAME:0=FILE.npy`. May be repeated.
    #[arg(long, value_name = "NAME:0=FILE.npy", requires = "fetch")]
    pub feed: Vec<Feed>,
    /// Fetch a tensor of the graph, `NAME:0`, or run an operation, `^NAME`. May be repeated.
    #[arg(long, value_name = "NAME:0")]
    pub fetch: Vec<String>,
}

/// Calls a signature, or runs any part of the graph.
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    pub load: Load,
    #[command(flatten)]
    pub ask: Ask,
    /// Where outputs go: `.npz`, `.json` or `.pb` (a PredictResponse). Without, they are printed.
    #[arg(long, value_name = "FILE")]
    pub outputs: Option<TensorFile>,
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
    /// The SavedModel's directory.
    pub directory: PathBuf,
    #[command(flatten)]
    pub tags: Tags,
    #[command(flatten)]
    pub settings: Settings,
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
    #[command(flatten)]
    pub ask: Ask,
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
    #[command(flatten)]
    pub ask: Ask,
    /// How many calls are recorded, after a first one that is not.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
    /// How many steps are shown.
    #[arg(long, value_name = "K", default_value_t = 20)]
    pub steps: usize,
    /// Write the last call's steps as a trace for Perfetto or chrome://tracing.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Write the graphs after each pass that changes them, and the plans, as text into a folder.
    #[arg(long, value_name = "FOLDER")]
    pub dump: Option<PathBuf>,
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

/// Lists what a checkpoint holds, or gets tensors out of it.
///
/// Without `--name` and `--output` it lists names, dtypes, shapes and slices, and the objects that tensors belong to.
#[derive(Debug, Args)]
pub struct CheckpointArguments {
    /// The prefix of the checkpoint's files, or a directory: a SavedModel's, or one with a `checkpoint` file.
    #[arg(value_name = "PREFIX|DIR")]
    pub path: PathBuf,
    /// A tensor, by its name in the checkpoint or the path of its object, such as `layer/kernel`. May be repeated.
    #[arg(long, value_name = "KEY")]
    pub name: Vec<String>,
    /// Where the tensors go: `.npy` for one, `.npz` for several; all of them if none is named. Without, they are printed.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub output: Option<ArrayFile>,
    /// Print JSON.
    #[arg(long, conflicts_with = "name")]
    pub json: bool,
}

/// A file of arrays: one if its name ends in `.npy`, several if in `.npz`.
#[derive(Clone, Debug)]
pub enum ArrayFile {
    /// `.npy`
    One(PathBuf),
    /// `.npz`
    Several(PathBuf),
}

impl std::str::FromStr for ArrayFile {
    type Err = String;

    fn from_str(path: &str) -> Result<ArrayFile, String> {
        let path = PathBuf::from(path);
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("npy") => Ok(ArrayFile::One(path)),
            Some("npz") => Ok(ArrayFile::Several(path)),
            _ => Err("the name must end in .npy or .npz".to_owned()),
        }
    }
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
            "savedmodel run m --function encoder.__call__ --inputs x.json",
            "savedmodel verify m --log l --rtol 1e-3 --atol 0",
            "savedmodel bench m --runs 3 --json",
            "savedmodel ops",
            "savedmodel checkpoint model/variables/variables --json",
            "savedmodel checkpoint m --name layer/kernel --output k.npy",
            "savedmodel run model.meta --checkpoint ckpt --fetch y:0",
            "savedmodel bench frozen.pb --feed x:0=x.npy --fetch y:0",
            "savedmodel classify m --inputs x.json --outputs y.pb --check-method",
            "savedmodel regress m --inputs x.pb --signature s --json",
            "savedmodel multi-inference m --inputs x.json --classify a --classify b --regress c",
            "savedmodel prune m out --signature a --signature b",
            "savedmodel prune m out --input x=x:0 --output y=y:0 --name part",
            "savedmodel freeze m out.pb --tags serve",
            "savedmodel convert model.meta out --checkpoint ckpt --input x=x:0 --output y=y:0",
            "savedmodel convert m out --text --tags serve",
            "savedmodel set-method m s tensorflow/serving/classify --tags serve",
            "savedmodel set-method m s tensorflow/serving/classify --output copy",
        ] {
            assert!(is_legal(line), "{line}");
        }
        for line in [
            "savedmodel show",
            "savedmodel run m --inputs x.txt",
            "savedmodel run m --outputs x",
            "savedmodel run m --threads 0",
            "savedmodel run m --function f --signature s",
            "savedmodel run m --feed x:0=x.npy",
            "savedmodel run m --feed x.npy --fetch y",
            "savedmodel run m --feed x=x.npz --fetch y",
            "savedmodel run m --signature s --fetch y",
            "savedmodel verify m",
            "savedmodel verify m --log l --rtol -1",
            "savedmodel bench m --runs 0",
            "savedmodel bench m --signature s --fetch y",
            "savedmodel verify m --log l --checkpoint c",
            "savedmodel checkpoint m --output k.txt",
            "savedmodel checkpoint m --output k.npy --json",
            "savedmodel classify m",
            "savedmodel classify m --inputs x.npz",
            "savedmodel prune m",
            "savedmodel prune m out --input x",
            "savedmodel prune m out --input x=x:0",
            "savedmodel prune m out --name part",
            "savedmodel set-method m s",
            "savedmodel serve",
        ] {
            assert!(!is_legal(line), "{line}");
        }
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }
}
