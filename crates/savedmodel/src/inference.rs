//! Classification and regression of examples, as TensorFlow Serving defines them.

use savedmodel_graph::{Signature, TensorInfo, TensorSource};
use savedmodel_tensor::{Bytes, DType, Error, Result, Tensor};

use crate::SavedModel;

/// The input that takes the examples, and the outputs that answer.
const INPUTS: &str = "inputs";
const CLASSES: &str = "classes";
const SCORES: &str = "scores";
const OUTPUTS: &str = "outputs";

/// What a signature is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// It names classes, or gives them scores, or both.
    Classify,
    /// It gives a value.
    Regress,
}

impl Method {
    /// The method name that signatures for this use carry.
    pub fn name(self) -> &'static str {
        match self {
            Method::Classify => "tensorflow/serving/classify",
            Method::Regress => "tensorflow/serving/regress",
        }
    }

    /// The method of a name.
    ///
    /// # Errors
    /// `UNIMPLEMENTED` when there is none.
    pub fn of(name: &str) -> Result<Method> {
        let found = [Method::Classify, Method::Regress].into_iter().find(|method| method.name() == name);
        found.ok_or_else(|| Error::unimplemented(format!("Unsupported signature method_name: {name}")))
    }

    /// The word for it in messages.
    fn noun(self) -> &'static str {
        match self {
            Method::Classify => "classification",
            Method::Regress => "regression",
        }
    }
}

/// A class that an example may belong to.
#[derive(Clone, Debug, PartialEq)]
pub struct Class {
    /// What it is called; empty if the model names no classes.
    pub label: Bytes,
    /// How much speaks for it; 0 if the model gives no scores.
    pub score: f32,
}

/// What a model says of one list of examples for one of the signatures asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Inference {
    /// The classes of each example.
    Classifications(Vec<Vec<Class>>),
    /// The value of each example.
    Regressions(Vec<f32>),
}

/// Serialised `tf.Example`s that share the features of a context; the example's own features win.
pub fn with_context(context: &[u8], examples: &[Bytes]) -> Vec<Bytes> {
    // Messages one after the other are one message, in which later fields replace earlier ones.
    examples.iter().map(|example| [context, example].concat().into()).collect()
}

impl SavedModel {
    /// Classifies serialised `tf.Example`s with a signature that has the one input `inputs` and the outputs `classes` or
    /// `scores`, or both.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when there is no such signature, it has more inputs or outputs, there are no examples, or an output is
    /// of another dtype or shape than classes or scores for each example; `FAILED_PRECONDITION` when input or outputs
    /// have other names; any of running it.
    pub fn classify(&self, signature: &str, examples: &[Bytes]) -> Result<Vec<Vec<Class>>> {
        match self.one_inference(signature, Method::Classify, examples)? {
            Inference::Classifications(classes) => Ok(classes),
            Inference::Regressions(_) => Err(Error::internal("a classification gave values")),
        }
    }

    /// Gives each serialised `tf.Example` a value, with a signature that has the one input `inputs` and the one output
    /// `outputs`.
    ///
    /// # Errors
    /// As [`SavedModel::classify`].
    pub fn regress(&self, signature: &str, examples: &[Bytes]) -> Result<Vec<f32>> {
        match self.one_inference(signature, Method::Regress, examples)? {
            Inference::Regressions(values) => Ok(values),
            Inference::Classifications(_) => Err(Error::internal("a regression gave classes")),
        }
    }

    fn one_inference(&self, signature: &str, method: Method, examples: &[Bytes]) -> Result<Inference> {
        let at = |e: Error| e.at(format!("{} by signature '{signature}'", method.noun()));
        let missing =
            || Error::invalid_argument(format!("No signature was found with the name: {signature}"));
        let def = self.signatures().get(signature).ok_or_else(missing)?;
        let task = Task::new(def, method).map_err(at)?;
        let mut results = self.infer(&[task], examples).map_err(at)?;
        results.pop().ok_or_else(|| Error::internal("a task without a result"))
    }

    /// Classifies and regresses the same examples with several signatures, in one run.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when a signature is asked for twice, is not there, or takes another tensor than the others; as
    /// [`SavedModel::classify`].
    pub fn multi_inference(&self, tasks: &[(&str, Method)], examples: &[Bytes]) -> Result<Vec<Inference>> {
        for (i, (name, _)) in tasks.iter().enumerate() {
            if tasks[..i].iter().any(|(other, _)| other == name) {
                return Err(Error::invalid_argument(format!("Duplicate evaluation of signature: {name}")));
            }
        }
        let mut prepared: Vec<Task> = Vec::with_capacity(tasks.len());
        for &(name, method) in tasks {
            let missing =
                || Error::invalid_argument(format!("Requested signature not found in model graph: {name}"));
            let def = self.signatures().get(name).ok_or_else(missing)?;
            let task = Task::new(def, method).map_err(|e| e.at(format!("signature '{name}'")))?;
            if prepared.first().is_some_and(|first| first.input != task.input) {
                return Err(Error::invalid_argument("Input tensor must be the same for all Signatures."));
            }
            prepared.push(task);
        }
        self.infer(&prepared, examples)
    }

