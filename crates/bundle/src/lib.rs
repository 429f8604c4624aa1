//! TensorFlow checkpoints, read and written.
//!
//! [`Checkpoint`] opens either format: tensor bundles (V2, [`BundleReader`]), which are an index and data files
//! that are mapped so that loading copies nothing; and the tables of `SavedTensorSlices` (V1, [`LegacyReader`])
//! that came before. [`BundleWriter`] writes V2, [`LegacyWriter`] V1. Partitioned tensors are put together, or read by
//! [`TensorSlice`]. [`latest_checkpoint`] follows a `checkpoint` file.
//!
//! This crate knows tensors and messages, but neither graphs nor objects. Nothing that a file says is trusted:
//! every offset, size and count is checked before it is used, and every checksum unless told otherwise.
//!
//! `unsafe` lives in `file.rs` alone.
#![deny(unsafe_code)]

mod assemble;
mod bundle;
mod checkpoint;
mod file;
mod legacy;
mod legacy_writer;
mod objects;
mod ordered_code;
mod slice;
mod stored;
mod table;
mod writer;

pub use bundle::{BundleReader, ReadOptions};
pub use checkpoint::{Checkpoint, latest_checkpoint};
pub use legacy::LegacyReader;
pub use legacy_writer::LegacyWriter;
pub use objects::CheckpointObjects;
pub use slice::{ShapeAndSlice, TensorSlice};
pub use writer::BundleWriter;

use savedmodel_tensor::{DType, Shape};

/// What a checkpoint says about one tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry<'a> {
    /// The key.
    pub name: &'a str,
    /// The element type.
    pub dtype: DType,
    /// The shape of the whole tensor.
    pub shape: Shape,
    /// The parts it is stored in; empty if it is stored whole.
    pub slices: Vec<TensorSlice>,
}
