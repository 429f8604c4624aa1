//! What the command does when it is asked for nothing: the whole way on a small model of the project.

use std::path::{Path, PathBuf};

use clap::CommandFactory;
use savedmodel::SavedModel;
use savedmodel_proto::serving::PredictionLog;
use savedmodel_tensor::{Error, Result};
use savedmodel_verify::{Request, Tolerance, answer, judge, log};

use super::{show, verify};
use crate::arguments::Arguments;
use crate::print;

/// A Keras model with its weights, and TensorFlow's answers.
const CASE: &str = "conformance/cases/models/keras3_cnn";

/// Shows the signatures of a model, calls one, prints the outputs and compares them with TensorFlow's.
///
/// # Errors
/// Those of model and run. Outside of a clone of the project there is no model: then it prints the usage and exits with
/// status 2.
pub fn run() -> Result<()> {
    let Some(case) = case() else {
        Arguments::command().print_help()?;
        std::process::exit(2);
    };
    let directory = case.join("model");
    let model = SavedModel::load(&directory)?;
    let logs: Vec<PredictionLog> = log::read(&case.join("prediction_log.tfrecord"))?;
    let record = logs.first().ok_or_else(|| Error::not_found("the log holds no record"))?;
    let request = Request::of(record)?;
    let mut text = format!(
        "SavedModel {}, written by TensorFlow {}\n{}\n",
        directory.display(),
        model.tensorflow_version(),
        show::signatures(model.signatures())
    );
    text += &format!("\nA sample input, for {}:\n", request.describe());
    if let Request::Predict { inputs, .. } = &request {
        text += &format!("{}\n", print::tensors(inputs.iter().map(|(name, tensor)| (name.as_str(), tensor))));
    }
    let outputs = answer(&model, request)?;
    let table = print::tensors(outputs.iter().map(|(name, tensor)| (name.as_str(), tensor)));
    text += &format!("\nThe answer, computed here without TensorFlow:\n{table}\n");
    let tolerance = Tolerance::default();
    let mut report = verify::Report::new(tolerance);
    report.add(record, judge(&outputs, &log::response(record)?, tolerance));
    text += &format!("\nCompared with what TensorFlow answered:\n{}", report.text());
    text += &format!("\nNext: savedmodel --help; or savedmodel show {}\n", directory.display());
    print::out(&text)?;
    match report.failures.len() {
        0 => Ok(()),
        _ => Err(Error::internal("the answer is not TensorFlow's")),
    }
}

/// The case, from the current directory or from where this was built.
fn case() -> Option<PathBuf> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("")).join(CASE);
    [PathBuf::from(CASE), built].into_iter().find(|case| case.join("model").is_dir())
}
