//! Prediction logs: what was asked, and what was answered.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use savedmodel::Method;
use savedmodel_proto::serving::prediction_log::LogType;
use savedmodel_proto::serving::{InferenceTask, ModelSpec, PredictLog, PredictionLog, SessionRunLog};
use savedmodel_proto::tensor_proto::to_tensor;
use savedmodel_proto::{Name, NamedTensorProto, TensorProto, decode, tfrecord};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::serving;

/// Tensors by name, in the order of the record.
pub type Named = Vec<(String, Tensor)>;

/// What a record asks of a model.
#[derive(Clone, Debug)]
pub enum Request {
    /// Call a signature; `filter` names the outputs that are wanted, all if empty.
    Predict {
        /// The signature's key.
        signature: String,
        /// Inputs by name.
        inputs: Named,
        /// Names of outputs.
        filter: Vec<String>,
    },
    /// Run the graph.
    Run {
        /// Values by tensor name.
        feeds: Named,
        /// Names of tensors.
        fetches: Vec<String>,
        /// Names of operations.
        targets: Vec<String>,
    },
    /// Call a signature that classifies examples.
    Classify {
        /// The signature's key.
        signature: String,
        /// Serialized examples.
        examples: Tensor,
    },
    /// Call a signature that gives a number for each example.
    Regress {
        /// The signature's key.
        signature: String,
        /// Serialized examples.
        examples: Tensor,
    },
    /// Call several signatures with the same examples.
    MultiInference {
        /// The signatures' keys, and what each is called for.
        tasks: Vec<(String, Method)>,
        /// Serialized examples.
        examples: Tensor,
    },
}

impl Request {
    /// The request of a record.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when there is none, or a tensor of it is malformed; `UNIMPLEMENTED` for streams, and for
    /// tasks that neither classify nor regress.
    pub fn of(log: &PredictionLog) -> Result<Request> {
        let missing = || Error::invalid_argument("the record holds no request");
        match log.log_type.as_ref().ok_or_else(missing)? {
            LogType::PredictLog(log) => {
                let request = log.request.as_ref().ok_or_else(missing)?;
                Ok(Request::Predict {
                    signature: signature(request.model_spec.as_ref()),
                    inputs: tensors(&request.inputs)?,
                    filter: request.output_filter.clone(),
                })
            }
            LogType::SessionRunLog(log) => {
                let request = log.request.as_ref().ok_or_else(missing)?;
                Ok(Request::Run {
                    feeds: named_tensors(&request.feed)?,
                    fetches: request.fetch.clone(),
                    targets: request.target.clone(),
                })
            }
            LogType::ClassifyLog(log) => {
                let request = log.request.as_ref().ok_or_else(missing)?;
                Ok(Request::Classify {
                    signature: signature(request.model_spec.as_ref()),
                    examples: serving::examples(request.input.as_ref())?,
                })
            }
            LogType::RegressLog(log) => {
                let request = log.request.as_ref().ok_or_else(missing)?;
                Ok(Request::Regress {
                    signature: signature(request.model_spec.as_ref()),
                    examples: serving::examples(request.input.as_ref())?,
                })
            }
            LogType::PredictStreamedLog(_) => {
                Err(Error::unimplemented("streamed predictions can't be replayed"))
            }
            LogType::MultiInferenceLog(log) => {
                let request = log.request.as_ref().ok_or_else(missing)?;
                let task = |task: &InferenceTask| {
                    Ok((signature(task.model_spec.as_ref()), Method::of(&task.method_name)?))
                };
                Ok(Request::MultiInference {
                    tasks: request.tasks.iter().map(task).collect::<Result<_>>()?,
                    examples: serving::examples(request.input.as_ref())?,
                })
            }
        }
    }

