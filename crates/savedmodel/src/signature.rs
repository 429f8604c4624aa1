//! Calling a signature.

use std::sync::Arc;

use indexmap::IndexMap;
use savedmodel_graph::{Signature, TensorInfo, TensorSource};
use savedmodel_runtime::{Prepared, Session};
use savedmodel_tensor::{DType, Error, Result, Tensor};

/// A signature of a model, ready to be called with named tensors.
///
/// A sparse input or output `x` is three tensors, `x/indices`, `x/values` and `x/dense_shape`; any other composite is its
/// components in order, `x/0`, `x/1` ….
pub struct SignatureFunction<'m> {
    session: &'m Session,
    signature: &'m Signature,
    plan: Arc<Prepared>,
    inputs: Vec<Input>,
    outputs: Vec<String>,
}

/// One tensor that the signature takes.
struct Input {
    name: String,
    /// The feed that it goes to. A signature may name one tensor as two inputs; the later by name is fed.
    feed: usize,
    dtype: Option<DType>,
    shape: String,
    default: Option<Tensor>,
}

impl<'m> SignatureFunction<'m> {
    pub(crate) fn new(
        session: &'m Session,
        name: &str,
        signature: &'m Signature,
    ) -> Result<SignatureFunction<'m>> {
        let at = |e: Error| e.at(format!("signature '{name}'"));
        let (mut inputs, mut feeds) = (Vec::new(), Vec::new());
        for (name, info) in &signature.inputs {
            for (name, tensor, dtype) in parts(name, info) {
                let output = session.output(tensor).map_err(at)?;
                let feed = feeds.iter().position(|&feed| feed == output).unwrap_or(feeds.len());
                if feed == feeds.len() {
                    feeds.push(output);
                }
                let default = signature.defaults.get(&name).cloned();
                inputs.push(Input { name, feed, dtype, shape: info.shape.to_string(), default });
            }
        }
        let (mut outputs, mut fetches) = (Vec::new(), Vec::new());
        for (name, info) in &signature.outputs {
            for (name, tensor, _) in parts(name, info) {
                fetches.push(session.output(tensor).map_err(at)?);
                outputs.push(name);
            }
        }
        let plan = session.prepare(&feeds, &fetches, &[]).map_err(at)?;
        Ok(SignatureFunction { session, signature, plan, inputs, outputs })
    }

    /// What the signature takes and gives.
    pub fn signature(&self) -> &'m Signature {
        self.signature
    }

    /// The tensors that it takes: names, and dtypes where the model tells them.
    pub fn inputs(&self) -> impl Iterator<Item = (&str, Option<DType>)> {
        self.inputs.iter().map(|input| (input.name.as_str(), input.dtype))
    }

    /// Calls the signature: inputs by name in, outputs by name out.
    ///
    /// ```
    /// # use savedmodel::{SavedModel, Tensor};
    /// # let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/cases/models/keras3_mlp/model");
    /// # let model = SavedModel::load(dir)?;
    /// let signature = model.signature("serving_default")?;
    /// let error = signature.call([("no_such_input", Tensor::scalar(1.0_f32))]).unwrap_err();
    /// assert_eq!(error.code(), savedmodel::Code::InvalidArgument);
    /// # Ok::<(), savedmodel::Error>(())
    /// ```
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when an input is missing, unknown, given twice, or of another dtype; else the first error of an
    /// operator, with node, operator, dtypes and shapes.
    pub fn call<N: AsRef<str>>(
        &self,
        inputs: impl IntoIterator<Item = (N, Tensor)>,
    ) -> Result<IndexMap<String, Tensor>> {
        let mut given: Vec<Option<Tensor>> = vec![None; self.inputs.len()];
        for (name, tensor) in inputs {
            let name = name.as_ref();
            let index = self.inputs.iter().position(|input| input.name == name);
            let index = index.ok_or_else(|| self.refuse(format!("there is no input '{name}'")))?;
            self.check(&self.inputs[index], &tensor)?;
            if given[index].replace(tensor).is_some() {
                return Err(self.refuse(format!("input '{name}' is given twice")));
            }
        }
        let mut feeds = Vec::with_capacity(given.len());
        for (input, tensor) in self.inputs.iter().zip(given) {
            let tensor = tensor.or_else(|| input.default.clone());
            let tensor = tensor.ok_or_else(|| self.refuse(format!("input '{}' is missing", input.name)))?;
            match feeds.get_mut(input.feed) {
                Some(feed) => *feed = tensor,
                None => feeds.push(tensor),
            }
        }
        let values = self.session.run(&self.plan, feeds)?;
        Ok(self.outputs.iter().cloned().zip(values).collect())
    }

    fn check(&self, input: &Input, tensor: &Tensor) -> Result<()> {
        match input.dtype {
            Some(dtype) if dtype != tensor.dtype() => Err(self.refuse(format!(
                "input '{}' was expected to be a {dtype} tensor but is a {} tensor",
                input.name,
                tensor.describe()
            ))),
            _ => Ok(()),
        }
    }

    fn refuse(&self, what: String) -> Error {
        let list: Vec<String> = self.inputs.iter().map(Input::describe).collect();
        Error::invalid_argument(format!("{what}; the signature takes {}", list.join(", ")))
    }
}

impl Input {
    fn describe(&self) -> String {
        let dtype = self.dtype.map_or_else(|| "?".to_owned(), |dtype| dtype.to_string());
        format!("'{}' ({dtype}{})", self.name, self.shape)
    }
}

/// The tensors of an input or output: name, tensor of the graph, dtype.
fn parts<'i>(name: &str, info: &'i TensorInfo) -> Vec<(String, &'i str, Option<DType>)> {
    match &info.source {
        TensorSource::Dense(tensor) => vec![(name.to_owned(), tensor, info.dtype)],
        TensorSource::CooSparse { indices, values, dense_shape } => vec![
            (format!("{name}/indices"), indices, Some(DType::Int64)),
            (format!("{name}/values"), values, info.dtype),
            (format!("{name}/dense_shape"), dense_shape, Some(DType::Int64)),
        ],
        TensorSource::Composite(components) => {
            let component = |(i, info): (usize, &'i TensorInfo)| parts(&format!("{name}/{i}"), info);
            components.iter().enumerate().flat_map(component).collect()
        }
    }
}
