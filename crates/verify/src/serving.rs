//! The classify and regress contracts of TensorFlow Serving: examples in, labels and numbers out.

use bytes::{BufMut, Bytes, BytesMut};
use savedmodel::Inference;
use savedmodel_proto::Message;
use savedmodel_proto::serving::inference_result::Result as Answer;
use savedmodel_proto::serving::input::Kind;
use savedmodel_proto::serving::{ClassificationResult, Input, MultiInferenceResponse, RegressionResult};
use savedmodel_tensor::{Error, Result, Tensor};

use crate::log::Named;

/// The output with labels.
const CLASSES: &str = "classes";

/// The output with the scores of labels.
const SCORES: &str = "scores";

/// The output with a number for each example.
const OUTPUTS: &str = "outputs";

/// Examples as the tensor of strings that a signature takes.
///
/// A context stands before each example, so that the example wins where both have a feature.
///
/// # Errors
/// `INVALID_ARGUMENT` when there are no examples.
pub fn examples(input: Option<&Input>) -> Result<Tensor> {
    let strings: Vec<Bytes> = match input.and_then(|input| input.kind.as_ref()) {
        Some(Kind::ExampleList(list)) => list.examples.iter().map(|e| e.encode_to_vec().into()).collect(),
        Some(Kind::ExampleListWithContext(list)) => {
            let context = list.context.as_ref().map(Message::encode_to_vec).unwrap_or_default();
            let joined = |example: &savedmodel_proto::Example| {
                let mut bytes = BytesMut::from(&context[..]);
                bytes.put_slice(&example.encode_to_vec());
                bytes.freeze()
            };
            list.examples.iter().map(joined).collect()
        }
        None => Vec::new(),
    };
    if strings.is_empty() {
        return Err(Error::invalid_argument("Input is empty."));
    }
    Tensor::from_strings([strings.len()], strings)
}

/// A classification as two tensors, `classes` and `scores`.
///
/// # Errors
/// `INVALID_ARGUMENT` when the examples have different numbers of classes.
pub fn classifications(result: &ClassificationResult) -> Result<Named> {
    let rows = &result.classifications;
    let width = rows.first().map_or(0, |row| row.classes.len());
    if rows.iter().any(|row| row.classes.len() != width) {
        return Err(Error::invalid_argument("examples have different numbers of classes"));
    }
    let shape = [rows.len(), width];
    let all = || rows.iter().flat_map(|row| &row.classes);
    let labels = Tensor::from_strings(shape, all().map(|class| class.label.clone()))?;
    let scores = Tensor::from_vec(shape, all().map(|class| class.score).collect())?;
    Ok(vec![(CLASSES.to_owned(), labels), (SCORES.to_owned(), scores)])
}

/// A regression as the tensor `outputs`.
///
/// # Errors
/// None but those of making the tensor.
pub fn regressions(result: &RegressionResult) -> Result<Named> {
    let values: Vec<f32> = result.regressions.iter().map(|regression| regression.value).collect();
    Ok(vec![(OUTPUTS.to_owned(), Tensor::from_vec([values.len()], values)?)])
}

/// An answer as tensors, as they are recorded.
///
/// # Errors
/// None but those of making the tensors.
pub fn inference(result: Inference) -> Result<Named> {
    match result {
        Inference::Classifications(rows) => {
            let shape = [rows.len(), rows.first().map_or(0, Vec::len)];
            let all = || rows.iter().flatten();
            let labels = Tensor::from_strings(shape, all().map(|class| class.label.clone()))?;
            let scores = Tensor::from_vec(shape, all().map(|class| class.score).collect())?;
            Ok(vec![(CLASSES.to_owned(), labels), (SCORES.to_owned(), scores)])
        }
        Inference::Regressions(values) => {
            Ok(vec![(OUTPUTS.to_owned(), Tensor::from_vec([values.len()], values)?)])
        }
    }
}

/// The results of several tasks as tensors: each name stands below that of its signature.
///
/// # Errors
/// As [`classifications`]; `INVALID_ARGUMENT` when a result is missing.
pub fn inferences(response: &MultiInferenceResponse) -> Result<Named> {
    let mut named = Named::new();
    for result in &response.results {
        let own = match &result.result {
            Some(Answer::ClassificationResult(result)) => classifications(result)?,
            Some(Answer::RegressionResult(result)) => regressions(result)?,
            None => return Err(Error::invalid_argument("a task has no result")),
        };
        named.extend(below(&crate::log::signature(result.model_spec.as_ref()), own));
    }
    Ok(named)
}

/// Names below that of a signature.
pub(crate) fn below(signature: &str, own: Named) -> impl Iterator<Item = (String, Tensor)> {
    own.into_iter().map(move |(name, tensor)| (format!("{signature}/{name}"), tensor))
}
