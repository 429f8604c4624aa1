//! The binary form to text.

use std::fmt::Write as _;

use bytes::Buf;
use prost::encoding::{WireType, decode_key, decode_varint};
use savedmodel_tensor::{Error, Result};

use super::MAX_DEPTH;
use super::schema::{Field, Kind, MessageId, SCHEMA};

/// The text of a message in binary form.
pub(super) fn from_binary(bytes: &[u8], message: MessageId) -> Result<String> {
    let mut writer = Writer { text: String::new(), depth: 0 };
    writer
        .message(bytes, message)
        .ok_or_else(|| Error::internal("a message that can't be written as text"))?;
    Ok(writer.text)
}

struct Writer {
    text: String,
    depth: usize,
}

impl Writer {
    fn message(&mut self, mut bytes: &[u8], message: MessageId) -> Option<()> {
        let message = SCHEMA.message(message);
        while !bytes.is_empty() {
            let (number, wire_type) = decode_key(&mut bytes).ok()?;
            let field = message.field_number(number)?;
            if wire_type != WireType::LengthDelimited {
                self.scalar(field, &mut bytes)?;
                continue;
            }
            let length = usize::try_from(decode_varint(&mut bytes).ok()?).ok()?;
            let (mut body, rest) = bytes.split_at_checked(length)?;
            bytes = rest;
            match field.kind {
                Kind::Message(id) => self.nested(field, body, id)?,
                Kind::String | Kind::Bytes => self.line(field, &quote(body)),
                _ => {
                    while !body.is_empty() {
                        self.scalar(field, &mut body)?;
                    }
                }
            }
        }
        Some(())
    }

    fn nested(&mut self, field: &Field, body: &[u8], id: MessageId) -> Option<()> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.indent();
        let _ = writeln!(self.text, "{} {{", field.name);
        self.depth += 1;
        self.message(body, id)?;
        self.depth -= 1;
        self.indent();
        self.text.push_str("}\n");
        Some(())
    }

    fn scalar(&mut self, field: &Field, bytes: &mut &[u8]) -> Option<()> {
        let value = match field.kind {
            Kind::Float => float(bytes.try_get_f32_le().ok()?),
            Kind::Double => float(bytes.try_get_f64_le().ok()?),
            Kind::Fixed32 => bytes.try_get_u32_le().ok()?.to_string(),
            Kind::Fixed64 => bytes.try_get_u64_le().ok()?.to_string(),
            kind => varint(kind, decode_varint(bytes).ok()?)?,
        };
        self.line(field, &value);
        Some(())
    }

    fn line(&mut self, field: &Field, value: &str) {
        self.indent();
        let _ = writeln!(self.text, "{}: {value}", field.name);
    }

    fn indent(&mut self) {
        (0..self.depth).for_each(|_| self.text.push_str("  "));
    }
}

fn varint(kind: Kind, value: u64) -> Option<String> {
    Some(match kind {
        Kind::Int32 => (value as i32).to_string(),
        Kind::Int64 => (value as i64).to_string(),
        Kind::Sint64 => ((value >> 1) as i64 ^ -((value & 1) as i64)).to_string(),
        Kind::Uint32 => (value as u32).to_string(),
        Kind::Uint64 => value.to_string(),
        Kind::Bool => (value != 0).to_string(),
        Kind::Enum(id) => match SCHEMA.enum_type(id).value_name(value as i32) {
            Some(name) => name.to_owned(),
            None => (value as i32).to_string(),
        },
        _ => return None,
    })
}

/// The shortest text that reads as the same number.
fn float<T: Copy + Into<f64> + std::fmt::Display + std::fmt::LowerExp>(value: T) -> String {
    let wide: f64 = value.into();
    if wide.is_nan() {
        "nan".to_owned()
    } else if wide != 0.0 && wide.is_finite() && !(1e-5..1e16).contains(&wide.abs()) {
        format!("{value:e}")
    } else {
        value.to_string()
    }
}

fn quote(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 2);
    text.push('"');
    for &byte in bytes {
        match byte {
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            b'"' | b'\'' | b'\\' => text.extend(['\\', byte.into()]),
            b' '..=b'~' => text.push(byte.into()),
            _ => {
                let _ = write!(text, "\\{byte:03o}");
            }
        }
    }
    text.push('"');
    text
}
