//! Calling a signature.

use std::sync::Arc;

use indexmap::IndexMap;
use savedmodel_graph::{Signature, TensorInfo, TensorSource};
use savedmodel_runtime::{Prepared, Session};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

use crate::objects::literal::{self, Conversion};
use crate::objects::matching;
use crate::{Value, prune};

/// A signature of a model, ready to be called with named tensors.
///
/// A sparse input or output `x` is three tensors, `x/indices`, `x/values` and `x/dense_shape`; any other composite is its
/// components in order, `x/0`, `x/1` ….
pub struct SignatureFunction<'m> {
    session: &'m Session,
    name: &'m str,
    signature: &'m Signature,
    plan: Arc<Prepared>,
    inputs: Vec<Input>,
    outputs: Vec<String>,
}

/// One tensor that the signature takes.
struct Input {
    name: String,
    /// What TensorFlow calls it in Python, where a name has no slash.
    alias: String,
    /// The feed that it goes to. A signature may name one tensor as two inputs; the later by name is fed.
    feed: usize,
    dtype: Option<DType>,
    shape: PartialShape,
    default: Option<Tensor>,
}

impl<'m> SignatureFunction<'m> {
    pub(crate) fn new(
        session: &'m Session,
        name: &'m str,
        signature: &'m Signature,
    ) -> Result<SignatureFunction<'m>> {
        let at = |e: Error| e.at(format!("signature '{name}'"));
        let (mut inputs, mut feeds) = (Vec::new(), Vec::new());
        for (whole, info) in &signature.inputs {
            for (i, (name, tensor, dtype)) in parts(whole, info).into_iter().enumerate() {
                let output = session.output(tensor).map_err(at)?;
                let feed = feeds.iter().position(|&feed| feed == output).unwrap_or(feeds.len());
                if feed == feeds.len() {
                    feeds.push(output);
                }
                let default = signature.defaults.get(&name).cloned();
                let (alias, shape) = match &info.source {
                    TensorSource::Dense(_) => (name.clone(), info.shape.clone()),
                    TensorSource::CooSparse { .. } => (name.replace('/', "_"), PartialShape::unknown()),
                    TensorSource::Composite { .. } => {
                        (format!("{whole}_component_{i}"), PartialShape::unknown())
                    }
                };
                inputs.push(Input { name, alias, feed, dtype, shape, default });
            }
        }
        let (mut outputs, mut fetches) = (Vec::new(), Vec::new());
        for (name, info) in &signature.outputs {
            for (name, tensor, _) in parts(name, info) {
                fetches.push(session.output(tensor).map_err(at)?);
                outputs.push(name);
            }
        }
        // What a branch needs that is not taken need not be fed.
        let graph = session.graph();
        if !graph.nodes().any(|node| matches!(&*graph.node(node).op, "Merge" | "RefMerge")) {
            prune::check_fed(session, &feeds, &fetches, &[]).map_err(at)?;
        }
        let plan = session.prepare(&feeds, &fetches, &[]).map_err(at)?;
        Ok(SignatureFunction { session, name, signature, plan, inputs, outputs })
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
        let mut next = 0;
        for (name, tensor) in inputs {
            let name = name.as_ref();
            let index = self.position(name, next)?;
            next = index + 1;
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
        let values = self.session.run(&self.plan, feeds).map_err(|e| self.at(e))?;
        Ok(self.outputs.iter().cloned().zip(values).collect())
    }

