//! The classify and regress contracts of TensorFlow Serving: examples in, labels and numbers out.

use bytes::{BufMut, Bytes, BytesMut};
use savedmodel_proto::Message;
use savedmodel_proto::serving::input::Kind;
use savedmodel_proto::serving::{ClassificationResult, Input, RegressionResult};
use savedmodel_tensor::{DType, Error, Result, Tensor};

use crate::log::Named;

/// The one input of a signature that classifies or regresses.
pub const INPUTS: &str = "inputs";

/// The output with labels.
pub const CLASSES: &str = "classes";

/// The output with the scores of labels.
pub const SCORES: &str = "scores";

/// The output with a number for each example.
pub const OUTPUTS: &str = "outputs";

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

/// The answer of a classification from the outputs of its signature: empty labels or zero scores for what the signature does not
/// have.
///
/// # Errors
/// `INVALID_ARGUMENT` when dtype or shape is not that of labels and scores of `n` examples.
pub fn classify(classes: Option<Tensor>, scores: Option<Tensor>, n: usize) -> Result<Named> {
    if let Some(classes) = &classes {
        check(classes, CLASSES, DType::String, classes.rank() == 2, n)?;
    }
    if let Some(scores) = &scores {
        check(scores, SCORES, DType::Float, scores.rank() == 2, n)?;
    }
    let shape = match (&classes, &scores) {
        (Some(a), Some(b)) if a.shape() != b.shape() => {
            return Err(Error::invalid_argument(format!(
                "Tensors class and score should match in shape[1]. Got {} vs. {}",
                a.shape(),
                b.shape()
            )));
        }
        (Some(tensor), _) | (None, Some(tensor)) => tensor.shape().clone(),
        (None, None) => {
            return Err(Error::invalid_argument(format!(
                "Expected classification signature outputs to contain at least one of \"{CLASSES}\" or \"{SCORES}\""
            )));
        }
    };
    let classes = classes.map_or_else(|| Tensor::zeros(DType::String, &shape), Ok)?;
    let scores = scores.map_or_else(|| Tensor::zeros(DType::Float, &shape), Ok)?;
    Ok(vec![(CLASSES.to_owned(), classes), (SCORES.to_owned(), scores)])
}

/// The answer of a regression from the output of its signature.
///
/// # Errors
/// `INVALID_ARGUMENT` when it is not one `float` for each of `n` examples.
pub fn regress(outputs: Tensor, n: usize) -> Result<Named> {
    let column = outputs.rank() == 1 || (outputs.rank() == 2 && outputs.shape()[1] == 1);
    check(&outputs, OUTPUTS, DType::Float, column, n)?;
    Ok(vec![(OUTPUTS.to_owned(), outputs.reshape([n])?)])
}

fn check(tensor: &Tensor, name: &str, dtype: DType, shape_fits: bool, n: usize) -> Result<()> {
    if shape_fits && tensor.dtype() == dtype && tensor.shape().first() == Some(&n) {
        return Ok(());
    }
    let found = tensor.describe();
    Err(Error::invalid_argument(format!(
        "Expected output '{name}' to be {dtype} for {n} examples, got {found}"
    )))
}
