//! Messages whose types are known at run time only.

use bytes::Bytes;
use prost_types::FileDescriptorSet;
use savedmodel_tensor::{Error, Result};

use crate::Message as _;
use crate::pbtxt::lexer::unescape;
use crate::pbtxt::parse::to_binary;
use crate::pbtxt::schema::{SCHEMA, Schema};

pub use crate::pbtxt::schema::{Field, Kind};

mod canonical;

/// Types of messages by name.
pub struct DescriptorPool(Source);

enum Source {
    Own,
    Given(Box<Schema>),
}

/// A type of messages in a pool.
pub type MessageId = usize;

impl DescriptorPool {
    /// The types that this crate has.
    pub fn own() -> DescriptorPool {
        DescriptorPool(Source::Own)
    }

    /// The types of a serialised `FileDescriptorSet`.
    ///
    /// # Errors
    /// `DATA_LOSS` when it is none; `INVALID_ARGUMENT` when it names files or types that are not in it.
    pub fn of_set(bytes: &[u8]) -> Result<DescriptorPool> {
        let set = FileDescriptorSet::decode(bytes)
            .map_err(|error| Error::data_loss(format!("invalid FileDescriptorSet: {error}")))?;
        let lacking =
            |what: &str| Err(Error::invalid_argument(format!("Failed to load FileDescriptorProto: {what}")));
        for (i, file) in set.file.iter().enumerate() {
            let known = |name: &String| set.file[..i].iter().any(|earlier| earlier.name() == name);
            if let Some(name) = file.dependency.iter().find(|name| !known(name)) {
                return lacking(name);
            }
        }
        let schema = Schema::new(set);
        match &schema.missing {
            Some(name) => lacking(name),
            None => Ok(DescriptorPool(Source::Given(Box::new(schema)))),
        }
    }

    fn schema(&self) -> &Schema {
        match &self.0 {
            Source::Own => &SCHEMA,
            Source::Given(schema) => schema,
        }
    }

    /// The type of this full name.
    pub fn message(&self, name: &str) -> Option<MessageId> {
        self.schema().message_id(name)
    }

    /// A field by its name, or an extension by its full name.
    pub fn field(&self, message: MessageId, name: &str) -> Option<&Field> {
        self.schema().message(message).field(name)
    }

    /// A field that another file adds to a message, by its full name.
    pub fn extension(&self, message: MessageId, name: &str) -> Option<&Field> {
        self.schema().message(message).extension(name)
    }

    /// The value of an enum that stands first, or that has this name.
    pub fn enum_value(&self, enum_type: usize, name: Option<&str>) -> i32 {
        let enum_type = self.schema().enum_type(enum_type);
        name.and_then(|name| enum_type.number(name)).unwrap_or_else(|| enum_type.first())
    }

    /// The default value of a field of strings or bytes.
    pub fn default_bytes(&self, field: &Field) -> Bytes {
        let text = field.default.as_deref().unwrap_or_default();
        match field.kind {
            Kind::Bytes => unescape(text).unwrap_or_default().into(),
            _ => Bytes::copy_from_slice(text.as_bytes()),
        }
    }

    /// The binary form of a message in text format.
    ///
    /// # Errors
    /// `DATA_LOSS` when it is no such message.
    pub fn of_text(&self, message: MessageId, text: &str) -> Result<Vec<u8>> {
        self.canonical(message, &to_binary(text, self.schema(), message, true)?)
    }

