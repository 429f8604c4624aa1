//! The operators that parse: `tf.Example`s, CSV, raw bytes, tensors.
//!
//! Examples are never decoded to messages: `wire.rs` reads their bytes, `example.rs` finds the features in them,
//! `batch.rs` and `sequence.rs` write the values to where the outputs have them; strings of outputs share the memory of
//! the examples.
#![forbid(unsafe_code)]

use savedmodel_op::Op;

mod batch;
mod decode_compressed;
mod decode_csv;
mod decode_json_example;
mod decode_proto;
mod decode_raw;
mod encode_proto;
mod example;
mod feature;
mod features;
mod merge;
mod parse_example;
mod parse_sequence_example;
mod parse_single_example;
mod parse_single_sequence_example;
mod parse_tensor;
mod proto_fields;
mod sequence;
mod serialize_tensor;
mod single;
mod wire;

#[cfg(test)]
mod testing;

pub use batch::{Batch, Parsed};
pub use features::{Dense, Features, Names, ragged_types};

/// Every operator of this family.
pub static OPS: &[&[Op]] = &[
    &[
        decode_compressed::OP,
        decode_csv::OP,
        decode_json_example::OP,
        decode_proto::OP,
        encode_proto::OP,
        parse_single_example::OP,
        parse_single_sequence_example::OP,
        parse_tensor::OP,
        serialize_tensor::OP,
    ],
    decode_raw::OPS,
    parse_example::OPS,
    parse_sequence_example::OPS,
];
