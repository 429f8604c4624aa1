//! What the text format needs to know of messages, from the committed descriptors.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet};

use crate::Message as _;

const DESCRIPTORS: &[u8] = include_bytes!("../generated/descriptors.binpb");

pub(super) static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    // The descriptors are a part of this crate, and its tests decode them.
    Schema::new(FileDescriptorSet::decode(DESCRIPTORS).unwrap_or_default())
});

/// Index of a message in the schema.
pub(super) type MessageId = usize;

#[derive(Default)]
pub(super) struct Schema {
    messages: Vec<MessageType>,
    enums: Vec<EnumType>,
    message_ids: HashMap<String, MessageId>,
}

pub(super) struct MessageType {
    pub fields: Vec<Field>,
    by_name: HashMap<String, usize>,
    pub is_any: bool,
}

pub(super) struct Field {
    pub name: String,
    pub number: u32,
    pub kind: Kind,
    pub repeated: bool,
    pub oneof: Option<String>,
}

/// How the value of a field is written.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Double,
    Float,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint64,
    Fixed32,
    Fixed64,
    Bool,
    String,
    Bytes,
    Enum(usize),
    Message(MessageId),
}

pub(super) struct EnumType {
    pub name: String,
    values: Vec<(String, i32)>,
}

impl EnumType {
    pub fn number(&self, name: &str) -> Option<i32> {
        self.values.iter().find(|(n, _)| n == name).map(|&(_, number)| number)
    }

    pub fn value_name(&self, number: i32) -> Option<&str> {
        self.values.iter().find(|&&(_, n)| n == number).map(|(name, _)| name.as_str())
    }
}

impl MessageType {
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.by_name.get(name).map(|&index| &self.fields[index])
    }

    pub fn field_number(&self, number: u32) -> Option<&Field> {
        self.fields.iter().find(|field| field.number == number)
    }
}

/// The parts of a descriptor set under their full names.
#[derive(Default)]
struct Named {
    messages: Vec<(String, DescriptorProto)>,
    enums: Vec<(String, EnumDescriptorProto)>,
}

impl Named {
    fn add(&mut self, scope: &str, message: DescriptorProto) {
        let name = format!("{scope}.{}", message.name());
        message.nested_type.iter().for_each(|nested| self.add(&name, nested.clone()));
        self.add_enums(&name, &message.enum_type);
        self.messages.push((name, message));
    }

    fn add_enums(&mut self, scope: &str, enums: &[EnumDescriptorProto]) {
        self.enums.extend(enums.iter().map(|e| (format!("{scope}.{}", e.name()), e.clone())));
    }
}

impl Schema {
    fn new(descriptors: FileDescriptorSet) -> Schema {
        let mut named = Named::default();
        for file in descriptors.file {
            let scope = format!(".{}", file.package());
            named.add_enums(&scope, &file.enum_type);
            file.message_type.into_iter().for_each(|message| named.add(&scope, message));
        }
        let mut ids: HashMap<String, Kind> = HashMap::new();
        ids.extend(named.messages.iter().enumerate().map(|(i, (name, _))| (name.clone(), Kind::Message(i))));
        ids.extend(named.enums.iter().enumerate().map(|(i, (name, _))| (name.clone(), Kind::Enum(i))));
        let message_ids = named.messages.iter().enumerate().map(|(i, (name, _))| (name[1..].to_owned(), i));
        Schema {
            message_ids: message_ids.collect(),
            messages: named
                .messages
                .iter()
                .map(|(name, message)| message_type(name, message, &ids))
                .collect(),
            enums: named.enums.iter().map(|(name, proto)| enum_type(name, proto)).collect(),
        }
    }

    /// The message of this full name.
    pub fn message_id(&self, name: &str) -> Option<MessageId> {
        self.message_ids.get(name).copied()
    }

    pub fn message(&self, id: MessageId) -> &MessageType {
        &self.messages[id]
    }

    pub fn enum_type(&self, id: usize) -> &EnumType {
        &self.enums[id]
    }
}

fn message_type(name: &str, message: &DescriptorProto, ids: &HashMap<String, Kind>) -> MessageType {
    let fields: Vec<_> = message.field.iter().filter_map(|f| field(f, message, ids)).collect();
    MessageType {
        by_name: fields.iter().enumerate().map(|(i, field)| (field.name.clone(), i)).collect(),
        fields,
        is_any: name == ".google.protobuf.Any",
    }
}

fn field(proto: &FieldDescriptorProto, of: &DescriptorProto, ids: &HashMap<String, Kind>) -> Option<Field> {
    let oneof = proto.oneof_index.and_then(|index| of.oneof_decl.get(usize::try_from(index).ok()?));
    Some(Field {
        name: proto.name().to_owned(),
        number: u32::try_from(proto.number()).ok()?,
        kind: match proto.r#type() {
            Type::Double => Kind::Double,
            Type::Float => Kind::Float,
            Type::Int32 => Kind::Int32,
            Type::Int64 => Kind::Int64,
            Type::Uint32 => Kind::Uint32,
            Type::Uint64 => Kind::Uint64,
            Type::Sint64 => Kind::Sint64,
            Type::Fixed32 => Kind::Fixed32,
            Type::Fixed64 => Kind::Fixed64,
            Type::Bool => Kind::Bool,
            Type::String => Kind::String,
            Type::Bytes => Kind::Bytes,
            Type::Enum | Type::Message => *ids.get(proto.type_name())?,
            Type::Group | Type::Sint32 | Type::Sfixed32 | Type::Sfixed64 => return None,
        },
        repeated: proto.label() == Label::Repeated,
        oneof: oneof.filter(|_| !proto.proto3_optional()).map(|oneof| oneof.name().to_owned()),
    })
}

fn enum_type(name: &str, proto: &EnumDescriptorProto) -> EnumType {
    let values = proto.value.iter().map(|value| (value.name().to_owned(), value.number()));
    EnumType { name: name[1..].to_owned(), values: values.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_descriptor_is_understood() {
        let set = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
        let mut named = Named::default();
        for file in set.file {
            let scope = format!(".{}", file.package());
            file.message_type.into_iter().for_each(|message| named.add(&scope, message));
        }
        assert!(named.messages.len() > 150);
        for (name, proto) in &named.messages {
            let id = SCHEMA.message_id(&name[1..]).unwrap();
            assert_eq!(SCHEMA.message(id).fields.len(), proto.field.len(), "{name}");
        }
    }
}
