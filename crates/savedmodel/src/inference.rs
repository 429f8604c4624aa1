//! Classification and regression of examples, as TensorFlow Serving defines them.

use savedmodel_graph::Signature;
use savedmodel_tensor::{Bytes, DType, Error, Result, Tensor};

use crate::SavedModel;

/// The method names that signatures for this use carry.
const CLASSIFY: &str = "tensorflow/serving/classify";
const REGRESS: &str = "tensorflow/serving/regress";

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
    /// `INVALID_ARGUMENT` when there is no such signature, it has other inputs or outputs, or gives tensors of other
    /// dtypes or shapes than classes and scores for each example; any of running it.
    pub fn classify(&self, signature: &str, examples: &[Bytes]) -> Result<Vec<Vec<Class>>> {
        let at = |e: Error| e.at(format!("classification by signature '{signature}'"));
        let mut outputs = self.infer(signature, examples, &["classes", "scores"]).map_err(at)?;
        let (scores, classes) = (outputs.pop().flatten(), outputs.pop().flatten());
        classes_of(classes, scores, examples.len()).map_err(at)
    }

    /// Gives each serialised `tf.Example` a value, with a signature that has the one input `inputs` and the output
    /// `outputs`.
    ///
    /// # Errors
    /// As [`SavedModel::classify`].
    pub fn regress(&self, signature: &str, examples: &[Bytes]) -> Result<Vec<f32>> {
        let at = |e: Error| e.at(format!("regression by signature '{signature}'"));
        let mut outputs = self.infer(signature, examples, &["outputs"]).map_err(at)?;
        let values = outputs.pop().flatten();
        let values = values.ok_or_else(|| at(Error::invalid_argument("No regression output 'outputs'")))?;
        let column = values.rank() == 1 || (values.rank() == 2 && values.shape().dims()[1] == 1);
        check(&values, "outputs", DType::Float, column, examples.len()).map_err(at)?;
        Ok(values.as_slice::<f32>()?.to_vec())
    }

    /// Classifies or regresses the same examples with several signatures, as their method names say.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when a signature is asked for twice; `UNIMPLEMENTED` when its method is neither classification nor
    /// regression; as [`SavedModel::classify`].
    pub fn multi_inference(&self, signatures: &[&str], examples: &[Bytes]) -> Result<Vec<Inference>> {
        for (i, name) in signatures.iter().enumerate() {
            if signatures[..i].contains(name) {
                return Err(Error::invalid_argument(format!("Duplicate evaluation of signature: {name}")));
            }
        }
        let one = |name: &&str| match &*self.example_signature(name)?.method_name {
            CLASSIFY => self.classify(name, examples).map(Inference::Classifications),
            REGRESS => self.regress(name, examples).map(Inference::Regressions),
            other => Err(Error::unimplemented(format!(
                "Unsupported signature method_name: {other} of signature '{name}'"
            ))),
        };
        signatures.iter().map(one).collect()
    }

    fn example_signature(&self, name: &str) -> Result<&Signature> {
        let found = self.signatures().get(name);
        found.ok_or_else(|| Error::invalid_argument(format!("No signature was found with the name: {name}")))
    }

    fn infer(&self, name: &str, examples: &[Bytes], wanted: &[&str]) -> Result<Vec<Option<Tensor>>> {
        let signature = self.example_signature(name)?;
        if !signature.inputs.keys().eq(["inputs"]) {
            let names: Vec<&str> = signature.inputs.keys().map(String::as_str).collect();
            return Err(Error::invalid_argument(format!(
                "Expected one and only one input, 'inputs', but the signature has: {}",
                names.join(", ")
            )));
        }
        if !signature.outputs.keys().any(|name| wanted.contains(&name.as_str())) {
            return Err(Error::invalid_argument(format!(
                "Expected signature outputs to contain at least one of {}",
                wanted.join(", ")
            )));
        }
        if examples.is_empty() {
            return Err(Error::invalid_argument("Input is empty."));
        }
        let inputs = Tensor::from_strings([examples.len()], examples.to_vec())?;
        let mut outputs = self.signature(name)?.call([("inputs", inputs)])?;
        Ok(wanted.iter().map(|name| outputs.swap_remove(*name)).collect())
    }
}

fn classes_of(classes: Option<Tensor>, scores: Option<Tensor>, n: usize) -> Result<Vec<Vec<Class>>> {
    if let Some(classes) = &classes {
        check(classes, "classes", DType::String, classes.rank() == 2, n)?;
    }
    if let Some(scores) = &scores {
        check(scores, "scores", DType::Float, scores.rank() == 2, n)?;
    }
    if let (Some(a), Some(b)) = (&classes, &scores)
        && a.shape() != b.shape()
    {
        return Err(Error::invalid_argument(format!(
            "Tensors class and score should match in shape[1]. Got {} vs. {}",
            a.shape(),
            b.shape()
        )));
    }
    let width = classes.as_ref().or(scores.as_ref()).map_or(0, |tensor| tensor.shape().dims()[1]);
    let labels = classes.as_ref().map(Tensor::strings).transpose()?;
    let values = scores.as_ref().map(Tensor::as_slice::<f32>).transpose()?;
    let class = |i: usize| Class {
        label: labels.map_or_else(Bytes::new, |labels| labels[i].clone()),
        score: values.map_or(0.0, |values| values[i]),
    };
    Ok((0..n).map(|row| (0..width).map(|column| class(row * width + column)).collect()).collect())
}

fn check(tensor: &Tensor, name: &str, dtype: DType, shape_fits: bool, n: usize) -> Result<()> {
    if shape_fits && tensor.dtype() == dtype && tensor.shape().dims().first() == Some(&n) {
        return Ok(());
    }
    let found = tensor.describe();
    Err(Error::invalid_argument(format!(
        "Expected output '{name}' to be {dtype} for each of {n} examples, got {found}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_scores_go_together() {
        let classes = |n: usize| Tensor::from_strings([1, n], vec!["a"; n]).unwrap();
        let scores = || Tensor::from_slice([1, 2], &[0.25_f32, 0.75]).unwrap();
        let of = |label: &'static str, score| Class { label: Bytes::from_static(label.as_bytes()), score };
        for (classes, scores, n, expected) in [
            (Some(classes(2)), Some(scores()), 1, Some(vec![of("a", 0.25), of("a", 0.75)])),
            (None, Some(scores()), 1, Some(vec![of("", 0.25), of("", 0.75)])),
            (Some(classes(2)), None, 1, Some(vec![of("a", 0.0), of("a", 0.0)])),
            (Some(classes(3)), Some(scores()), 1, None),
            (None, Some(scores()), 2, None),
            (Some(scores()), None, 1, None),
        ] {
            assert_eq!(classes_of(classes, scores, n).ok(), expected.map(|row| vec![row]));
        }
    }

    #[test]
    fn the_context_comes_first() {
        let joined = with_context(b"ab", &[Bytes::from_static(b"c"), Bytes::new()]);
        assert_eq!(joined, ["abc", "ab"]);
    }
}
