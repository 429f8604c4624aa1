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
//! [`run`](SavedModel::run). It may be shared between threads and called from all of them at once.
//! [`inspect`] tells what a directory holds, and what of it is not supported, without loading it.
//!
//! This crate joins the others and computes nothing itself.
#![forbid(unsafe_code)]

mod inspect;
mod load;
mod model;
mod prune;
mod registry;
mod signature;

pub use inspect::{Inspection, MetaGraphInfo, OperatorUse, VariableInfo, inspect};
pub use load::LoadOptions;
pub use model::SavedModel;
pub use prune::ConcreteFunction;
pub use registry::registry;
pub use savedmodel_graph::{Signature, TensorInfo, TensorSource};
pub use savedmodel_op::Registry;
pub use savedmodel_tensor::{Bytes, Code, DType, Element, Error, PartialShape, Result, Shape, Tensor};
pub use signature::SignatureFunction;
