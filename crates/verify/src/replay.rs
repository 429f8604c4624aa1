//! Asking again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use savedmodel::{Inference, LoadOptions, Method, SavedModel};
use savedmodel_proto::serving::PredictionLog;
use savedmodel_tensor::{Error, Result, Tensor};

use crate::log::{self, Named, Request};
use crate::{Comparison, Tolerance, compare, serving};

/// A model that answers records in order.
///
/// Each set of tags that the records name is a model of its own, loaded when the first record asks for it; its state lives
/// from record to record.
pub struct Replay {
    directory: PathBuf,
    options: LoadOptions,
    models: BTreeMap<Vec<String>, Result<SavedModel>>,
}

/// The tag of metagraphs to be served.
const SERVE: &str = "serve";

/// An output of a record, compared with the answer of the model.
pub type Verdict = (String, Comparison);

impl Replay {
    /// A replay of a model's records. The tags of `options` count for records that name none.
    pub fn new(directory: impl AsRef<Path>, options: LoadOptions) -> Replay {
        Replay { directory: directory.as_ref().to_owned(), options, models: BTreeMap::new() }
    }

    /// The model that answers the record.
    ///
    /// # Errors
    /// Those of [`SavedModel::load_with`], each time again.
    pub fn model(&mut self, log: &PredictionLog) -> Result<&SavedModel> {
        let tags = log::tags(log).to_vec();
        let load = || {
            let with =
                |tags| SavedModel::load_with(&self.directory, &LoadOptions { tags, ..self.options.clone() });
            match (&tags[..], &self.options.tags) {
                // The only metagraph, or the one that TensorFlow Serving takes.
                ([], None) => {
                    with(None).or_else(|error| with(Some(vec![SERVE.to_owned()])).map_err(|_| error))
                }
                ([], Some(wanted)) => with(Some(wanted.clone())),
                (tags, _) => with(Some(tags.to_vec())),
            }
        };
        self.models.entry(tags.clone()).or_insert_with(load).as_ref().map_err(Error::clone)
    }

    /// The model's answer to a record.
    ///
    /// # Errors
    /// Those of the record ([`Request::of`]), of loading, and of running.
    pub fn answer(&mut self, log: &PredictionLog) -> Result<Named> {
        let request = Request::of(log)?;
        answer(self.model(log)?, request)
    }

    /// Compares the model's answer to a record with the recorded one, output by output.
    ///
    /// # Errors
    /// As [`Replay::answer`]; `INVALID_ARGUMENT` when the record holds no answer.
    pub fn verify(&mut self, log: &PredictionLog, tolerance: Tolerance) -> Result<Vec<Verdict>> {
        let expected = log::response(log)?;
        judge(&self.answer(log)?, &expected, tolerance)
    }
}

/// A model's answer to a request.
///
/// # Errors
/// Those of calling and running.
pub fn answer(model: &SavedModel, request: Request) -> Result<Named> {
    match request {
        Request::Predict { signature, inputs, filter } => {
            let outputs = model.signature(&signature)?.call(inputs)?;
            if let Some(name) = filter.iter().find(|name| !outputs.contains_key(*name)) {
                let known: Vec<&str> = outputs.keys().map(String::as_str).collect();
                return Err(Error::invalid_argument(format!(
                    "output tensor alias not found in signature: {name} Outputs expected to be in the set {{{}}}.",
                    known.join(",")
                )));
            }
            Ok(outputs.into_iter().filter(|(name, _)| filter.is_empty() || filter.contains(name)).collect())
        }
        Request::Run { feeds, fetches, targets } => {
            let feeds: Vec<(&str, Tensor)> =
                feeds.iter().map(|(name, t)| (name.as_str(), t.clone())).collect();
            let tensors = model.run(&feeds, &borrowed(&fetches), &borrowed(&targets))?;
            Ok(fetches.into_iter().zip(tensors).collect())
        }
        Request::Classify { signature, examples } => {
            let classes = model.classify(&signature, examples.strings()?)?;
            serving::inference(Inference::Classifications(classes))
        }
        Request::Regress { signature, examples } => {
            serving::inference(Inference::Regressions(model.regress(&signature, examples.strings()?)?))
        }
        Request::MultiInference { tasks, examples } => {
            let borrowed: Vec<(&str, Method)> =
                tasks.iter().map(|(name, method)| (name.as_str(), *method)).collect();
            let results = model.multi_inference(&borrowed, examples.strings()?)?;
            let mut named = Named::new();
            for ((signature, _), result) in tasks.iter().zip(results) {
                named.extend(serving::below(signature, serving::inference(result)?));
            }
            Ok(named)
        }
    }
}

/// Compares an answer with the expected one, output by output; one that is missing, or that nobody expected, fails.
///
/// # Errors
/// `UNIMPLEMENTED` for outputs that can't be compared.
pub fn judge(
    got: &[(String, Tensor)],
    expected: &[(String, Tensor)],
    tolerance: Tolerance,
) -> Result<Vec<Verdict>> {
    let mut verdicts = Vec::with_capacity(expected.len());
    // Names may repeat among the fetches of a run, so equal places go before equal names.
    for (i, (name, want)) in expected.iter().enumerate() {
        let same_place = got.get(i).filter(|(other, _)| other == name);
        let comparison = match same_place.or_else(|| got.iter().find(|(other, _)| other == name)) {
            Some((_, tensor)) => compare(tensor, want, tolerance)?,
            None => Comparison::different(want.elements(), "is missing".to_owned()),
        };
        verdicts.push((name.clone(), comparison));
    }
    for (name, tensor) in got.iter().filter(|(name, _)| !expected.iter().any(|(other, _)| other == name)) {
        let fault = format!("is {}, which nobody expected", tensor.describe());
        verdicts.push((name.clone(), Comparison::different(tensor.elements(), fault)));
    }
    Ok(verdicts)
}

fn borrowed(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}
