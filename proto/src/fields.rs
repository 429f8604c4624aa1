//! Messages field by field, for those who decode only a part.

use bytes::{Buf, Bytes};
use prost::DecodeError;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// A field of an encoded message; all share the message's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its number.
    pub number: u32,
    /// Its key and value: a message with this field alone.
    pub whole: Bytes,
    /// The value, if it is a message, a string or bytes.
    pub content: Option<Bytes>,
}

/// The fields of an encoded message, in the order in which they were written.
///
/// ```
/// use savedmodel_proto::{Message, OpDef, fields};
/// let message = OpDef { name: "Add".into(), is_stateful: true, ..OpDef::default() };
/// let found: Vec<fields::Field> = fields::of(message.encode_to_vec()).collect::<Result<_, _>>()?;
/// assert_eq!(found[0].content.as_deref(), Some(&b"Add"[..]));
/// assert_eq!((found[1].number, &found[1].content), (17, &None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn of(message: impl Into<Bytes>) -> Fields {
    Fields { rest: message.into() }
}

/// See [`of`]. After an error there are no more fields.
#[derive(Clone, Debug)]
pub struct Fields {
    rest: Bytes,
}

impl Iterator for Fields {
    type Item = Result<Field, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let message = self.rest.clone();
        if message.is_empty() {
            return None;
        }
        let field = self.field(&message);
        if field.is_err() {
            self.rest.clear();
        }
        Some(field)
    }
}

impl Fields {
    fn field(&mut self, message: &Bytes) -> Result<Field, DecodeError> {
        let rest = &mut self.rest;
        let (number, wire_type) = decode_key(rest)?;
        let content = match wire_type {
            WireType::LengthDelimited => {
                let mut value = rest.clone();
                let length = decode_varint(&mut value)?;
                skip_field(wire_type, number, rest, DecodeContext::default())?;
                // What was skipped is this long, at least.
                Some(value.slice(..usize::try_from(length).unwrap_or(value.len())))
            }
            _ => {
                skip_field(wire_type, number, rest, DecodeContext::default())?;
                None
            }
        };
        let whole = message.slice(..message.len() - rest.remaining());
        Ok(Field { number, whole, content })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_field_is_found() {
        let message =
            b"\x08\x96\x01\x12\x02hi\x1d\x01\x02\x03\x04\x21\x01\x02\x03\x04\x05\x06\x07\x08\x2a\x00";
        let found: Vec<Field> = of(&message[..]).collect::<Result<_, _>>().unwrap();
        let numbers: Vec<u32> = found.iter().map(|field| field.number).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5]);
        let contents: Vec<Option<&[u8]>> = found.iter().map(|field| field.content.as_deref()).collect();
        assert_eq!(contents, [None, Some(&b"hi"[..]), None, None, Some(&b""[..])]);
        let wholes: Vec<u8> = found.iter().flat_map(|field| field.whole.to_vec()).collect();
        assert_eq!(wholes, message);
    }

    #[test]
    fn damage_is_an_error_and_the_end() {
        for bad in [
            &b"\x08"[..],
            b"\x12\x03hi",
            b"\x00",
            b"\x0f",
            b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x1d\x01",
        ] {
            let found: Vec<_> = of([b"\x08\x01", bad].concat()).collect();
            assert!(found.len() == 2 && found[0].is_ok() && found[1].is_err(), "{bad:?}");
        }
    }
}
