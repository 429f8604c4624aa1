//! What may be asked of the commands that take examples.

use std::path::PathBuf;

use clap::Args;

use super::Load;

/// A file of examples, or of an answer about them.
#[derive(Clone, Debug)]
pub enum ExampleFile {
    /// `.json`
    Json(PathBuf),
    /// `.pb`
    Message(PathBuf),
}

impl std::str::FromStr for ExampleFile {
    type Err = String;

    fn from_str(path: &str) -> Result<ExampleFile, String> {
        let path = PathBuf::from(path);
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => Ok(ExampleFile::Json(path)),
            Some("pb") => Ok(ExampleFile::Message(path)),
            _ => Err("the name must end in .json or .pb".to_owned()),
        }
    }
}

/// Calls a signature that is made for tf.Examples.
#[derive(Debug, Args)]
pub struct Infer {
    #[command(flatten)]
    pub load: Load,
    /// The signature; else the one that the inputs name, else `serving_default`.
    #[arg(long, value_name = "NAME")]
    pub signature: Option<String>,
    /// Examples: `.json` (the body of TensorFlow Serving's REST classify and regress calls) or `.pb` (a serialized
    /// ClassificationRequest or RegressionRequest).
    #[arg(long, value_name = "FILE")]
    pub inputs: ExampleFile,
    #[command(flatten)]
    pub answer: Answer,
}

/// Where the answer about examples goes.
#[derive(Debug, Args)]
pub struct Answer {
    /// Where the answer goes: `.json` (the reply of the REST call; a list of them from several signatures) or `.pb` (a
    /// ClassificationResponse, RegressionResponse or MultiInferenceResponse). Without, it is printed.
    #[arg(long, value_name = "FILE")]
    pub outputs: Option<ExampleFile>,
    /// Refuse a signature whose method name is another.
    #[arg(long)]
    pub check_method: bool,
    /// Print the answer as JSON.
    #[arg(long, conflicts_with = "outputs")]
    pub json: bool,
}

/// Classifies and regresses the same examples with several signatures.
#[derive(Debug, Args)]
pub struct MultiInference {
    #[command(flatten)]
    pub load: Load,
    /// Examples: `.json`, as for `classify`, or `.pb` (a serialized MultiInferenceRequest, which names signatures itself).
    #[arg(long, value_name = "FILE")]
    pub inputs: ExampleFile,
    /// A signature to classify with. May be repeated.
    #[arg(long, value_name = "NAME")]
    pub classify: Vec<String>,
    /// A signature to regress with. May be repeated.
    #[arg(long, value_name = "NAME")]
    pub regress: Vec<String>,
    #[command(flatten)]
    pub answer: Answer,
}
