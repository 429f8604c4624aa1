//! SavedModels, written: the way back from graph and state to a directory that TensorFlow loads.
//!
//! An [`Export`] is one metagraph on its way to disk. It comes from a loaded model or from a [`GraphBuilder`]; it may be
//! pruned to what some signatures need, its variables may be frozen to constants, its signatures and tags changed.
//! A [`SavedModelBuilder`] writes one or several of them, whole or not at all.
//!
//! Everything here works on messages; nothing is run, and what a kernel is, this crate does not know. Start reading at
//! [`Export`].
#![forbid(unsafe_code)]

mod builder;
mod export;
mod freeze;
mod graph_builder;
mod messages;
mod nodes;
mod prune;
mod saver;

pub use builder::{SavedModelBuilder, copy, simple_save, write_directory};
pub use export::{CheckpointTensor, Export, ExportedVariable, SavedTable};
pub use graph_builder::GraphBuilder;