    /// Refuses a signature whose method name is not that of the method. Neither classification nor regression asks for it
    /// otherwise, as TensorFlow Serving does not unless it is told to.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when there is no such signature, or it has another method name.
    pub fn check_method_name(&self, signature: &str, method: Method) -> Result<()> {
        let missing =
            || Error::invalid_argument(format!("No signature was found with the name: {signature}"));
        let found = &self.signatures().get(signature).ok_or_else(missing)?.method_name;
        if found == method.name() {
            return Ok(());
        }
        Err(Error::invalid_argument(format!(
            "Expected {} signature method_name to be {}. Was: {found}",
            method.noun(),
            method.name()
        )))
    }

    fn infer(&self, tasks: &[Task], examples: &[Bytes]) -> Result<Vec<Inference>> {
        if examples.is_empty() {
            return Err(Error::invalid_argument("Input is empty."));
        }
        let Some(first) = tasks.first() else { return Ok(Vec::new()) };
        let fetches: Vec<&str> =
            tasks.iter().flat_map(|task| task.outputs.iter().flatten()).map(String::as_str).collect();
        let inputs = Tensor::from_strings([examples.len()], examples.to_vec())?;
        let mut outputs = self.prune(&[&first.input], &fetches)?.call(&[inputs])?.into_iter();
        let mut take = |wanted: &Option<String>| wanted.as_ref().and_then(|_| outputs.next());
        let result = |task: &Task| {
            let [a, b] = task.outputs.each_ref().map(&mut take);
            match task.method {
                Method::Classify => classes(a, b, examples.len()).map(Inference::Classifications),
                Method::Regress => values(a, examples.len()).map(Inference::Regressions),
            }
        };
        tasks.iter().map(result).collect()
    }
}

/// A signature that is to classify or regress: its tensors.
struct Task {
    method: Method,
    input: String,
    /// Classes and scores, or values and nothing.
    outputs: [Option<String>; 2],
}

impl Task {
    fn new(signature: &Signature, method: Method) -> Result<Task> {
        let names = |infos: &indexmap::IndexMap<String, TensorInfo>| {
            infos.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
        };
        let (inputs, outputs) = (&signature.inputs, &signature.outputs);
        if inputs.len() != 1 {
            return Err(Error::invalid_argument(format!(
                "Expected one input Tensor. The signature has: {}",
                names(inputs)
            )));
        }
        match (method, outputs.len()) {
            (Method::Classify, 1 | 2) | (Method::Regress, 1) => {}
            (Method::Classify, n) => {
                return Err(Error::invalid_argument(format!(
                    "Expected one or two output Tensors, found {n}"
                )));
            }
            (Method::Regress, _) => {
                return Err(Error::invalid_argument(format!(
                    "Expected one output Tensor. The signature has: {}",
                    names(outputs)
                )));
            }
        }
        let noun = method.noun();
        let input = inputs.get(INPUTS).ok_or_else(|| {
            Error::failed_precondition(format!(
                "No {noun} inputs found in SignatureDef, which has the input: {}",
                names(inputs)
            ))
        })?;
        let wanted = match method {
            Method::Classify => [CLASSES, SCORES].map(|name| outputs.get(name)),
            Method::Regress => [outputs.get(OUTPUTS), None],
        };
        match (method, wanted) {
            (Method::Classify, [None, None]) => Err(Error::failed_precondition(format!(
                "Expected classification signature outputs to contain at least one of \"{CLASSES}\" or \"{SCORES}\". \
                 The signature has: {}",
                names(outputs)
            ))),
            (Method::Regress, [None, _]) => Err(Error::failed_precondition(format!(
                "No {noun} outputs found in SignatureDef, which has the output: {}",
                names(outputs)
            ))),
            _ => {
                let [a, b] = wanted;
                let outputs = [a.map(tensor).transpose()?, b.map(tensor).transpose()?];
                Ok(Task { method, input: tensor(input)?, outputs })
            }
        }
    }
}

fn tensor(info: &TensorInfo) -> Result<String> {
    match &info.source {
        TensorSource::Dense(name) => Ok(name.clone()),
        _ => Err(Error::invalid_argument("examples and answers are no composite tensors")),
    }
}

