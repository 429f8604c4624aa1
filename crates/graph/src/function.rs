//! Functions and the library that holds them.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use savedmodel_tensor::{DType, Error, Result};

use crate::{AttrValue, Attrs, FunctionRef, Graph, NodeId, Output};

/// An argument or a result of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// Its dtype.
    pub dtype: DType,
}

/// A function: a graph with `_Arg` nodes for its arguments and outputs that are its results.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name in the library.
    pub name: Arc<str>,
    /// The arguments, in order.
    pub arguments: Vec<Argument>,
    /// The results, in order.
    pub results: Vec<Argument>,
    /// The body.
    pub graph: Graph,
    /// The `_Arg` node of each argument.
    pub argument_nodes: Vec<NodeId>,
    /// Where each result comes from.
    pub result_outputs: Vec<Output>,
    /// Nodes that must run although no result may need them.
    pub control_results: Vec<NodeId>,
    /// Attributes of the definition, such as `_noinline`.
    pub attrs: Attrs,
}

/// Where a library gets functions from, one at a time and only when they are wanted.
pub trait FunctionSource: Send + Sync {
    /// The names of all functions.
    fn names(&self) -> Vec<String>;
    /// The function with these values for its attributes; `None` if there is none of that name.
    ///
    /// # Errors
    /// When the definition is malformed.
    fn load(&self, function: &FunctionRef) -> Result<Option<Function>>;
}

/// The functions of a model, converted when they are first asked for.
pub struct FunctionLibrary {
    source: Box<dyn FunctionSource>,
    loaded: Mutex<FxHashMap<String, Arc<Function>>>,
    /// How many were made by rewriting others.
    made: AtomicUsize,
}

impl FunctionLibrary {
    /// A library over a source.
    pub fn new(source: impl FunctionSource + 'static) -> FunctionLibrary {
        FunctionLibrary { source: Box::new(source), loaded: Mutex::default(), made: AtomicUsize::new(0) }
    }

    /// Adds a function that was made by rewriting others; gives the name under which it is found.
    ///
    /// [`FunctionLibrary::names`] does not list it.
    pub fn define(&self, function: Function) -> FunctionRef {
        // No function of a model can have such a name.
        let name = format!("{}#{}", function.name, self.made.fetch_add(1, Ordering::Relaxed));
        let reference = FunctionRef { name: name.clone(), attrs: Attrs::default() };
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.insert(instance_key(&reference), Arc::new(Function { name: name.into(), ..function }));
        reference
    }

    /// A library without functions.
    pub fn empty() -> FunctionLibrary {
        struct Nothing;
        impl FunctionSource for Nothing {
            fn names(&self) -> Vec<String> {
                Vec::new()
            }
            fn load(&self, _: &FunctionRef) -> Result<Option<Function>> {
                Ok(None)
            }
        }
        FunctionLibrary::new(Nothing)
    }

    /// The names of all functions.
    pub fn names(&self) -> Vec<String> {
        self.source.names()
    }

    /// The function, if there is one of that name.
    ///
    /// # Errors
    /// When its definition is malformed.
    pub fn find(&self, function: &FunctionRef) -> Result<Option<Arc<Function>>> {
        let key = instance_key(function);
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = loaded.get(&key) {
            return Ok(Some(Arc::clone(found)));
        }
        let Some(made) = self.source.load(function)? else { return Ok(None) };
        let made = Arc::new(made);
        loaded.insert(key, Arc::clone(&made));
        Ok(Some(made))
    }

    /// The function.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is none of that name; any when its definition is malformed.
    pub fn get(&self, function: &FunctionRef) -> Result<Arc<Function>> {
        self.find(function)?
            .ok_or_else(|| Error::not_found(format!("Function {} is not defined.", function.name)))
    }
}

impl fmt::Debug for FunctionLibrary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

fn instance_key(function: &FunctionRef) -> String {
    let mut key = function.name.clone();
    // Attributes that start with an underscore are notes to the runtime, not parameters.
    for (name, value) in function.attrs.iter().filter(|(name, _)| !name.starts_with('_')) {
        key.push_str(&format!("|{name}={value}"));
    }
    key
}

impl AttrValue {
    /// This value with the placeholders that `attrs` knows put in.
    #[must_use]
    pub fn instantiate(&self, attrs: &Attrs) -> AttrValue {
        match self {
            AttrValue::Placeholder(name) => attrs.get(name).cloned().unwrap_or_else(|| self.clone()),
            AttrValue::List(items) => AttrValue::List(items.iter().map(|v| v.instantiate(attrs)).collect()),
            AttrValue::Function(function) => AttrValue::Function(FunctionRef {
                name: function.name.clone(),
                attrs: function.attrs.iter().map(|(k, v)| (k.clone(), v.instantiate(attrs))).collect(),
            }),
            other => other.clone(),
        }
    }
}
