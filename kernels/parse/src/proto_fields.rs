//! Fields of messages whose descriptors an attribute gives, as `DecodeProtoV2` and `EncodeProto` use them.

use std::path::Path;

use savedmodel_op::Construction;
use savedmodel_proto::descriptors::{DescriptorPool, Kind, MessageId};
use savedmodel_tensor::{Bytes, DType, Error, Result};

/// The types of messages that `descriptor_source` gives, and the one that `message_type` names.
///
/// # Errors
/// `INVALID_ARGUMENT` when there is no such source or type.
pub fn message(node: &Construction<'_>) -> Result<(DescriptorPool, MessageId)> {
    let source: Bytes = node.attr("descriptor_source")?;
    let pool = pool(&source)?;
    let name: String = node.attr("message_type")?;
    match pool.message(&name) {
        Some(message) => Ok((pool, message)),
        None => Err(Error::invalid_argument(format!("No descriptor found for message type {name}"))),
    }
}

fn pool(source: &[u8]) -> Result<DescriptorPool> {
    if matches!(source, b"" | b"local://") {
        return Ok(DescriptorPool::own());
    }
    let file = std::str::from_utf8(source).ok().map(Path::new).filter(|path| path.is_file());
    if let Some(bytes) = file.and_then(|path| std::fs::read(path).ok()) {
        return DescriptorPool::of_set(&bytes).map_err(as_invalid);
    }
    match source.strip_prefix(b"bytes://") {
        Some(set) => DescriptorPool::of_set(set).map_err(as_invalid),
        None => {
            Err(Error::invalid_argument("Source does not represent serialized file descriptor set proto."))
        }
    }
}

fn as_invalid(error: Error) -> Error {
    Error::invalid_argument(format!(
        "Source does not represent serialized file descriptor set proto: {}",
        error.message()
    ))
}

/// Whether elements of a dtype can stand for the values of a field.
pub fn is_compatible(kind: Kind, dtype: DType) -> bool {
    match kind {
        Kind::Double => dtype == DType::Double,
        Kind::Float => matches!(dtype, DType::Float | DType::Double),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => dtype == DType::Int64,
        Kind::Uint64 | Kind::Fixed64 => dtype == DType::Uint64,
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => matches!(dtype, DType::Int32 | DType::Int64),
        Kind::Uint32 | Kind::Fixed32 => matches!(dtype, DType::Uint32 | DType::Uint64),
        Kind::Bool => dtype == DType::Bool,
        Kind::Enum(_) => dtype == DType::Int32,
        Kind::String | Kind::Bytes | Kind::Message(_) | Kind::Group(_) => dtype == DType::String,
    }
}

/// How numbers of a field lie in messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// In base 128.
    Varint,
    /// As four bytes.
    Four,
    /// As eight bytes.
    Eight,
    /// A length and so many bytes.
    Delimited,
    /// Between a tag that starts a group and one that ends it.
    Group,
}

impl Wire {
    /// How values of a field lie.
    pub fn of(kind: Kind) -> Wire {
        match kind {
            Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => Wire::Four,
            Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => Wire::Eight,
            Kind::String | Kind::Bytes | Kind::Message(_) => Wire::Delimited,
            Kind::Group(_) => Wire::Group,
            _ => Wire::Varint,
        }
    }

    /// The number of the wire type.
    pub fn number(self) -> u32 {
        match self {
            Wire::Varint => 0,
            Wire::Eight => 1,
            Wire::Delimited => 2,
            Wire::Group => 3,
            Wire::Four => 5,
        }
    }
}
