//! What objects stand for in a session: variables, constants, paths of assets, handles of resources.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use savedmodel_bundle::Checkpoint;
use savedmodel_graph::{FunctionRef, NodeId, Output};
use savedmodel_loader::{ObjectGraph, ObjectKind, VariableDef};
use savedmodel_op::Variable;
use savedmodel_runtime::{BoundFunction, Session};
use savedmodel_tensor::{Error, Handle, Result, Tensor};

use super::ObjectVariable;
use crate::{SavedModel, captured, load};

/// The container of variables that only objects have.
const OWN: &str = "objects";

/// The object graph of a model with what was made of it so far.
pub(crate) struct Objects {
    pub graph: ObjectGraph,
    /// A path to each object.
    pub paths: Vec<Option<String>>,
    /// The key of each variable and table in the model's checkpoint.
    keys: Vec<Option<String>>,
    /// Where the main graph has what an object stands for, as its calls of functions tell.
    outputs: HashMap<usize, Output>,
    /// The library functions that were saved under other names, by those names.
    pub aliases: BTreeMap<String, Vec<String>>,
    captured: Mutex<HashMap<usize, Tensor>>,
    functions: Mutex<HashMap<String, Arc<BoundFunction>>>,
    bodies: Mutex<HashMap<String, Arc<Session>>>,
}

impl Objects {
    pub fn new(model: &SavedModel) -> Result<Objects> {
        let graph = model.meta().objects()?;
        let keys = match open(model)?.map(|checkpoint| checkpoint.object_graph()).transpose()?.flatten() {
            Some(saved) => graph.checkpoint_keys(&saved),
            None => vec![None; graph.objects.len()],
        };
        let mut aliases: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (function, alias) in &model.meta().function_aliases {
            aliases.entry(alias.clone()).or_default().push(function.clone());
        }
        Ok(Objects {
            aliases,
            paths: graph.paths(),
            outputs: outputs(model, &graph, &keys)?,
            keys,
            graph,
            captured: Mutex::default(),
            functions: Mutex::default(),
            bodies: Mutex::default(),
        })
    }

    fn place(&self, id: usize) -> String {
        match self.paths[id].as_deref() {
            Some(path) => format!("object '{path}'"),
            None => format!("object {id}"),
        }
    }

    /// The variable that an object is.
    pub fn variable(&self, model: &SavedModel, id: usize) -> Result<ObjectVariable> {
        let ObjectKind::Variable(def) = &self.graph.objects[id].kind else {
            return Err(Error::invalid_argument(format!("{} is no variable", self.place(id))));
        };
        let (handle, variable) = match self.node(model, id) {
            Some(node) => load::variable(model.session(), model.graph(), node)?,
            None => self.own_variable(model, id, def)?,
        };
        let shape = if def.shape.rank().is_some() { def.shape.clone() } else { variable.shape().clone() };
        let handle = Tensor::from_handles([], vec![handle])?;
        let (name, trainable) = (def.name.clone(), def.trainable);
        Ok(ObjectVariable { variable, handle, name, shape, trainable, slice: None })
    }

    /// The node of the main graph that gives an object's variable.
    fn node(&self, model: &SavedModel, id: usize) -> Option<NodeId> {
        let restored =
            self.keys[id].as_ref().zip(model.meta().restore.as_ref()).and_then(|(key, restore)| {
                restore.entries.iter().find(|entry| entry.key == *key).map(|entry| entry.variable)
            });
        let is_variable = |output: &&Output| &*model.graph().node(output.node).op == "VarHandleOp";
        restored.or_else(|| self.outputs.get(&id).filter(is_variable).map(|output| output.node))
    }

    /// A variable that the main graph lacks, restored when it is first wanted.
    fn own_variable(
        &self,
        model: &SavedModel,
        id: usize,
        def: &VariableDef,
    ) -> Result<(Handle, Arc<Variable>)> {
        let name = format!("{}/object_{id}", def.name);
        let make = || {
            let variable = Variable::new(name.clone(), def.dtype, def.shape.clone());
            if let (Some(key), Some(checkpoint)) = (&self.keys[id], open(model)?) {
                let value = checkpoint.tensor(key)?;
                variable.assign(value).map_err(|e| e.at(format!("checkpoint key '{key}'")))?;
            }
            Ok(variable)
        };
        let variable = model.session().resources().get_or_create(OWN, &name, make)?;
        Ok((Handle::new(OWN, &name, Arc::clone(&variable)), variable))
    }

    /// The tensor that functions take for an object that they captured.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is an object that has no tensor; any of restoring and initialising it.
    pub fn captured(&self, model: &SavedModel, id: usize) -> Result<Tensor> {
        self.capture(model, id, &mut Vec::new()).map_err(|e| e.at(self.place(id)))
    }

