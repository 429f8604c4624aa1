//! `savedmodel classify`, `regress` and `multi-inference`.

use std::io::Write as _;

use savedmodel::{Inference, Method, SavedModel};
use savedmodel_tensor::{Error, Result};

use crate::arguments::{ExampleFile, Infer, MultiInference};
use crate::file::examples::{self, Examples};
use crate::file::{json, whole};
use crate::print;

/// The signature that is called when none is named.
const DEFAULT: &str = "serving_default";

/// Classifies or regresses examples with one signature.
///
/// # Errors
/// Those of files, model and run; then nothing is written.
pub fn run(arguments: &Infer, method: Method) -> Result<()> {
    let read = examples::read(&arguments.inputs, method)?;
    let signature = arguments.signature.as_deref().or(read.signature.as_deref()).unwrap_or(DEFAULT);
    let model = arguments.load.open()?;
    check(&model, arguments.answer.check_method, &[(signature, method)])?;
    let result = match method {
        Method::Classify => Inference::Classifications(model.classify(signature, &read.examples)?),
        Method::Regress => Inference::Regressions(model.regress(signature, &read.examples)?),
    };
    match &arguments.answer.outputs {
        Some(ExampleFile::Json(path)) => write(path, json::results(&result).as_bytes()),
        Some(ExampleFile::Message(path)) => write(path, &examples::response(&result, signature)?),
        None if arguments.answer.json => print::out(&json::results(&result)),
        None => print::out(&text(&result)),
    }
}

/// Classifies and regresses the same examples with several signatures.
///
/// # Errors
/// As [`run`].
pub fn several(arguments: &MultiInference) -> Result<()> {
    let (examples, tasks) = match &arguments.inputs {
        ExampleFile::Json(_) => {
            let with = |method: Method| move |name: &String| (name.clone(), method);
            let classify = arguments.classify.iter().map(with(Method::Classify));
            let tasks = classify.chain(arguments.regress.iter().map(with(Method::Regress))).collect();
            let Examples { examples, .. } = examples::read(&arguments.inputs, Method::Classify)?;
            (examples, tasks)
        }
        ExampleFile::Message(path) => examples::multi_request(path)?,
    };
    if tasks.is_empty() {
        return Err(Error::invalid_argument("name the signatures by --classify and --regress"));
    }
    let model = arguments.load.open()?;
    let borrowed: Vec<(&str, Method)> = tasks.iter().map(|(name, method)| (name.as_str(), *method)).collect();
    check(&model, arguments.answer.check_method, &borrowed)?;
    let results = model.multi_inference(&borrowed, &examples)?;
    let named = || tasks.iter().map(|(name, _)| name.as_str()).zip(&results);
    match &arguments.answer.outputs {
        Some(ExampleFile::Json(path)) => write(path, json::all_results(&results).as_bytes()),
        Some(ExampleFile::Message(path)) => write(path, &examples::multi_response(named())?),
        None if arguments.answer.json => print::out(&json::all_results(&results)),
        None => named().try_for_each(|(name, result)| print::out(&format!("{name}\n{}", text(result)))),
    }
}

fn check(model: &SavedModel, wanted: bool, tasks: &[(&str, Method)]) -> Result<()> {
    let mut tasks = tasks.iter().filter(|_| wanted);
    tasks.try_for_each(|&(signature, method)| model.check_method_name(signature, method))
}

fn write(path: &std::path::Path, bytes: &[u8]) -> Result<()> {
    whole::write(path, |out| Ok(out.write_all(bytes)?))
}

fn text(result: &Inference) -> String {
    let table = match result {
        Inference::Classifications(rows) => {
            let mut table = print::table(["example", "class", "score"]);
            for (i, row) in rows.iter().enumerate() {
                for class in row {
                    table.add_row([i.to_string(), print::string(&class.label), format!("{:?}", class.score)]);
                }
            }
            table
        }
        Inference::Regressions(values) => {
            let mut table = print::table(["example", "value"]);
            for (i, value) in values.iter().enumerate() {
                table.add_row([i.to_string(), format!("{value:?}")]);
            }
            table
        }
    };
    format!("{table}\n")
}