    /// Calls the signature with Python values, of which those that are no tensors are cast to the declared dtypes, and
    /// with sparse, ragged and other composite values as wholes. What is composite of the outputs comes as a whole, too.
    ///
    /// ```
    /// # use savedmodel::{SavedModel, Value};
    /// # let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/cases/objects/objects");
    /// # let model = SavedModel::load(dir)?;
    /// let f = model.signature("serving_default")?;
    /// let outputs = f.call_values([("x", vec![Value::from(1), Value::from(2.5)])])?;
    /// assert_eq!(outputs["output_0"].tensor()?.as_slice::<f32>()?, [13.5, 27.0]);
    /// # Ok::<(), savedmodel::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`SignatureFunction::call`]; `INVALID_ARGUMENT` when a value can't be cast.
    pub fn call_values<N: AsRef<str>, V: Into<Value>>(
        &self,
        inputs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<IndexMap<String, Value>> {
        let mut tensors = Vec::new();
        for (name, value) in inputs {
            let (name, value) = (name.as_ref(), value.into());
            match (self.signature.inputs.get(name).map(|info| &info.source), value) {
                (Some(TensorSource::CooSparse { .. }), Value::Sparse { indices, values, dense_shape }) => {
                    tensors.push((format!("{name}/indices"), indices));
                    tensors.push((format!("{name}/values"), values));
                    tensors.push((format!("{name}/dense_shape"), dense_shape));
                }
                (Some(TensorSource::Composite { .. }), Value::Ragged { values, row_splits }) => {
                    let parts = std::iter::once(values).chain(row_splits).enumerate();
                    tensors.extend(parts.map(|(i, part)| (format!("{name}/{i}"), part)));
                }
                (Some(TensorSource::Composite { .. }), Value::Composite(parts)) => {
                    let parts = parts.into_iter().enumerate();
                    tensors.extend(parts.map(|(i, part)| (format!("{name}/{i}"), part)));
                }
                (_, value) => tensors.push((name.to_owned(), self.cast(name, &value)?)),
            }
        }
        self.pack(self.call(tensors)?)
    }

    /// The tensor of a value; the shape of what is no tensor is checked, that of a tensor is left to the operators.
    fn cast(&self, name: &str, value: &Value) -> Result<Tensor> {
        let input = &self.inputs[self.position(name, 0)?];
        let refuse = || self.refuse(format!("input '{name}': can not cast {value}"));
        match (value, input.dtype) {
            (Value::Tensor(tensor), _) | (Value::Array(tensor), None) => Ok(tensor.clone()),
            (value, Some(dtype)) => {
                let cast = literal::tensor(value, dtype, Conversion::Demand);
                cast.filter(|tensor| input.shape.accepts(tensor.shape())).ok_or_else(refuse)
            }
            _ => Err(refuse()),
        }
    }

    fn pack(&self, mut tensors: IndexMap<String, Tensor>) -> Result<IndexMap<String, Value>> {
        let mut take = |name: String| {
            let missing = || Error::internal(format!("the signature gave no '{name}'"));
            tensors.swap_remove(&name).ok_or_else(missing)
        };
        let mut outputs = IndexMap::with_capacity(self.signature.outputs.len());
        for (name, info) in &self.signature.outputs {
            let value = match &info.source {
                TensorSource::Dense(_) => Value::Tensor(take(name.clone())?),
                TensorSource::CooSparse { .. } => Value::Sparse {
                    indices: take(format!("{name}/indices"))?,
                    values: take(format!("{name}/values"))?,
                    dense_shape: take(format!("{name}/dense_shape"))?,
                },
                TensorSource::Composite { spec, .. } => {
                    let names = parts(name, info).into_iter().map(|(name, ..)| name);
                    let parts = names.map(&mut take).collect::<Result<Vec<_>>>()?;
                    matching::pack_composite(spec, &mut parts.into_iter())?
                }
            };
            outputs.insert(name.clone(), value);
        }
        Ok(outputs)
    }

    /// Where the input with a name is. The search begins at `first`: mostly, inputs are given in their order.
    fn position(&self, name: &str, first: usize) -> Result<usize> {
        let is = |&i: &usize| self.inputs[i].name == name || self.inputs[i].alias == name;
        let index = (first..self.inputs.len()).find(is).or_else(|| (0..first).find(is));
        index.ok_or_else(|| self.refuse(format!("there is no input '{name}'")))
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
        self.at(Error::invalid_argument(format!("{what}; the signature takes {}", list.join(", "))))
    }

    fn at(&self, error: Error) -> Error {
        error.at(format!("signature '{}'", self.name))
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
        TensorSource::Composite { components, .. } => {
            let component = |(i, info): (usize, &'i TensorInfo)| parts(&format!("{name}/{i}"), info);
            components.iter().enumerate().flat_map(component).collect()
        }
    }
}
