//! The operators on strings: case, cutting, joining, patterns, hashes, numbers, Unicode.
//!
//! Results share memory with their inputs where they are parts of them. [`Pattern`](re2::Pattern) holds what regular
//! expressions need, `unicode.rs` what encodings need, `each.rs` the loops over the strings of a tensor.
#![forbid(unsafe_code)]

use savedmodel_op::Op;

mod as_string;
mod base64;
mod each;
mod re2;
mod reduce_join;
mod regex_full_match;
mod regex_replace;
mod sdca_fprint;
mod string_case;
mod string_format;
mod string_join;
mod string_length;
mod string_n_grams;
mod string_split;
mod string_split_v2;
mod string_strip;
mod string_to_hash_bucket;
mod string_to_number;
mod substr;
mod unicode;
mod unicode_decode;
mod unicode_encode;
mod unicode_script;
mod unicode_transcode;
mod unsorted_segment_join;

#[cfg(test)]
mod testing;

/// Every operator of this family.
pub static OPS: &[&[Op]] = &[
    &[
        as_string::OP,
        reduce_join::OP,
        sdca_fprint::OP,
        string_format::OP,
        string_join::OP,
        string_length::OP,
        string_n_grams::OP,
        string_split::OP,
        string_split_v2::OP,
        string_strip::OP,
        string_to_number::OP,
        substr::OP,
        unicode_encode::OP,
        unicode_script::OP,
        unicode_transcode::OP,
        unsorted_segment_join::OP,
    ],
    base64::OPS,
    regex_full_match::OPS,
    regex_replace::OPS,
    string_case::OPS,
    string_to_hash_bucket::OPS,
    unicode_decode::OPS,
];
