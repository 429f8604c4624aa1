//! TensorFlow's messages as Rust types, and the small formats that carry them.
//!
//! The types stand at the root of the crate under TensorFlow's names ([`SavedModel`], [`GraphDef`] …); those of
//! TensorFlow Serving in [`serving`]. They are generated from the `.proto` files beside this crate's manifest and
//! hold every field of whatever a SavedModel stores, so that reading and writing one loses nothing but unknown
//! fields. Bytes are [`bytes::Bytes`] and share the buffer they were decoded from; maps are sorted, so that
//! equal messages are written as equal bytes.
//!
//! - [`decode`]: a message from bytes; [`fields`]: parts of one; [`pbtxt`]: from and to text.
//! - [`tfrecord`]: files of records; [`crc`]: their checksums, which checkpoints use too.
//! - [`tensor_proto`], [`shape`]: messages to and from tensors, shapes and dtypes.
//!
//! The crate knows nothing of directories, graphs or checkpoints.
#![forbid(unsafe_code)]

pub mod crc;
pub mod descriptors;
pub mod fields;
pub mod pbtxt;
pub mod shape;
pub mod tensor_proto;
pub mod tfrecord;

#[allow(missing_docs, clippy::all)]
#[rustfmt::skip]
mod tensorflow {
    include!("generated/tensorflow.rs");

    pub mod error {
        include!("generated/tensorflow.error.rs");
    }

    pub mod serving {
        include!("generated/tensorflow.serving.rs");
    }
}

pub use prost::{Message, Name};
pub use prost_types::Any;
pub use tensorflow::*;

use bytes::Bytes;
use savedmodel_tensor::{Error, Result};

/// The message that `bytes` hold; its own bytes fields share them.
///
/// Messages nested deeper than 100 are refused, as TensorFlow refuses them.
///
/// # Errors
/// `DATA_LOSS` when the bytes are no such message.
pub fn decode<M: Message + Name + Default>(bytes: impl Into<Bytes>) -> Result<M> {
    M::decode(bytes.into())
        .map_err(|error| Error::data_loss(format!("Can't parse bytes as {}: {error}", M::full_name())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> StructuredValue {
        let leaf = StructuredValue { kind: Some(structured_value::Kind::BoolValue(true)) };
        (0..depth).fold(leaf, |inner, _| {
            let list = ListValue { values: vec![inner] };
            StructuredValue { kind: Some(structured_value::Kind::ListValue(list)) }
        })
    }

    #[test]
    fn bytes_are_shared_with_the_input() {
        let content = Bytes::from(vec![7; 1000]);
        let proto = TensorProto { tensor_content: content, ..Default::default() };
        let input = Bytes::from(proto.encode_to_vec());
        let output: TensorProto = decode(input.clone()).unwrap();
        let range = input.as_ptr_range();
        assert!(range.contains(&output.tensor_content.as_ptr()));
    }

    #[test]
    fn nesting_is_bounded() {
        let decodes =
            |depth| decode::<StructuredValue>(nested(depth).encode_to_vec()).map(|v| v == nested(depth));
        assert_eq!(decodes(50), Ok(true));
        let error = decodes(51).unwrap_err();
        assert!(error.message().contains("tensorflow.StructuredValue"), "{error}");
    }

    #[test]
    fn truncated_messages_are_errors() {
        let whole = nested(3).encode_to_vec();
        for end in 1..whole.len() {
            assert!(decode::<StructuredValue>(whole[..end].to_vec()).is_err(), "{end}");
        }
    }

    #[test]
    fn attribute_values_stay_small() {
        assert!(size_of::<AttrValue>() <= 64, "{}", size_of::<AttrValue>());
    }
}
