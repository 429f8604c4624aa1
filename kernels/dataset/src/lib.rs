//! Datasets, the iterators that go through them, and optionals.
//!
//! A [`Dataset`] is an immutable value in a `variant` tensor: a way to start going through rows of tensors. An operator
//! wraps the datasets that it takes; functions are called while rows are asked for, in the run that asks. Prefetching and
//! threads change nothing that can be seen, and are left out. Start reading at [`dataset`].
#![forbid(unsafe_code)]

mod batch;
mod cache;
mod cardinality;
mod csv;
mod dataset;
mod directed;
mod files;
mod flat_map;
mod function;
mod group;
mod ignore_errors;
mod initialize_table_from_dataset;
mod iterator;
mod iterator_handles;
mod list;
mod map;
mod optional;
mod order;
mod padded_batch;
mod parse_example;
mod pass_through;
mod random;
mod reader;
mod reader_read;
mod reader_state;
mod readers;
mod rebatch;
mod records;
mod reduce;
mod shuffle;
mod sources;
mod sparse_rows;
mod unique;
mod window;
mod wrap;

use savedmodel_op::Op;

pub use dataset::{Dataset, Elements, Row};

/// The operators of this family.
pub static OPS: &[&[Op]] = &[
    batch::OPS,
    cache::OPS,
    cardinality::OPS,
    csv::OPS,
    directed::OPS,
    flat_map::OPS,
    group::OPS,
    iterator::OPS,
    iterator_handles::OPS,
    map::OPS,
    optional::OPS,
    order::OPS,
    padded_batch::OPS,
    parse_example::OPS,
    pass_through::OPS,
    random::OPS,
    reader_read::OPS,
    reader_state::OPS,
    readers::OPS,
    records::OPS,
    reduce::OPS,
    shuffle::OPS,
    sources::OPS,
    sparse_rows::OPS,
    wrap::OPS,
    &[ignore_errors::OP, initialize_table_from_dataset::OP, list::OP, rebatch::OP, unique::OP, window::OP],
];

#[cfg(test)]
mod tests;
