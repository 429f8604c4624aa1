//! The objects of a TensorFlow 2 model, by attribute, list index and key of dict.

use std::fmt;
use std::path::PathBuf;

use savedmodel_loader::ObjectKind;
use savedmodel_tensor::{Error, Result, Tensor};

use crate::SavedModel;

mod binding;
mod function;
pub(crate) mod literal;
pub(crate) mod matching;
mod state;
mod value;
mod variable;

pub use function::RestoredFunction;
pub(crate) use state::Objects;
pub use value::Value;
pub use variable::ObjectVariable;

/// An object of a loaded model: a module, list, dict, variable, function, constant, asset or resource.
///
/// ```
/// # use savedmodel::{SavedModel, Tensor};
/// # let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/cases/objects/checkpoint_tutorial");
/// let model = SavedModel::load(dir)?;
/// let root = model.root()?;
/// assert_eq!(root.variable("v")?.value()?.to_scalar::<f32>()?, 3.0);
/// let product = root.function("f")?.call([2.0], [])?;
/// assert_eq!(product.tensor()?.to_scalar::<f32>()?, 6.0);
/// # Ok::<(), savedmodel::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Object<'m> {
    model: &'m SavedModel,
    objects: &'m Objects,
    id: usize,
}

impl<'m> Object<'m> {
    pub(crate) fn root(model: &'m SavedModel, objects: &'m Objects) -> Object<'m> {
        Object { model, objects, id: 0 }
    }

    fn other(&self, id: usize) -> Object<'m> {
        Object { id, ..*self }
    }

    /// What the object is.
    pub fn kind(&self) -> &'m ObjectKind {
        &self.objects.graph.objects[self.id].kind
    }

    /// The attributes that lead to it from the root, with dots between; empty for the root.
    pub fn path(&self) -> &'m str {
        self.objects.paths[self.id].as_deref().unwrap_or("?")
    }

    /// The attributes, items or entries, in the order in which they were saved.
    pub fn children(&self) -> impl Iterator<Item = (&'m str, Object<'m>)> + use<'m> {
        let this = *self;
        let children = &self.objects.graph.objects[self.id].children;
        children.iter().map(move |(name, id)| (name.as_str(), this.other(*id)))
    }

    /// An attribute by name, an item of a list by its number, or an entry of a dict by its key.
    ///
    /// # Errors
    /// `NOT_FOUND`, with the names that there are.
    pub fn get(&self, name: &str) -> Result<Object<'m>> {
        let id = self.objects.graph.child(self.id, name).ok_or_else(|| {
            let known: Vec<&str> = self.children().map(|(name, _)| name).collect();
            Error::not_found(format!("{self} has no attribute '{name}'; there are: {}", known.join(", ")))
        })?;
        Ok(self.other(id))
    }

    /// The object at the end of a path of names with dots or slashes between, such as `layers.0.kernel`; a name that has
    /// one is for [`Object::get`].
    ///
    /// # Errors
    /// As [`Object::get`].
    pub fn at(&self, path: &str) -> Result<Object<'m>> {
        path.split(['.', '/'])
            .filter(|name| !name.is_empty())
            .try_fold(*self, |object, name| object.get(name))
    }

    /// The items of a list, in order.
    pub fn items(&self) -> Vec<Object<'m>> {
        (0..).map_while(|i: usize| self.get(&i.to_string()).ok()).collect()
    }

    /// The variable at the end of a path.
    ///
    /// # Errors
    /// `NOT_FOUND` when nothing is there; `INVALID_ARGUMENT` when something else is; any of restoring it.
    pub fn variable(&self, path: &str) -> Result<ObjectVariable> {
        self.at(path)?.as_variable()
    }

    /// This object as a variable.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is something else; any of restoring it.
    pub fn as_variable(&self) -> Result<ObjectVariable> {
        self.objects.variable(self.model, self.id)
    }

    /// The function at the end of a path.
    ///
    /// # Errors
    /// `NOT_FOUND` when nothing is there; `INVALID_ARGUMENT` when something else is.
    pub fn function(&self, path: &str) -> Result<RestoredFunction<'m>> {
        let object = self.at(path)?;
        RestoredFunction::new(object.model, object.objects, object.id)
    }

    /// The function that was saved under another name: the function whose traces all have it, or else those traces.
    pub(crate) fn aliased_function(&self, alias: &str) -> Result<RestoredFunction<'m>> {
        let (alias, names) = self.objects.aliases.get_key_value(alias).ok_or_else(|| {
            let known: Vec<&str> = self.objects.aliases.keys().map(String::as_str).collect();
            Error::not_found(format!("no function has the alias '{alias}'; there are: {}", known.join(", ")))
        })?;
        let is_it = |id: &usize| match &self.objects.graph.objects[*id].kind {
            ObjectKind::Function { traces, .. } => {
                traces.len() == names.len() && traces.iter().all(|trace| names.contains(trace))
            }
            _ => false,
        };
        match (0..self.objects.graph.objects.len()).find(is_it) {
            Some(id) => RestoredFunction::new(self.model, self.objects, id),
            None => Ok(RestoredFunction::of_traces(self.model, self.objects, (alias, names))),
        }
    }

    /// Calls the object itself, as a Keras model is called: its `__call__`.
    ///
    /// # Errors
    /// As [`Object::function`] and [`RestoredFunction::call`].
    pub fn call<V: Into<Value>>(
        &self,
        args: impl IntoIterator<Item = V>,
        kwargs: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Result<Value> {
        self.function("__call__")?.call(args, kwargs)
    }

    /// The value of a constant, or of a variable as it is now, or the handle of a resource.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is neither; any of restoring it.
    pub fn tensor(&self) -> Result<Tensor> {
        match self.kind() {
            ObjectKind::Variable(_) => self.as_variable()?.value(),
            ObjectKind::User { .. } | ObjectKind::Function { .. } | ObjectKind::ConcreteFunction { .. } => {
                Err(Error::invalid_argument(format!("{self} is no tensor")))
            }
            _ => self.objects.captured(self.model, self.id),
        }
    }

    /// Where the file of an asset is.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when this is no asset.
    pub fn asset_path(&self) -> Result<PathBuf> {
        match self.kind() {
            ObjectKind::Asset { index } => self.model.meta().asset_path_at(*index),
            _ => Err(Error::invalid_argument(format!("{self} is no asset"))),
        }
    }

    /// All variables that can be reached by attributes, each once, in the order of the object graph.
    ///
    /// # Errors
    /// Any of restoring them.
    pub fn variables(&self) -> Result<Vec<ObjectVariable>> {
        let mut seen = vec![false; self.objects.graph.objects.len()];
        let mut stack = vec![self.id];
        while let Some(id) = stack.pop() {
            if !std::mem::replace(&mut seen[id], true) {
                stack.extend(self.objects.graph.objects[id].children.iter().map(|(_, child)| *child));
            }
        }
        let is_variable = |id: &usize| matches!(self.other(*id).kind(), ObjectKind::Variable(_));
        let found = (0..seen.len()).filter(|&id| seen[id]).filter(is_variable);
        found.map(|id| self.other(id).as_variable()).collect()
    }

    /// Those of [`Object::variables`] that training changes.
    ///
    /// # Errors
    /// As [`Object::variables`].
    pub fn trainable_variables(&self) -> Result<Vec<ObjectVariable>> {
        Ok(self.variables()?.into_iter().filter(ObjectVariable::trainable).collect())
    }
}

impl fmt::Display for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind() {
            ObjectKind::User { .. } => "object",
            ObjectKind::Asset { .. } => "asset",
            ObjectKind::Function { .. } => "function",
            ObjectKind::Variable(_) => "variable",
            ObjectKind::ConcreteFunction { .. } => "concrete function",
            ObjectKind::Constant { .. } => "constant",
            ObjectKind::Resource => "resource",
            ObjectKind::CapturedTensor { .. } => "captured tensor",
        };
        match self.path() {
            "" => write!(f, "the root {kind}"),
            path => write!(f, "{kind} '{path}'"),
        }
    }
}

impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let children: Vec<&str> = self.children().map(|(name, _)| name).collect();
        f.debug_struct("Object").field("path", &self.path()).field("children", &children).finish()
    }
}
