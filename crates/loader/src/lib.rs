//! SavedModel directories: from files to graphs, functions and signatures.
//!
//! [`SavedModelFile::read`] finds and decodes `saved_model.pb` or `.pbtxt`; [`MetaGraph::load`] takes the metagraph with
//! given tags out of it, as a graph, a library of functions, signatures, and lists of what to restore and initialise.
//! Nothing is computed here, and nothing that no plan asks for is converted: function bodies wait until they are called,
//! and unknown operators block nothing. Start reading at [`SavedModelFile`] and [`MetaGraph`].
#![forbid(unsafe_code)]

mod attributes;
mod file;
mod functions;
mod graph_def;
mod initializer;
mod meta_graph;
pub mod op_defs;
mod restore;
mod signatures;

pub use file::SavedModelFile;
pub use functions::library;
pub use graph_def::graph;
pub use initializer::Initializer;
pub use meta_graph::{Asset, MetaGraph};
pub use restore::{Restore, RestoreEntry};
pub use signatures::signature;
