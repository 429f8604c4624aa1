//! Load and run TensorFlow SavedModels, without TensorFlow.
//!
//! ```
//! use savedmodel::{SavedModel, Tensor};
//! # let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/cases/models/keras3_mlp/model");
//! let model = SavedModel::load(dir)?;
//! let signature = model.signature("serving_default")?;
//! println!("{:?}", signature.signature().inputs);
//! # Ok::<(), savedmodel::Error>(())
//! ```
//!
//! A [`SavedModel`] is one metagraph with its state: variables, tables, counters. Call it by
//! [`signature`](SavedModel::signature), or any part of it with [`prune`](SavedModel::prune) and
//! [`run`](SavedModel::run). The objects of a TensorFlow 2 model, with their variables and functions, start at
//! [`root`](SavedModel::root). It may be shared between threads and called from all of them at once.
//! [`inspect`] tells what a directory holds, and what of it is not supported, without loading it.
//!
//! This crate joins the others and computes nothing itself.
#![forbid(unsafe_code)]

mod anonymous;
mod captured;
mod hidden;
mod inference;
mod inspect;
mod load;
mod memory;
mod method_names;
mod model;
mod objects;
mod open;
mod operator;
mod prune;
mod registry;
mod restore;
mod runner;
mod save;
mod signature;

pub use inference::{Class, Inference, Method, with_context};
pub use inspect::{FunctionInfo, Inspection, MetaGraphInfo, OperatorUse, VariableInfo, inspect};
pub use load::{LoadOptions, wait_until_complete};
pub use method_names::MethodNameUpdater;
pub use model::SavedModel;
pub use objects::{Object, ObjectVariable, RestoredFunction, Value};
pub use prune::{ConcreteFunction, StructuredFunction};
pub use registry::registry;
pub use runner::Runner;
pub use savedmodel_bundle::{Checkpoint, CheckpointObjects, Entry, latest_checkpoint};
pub use savedmodel_export::{
    CheckpointTensor, Export, ExportedVariable, GraphBuilder, SavedModelBuilder, SavedTable, simple_save,
};
pub use savedmodel_graph::{
    AttrValue, FunctionRef, Graph, Node, NodeId, Output, Signature, StructuredValue, TensorInfo,
    TensorSource, TensorSpec, TypeClass, TypeSpec,
};
pub use savedmodel_loader::{FunctionSpec, ObjectKind, VariableDef, VariableSlice};
pub use savedmodel_op::{self as op, Registry};
pub use savedmodel_runtime::{Precision, profile};
pub use savedmodel_tensor::{
    Bytes, Code, Complex32, Complex64, DType, Element, Error, PartialShape, Result, Shape, Tensor, bf16, f16,
};
pub use signature::SignatureFunction;
