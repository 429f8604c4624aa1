//! Bytes and numbers: the hashes that TensorFlow keeps stable, and numbers to and from text.
//!
//! This crate knows no tensors and no operators; operators on strings, tables and parsers share it.
//! [`hash`] holds the hashes, [`numeral`] reads and prints numbers as C and Abseil do.
#![forbid(unsafe_code)]

pub mod hash;
pub mod numeral;
