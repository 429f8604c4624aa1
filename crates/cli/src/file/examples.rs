//! Examples to classify and regress, and the answers, as TensorFlow Serving's messages.

use std::path::Path;

use savedmodel::{Class, Inference, Method, with_context};
use savedmodel_proto::serving::inference_result::Result as InferenceResultKind;
use savedmodel_proto::serving::input::Kind;
use savedmodel_proto::serving::{
    self, ClassificationRequest, ClassificationResponse, ClassificationResult, Classifications,
    InferenceResult, Input, ModelSpec, MultiInferenceRequest, MultiInferenceResponse, Regression,
    RegressionRequest, RegressionResponse, RegressionResult,
};
use savedmodel_proto::{Example, Message, decode};
use savedmodel_tensor::{Bytes, Error, Result};

use super::json;
use crate::arguments::ExampleFile;

/// What a file asks.
#[derive(Debug)]
pub struct Examples {
    /// The signature that it names.
    pub signature: Option<String>,
    /// Serialised `tf.Example`s, each with the context that they share.
    pub examples: Vec<Bytes>,
}

/// Reads a file of examples for a method.
///
/// # Errors
/// Those of the file; `DATA_LOSS` or `INVALID_ARGUMENT` when it is not what its extension says.
pub fn read(file: &ExampleFile, method: Method) -> Result<Examples> {
    match file {
        ExampleFile::Json(path) => in_file(path, |bytes| {
            let body = json::ExampleBody::parse(&bytes)?;
            Ok(Examples { signature: body.signature, examples: join(body.context.as_ref(), &body.examples) })
        }),
        ExampleFile::Message(path) => in_file(path, |bytes| {
            let (spec, input) = match method {
                Method::Classify => {
                    let request: ClassificationRequest = decode(bytes)?;
                    (request.model_spec, request.input)
                }
                Method::Regress => {
                    let request: RegressionRequest = decode(bytes)?;
                    (request.model_spec, request.input)
                }
            };
            Ok(Examples { signature: signature(spec), examples: of_input(input) })
        }),
    }
}

/// A signature by name, and what is asked of it.
pub type Task = (String, Method);

/// What a `MultiInferenceRequest` asks: examples, and signatures with methods.
///
/// # Errors
/// As [`read`]; `UNIMPLEMENTED` when a task has another method than classification and regression.
pub fn multi_request(path: &Path) -> Result<(Vec<Bytes>, Vec<Task>)> {
    in_file(path, |bytes| {
        let request: MultiInferenceRequest = decode(bytes)?;
        let task = |task: serving::InferenceTask| {
            let name = signature(task.model_spec).unwrap_or_else(|| "serving_default".to_owned());
            Ok((name, Method::of(&task.method_name)?))
        };
        let tasks = request.tasks.into_iter().map(task).collect::<Result<_>>()?;
        Ok((of_input(request.input), tasks))
    })
}

fn in_file<T>(path: &Path, parse: impl FnOnce(Vec<u8>) -> Result<T>) -> Result<T> {
    let read = std::fs::read(path).map_err(Error::from).and_then(parse);
    read.map_err(|error| error.at(format!("file '{}'", path.display())))
}

fn signature(spec: Option<ModelSpec>) -> Option<String> {
    spec.map(|spec| spec.signature_name).filter(|name| !name.is_empty())
}

fn of_input(input: Option<Input>) -> Vec<Bytes> {
    match input.and_then(|input| input.kind) {
        Some(Kind::ExampleList(list)) => join(None, &list.examples),
        Some(Kind::ExampleListWithContext(list)) => join(list.context.as_ref(), &list.examples),
        None => Vec::new(),
    }
}

fn join(context: Option<&Example>, examples: &[Example]) -> Vec<Bytes> {
    let context = context.map(Message::encode_to_vec).unwrap_or_default();
    let examples: Vec<Bytes> = examples.iter().map(|example| example.encode_to_vec().into()).collect();
    with_context(&context, &examples)
}

/// The response with a result of a signature.
///
/// # Errors
/// `INVALID_ARGUMENT` when a label is no UTF-8, which the message must be.
pub fn response(result: &Inference, signature: &str) -> Result<Vec<u8>> {
    let model_spec = Some(spec(signature));
    Ok(match result {
        Inference::Classifications(rows) => {
            ClassificationResponse { model_spec, result: Some(classifications(rows)?) }.encode_to_vec()
        }
        Inference::Regressions(values) => {
            RegressionResponse { model_spec, result: Some(regressions(values)) }.encode_to_vec()
        }
    })
}

/// The `MultiInferenceResponse` with the results of some signatures.
///
/// # Errors
/// As [`response`].
pub fn multi_response<'r>(results: impl Iterator<Item = (&'r str, &'r Inference)>) -> Result<Vec<u8>> {
    let result = |(signature, result): (&str, &Inference)| {
        let kind = match result {
            Inference::Classifications(rows) => {
                InferenceResultKind::ClassificationResult(classifications(rows)?)
            }
            Inference::Regressions(values) => InferenceResultKind::RegressionResult(regressions(values)),
        };
        Ok(InferenceResult { model_spec: Some(spec(signature)), result: Some(kind) })
    };
    Ok(MultiInferenceResponse { results: results.map(result).collect::<Result<_>>()? }.encode_to_vec())
}

fn spec(signature: &str) -> ModelSpec {
    ModelSpec { signature_name: signature.to_owned(), ..ModelSpec::default() }
}

fn classifications(rows: &[Vec<Class>]) -> Result<ClassificationResult> {
    let class = |class: &Class| {
        let label = std::str::from_utf8(&class.label).map_err(|_| {
            Error::invalid_argument(format!("the label \"{}\" is no UTF-8", class.label.escape_ascii()))
        })?;
        Ok(serving::Class { label: label.to_owned(), score: class.score })
    };
    let row =
        |row: &Vec<Class>| Ok(Classifications { classes: row.iter().map(class).collect::<Result<_>>()? });
    Ok(ClassificationResult { classifications: rows.iter().map(row).collect::<Result<_>>()? })
}

fn regressions(values: &[f32]) -> RegressionResult {
    RegressionResult { regressions: values.iter().map(|&value| Regression { value }).collect() }
}
