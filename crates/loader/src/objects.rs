//! The objects of a TensorFlow 2 model: modules, variables, functions, resources, and which is whose attribute.

use std::collections::BTreeMap;

use savedmodel_graph::StructuredValue;
use savedmodel_proto::saved_object::Kind;
use savedmodel_proto::trackable_object_graph::trackable_object::{ObjectReference, SlotVariableReference};
use savedmodel_proto::{SavedConcreteFunction, SavedObjectGraph, shape};
use savedmodel_tensor::{DType, Error, PartialShape, Result};

use crate::function_spec::FunctionSpec;
use crate::structured;

mod keys;

/// All objects of a model; object 0 is the root.
#[derive(Clone, Debug)]
pub struct ObjectGraph {
    /// The objects.
    pub objects: Vec<SavedObject>,
    /// What is known of library functions that objects call, by name.
    pub functions: BTreeMap<String, ConcreteFunctionDef>,
}

/// An object.
#[derive(Clone, Debug)]
pub struct SavedObject {
    /// Its attributes, by name, in the order in which they were saved.
    pub children: Vec<(String, usize)>,
    /// What it is.
    pub kind: ObjectKind,
    /// The variables that an optimizer keeps for others.
    slots: Vec<SlotVariableReference>,
}

/// What an object is.
#[derive(Clone, Debug)]
pub enum ObjectKind {
    /// An object of a Python class.
    User {
        /// What kind of class, such as `trackable_list_wrapper`.
        identifier: String,
    },
    /// A file that the model brings along.
    Asset {
        /// Its number among the assets.
        index: usize,
    },
    /// A function with any number of traces.
    Function {
        /// The traces, as names of library functions.
        traces: Vec<String>,
        /// How it was declared in Python.
        spec: FunctionSpec,
    },
    /// A variable.
    Variable(VariableDef),
    /// One trace, called with tensors.
    ConcreteFunction {
        /// The library function.
        name: String,
        /// The arguments' names.
        keywords: Vec<String>,
        /// How many of them may be given by position.
        positional: usize,
    },
    /// A tensor that does not change.
    Constant {
        /// The node of the graph that holds it.
        operation: String,
    },
    /// A table or another resource, made by its functions.
    Resource,
    /// A tensor of another function.
    CapturedTensor {
        /// The tensor.
        name: String,
        /// The function that it is in.
        function: String,
    },
}

/// What an object graph says of a variable.
#[derive(Clone, Debug)]
pub struct VariableDef {
    /// Its name.
    pub name: String,
    /// Its dtype.
    pub dtype: DType,
    /// What is known of its shape.
    pub shape: PartialShape,
    /// Whether training changes it.
    pub trainable: bool,
}

/// What an object graph says of a library function.
#[derive(Clone, Debug)]
pub struct ConcreteFunctionDef {
    /// The objects that are its last arguments.
    pub bound_inputs: Vec<usize>,
    /// What it was traced with: a tuple of positional arguments, and a dict of the others.
    pub inputs: StructuredValue,
    /// What it gives.
    pub outputs: StructuredValue,
}

impl ObjectGraph {
    /// The objects of a message.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when a reference leads nowhere, or a dtype, shape or structured value makes no sense.
    pub fn convert(message: &SavedObjectGraph) -> Result<ObjectGraph> {
        let count = message.nodes.len();
        if count == 0 {
            return Err(Error::invalid_argument("the object graph is empty"));
        }
        let object = |(i, node): (usize, &savedmodel_proto::SavedObject)| {
            let children = references(&node.children, count)?;
            let kind = kind(node.kind.as_ref())?;
            Ok(SavedObject { children, kind, slots: node.slot_variables.clone() })
                .map_err(|e: Error| e.at(format!("object {i}")))
        };
        let objects = message.nodes.iter().enumerate().map(object).collect::<Result<_>>()?;
        let function = |(name, def): (&String, &SavedConcreteFunction)| {
            let def = concrete_function(def, count).map_err(|e| e.at(format!("function '{name}'")))?;
            Ok((name.clone(), def))
        };
        let functions = message.concrete_functions.iter().map(function).collect::<Result<_>>()?;
        Ok(ObjectGraph { objects, functions })
    }

