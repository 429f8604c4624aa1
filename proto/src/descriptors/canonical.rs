//! Messages read and written again.

use std::collections::BTreeMap;

use bytes::Buf;
use prost::encoding::{WireType, decode_varint, encode_key, encode_varint};

use crate::pbtxt::schema::{Field, Kind, MessageId, MessageType, Schema};

/// Messages nested deeper than this are refused.
const MAX_DEPTH: usize = 100;

/// The message again; `None` when the bytes are no such message.
pub(super) fn canonical(schema: &Schema, message: MessageId, bytes: &[u8]) -> Option<Vec<u8>> {
    Reader { schema }.message(message, bytes, 0)
}

/// The fields of a message by number.
#[derive(Default)]
struct Fields(BTreeMap<u32, Values>);

struct Values {
    values: Vec<Value>,
    packed: bool,
}

enum Value {
    Varint(u64),
    Four(u32),
    Eight(u64),
    Bytes(Vec<u8>),
    Group(Vec<u8>),
}

struct Reader<'a> {
    schema: &'a Schema,
}

impl Reader<'_> {
    fn message(&self, id: MessageId, mut bytes: &[u8], depth: usize) -> Option<Vec<u8>> {
        let message = self.schema.message(id);
        let (mut fields, mut unknown) = (Fields::default(), Vec::new());
        if depth > MAX_DEPTH {
            return None;
        }
        while !bytes.is_empty() {
            let start = bytes;
            let key = decode_varint(&mut bytes).ok()? as u32;
            let (number, wire) = (key >> 3, WireType::try_from(u64::from(key & 7)).ok()?);
            let field = message.field_number(number).filter(|_| number > 0);
            let body = bytes;
            skip(wire, number, &mut bytes, depth)?;
            let body = &body[..body.len() - bytes.len()];
            let known = match field {
                Some(field) => self.field(field, wire, body, &mut fields)?,
                None => false,
            };
            if !known {
                unknown.extend_from_slice(&start[..start.len() - bytes.len()]);
                continue;
            }
            if let Some(oneof) = field.and_then(|field| field.oneof.as_ref()) {
                let others = message.fields.iter().filter(|other| other.oneof.as_ref() == Some(oneof));
                for other in others.filter(|other| other.number != number) {
                    fields.0.remove(&other.number);
                }
            }
        }
        self.finish(message, fields, depth).map(|known| [known, unknown].concat())
    }

    /// Writes the fields, with messages that came in parts as one.
    fn finish(&self, message: &MessageType, mut fields: Fields, depth: usize) -> Option<Vec<u8>> {
        for field in &message.fields {
            if message.is_map_entry {
                fields.values(field, |values| values.is_empty().then(|| default(field)));
            } else if field.required && !fields.0.contains_key(&field.number) {
                return None;
            }
        }
        let mut out = Vec::new();
        for (&number, Values { values, packed }) in &mut fields.0 {
            let field = message.field_number(number)?;
            for value in values.iter_mut() {
                match (field.kind, value) {
                    (Kind::Message(id), Value::Bytes(body)) | (Kind::Group(id), Value::Group(body)) => {
                        *body = self.message(id, body, depth + 1)?;
                    }
                    _ => {}
                }
            }
            if field.implicit && values.iter().all(Value::is_default) && !message.is_map_entry {
                continue;
            }
            if *packed {
                let mut body = Vec::new();
                values.iter().for_each(|value| value.write(None, &mut body));
                if !body.is_empty() {
                    Value::Bytes(body).write(Some(number), &mut out);
                }
            } else {
                values.iter().for_each(|value| value.write(Some(number), &mut out));
            }
        }
        Some(out)
    }

    /// Takes a field's value, unless it is of another wire type than the field's.
    fn field(&self, field: &Field, wire: WireType, mut body: &[u8], fields: &mut Fields) -> Option<bool> {
        let value = match (field.kind, wire) {
            (Kind::Message(_) | Kind::String | Kind::Bytes, WireType::LengthDelimited) => {
                let body = delimited(&mut body)?;
                if field.checks_utf8 && std::str::from_utf8(body).is_err() {
                    return None;
                }
                Value::Bytes(body.to_vec())
            }
            (Kind::Group(_), WireType::StartGroup) => {
                let mut end = Vec::new();
                encode_key(field.number, WireType::EndGroup, &mut end);
                Value::Group(body.strip_suffix(&end[..])?.to_vec())
            }
            (Kind::String | Kind::Bytes | Kind::Message(_) | Kind::Group(_), _) => return Some(false),
            (_, WireType::LengthDelimited) if field.repeated => {
                let mut body = delimited(&mut body)?;
                while !body.is_empty() {
                    let value = scalar(field.kind, wire_type(field.kind), &mut body)??;
                    fields.values(field, |_| Some(value));
                }
                return Some(true);
            }
            _ => match scalar(field.kind, wire, &mut body)? {
                Some(value) => value,
                None => return Some(false),
            },
        };
        if let (Kind::Enum(id), Value::Varint(number)) = (field.kind, &value) {
            let known = self.schema.enum_type(id);
            if !known.open && known.value_name(*number as i32).is_none() {
                return Some(false);
            }
        }
        let is_message = matches!(field.kind, Kind::Message(_) | Kind::Group(_));
        fields.values(field, |values| {
            match (values.last_mut(), &value) {
                // Parts of one message are put together by reading them in a row.
                (Some(Value::Bytes(old)), Value::Bytes(new))
                | (Some(Value::Group(old)), Value::Group(new))
                    if is_message && !field.repeated =>
                {
                    old.extend_from_slice(new);
                    return None;
                }
                _ => {}
            }
            if !field.repeated {
                values.clear();
            }
            Some(value)
        });
        Some(true)
    }
}