fn classes(classes: Option<Tensor>, scores: Option<Tensor>, n: usize) -> Result<Vec<Vec<Class>>> {
    for (name, tensor, dtype) in [(CLASSES, &classes, DType::String), (SCORES, &scores, DType::Float)] {
        let Some(tensor) = tensor else { continue };
        if tensor.rank() != 2 {
            return Err(Error::invalid_argument(format!(
                "Expected Tensor shape: [batch_size num_classes] but got {}",
                tensor.shape()
            )));
        }
        if tensor.dtype() != dtype {
            let (want, found) = (data_type(dtype), data_type(tensor.dtype()));
            return Err(Error::invalid_argument(format!("Expected {name} Tensor of {want}. Got: {found}")));
        }
        if tensor.shape()[0] != n {
            return Err(Error::invalid_argument(format!(
                "Expected {name} output batch size of {n}. Got: {}",
                tensor.shape()[0]
            )));
        }
    }
    if let (Some(a), Some(b)) = (&classes, &scores)
        && a.shape()[1] != b.shape()[1]
    {
        return Err(Error::invalid_argument(format!(
            "Tensors class and score should match in dim_size(1). Got {} vs. {}",
            a.shape()[1],
            b.shape()[1]
        )));
    }
    let width = classes.as_ref().or(scores.as_ref()).map_or(0, |tensor| tensor.shape()[1]);
    let labels = classes.as_ref().map(Tensor::strings).transpose()?;
    let values = scores.as_ref().map(Tensor::as_slice::<f32>).transpose()?;
    let class = |i: usize| Class {
        label: labels.map_or_else(Bytes::new, |labels| labels[i].clone()),
        score: values.map_or(0.0, |values| values[i]),
    };
    Ok((0..n).map(|row| (0..width).map(|column| class(row * width + column)).collect()).collect())
}

fn values(values: Option<Tensor>, n: usize) -> Result<Vec<f32>> {
    let values = values.ok_or_else(|| Error::internal("a regression without an output"))?;
    if !matches!(values.shape().dims(), [_] | [_, 1]) {
        return Err(Error::invalid_argument(format!(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got {}",
            values.shape()
        )));
    }
    if values.shape()[0] != n {
        return Err(Error::invalid_argument(format!(
            "Input batch size did not match output batch size: {n} vs. {}",
            values.shape()[0]
        )));
    }
    if values.dtype() != DType::Float {
        let found = data_type(values.dtype());
        return Err(Error::invalid_argument(format!("Expected output Tensor of DT_FLOAT.  Got: {found}")));
    }
    Ok(values.as_slice::<f32>()?.to_vec())
}

/// The name of a dtype in TensorFlow's messages.
fn data_type(dtype: DType) -> String {
    format!("DT_{}", format!("{dtype}").to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(shape: [usize; 2]) -> Option<Tensor> {
        Some(Tensor::from_strings(shape, vec!["a"; shape[0] * shape[1]]).unwrap())
    }

    fn floats(shape: &[usize]) -> Option<Tensor> {
        let n = shape.iter().product();
        Some(Tensor::from_vec(shape.to_vec(), (0..n).map(|i| i as f32).collect::<Vec<f32>>()).unwrap())
    }

    #[test]
    fn classes_and_scores_go_together() {
        let of = |label: &'static str, score| Class { label: Bytes::from_static(label.as_bytes()), score };
        for (labels, scores, expected) in [
            (strings([1, 2]), floats(&[1, 2]), vec![of("a", 0.0), of("a", 1.0)]),
            (None, floats(&[1, 2]), vec![of("", 0.0), of("", 1.0)]),
            (strings([1, 2]), None, vec![of("a", 0.0), of("a", 0.0)]),
        ] {
            assert_eq!(classes(labels, scores, 1), Ok(vec![expected]));
        }
    }

    #[test]
    fn answers_that_are_none() {
        for (labels, scores, want) in [
            (strings([1, 3]), floats(&[1, 2]), "should match in dim_size(1). Got 3 vs. 2"),
            (None, floats(&[2, 2]), "Expected scores output batch size of 1. Got: 2"),
            (strings([2, 2]), None, "Expected classes output batch size of 1. Got: 2"),
            (floats(&[1, 2]), None, "Expected classes Tensor of DT_STRING. Got: DT_FLOAT"),
            (None, strings([1, 2]), "Expected scores Tensor of DT_FLOAT. Got: DT_STRING"),
            (None, floats(&[1]), "Expected Tensor shape: [batch_size num_classes] but got [1]"),
        ] {
            let error = classes(labels, scores, 1).unwrap_err();
            assert!(error.message().ends_with(want), "{error}");
        }
        for (tensor, want) in [
            (floats(&[2]), "Input batch size did not match output batch size: 1 vs. 2"),
            (floats(&[1, 2]), "[batch_size, 1] but got [1,2]"),
            (strings([1, 1]), "Expected output Tensor of DT_FLOAT.  Got: DT_STRING"),
        ] {
            let error = values(tensor, 1).unwrap_err();
            assert!(error.message().ends_with(want), "{error}");
        }
        assert_eq!(values(floats(&[1, 1]), 1), Ok(vec![0.0]));
    }

    #[test]
    fn the_context_comes_first() {
        let joined = with_context(b"ab", &[Bytes::from_static(b"c"), Bytes::new()]);
        assert_eq!(joined, ["abc", "ab"]);
    }
}
