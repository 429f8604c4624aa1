//! The lookup table operators.
//!
//! All kinds of tables are one resource, [`Table`]; handles of TensorFlow 1 (references to strings) and of
//! TensorFlow 2 (resources) both point to it. Operators that make tables stand in the files named after them, those
//! that use tables in `lookup_table_*.rs` and `initialize_table*.rs`.
#![forbid(unsafe_code)]

use savedmodel_op::Op;

mod generate_vocab_remapping;
mod handle;
mod hash_table;
mod initialize_table;
mod initialize_table_from_text_file;
mod lookup_table_export;
mod lookup_table_find;
mod lookup_table_import;
mod lookup_table_insert;
mod lookup_table_remove;
mod lookup_table_size;
mod mutable_dense_hash_table;
mod mutable_hash_table;
mod mutable_hash_table_of_tensors;
mod table;
mod vocabulary;

#[cfg(test)]
mod testing;

pub use table::{Layout, Table};

/// Every operator of this family.
pub static OPS: &[&[Op]] = &[
    &[generate_vocab_remapping::OP],
    hash_table::OPS,
    initialize_table::OPS,
    initialize_table_from_text_file::OPS,
    lookup_table_export::OPS,
    lookup_table_find::OPS,
    lookup_table_import::OPS,
    lookup_table_insert::OPS,
    lookup_table_remove::OPS,
    lookup_table_size::OPS,
    mutable_dense_hash_table::OPS,
    mutable_hash_table::OPS,
    mutable_hash_table_of_tensors::OPS,
];