    fn capture(&self, model: &SavedModel, id: usize, underway: &mut Vec<usize>) -> Result<Tensor> {
        match &self.graph.objects[id].kind {
            ObjectKind::Variable(_) => return Ok(self.variable(model, id)?.handle()),
            ObjectKind::Asset { index } => {
                let path = model.meta().asset_path_at(*index)?.to_string_lossy().into_owned();
                return Tensor::from_strings([], [path]);
            }
            _ => {}
        }
        let known = || self.captured.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tensor) = known().get(&id) {
            return Ok(tensor.clone());
        }
        if underway.contains(&id) {
            return Err(Error::invalid_argument("making the object needs the object itself"));
        }
        underway.push(id);
        let made = self.make(model, id, underway)?;
        underway.pop();
        let kept = known().entry(id).or_insert(made).clone();
        Ok(kept)
    }

    fn make(&self, model: &SavedModel, id: usize, underway: &mut Vec<usize>) -> Result<Tensor> {
        let fetch = |output: Output| {
            let plan = model.session().prepare(&[], &[output], &[])?;
            let fetched = model.session().run(&plan, Vec::new())?.pop();
            fetched.ok_or_else(|| Error::internal("a fetch gave nothing"))
        };
        if let ObjectKind::Constant { operation } = &self.graph.objects[id].kind {
            return fetch(model.session().output(operation)?);
        }
        if let Some(&output) = self.outputs.get(&id) {
            return fetch(output);
        }
        let Some(create) = self.trace(id, "_create_resource") else {
            return Err(Error::unimplemented("the object stands for no tensor that functions can take"));
        };
        let handle = self.run(model, create, underway)?.pop();
        let handle = handle.ok_or_else(|| Error::internal("_create_resource gave nothing"))?;
        self.captured.lock().unwrap_or_else(PoisonError::into_inner).insert(id, handle.clone());
        if let Some(initialize) = self.trace(id, "_initialize") {
            self.run(model, initialize, underway)?;
        }
        Ok(handle)
    }

    /// The first trace of a method without arguments.
    fn trace(&self, id: usize, method: &str) -> Option<&str> {
        match &self.graph.objects[self.graph.child(id, method)?].kind {
            ObjectKind::Function { traces, .. } => traces.first().map(String::as_str),
            ObjectKind::ConcreteFunction { name, .. } => Some(name),
            _ => None,
        }
    }

    fn run(&self, model: &SavedModel, function: &str, underway: &mut Vec<usize>) -> Result<Vec<Tensor>> {
        let bound = self.bind(model, function, underway)?;
        model.session().call(&bound, Vec::new())
    }

    /// A library function with the objects that it captured.
    ///
    /// # Errors
    /// Those of [`Objects::captured`] and of compiling the function.
    pub fn bound(&self, model: &SavedModel, function: &str) -> Result<Arc<BoundFunction>> {
        self.bind(model, function, &mut Vec::new())
    }

    fn bind(
        &self,
        model: &SavedModel,
        function: &str,
        underway: &mut Vec<usize>,
    ) -> Result<Arc<BoundFunction>> {
        let known = || self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bound) = known().get(function) {
            return Ok(Arc::clone(bound));
        }
        let values = self.captures(model, function, underway)?;
        let reference = FunctionRef { name: function.to_owned(), ..FunctionRef::default() };
        let bound = Arc::new(model.session().bind(&reference, values)?);
        Ok(Arc::clone(known().entry(function.to_owned()).or_insert(bound)))
    }

    fn captures(&self, model: &SavedModel, function: &str, underway: &mut Vec<usize>) -> Result<Vec<Tensor>> {
        let captures = self.graph.functions.get(function).map_or(&[][..], |def| &def.bound_inputs);
        let value = |&id: &usize| self.capture(model, id, underway).map_err(|e| e.at(self.place(id)));
        captures.iter().map(value).collect()
    }

    /// A session over the body of a library function, with the objects that it captured.
    ///
    /// # Errors
    /// As [`Objects::bound`].
    pub fn body(&self, model: &SavedModel, function: &str) -> Result<Arc<Session>> {
        let known = || self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(body) = known().get(function) {
            return Ok(Arc::clone(body));
        }
        let values = self.captures(model, function, &mut Vec::new())?;
        let reference = FunctionRef { name: function.to_owned(), ..FunctionRef::default() };
        let body = Arc::new(model.session().body(&reference, values)?);
        Ok(Arc::clone(known().entry(function.to_owned()).or_insert(body)))
    }
}

/// The model's checkpoint, if it has one.
fn open(model: &SavedModel) -> Result<Option<Checkpoint>> {
    let prefix = &model.meta().checkpoint;
    if !prefix.with_extension("index").is_file() {
        return Ok(None);
    }
    Checkpoint::open(prefix).map(Some)
}

/// What the main graph gives its calls for the objects that the functions captured, and the tables that it restores.
fn outputs(
    model: &SavedModel,
    objects: &ObjectGraph,
    keys: &[Option<String>],
) -> Result<HashMap<usize, Output>> {
    let graph = model.graph();
    let mut found = HashMap::new();
    for (name, inputs) in captured::calls(graph)? {
        let Some(def) = objects.functions.get(name) else { continue };
        let Some(free) = inputs.len().checked_sub(def.bound_inputs.len()) else { continue };
        for (&id, &input) in def.bound_inputs.iter().zip(&inputs[free..]) {
            found.entry(id).or_insert(input);
        }
    }
    let tables = model.meta().restore.iter().flat_map(|restore| &restore.tables);
    let tables: HashMap<&str, NodeId> =
        tables.filter_map(|table| Some((table.keys[0].strip_suffix("-keys")?, table.table))).collect();
    for (id, key) in keys.iter().enumerate() {
        let Some(&node) = key.as_deref().and_then(|key| tables.get(key)) else { continue };
        found.entry(id).or_insert(Output { node, index: 0 });
    }
    Ok(found)
}
