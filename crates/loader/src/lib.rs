//! SavedModel directories: from files to graphs, functions and signatures.
//!
//! [`Draft::read`] finds and decodes `saved_model.pb` or `.pbtxt`; [`MetaGraph::load`] takes the metagraph with
//! given tags out of it, as a graph, a library of functions, signatures, and lists of what to restore and initialise.
//! Nothing is computed here, and nothing that no plan asks for is decoded: function bodies wait until they are called,
//! and unknown operators block nothing. [`SavedModelFile`] is the whole message, for those who change it. Start reading at
//! [`Draft`] and [`MetaGraph`].
#![forbid(unsafe_code)]

mod anonymous;
mod attributes;
mod declared;
mod draft;
mod file;
mod function_spec;
mod functions;
mod graph_def;
mod graph_rules;
mod initializer;
mod meta_graph;
mod objects;
pub mod op_defs;
mod restore;
mod signatures;
mod structured;
mod variables;
pub mod whole;

pub use anonymous::named_table;
pub use draft::Draft;
pub use file::{SavedModelFile, Source, tags};
pub use function_spec::FunctionSpec;
pub use functions::library;
pub use graph_def::graph;
pub use initializer::{Initializer, initializer};
pub use meta_graph::{Asset, MetaGraph, assets};
pub use objects::{ConcreteFunctionDef, ObjectGraph, ObjectKind, SavedObject, VariableDef};
pub use restore::{Restore, RestoreEntry, RestoreTable};
pub use signatures::signature;
pub use variables::{GraphVariable, VariableSlice};
