//! Fields of messages in protobuf's wire format, for kernels that write a few of them.
//!
//! ```
//! use savedmodel_op::message::{bytes, varint};
//! let mut message = Vec::new();
//! bytes(&mut message, 1, b"tag");
//! varint(&mut message, 300);
//! assert_eq!(message, b"\x0a\x03tag\xac\x02");
//! ```
//!
//! Source: <https://protobuf.dev/programming-guides/encoding>.

/// Adds a field that has a length: a string, a message, or packed numbers. Field numbers are below 16.
pub fn bytes(message: &mut Vec<u8>, field: u8, value: &[u8]) {
    message.push(field << 3 | 2);
    varint(message, value.len() as u64);
    message.extend_from_slice(value);
}

/// Adds a number in groups of seven bits, the lowest first.
pub fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 128 {
        message.push(value as u8 | 128);
        value >>= 7;
    }
    message.push(value as u8);
}
