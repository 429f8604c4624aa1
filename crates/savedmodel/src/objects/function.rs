//! Restored functions.

use std::fmt::{self, Write};
use std::sync::{Arc, OnceLock};

use savedmodel_graph::{Graph, StructuredValue};
use savedmodel_loader::{ConcreteFunctionDef, FunctionSpec, ObjectKind};
use savedmodel_runtime::Bodies;
use savedmodel_tensor::{Error, Result, Tensor};

use super::literal::{self, Conversion};
use super::matching::Fit;
use super::{Objects, Value, binding, matching};
use crate::prune::Host;
use crate::{ConcreteFunction, SavedModel};

/// A function of an object: all its traces, of which a call takes the one that fits its arguments.
#[derive(Clone, Copy)]
pub struct RestoredFunction<'m> {
    model: &'m SavedModel,
    objects: &'m Objects,
    kind: Kind<'m>,
    /// The path to it, or the other name that it was asked for by.
    place: &'m str,
}

#[derive(Clone, Copy)]
enum Kind<'m> {
    Traces { names: &'m [String], spec: &'m FunctionSpec },
    Concrete { name: &'m str, keywords: &'m [String], positional: usize },
}

impl<'m> RestoredFunction<'m> {
    pub(super) fn new(
        model: &'m SavedModel,
        objects: &'m Objects,
        id: usize,
    ) -> Result<RestoredFunction<'m>> {
        let place = objects.paths[id].as_deref().unwrap_or("?");
        let kind = match &objects.graph.objects[id].kind {
            ObjectKind::Function { traces, spec } => Kind::Traces { names: traces, spec },
            ObjectKind::ConcreteFunction { name, keywords, positional } => {
                Kind::Concrete { name, keywords, positional: *positional }
            }
            _ => return Err(Error::invalid_argument(format!("object '{place}' is no function"))),
        };
        Ok(RestoredFunction { model, objects, kind, place })
    }

    /// The traces of an alias, of which nothing tells how they were declared.
    pub(super) fn of_traces(
        model: &'m SavedModel,
        objects: &'m Objects,
        (alias, names): (&'m str, &'m [String]),
    ) -> RestoredFunction<'m> {
        static ANYTHING: OnceLock<FunctionSpec> = OnceLock::new();
        let spec = ANYTHING.get_or_init(|| FunctionSpec {
            varargs: Some("args".to_owned()),
            varkw: Some("kwargs".to_owned()),
            ..FunctionSpec::default()
        });
        RestoredFunction { model, objects, kind: Kind::Traces { names, spec }, place: alias }
    }

    /// The parameters, as they were declared in Python; `None` for a function of one trace.
    pub fn spec(&self) -> Option<&'m FunctionSpec> {
        match self.kind {
            Kind::Traces { spec, .. } => Some(spec),
            Kind::Concrete { .. } => None,
        }
    }

    /// What each trace takes, a tuple of positional arguments and a dict of the others, and what it gives.
    pub fn traces(&self) -> Vec<(&'m StructuredValue, &'m StructuredValue)> {
        let known = self.names().into_iter().filter_map(|name| self.objects.graph.functions.get(name));
        known.map(|def| (&def.inputs, &def.outputs)).collect()
    }

    /// The body of a trace with the bodies of all functions that it calls, whose nodes are named after the calls, as in
    /// `StatefulPartitionedCall/dense/MatMul`, and of branches. Loops stay whole.
    ///
    /// # Errors
    /// `OUT_OF_RANGE` when there is no trace of that number; any of restoring what it captured.
    pub fn graph(&self, trace: usize) -> Result<Arc<Graph>> {
        let body = self.objects.body(self.model, self.trace(trace)?)?;
        Ok(Arc::clone(body.expanded(Bodies::Branches)?.graph()))
    }

    /// A part of a trace as a function: any of its tensors may be fed, arguments by their names (`x:0`), and any may be
    /// fetched; nothing runs but what the fetches need.
    ///
    /// ```
    /// # use savedmodel::{SavedModel, Tensor};
    /// # let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/cases/objects/checkpoint_tutorial");
    /// let model = SavedModel::load(dir)?;
    /// let f = model.root()?.function("f")?.prune(0, &["x:0"], &["mul:0"])?;
    /// assert_eq!(f.call(&[Tensor::scalar(2.0_f32)])?[0].to_scalar::<f32>()?, 6.0);
    /// # Ok::<(), savedmodel::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`RestoredFunction::graph`] and [`SavedModel::prune`].
    pub fn prune(&self, trace: usize, feeds: &[&str], fetches: &[&str]) -> Result<ConcreteFunction<'m>> {
        let name = self.trace(trace)?;
        let body = self.objects.body(self.model, name)?;
        ConcreteFunction::pruned(Host::Body(body), feeds, fetches)
            .map_err(|e| e.at(format!("function '{name}'")))
    }

    fn names(&self) -> Vec<&'m str> {
        match self.kind {
            Kind::Traces { names, .. } => names.iter().map(String::as_str).collect(),
            Kind::Concrete { name, .. } => vec![name],
        }
    }

    fn trace(&self, trace: usize) -> Result<&'m str> {
        let names = self.names();
        names.get(trace).copied().ok_or_else(|| {
            Error::out_of_range(format!("there is no trace {trace}; the function has {}", names.len()))
        })
    }

    /// Calls the first trace that the arguments fit, as TensorFlow chooses: first as they are, then with Python numbers
    /// and lists made into tensors. Arguments that are left out take the defaults that were saved.
    ///
    /// ```
    /// # use savedmodel::{SavedModel, Tensor, Value};
    /// # let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/cases/objects/objects");
    /// let model = SavedModel::load(dir)?;
    /// let f = model.root()?.function("f")?;
    /// let x = Tensor::from_slice([1], &[1.0_f32])?;
    /// let y = f.call([x.clone()], [("training", true.into())])?;
    /// assert_eq!(y.tensor()?.as_slice::<f32>()?, [3.0]);
    /// let error = f.call([x], [("scale", 7.into())]).unwrap_err();
    /// assert!(error.message().contains("Option 4"));
    /// # Ok::<(), savedmodel::Error>(())
    /// ```
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when arguments are missing or unknown, or fit no trace, with all traces; else the first error of
    /// an operator, with node, operator, dtypes and shapes.
    pub fn call<'k, V: Into<Value>>(
        &self,
        args: impl IntoIterator<Item = V>,
        kwargs: impl IntoIterator<Item = (&'k str, Value)>,
    ) -> Result<Value> {
        let args: Vec<Value> = args.into_iter().map(Into::into).collect();
        let kwargs = kwargs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let called = match self.kind {
            Kind::Traces { names, spec } => self.call_traces(names, spec, args, kwargs),
            Kind::Concrete { name, keywords, positional } => {
                let tensors = self.flat(name, keywords, positional, args, kwargs);
                tensors.and_then(|tensors| self.run(name, tensors))
            }
        };
        called.map_err(|e| e.at(format!("calling '{}'", self.place)))
    }

    fn call_traces(
        &self,
        names: &[String],
        spec: &FunctionSpec,
        args: Vec<Value>,
        kwargs: Vec<(String, Value)>,
    ) -> Result<Value> {
        let (mut positional, keyword) = binding::bind(spec, args, kwargs)?;
        for (i, (declared, value)) in spec.input_signature.iter().flatten().zip(&mut positional).enumerate() {
            *value = matching::cast(declared, value).map_err(|e| {
                let name = spec.args.get(i).or(spec.varargs.as_ref()).map_or("?", String::as_str);
                let text =
                    format!("Binding inputs to the function failed: argument '{name}': {}", e.message());
                Error::invalid_argument(text)
            })?;
        }
        let given = Value::Tuple(vec![Value::Tuple(positional), Value::Dict(keyword)]);
        for convert in [false, true] {
            for name in names {
                let Some(def) = self.objects.graph.functions.get(name) else { continue };
                let mut tensors = Vec::new();
                let fit = Fit { convert, declared: spec.input_signature.is_some() };
                if matching::flatten(&def.inputs, &given, fit, &mut tensors).is_some() {
                    return self.run(name, tensors);
                }
            }
        }
        Err(self.no_match(names, &given))
    }

    /// The tensors of a call of one trace, by position or by name.
    fn flat(
        &self,
        name: &str,
        keywords: &[String],
        positional: usize,
        args: Vec<Value>,
        kwargs: Vec<(String, Value)>,
    ) -> Result<Vec<Tensor>> {
        let spec = FunctionSpec {
            args: keywords.iter().take(positional).cloned().collect(),
            kwonly: keywords.iter().skip(positional).cloned().collect(),
            ..FunctionSpec::default()
        };
        let (mut values, mut named) = binding::bind(&spec, args, kwargs)?;
        values.extend(spec.kwonly.iter().filter_map(|keyword| named.remove(keyword)));
        let bound = self.objects.bound(self.model, name)?;
        let arguments = &bound.function().arguments;
        let mut tensors = Vec::with_capacity(values.len());
        for ((value, argument), keyword) in values.iter().zip(arguments).zip(keywords) {
            let tensor = literal::tensor(value, argument.dtype, Conversion::Demand);
            let fits = tensor.filter(|tensor| tensor.dtype() == argument.dtype).ok_or_else(|| {
                let dtype = argument.dtype;
                Error::invalid_argument(format!(
                    "argument '{keyword}' was expected to be a {dtype} tensor but is {value}"
                ))
            })?;
            tensors.push(fits);
        }
        Ok(tensors)
    }

    fn run(&self, name: &str, tensors: Vec<Tensor>) -> Result<Value> {
        let bound = self.objects.bound(self.model, name)?;
        let mut results = self.model.session().call(&bound, tensors)?.into_iter();
        match self.objects.graph.functions.get(name) {
            Some(def) => matching::pack(&def.outputs, &mut results),
            None => Ok(Value::List(results.map(Value::Tensor).collect())),
        }
    }

    #[cold]
    fn no_match(&self, names: &[String], given: &Value) -> Error {
        if names.is_empty() {
            return Error::invalid_argument("Found zero restored functions for caller function.");
        }
        let mut text =
            "Could not find matching concrete function to call loaded from the SavedModel. Got:\n".to_owned();
        if let Value::Tuple(parts) = given
            && let [Value::Tuple(positional), keyword] = &parts[..]
        {
            describe(&mut text, positional, keyword);
        }
        let _ = write!(
            text,
            "\n\nExpected these arguments to match one of the following {} option(s):",
            names.len()
        );
        for (i, name) in names.iter().enumerate() {
            let _ = write!(text, "\n\nOption {}:\n", i + 1);
            if let Some(ConcreteFunctionDef { inputs: StructuredValue::Tuple(parts), .. }) =
                self.objects.graph.functions.get(name)
                && let [StructuredValue::Tuple(positional), keyword] = &parts[..]
            {
                describe(&mut text, positional, keyword);
            }
        }
        Error::invalid_argument(text)
    }
}

/// Writes arguments as TensorFlow does.
fn describe<V: fmt::Display>(text: &mut String, positional: &[V], keyword: &V) {
    // Writing to a string does not fail.
    let _ = write!(text, "  Positional arguments ({} total):", positional.len());
    for argument in positional {
        let _ = write!(text, "\n    * {argument}");
    }
    let _ = write!(text, "\n  Keyword arguments: {keyword}");
}