    /// The request in a few words: its kind with its signature or fetches.
    pub fn describe(&self) -> String {
        match self {
            Request::Predict { signature, .. } => format!("predict {signature}"),
            Request::Classify { signature, .. } => format!("classify {signature}"),
            Request::Regress { signature, .. } => format!("regress {signature}"),
            Request::MultiInference { tasks, .. } => {
                let names: Vec<&str> = tasks.iter().map(|(name, _)| name.as_str()).collect();
                format!("multi-inference {}", names.join(" "))
            }
            Request::Run { fetches, targets, .. } => {
                let names: Vec<&str> = fetches.iter().chain(targets).map(String::as_str).collect();
                format!("run {}", names.join(" "))
            }
        }
    }
}

/// The outputs that a record holds.
///
/// # Errors
/// `INVALID_ARGUMENT` when there is no response, or a tensor of it is malformed.
pub fn response(log: &PredictionLog) -> Result<Named> {
    let missing = || Error::invalid_argument("the record holds no response");
    match log.log_type.as_ref().ok_or_else(missing)? {
        LogType::PredictLog(PredictLog { response: Some(response), .. }) => tensors(&response.outputs),
        LogType::SessionRunLog(SessionRunLog { response: Some(response), .. }) => {
            named_tensors(&response.tensor)
        }
        // A run for its targets alone gives nothing, which some writers leave out.
        LogType::SessionRunLog(SessionRunLog { request: Some(request), .. }) if request.fetch.is_empty() => {
            Ok(Named::new())
        }
        LogType::ClassifyLog(log) => {
            let result = log.response.as_ref().and_then(|response| response.result.as_ref());
            serving::classifications(result.ok_or_else(missing)?)
        }
        LogType::RegressLog(log) => {
            let result = log.response.as_ref().and_then(|response| response.result.as_ref());
            serving::regressions(result.ok_or_else(missing)?)
        }
        LogType::MultiInferenceLog(log) => serving::inferences(log.response.as_ref().ok_or_else(missing)?),
        _ => Err(missing()),
    }
}

/// The tags that a record names; empty if it names none.
pub fn tags(log: &PredictionLog) -> &[String] {
    log.log_metadata.as_ref().map_or(&[], |metadata| &metadata.saved_model_tags)
}

/// The messages in a file of records, which may be compressed with gzip.
///
/// # Errors
/// Those of the file; `DATA_LOSS` for a damaged record, or one that is no such message.
pub fn read<M: savedmodel_proto::Message + Name + Default>(path: &Path) -> Result<Vec<M>> {
    let place = |error: Error| error.at(format!("file '{}'", path.display()));
    records(path).map_err(place)?.into_iter().map(|record| decode(record).map_err(place)).collect()
}

/// The records in a file, which may be compressed with gzip.
///
/// # Errors
/// Those of the file; `DATA_LOSS` for a damaged record.
pub fn records(path: &Path) -> Result<Vec<bytes::Bytes>> {
    let file = BufReader::new(File::open(path)?);
    let input: Box<dyn Read> = match path.extension() {
        Some(extension) if extension == "gz" => Box::new(BufReader::new(MultiGzDecoder::new(file))),
        _ => Box::new(file),
    };
    tfrecord::Reader::new(input).collect()
}

pub(crate) fn signature(spec: Option<&ModelSpec>) -> String {
    let name = spec.map_or("", |spec| &spec.signature_name);
    if name.is_empty() { "serving_default" } else { name }.to_owned()
}

fn tensors<'a>(protos: impl IntoIterator<Item = (&'a String, &'a TensorProto)>) -> Result<Named> {
    protos.into_iter().map(|(name, proto)| tensor(name, proto)).collect()
}

fn named_tensors(protos: &[NamedTensorProto]) -> Result<Named> {
    let nothing = TensorProto::default();
    protos.iter().map(|named| tensor(&named.name, named.tensor.as_ref().unwrap_or(&nothing))).collect()
}

fn tensor(name: &str, proto: &TensorProto) -> Result<(String, Tensor)> {
    match to_tensor(proto) {
        Ok(tensor) => Ok((name.to_owned(), tensor)),
        Err(error) => Err(error.at(format!("tensor '{name}'"))),
    }
}