impl Fields {
    /// Adds what `next` makes of the values of a field, if it makes something.
    fn values(&mut self, field: &Field, next: impl FnOnce(&mut Vec<Value>) -> Option<Value>) {
        let empty = || Values { values: Vec::new(), packed: field.packed };
        let values = &mut self.0.entry(field.number).or_insert_with(empty).values;
        let next = next(values);
        values.extend(next);
    }
}

fn default(field: &Field) -> Value {
    match (field.kind, wire_type(field.kind)) {
        (Kind::String | Kind::Bytes | Kind::Message(_), _) => Value::Bytes(Vec::new()),
        (_, WireType::ThirtyTwoBit) => Value::Four(0),
        (_, WireType::SixtyFourBit) => Value::Eight(0),
        _ => Value::Varint(0),
    }
}

impl Value {
    fn is_default(&self) -> bool {
        match self {
            Value::Varint(value) | Value::Eight(value) => *value == 0,
            Value::Four(value) => *value == 0,
            Value::Bytes(body) | Value::Group(body) => body.is_empty(),
        }
    }

    /// Writes the value, after its key if there is a number.
    fn write(&self, number: Option<u32>, out: &mut Vec<u8>) {
        let key = |wire: WireType, out: &mut Vec<u8>| {
            if let Some(number) = number {
                encode_key(number, wire, out);
            }
        };
        match self {
            Value::Varint(value) => {
                key(WireType::Varint, out);
                encode_varint(*value, out);
            }
            Value::Four(value) => {
                key(WireType::ThirtyTwoBit, out);
                out.extend(value.to_le_bytes());
            }
            Value::Eight(value) => {
                key(WireType::SixtyFourBit, out);
                out.extend(value.to_le_bytes());
            }
            Value::Bytes(body) => {
                key(WireType::LengthDelimited, out);
                encode_varint(body.len() as u64, out);
                out.extend_from_slice(body);
            }
            Value::Group(body) => {
                key(WireType::StartGroup, out);
                out.extend_from_slice(body);
                key(WireType::EndGroup, out);
            }
        }
    }
}

/// The wire type of single numbers.
fn wire_type(kind: Kind) -> WireType {
    match kind {
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => WireType::ThirtyTwoBit,
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => WireType::SixtyFourBit,
        _ => WireType::Varint,
    }
}

/// A number, cut to its type; `None` within if it is of another wire type.
fn scalar(kind: Kind, wire: WireType, bytes: &mut &[u8]) -> Option<Option<Value>> {
    if wire != wire_type(kind) {
        return Some(None);
    }
    Some(Some(match wire {
        WireType::ThirtyTwoBit => Value::Four(bytes.try_get_u32_le().ok()?),
        WireType::SixtyFourBit => Value::Eight(bytes.try_get_u64_le().ok()?),
        _ => {
            let value = decode_varint(bytes).ok()?;
            Value::Varint(match kind {
                Kind::Int32 | Kind::Enum(_) => i64::from(value as i32) as u64,
                Kind::Uint32 | Kind::Sint32 => (value as u32).into(),
                Kind::Bool => (value != 0).into(),
                _ => value,
            })
        }
    }))
}

fn delimited<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(decode_varint(bytes).ok()?).ok()?;
    let (body, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(body)
}

/// Passes over the value of a field.
fn skip(wire: WireType, number: u32, bytes: &mut &[u8], depth: usize) -> Option<()> {
    if number == 0 {
        return None;
    }
    match wire {
        WireType::Varint => drop(decode_varint(bytes).ok()?),
        WireType::SixtyFourBit => drop(bytes.try_get_u64_le().ok()?),
        WireType::ThirtyTwoBit => drop(bytes.try_get_u32_le().ok()?),
        WireType::LengthDelimited => drop(delimited(bytes)?),
        WireType::StartGroup => {
            if depth >= MAX_DEPTH {
                return None;
            }
            loop {
                let key = decode_varint(bytes).ok()? as u32;
                let wire = WireType::try_from(u64::from(key & 7)).ok()?;
                if wire == WireType::EndGroup {
                    return (key >> 3 == number).then_some(());
                }
                skip(wire, key >> 3, bytes, depth + 1)?;
            }
        }
        WireType::EndGroup => return None,
    }
    Some(())
}
