//! The operators on files and checkpoints.
//!
//! Names of files are those of the local file system. `file.rs` tells its errors as TensorFlow's file system does.
#![forbid(unsafe_code)]

use savedmodel_op::Op;

pub mod file;
mod matching_files;
mod merge_v2_checkpoints;
mod read_file;
mod restore;
mod save;
mod save_v2;
mod sharded;
mod write_file;

/// Every operator of this family.
pub static OPS: &[&[Op]] = &[
    &[matching_files::OP, merge_v2_checkpoints::OP, read_file::OP, save_v2::OP, write_file::OP],
    restore::OPS,
    save::OPS,
    sharded::OPS,
];