    /// The child of an object that has this name.
    pub fn child(&self, object: usize, name: &str) -> Option<usize> {
        let children = &self.objects.get(object)?.children;
        children.iter().find(|(child, _)| child == name).map(|&(_, id)| id)
    }

    /// For each object, a shortest path of attributes that leads there from the root.
    pub fn paths(&self) -> Vec<Option<String>> {
        let mut paths: Vec<Option<String>> = vec![None; self.objects.len()];
        let mut queue = std::collections::VecDeque::from([0]);
        paths[0] = Some(String::new());
        while let Some(id) = queue.pop_front() {
            let prefix = paths[id].clone().unwrap_or_default();
            for (name, child) in &self.objects[id].children {
                if paths[*child].is_none() {
                    let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                    paths[*child] = Some(path);
                    queue.push_back(*child);
                }
            }
        }
        paths
    }
}

fn object_id(id: i32, count: usize) -> Result<usize> {
    let wrong = || Error::invalid_argument(format!("a reference to object {id} of {count}"));
    usize::try_from(id).ok().filter(|&id| id < count).ok_or_else(wrong)
}

fn references(messages: &[ObjectReference], count: usize) -> Result<Vec<(String, usize)>> {
    messages.iter().map(|m| Ok((m.local_name.clone(), object_id(m.node_id, count)?))).collect()
}

fn concrete_function(message: &SavedConcreteFunction, count: usize) -> Result<ConcreteFunctionDef> {
    let structured = |value: &Option<savedmodel_proto::StructuredValue>| {
        value.as_ref().map_or(Ok(StructuredValue::None), structured::value)
    };
    Ok(ConcreteFunctionDef {
        bound_inputs: message.bound_inputs.iter().map(|&id| object_id(id, count)).collect::<Result<_>>()?,
        inputs: structured(&message.canonicalized_input_signature)?,
        outputs: structured(&message.output_signature)?,
    })
}

fn kind(message: Option<&Kind>) -> Result<ObjectKind> {
    let negative = |_| Error::invalid_argument("a negative index");
    Ok(match message {
        None => ObjectKind::User { identifier: String::new() },
        Some(Kind::UserObject(m)) => ObjectKind::User { identifier: m.identifier.clone() },
        Some(Kind::Asset(m)) => {
            ObjectKind::Asset { index: usize::try_from(m.asset_file_def_index).map_err(negative)? }
        }
        Some(Kind::Function(m)) => ObjectKind::Function {
            traces: m.concrete_functions.clone(),
            spec: m
                .function_spec
                .as_ref()
                .map_or_else(|| Ok(FunctionSpec::default()), FunctionSpec::convert)?,
        },
        Some(Kind::Variable(m)) => ObjectKind::Variable(VariableDef {
            name: m.name.clone(),
            dtype: shape::to_dtype(m.dtype)?,
            shape: m.shape.as_ref().map_or_else(|| Ok(PartialShape::unknown()), shape::to_partial_shape)?,
            trainable: m.trainable,
        }),
        Some(Kind::BareConcreteFunction(m)) => ObjectKind::ConcreteFunction {
            name: m.concrete_function_name.clone(),
            keywords: m.argument_keywords.clone(),
            positional: usize::try_from(m.allowed_positional_arguments).map_err(negative)?,
        },
        Some(Kind::Constant(m)) => ObjectKind::Constant { operation: m.operation.clone() },
        Some(Kind::Resource(_)) => ObjectKind::Resource,
        Some(Kind::CapturedTensor(m)) => {
            ObjectKind::CapturedTensor { name: m.name.clone(), function: m.concrete_function.clone() }
        }
    })
}
