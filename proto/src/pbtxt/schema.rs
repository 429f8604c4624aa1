//! What the text format needs to know of messages, from the committed descriptors.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet};

use crate::Message as _;

const DESCRIPTORS: &[u8] = include_bytes!("../generated/descriptors.binpb");

pub(crate) static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    // The descriptors are a part of this crate, and its tests decode them.
    Schema::new(FileDescriptorSet::decode(DESCRIPTORS).unwrap_or_default())
});

/// Index of a message in the schema.
pub(crate) type MessageId = usize;

#[derive(Debug, Default)]
pub(crate) struct Schema {
    messages: Vec<MessageType>,
    enums: Vec<EnumType>,
    message_ids: HashMap<String, MessageId>,
    /// What was named but is not there.
    pub missing: Option<String>,
}

#[derive(Debug)]
pub(crate) struct MessageType {
    pub fields: Vec<Field>,
    by_name: HashMap<String, usize>,
    pub is_any: bool,
    pub is_map_entry: bool,
    /// Fields that others add to it, by their full names.
    extensions: Vec<Field>,
}

/// A field of a message.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its number.
    pub number: u32,
    /// The type of its values.
    pub kind: Kind,
    /// Whether it has any number of them.
    pub repeated: bool,
    pub(crate) oneof: Option<String>,
    /// Whether its values are written as one list.
    pub packed: bool,
    /// The default value as descriptors spell it, if there is one.
    pub default: Option<String>,
    pub(crate) required: bool,
    /// Whether a value that is the default one is as good as none.
    pub(crate) implicit: bool,
    pub(crate) checks_utf8: bool,
}

/// How the value of a field is written.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "the types of descriptor.proto, by their names there")]
pub enum Kind {
    Double,
    Float,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Bool,
    String,
    Bytes,
    /// The number is that of the type in its pool, here and below.
    Enum(usize),
    Message(usize),
    Group(usize),
}

#[derive(Debug)]
pub(crate) struct EnumType {
    pub name: String,
    /// Whether it may have values that it does not name.
    pub open: bool,
    values: Vec<(String, i32)>,
}

impl EnumType {
    pub fn number(&self, name: &str) -> Option<i32> {
        self.values.iter().find(|(n, _)| n == name).map(|&(_, number)| number)
    }

    pub fn value_name(&self, number: i32) -> Option<&str> {
        self.values.iter().find(|&&(_, n)| n == number).map(|(name, _)| name.as_str())
    }

    pub fn first(&self) -> i32 {
        self.values.first().map_or(0, |&(_, number)| number)
    }
}

impl MessageType {
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.by_name.get(name).map(|&index| &self.fields[index])
    }

    pub fn field_number(&self, number: u32) -> Option<&Field> {
        self.fields.iter().chain(&self.extensions).find(|field| field.number == number)
    }

    pub fn extension(&self, name: &str) -> Option<&Field> {
        self.extensions.iter().find(|field| field.name == name)
    }
}

/// The parts of a descriptor set under their full names, and whether they are of the third syntax.
#[derive(Default)]
struct Named {
    messages: Vec<(String, DescriptorProto, bool)>,
    enums: Vec<(String, EnumDescriptorProto, bool)>,
    /// With the scope that each stands in.
    extensions: Vec<(String, FieldDescriptorProto)>,
}

impl Named {
    fn add(&mut self, scope: &str, message: DescriptorProto, proto3: bool) {
        let name = format!("{scope}.{}", message.name());
        message.nested_type.iter().for_each(|nested| self.add(&name, nested.clone(), proto3));
        self.add_enums(&name, &message.enum_type, proto3);
        self.add_extensions(&name, &message.extension);
        self.messages.push((name, message, proto3));
    }

    fn add_enums(&mut self, scope: &str, enums: &[EnumDescriptorProto], proto3: bool) {
        self.enums.extend(enums.iter().map(|e| (format!("{scope}.{}", e.name()), e.clone(), proto3)));
    }

    fn add_extensions(&mut self, scope: &str, extensions: &[FieldDescriptorProto]) {
        self.extensions.extend(extensions.iter().map(|field| (scope.to_owned(), field.clone())));
    }

    fn of(descriptors: FileDescriptorSet) -> Named {
        let mut named = Named::default();
        for file in descriptors.file {
            let scope =
                if file.package().is_empty() { String::new() } else { format!(".{}", file.package()) };
            let proto3 = file.syntax() == "proto3";
            named.add_enums(&scope, &file.enum_type, proto3);
            named.add_extensions(&scope, &file.extension);
            file.message_type.into_iter().for_each(|message| named.add(&scope, message, proto3));
        }
        named
    }
}

/// Types by their full names.
struct Types(HashMap<String, Kind>);

impl Types {
    /// The type that a name means in a scope.
    fn find(&self, scope: &str, name: &str) -> Option<Kind> {
        if name.starts_with('.') {
            return self.0.get(name).copied();
        }
        let mut scope = scope;
        loop {
            if let Some(&kind) = self.0.get(&format!("{scope}.{name}")) {
                return Some(kind);
            }
            scope = &scope[..scope.rfind('.')?];
        }
    }
}