    /// The message that the bytes hold as protobuf writes it: fields in the order of their numbers, each at most once.
    ///
    /// # Errors
    /// `DATA_LOSS` when they are no such message.
    pub fn canonical(&self, message: MessageId, bytes: &[u8]) -> Result<Vec<u8>> {
        canonical::canonical(self.schema(), message, bytes)
            .ok_or_else(|| Error::data_loss("Unable to parse binary protobuf"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost_types::field_descriptor_proto::{Label, Type};
    use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto};

    fn set(syntax: &str, fields: Vec<FieldDescriptorProto>) -> Vec<u8> {
        let message = DescriptorProto { name: Some("M".to_owned()), field: fields, ..Default::default() };
        let file = FileDescriptorProto {
            name: Some("a.proto".to_owned()),
            package: Some("p".to_owned()),
            message_type: vec![message],
            syntax: Some(syntax.to_owned()),
            ..Default::default()
        };
        FileDescriptorSet { file: vec![file] }.encode_to_vec()
    }

    fn field(number: i32, r#type: Type, label: Label) -> FieldDescriptorProto {
        FieldDescriptorProto {
            name: Some(format!("f{number}")),
            number: Some(number),
            r#type: Some(r#type.into()),
            label: Some(label.into()),
            type_name: (r#type == Type::Message).then(|| "M".to_owned()),
            ..Default::default()
        }
    }

    fn pool(syntax: &str) -> DescriptorPool {
        let (one, many) = (Label::Optional, Label::Repeated);
        let fields = vec![
            field(1, Type::Int32, one),
            field(2, Type::String, one),
            field(3, Type::Message, one),
            field(4, Type::Int32, many),
        ];
        DescriptorPool::of_set(&set(syntax, fields)).unwrap()
    }

    #[test]
    fn messages_are_put_in_order() {
        let check = |syntax: &str, bytes: &[u8], want: Option<&[u8]>| {
            let pool = pool(syntax);
            let got = pool.canonical(pool.message("p.M").unwrap(), bytes).ok();
            assert_eq!(got.as_deref(), want, "{syntax} {bytes:?}");
        };
        check("proto2", b"\x12\x01a\x08\x05\x08\x07", Some(b"\x08\x07\x12\x01a"));
        check("proto2", b"\x1a\x02\x08\x01\x1a\x03\x12\x01z", Some(b"\x1a\x05\x08\x01\x12\x01z"));
        check("proto2", b"\x20\x01\x22\x01\x02", Some(b"\x20\x01\x20\x02"));
        check("proto3", b"\x20\x01\x22\x01\x02", Some(b"\x22\x02\x01\x02"));
        check("proto2", b"\x08\x00", Some(b"\x08\x00"));
        check("proto3", b"\x08\x00\x12\x00", Some(b""));
        check("proto2", b"\x28\x01\x08\x02", Some(b"\x08\x02\x28\x01"));
        check("proto2", b"\x12\x01\xff", Some(b"\x12\x01\xff"));
        check("proto3", b"\x12\x01\xff", None);
        for bad in [&b"\x08"[..], b"\x12\x02a", b"\x1a\x02\x08\x80", b"\x00", b"\x0b\x08\x01", b"\x0c"] {
            check("proto2", bad, None);
        }
        let deep = (0..200).fold(Vec::new(), |inner: Vec<u8>, _| {
            let mut outer = vec![0x1a];
            prost::encoding::encode_varint(inner.len() as u64, &mut outer);
            [outer, inner].concat()
        });
        check("proto2", &deep, None);
    }

    #[test]
    fn text_is_strict() {
        let pool = pool("proto2");
        let message = pool.message("p.M").unwrap();
        let text = "f3 { f2: 'q' f1: 3 } f1: 5 f4: [1, 2]";
        assert_eq!(
            pool.of_text(message, text).unwrap(),
            b"\x08\x05\x1a\x05\x08\x03\x12\x01q\x20\x01\x20\x02"
        );
        for bad in ["f9: 1", "f1: 1 f1: 2", "f1: 'x'", "[p.e]: 1"] {
            assert_eq!(pool.of_text(message, bad).unwrap_err().code(), savedmodel_tensor::Code::DataLoss);
        }
    }

    #[test]
    fn sets_are_checked() {
        let error = |bytes: &[u8]| DescriptorPool::of_set(bytes).err().unwrap().code();
        assert_eq!(error(b"zzz"), savedmodel_tensor::Code::DataLoss);
        let mut unknown = field(1, Type::Message, Label::Optional);
        unknown.type_name = Some(".p.N".to_owned());
        assert_eq!(error(&set("proto2", vec![unknown])), savedmodel_tensor::Code::InvalidArgument);
        assert!(DescriptorPool::own().message("tensorflow.Example").is_some());
    }
}
