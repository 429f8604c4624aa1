//! A call of a signature or of a part of the graph, as `run`, `bench` and `profile` make it.

use savedmodel::{ConcreteFunction, RestoredFunction, SavedModel, SignatureFunction, Value};
use savedmodel_tensor::{DType, Error, Result, Tensor};

use crate::arguments::{Ask, Feed};
use crate::file::json::{Arguments, Form};
use crate::file::{self, Request};

/// What the inputs and the command line ask for together.
pub struct Call {
    /// The signature's name; empty for a part of the graph.
    pub signature: String,
    /// The form of a JSON reply.
    pub form: Form,
    filter: Vec<String>,
    what: What,
}

enum What {
    Signature(Request),
    Function { path: String, arguments: Arguments },
    Part { feeds: Vec<Feed>, fetches: Vec<String> },
}

impl Call {
    /// Reads the inputs. The command line's signature goes before the file's.
    ///
    /// # Errors
    /// Those of the file.
    pub fn read(ask: Ask) -> Result<Call> {
        if !ask.fetch.is_empty() {
            let what = What::Part { feeds: ask.feed, fetches: ask.fetch };
            return Ok(Call { signature: String::new(), form: Form::Column, filter: Vec::new(), what });
        }
        if let Some(path) = ask.function {
            let arguments = ask.inputs.as_ref().map(file::read_arguments).transpose()?.unwrap_or_default();
            let what = What::Function { path, arguments };
            return Ok(Call { signature: String::new(), form: Form::Column, filter: Vec::new(), what });
        }
        let mut request = ask.inputs.as_ref().map_or_else(|| Ok(Request::empty()), Request::read)?;
        let signature = ask.signature.or_else(|| request.signature.take());
        Ok(Call {
            signature: signature.unwrap_or_else(|| "serving_default".to_owned()),
            filter: std::mem::take(&mut request.filter),
            form: request.form,
            what: What::Signature(request),
        })
    }

    /// The call of a model, to be made as often as one likes.
    ///
    /// # Errors
    /// When there is no such signature or tensor, it can't be planned, or the inputs don't fit it.
    pub fn prepare(self, model: &SavedModel) -> Result<Prepared<'_>> {
        let function = match self.what {
            What::Signature(_) if model.signatures().is_empty() => {
                return Err(Error::not_found(
                    "the graph has no signatures; say what to run of it by --feed and --fetch",
                ));
            }
            What::Signature(request) => {
                let function = model.signature(&self.signature)?;
                let inputs: Vec<(&str, Option<DType>)> = function.inputs().collect();
                let tensors = request.tensors(&inputs)?;
                Function::Signature(function, tensors)
            }
            What::Function { path, arguments } => {
                Function::Restored(model.root()?.function(&path)?, arguments)
            }
            What::Part { feeds, fetches } => {
                let mut values = Vec::with_capacity(feeds.len());
                for feed in &feeds {
                    let dtype = model.session().dtype(model.session().output(&feed.name)?);
                    values.push(file::read_npy(&feed.path, dtype)?);
                }
                let feeds: Vec<&str> = feeds.iter().map(|feed| feed.name.as_str()).collect();
                let fetches: Vec<&str> = fetches.iter().map(String::as_str).collect();
                Function::Part(model.prune(&feeds, &fetches)?, values)
            }
        };
        Ok(Prepared { function, filter: self.filter })
    }
}

/// A call that is ready to be made.
pub struct Prepared<'m> {
    function: Function<'m>,
    filter: Vec<String>,
}

enum Function<'m> {
    Signature(SignatureFunction<'m>, Vec<(String, Tensor)>),
    Restored(RestoredFunction<'m>, Arguments),
    Part(ConcreteFunction<'m>, Vec<Tensor>),
}

impl Prepared<'_> {
    /// Makes the call: outputs by name.
    ///
    /// # Errors
    /// Those of the run; `INVALID_ARGUMENT` when an output that is asked for is not there.
    pub fn call(&self) -> Result<Vec<(String, Tensor)>> {
        match &self.function {
            Function::Signature(function, inputs) => {
                let inputs = inputs.iter().map(|(name, value)| (name, value.clone()));
                filtered(function.call(inputs)?.into_iter().collect(), &self.filter)
            }
            Function::Restored(function, Arguments { args, kwargs }) => {
                let kwargs = kwargs.iter().map(|(name, value)| (name.as_str(), value.clone()));
                let mut outputs = Vec::new();
                flatten(String::new(), function.call(args.clone(), kwargs)?, &mut outputs);
                Ok(outputs)
            }
            Function::Part(function, values) => {
                let names = function.outputs().map(str::to_owned).collect::<Vec<String>>();
                Ok(names.into_iter().zip(function.call(values)?).collect())
            }
        }
    }
}

/// The tensors of a result: `output_0` …, or by their keys, with slashes between those of nests. What is none is left out.
fn flatten(name: String, value: Value, outputs: &mut Vec<(String, Tensor)>) {
    let below = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}/{key}") };
    let items = |items: Vec<Value>, outputs: &mut Vec<(String, Tensor)>| {
        for (i, item) in items.into_iter().enumerate() {
            let key = if name.is_empty() { format!("output_{i}") } else { i.to_string() };
            flatten(below(&key), item, outputs);
        }
    };
    match value {
        Value::Tensor(tensor) | Value::Array(tensor) => {
            outputs.push((if name.is_empty() { "output_0".to_owned() } else { name }, tensor));
        }
        Value::List(values) | Value::Tuple(values) => items(values, outputs),
        Value::Dict(fields) => {
            fields.into_iter().for_each(|(key, value)| flatten(below(&key), value, outputs))
        }
        Value::NamedTuple(_, fields) => {
            fields.into_iter().for_each(|(key, value)| flatten(below(&key), value, outputs));
        }
        Value::Ragged { values, row_splits } => {
            let parts = std::iter::once(values).chain(row_splits).map(Value::Tensor);
            items(parts.collect(), outputs);
        }
        Value::Sparse { indices, values, dense_shape } => {
            for (key, part) in [("indices", indices), ("values", values), ("dense_shape", dense_shape)] {
                outputs.push((below(key), part));
            }
        }
        Value::Composite(parts) => items(parts.into_iter().map(Value::Tensor).collect(), outputs),
        _ => {}
    }
}

/// The outputs that are wanted.
fn filtered(outputs: Vec<(String, Tensor)>, filter: &[String]) -> Result<Vec<(String, Tensor)>> {
    if let Some(name) = filter.iter().find(|name| !outputs.iter().any(|(other, _)| other == *name)) {
        let known: Vec<&str> = outputs.iter().map(|(name, _)| name.as_str()).collect();
        return Err(Error::invalid_argument(format!(
            "output tensor alias not found in signature: {name} Outputs expected to be in the set {{{}}}.",
            known.join(",")
        )));
    }
    Ok(outputs.into_iter().filter(|(name, _)| filter.is_empty() || filter.contains(name)).collect())
}