impl Schema {
    pub fn new(descriptors: FileDescriptorSet) -> Schema {
        let named = Named::of(descriptors);
        let mut types = Types(HashMap::new());
        let messages = named.messages.iter().enumerate();
        types.0.extend(messages.map(|(i, (name, ..))| (name.clone(), Kind::Message(i))));
        types.0.extend(named.enums.iter().enumerate().map(|(i, (name, ..))| (name.clone(), Kind::Enum(i))));
        let message_ids = named.messages.iter().enumerate().map(|(i, (name, ..))| (name[1..].to_owned(), i));
        let mut missing = None;
        let mut schema = Schema {
            message_ids: message_ids.collect(),
            messages: named.messages.iter().map(|part| message_type(part, &types, &mut missing)).collect(),
            enums: named.enums.iter().map(enum_type).collect(),
            missing: None,
        };
        for (scope, proto) in &named.extensions {
            let target = types.find(scope, proto.extendee());
            let made = field(proto, (scope, &DescriptorProto::default(), false), &types);
            match (target, made) {
                (Some(Kind::Message(id)), Some(mut made)) => {
                    made.name = format!("{scope}.{}", proto.name())[1..].to_owned();
                    schema.messages[id].extensions.push(made);
                }
                _ => missing = Some(proto.name().to_owned()),
            }
        }
        schema.missing = missing;
        schema
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

fn message_type(
    (name, message, proto3): &(String, DescriptorProto, bool),
    types: &Types,
    missing: &mut Option<String>,
) -> MessageType {
    let mut fields = Vec::new();
    for proto in &message.field {
        match field(proto, (name, message, *proto3), types) {
            Some(made) => fields.push(made),
            None => *missing = Some(format!("{}.{}", &name[1..], proto.name())),
        }
    }
    let mut by_name: HashMap<String, usize> =
        fields.iter().enumerate().map(|(i, field)| (field.name.clone(), i)).collect();
    // In text, groups go by the names of their types too.
    for proto in message.field.iter().filter(|proto| proto.r#type() == Type::Group) {
        let name = proto.type_name().rsplit('.').next().unwrap_or_default();
        if let Some(&index) = by_name.get(proto.name()) {
            by_name.entry(name.to_owned()).or_insert(index);
        }
    }
    MessageType {
        by_name,
        fields,
        is_any: name == ".google.protobuf.Any",
        is_map_entry: message.options.as_ref().is_some_and(|options| options.map_entry()),
        extensions: Vec::new(),
    }
}

/// A field of a message, or an extension in a scope; none if its number or type is no good.
fn field(
    proto: &FieldDescriptorProto,
    (scope, of, proto3): (&str, &DescriptorProto, bool),
    types: &Types,
) -> Option<Field> {
    let oneof = proto.oneof_index.and_then(|index| of.oneof_decl.get(usize::try_from(index).ok()?));
    let named = || types.find(scope, proto.type_name());
    let kind = match proto.r#type() {
        Type::Double => Kind::Double,
        Type::Float => Kind::Float,
        Type::Int32 => Kind::Int32,
        Type::Int64 => Kind::Int64,
        Type::Uint32 => Kind::Uint32,
        Type::Uint64 => Kind::Uint64,
        Type::Sint32 => Kind::Sint32,
        Type::Sint64 => Kind::Sint64,
        Type::Fixed32 => Kind::Fixed32,
        Type::Fixed64 => Kind::Fixed64,
        Type::Sfixed32 => Kind::Sfixed32,
        Type::Sfixed64 => Kind::Sfixed64,
        Type::Bool => Kind::Bool,
        Type::String => Kind::String,
        Type::Bytes => Kind::Bytes,
        Type::Enum | Type::Message => named()?,
        Type::Group => match named()? {
            Kind::Message(id) => Kind::Group(id),
            _ => return None,
        },
    };
    let repeated = proto.label() == Label::Repeated;
    let packed = proto.options.as_ref().and_then(|options| options.packed);
    let is_message = matches!(kind, Kind::Message(_) | Kind::Group(_));
    let scalar = !is_message && !matches!(kind, Kind::String | Kind::Bytes);
    Some(Field {
        name: proto.name().to_owned(),
        number: u32::try_from(proto.number()).ok().filter(|&number| number > 0)?,
        kind,
        repeated,
        oneof: oneof.filter(|_| !proto.proto3_optional()).map(|oneof| oneof.name().to_owned()),
        default: proto.default_value.clone(),
        required: proto.label() == Label::Required,
        implicit: proto3 && !repeated && !is_message && proto.oneof_index.is_none(),
        packed: repeated && scalar && packed.unwrap_or(proto3),
        checks_utf8: proto3 && kind == Kind::String,
    })
}

fn enum_type((name, proto, open): &(String, EnumDescriptorProto, bool)) -> EnumType {
    let values = proto.value.iter().map(|value| (value.name().to_owned(), value.number()));
    EnumType { name: name[1..].to_owned(), open: *open, values: values.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_descriptor_is_understood() {
        let named = Named::of(FileDescriptorSet::decode(DESCRIPTORS).unwrap());
        assert!(named.messages.len() > 150);
        for (name, proto, _) in &named.messages {
            let id = SCHEMA.message_id(&name[1..]).unwrap();
            assert_eq!(SCHEMA.message(id).fields.len(), proto.field.len(), "{name}");
        }
        assert_eq!(SCHEMA.missing, None);
    }
}
