//! Dataflow graphs as data: nodes, edges, attributes, functions.
//!
//! A [`Graph`] is what a GraphDef or the body of a function says, indexed so that it can be walked and
//! rewritten; petgraph lies under it and shows nowhere else. This crate knows no kernel, no message format
//! and no way to run anything. Start reading at [`Graph`], then [`AttrValue`] and [`FunctionLibrary`].
#![forbid(unsafe_code)]

mod attrs;
mod function;
mod graph;
mod signature;
mod structured;

pub use attrs::{AttrValue, Attrs, FunctionRef};
pub use function::{Argument, Function, FunctionLibrary, FunctionSource};
pub use graph::{Graph, Node, NodeId, Output};
pub use signature::{Signature, TensorInfo, TensorSource};
pub use structured::{StructuredValue, TensorSpec, TypeClass, TypeSpec};
