//! Text to the binary form.

use prost::encoding::{WireType, encode_key, encode_varint};
use savedmodel_tensor::Result;

use super::MAX_DEPTH;
use super::lexer::{Lexer, Token};
use super::schema::{Field, Kind, MessageId, MessageType, Schema};

/// The binary form of the message that `text` describes.
///
/// Fields that the schema does not know are skipped, or refused where `strict`.
pub(crate) fn to_binary(text: &str, schema: &Schema, message: MessageId, strict: bool) -> Result<Vec<u8>> {
    let mut parser = Parser { lexer: Lexer::new(text)?, schema, strict, depth: 0 };
    parser.message(schema.message(message), None)
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    schema: &'a Schema,
    strict: bool,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// The fields up to `end`, a closing sign or the end of the text.
    fn message(&mut self, message: &'a MessageType, end: Option<char>) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        let mut seen: Vec<&Field> = Vec::new();
        while !self.at_end(end)? {
            let start = self.lexer.start();
            if self.lexer.peek() == &Token::Sign('[') {
                self.bracketed(message, &mut out)?;
            } else {
                let name = self.name()?;
                match message.field(&name) {
                    Some(field) => {
                        self.check_single(&mut seen, field, start)?;
                        self.field(field, &mut out)?;
                    }
                    None if self.strict => {
                        return Err(self.lexer.error_at(start, format!("unknown field \"{name}\"")));
                    }
                    None => self.skip_value()?,
                }
            }
            let _separator = self.lexer.eat(',')? || self.lexer.eat(';')?;
        }
        Ok(out)
    }

    /// Takes the end of a message if it is there.
    fn at_end(&mut self, end: Option<char>) -> Result<bool> {
        match (end, self.lexer.peek()) {
            (None, token) => Ok(*token == Token::End),
            (Some(end), Token::End) => Err(self.lexer.error(format!("expected '{end}'"))),
            (Some(end), _) => self.lexer.eat(end),
        }
    }

    /// The name of a field, or the number of an unknown one.
    fn name(&mut self) -> Result<String> {
        match self.lexer.peek() {
            Token::Word(_) | Token::Number(_) => match self.lexer.advance()? {
                Token::Word(name) | Token::Number(name) => Ok(name),
                _ => Ok(String::new()),
            },
            _ => Err(self.lexer.error("expected a field name")),
        }
    }

    fn check_single(&self, seen: &mut Vec<&'a Field>, field: &'a Field, start: usize) -> Result<()> {
        if field.repeated {
            return Ok(());
        }
        if seen.iter().any(|other| other.number == field.number) {
            return Err(self.lexer.error_at(start, format!("field \"{}\" is given twice", field.name)));
        }
        if let Some(oneof) =
            field.oneof.as_ref().filter(|_| seen.iter().any(|other| other.oneof == field.oneof))
        {
            let what = format!("field \"{}\" excludes another of oneof \"{oneof}\"", field.name);
            return Err(self.lexer.error_at(start, what));
        }
        seen.push(field);
        Ok(())
    }

    fn field(&mut self, field: &'a Field, out: &mut Vec<u8>) -> Result<()> {
        let colon = self.lexer.eat(':')?;
        if !colon && !matches!(field.kind, Kind::Message(_) | Kind::Group(_)) {
            return Err(self.lexer.error(format!("expected ':' after field \"{}\"", field.name)));
        }
        if !field.repeated || !self.lexer.eat('[')? {
            return self.value(field, out);
        }
        if self.lexer.eat(']')? {
            return Ok(());
        }
        loop {
            self.value(field, out)?;
            if self.lexer.eat(']')? {
                return Ok(());
            }
            if !self.lexer.eat(',')? {
                return Err(self.lexer.error("expected ',' or ']'"));
            }
        }
    }

    fn value(&mut self, field: &'a Field, out: &mut Vec<u8>) -> Result<()> {
        match field.kind {
            Kind::Message(id) => {
                let Some(end) = self.open()? else { return Err(self.expected("a message", field)) };
                let body = self.message(self.schema.message(id), Some(end))?;
                self.depth -= 1;
                put_bytes(field.number, &body, out);
            }
            Kind::Group(id) => {
                let Some(end) = self.open()? else { return Err(self.expected("a message", field)) };
                let body = self.message(self.schema.message(id), Some(end))?;
                self.depth -= 1;
                encode_key(field.number, WireType::StartGroup, out);
                out.extend(body);
                encode_key(field.number, WireType::EndGroup, out);
            }
            Kind::String | Kind::Bytes => {
                let Some(bytes) = self.string()? else { return Err(self.expected("a string", field)) };
                put_bytes(field.number, &bytes, out);
            }
            Kind::Float => {
                encode_key(field.number, WireType::ThirtyTwoBit, out);
                out.extend((self.float(field)? as f32).to_le_bytes());
            }
            Kind::Double => {
                encode_key(field.number, WireType::SixtyFourBit, out);
                out.extend(self.float(field)?.to_le_bytes());
            }
            Kind::Fixed32 | Kind::Sfixed32 => {
                encode_key(field.number, WireType::ThirtyTwoBit, out);
                out.extend((self.integer(field)? as u32).to_le_bytes());
            }
            Kind::Fixed64 | Kind::Sfixed64 => {
                encode_key(field.number, WireType::SixtyFourBit, out);
                out.extend((self.integer(field)? as u64).to_le_bytes());
            }
            Kind::Sint32 => {
                let value = self.integer(field)? as i32;
                put_varint(field.number, u64::from(((value << 1) ^ (value >> 31)) as u32), out);
            }
            Kind::Sint64 => {
                let value = self.integer(field)? as i64;
                put_varint(field.number, ((value << 1) ^ (value >> 63)) as u64, out);
            }
            Kind::Bool => put_varint(field.number, self.boolean(field)?.into(), out),
            Kind::Enum(id) => put_varint(field.number, i64::from(self.enum_value(id, field)?) as u64, out),
            Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 => {
                put_varint(field.number, self.integer(field)? as u64, out);
            }
        }
        Ok(())
    }

    /// Takes the sign that opens a message, and gives the one that closes it.
    fn open(&mut self) -> Result<Option<char>> {
        let end = match self.lexer.peek() {
            Token::Sign('{') => '}',
            Token::Sign('<') => '>',
            _ => return Ok(None),
        };
        if self.depth == MAX_DEPTH {
            return Err(self.lexer.error("messages are nested too deeply"));
        }
        self.depth += 1;
        self.lexer.advance()?;
        Ok(Some(end))
    }

    /// `[type/of.Message] { … }` within an Any; everything else in brackets is unknown.
    fn bracketed(&mut self, message: &'a MessageType, out: &mut Vec<u8>) -> Result<()> {
        let start = self.lexer.start();
        self.lexer.advance()?;
        let mut url = String::new();
        while !self.lexer.eat(']')? {
            match self.lexer.advance()? {
                Token::Word(part) | Token::Number(part) => url += &part,
                Token::Sign(sign @ ('.' | '/' | '-' | '_' | '%')) => url.push(sign),
                _ => return Err(self.lexer.error_at(start, "expected a type name in brackets")),
            }
        }
        if let Some(field) = message.extension(&url) {
            return self.field(field, out);
        }
        if !message.is_any {
            return match self.strict {
                true => Err(self.lexer.error_at(start, format!("unknown extension \"{url}\""))),
                false => self.skip_value(),
            };
        }
        let name = url.rsplit('/').next().unwrap_or_default();
        let id = self.schema.message_id(name);
        let id = id.ok_or_else(|| self.lexer.error_at(start, format!("unknown message {name}")))?;
        self.lexer.eat(':')?;
        let Some(end) = self.open()? else { return Err(self.lexer.error("expected a message")) };
        let body = self.message(self.schema.message(id), Some(end))?;
        self.depth -= 1;
        put_bytes(1, url.as_bytes(), out);
        put_bytes(2, &body, out);
        Ok(())
    }

    /// One or more strings in a row.
    fn string(&mut self) -> Result<Option<Vec<u8>>> {
        let mut joined: Option<Vec<u8>> = None;
        while let Token::String(_) = self.lexer.peek() {
            if let Token::String(part) = self.lexer.advance()? {
                joined.get_or_insert_default().extend(part);
            }
        }
        Ok(joined)
    }

    fn expected(&self, what: &str, field: &Field) -> savedmodel_tensor::Error {
        self.lexer.error(format!("expected {what} for field \"{}\"", field.name))
    }

    fn integer(&mut self, field: &Field) -> Result<i128> {
        let start = self.lexer.start();
        let negative = self.lexer.eat('-')?;
        let value = match self.lexer.peek() {
            Token::Number(digits) => unsigned(digits),
            _ => None,
        };
        let value = value.ok_or_else(|| self.expected("an integer", field))?;
        let value = if negative { -i128::from(value) } else { value.into() };
        let (least, most) = match field.kind {
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 | Kind::Enum(_) => (i32::MIN.into(), i32::MAX.into()),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => (i64::MIN.into(), i64::MAX.into()),
            Kind::Uint32 | Kind::Fixed32 => (0, u32::MAX.into()),
            _ => (0, i128::from(u64::MAX)),
        };
        if value < least || value > most {
            let what = format!("integer out of range for field \"{}\"", field.name);
            return Err(self.lexer.error_at(start, what));
        }
        self.lexer.advance()?;
        Ok(value)
    }

    fn float(&mut self, field: &Field) -> Result<f64> {
        let sign = if self.lexer.eat('-')? { -1.0 } else { 1.0 };
        let value = match self.lexer.peek() {
            Token::Number(digits) => float(digits),
            Token::Word(word) => match word.to_ascii_lowercase().as_str() {
                "inf" | "infinity" => Some(f64::INFINITY),
                "nan" => Some(f64::NAN),
                _ => None,
            },
            _ => None,
        };
        let value = value.ok_or_else(|| self.expected("a number", field))?;
        self.lexer.advance()?;
        Ok(sign * value)
    }

    fn boolean(&mut self, field: &Field) -> Result<bool> {
        let value = match self.lexer.peek() {
            Token::Word(word) | Token::Number(word) => match word.as_str() {
                "true" | "True" | "t" | "1" => Some(true),
                "false" | "False" | "f" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        };
        let value = value.ok_or_else(|| self.expected("a bool", field))?;
        self.lexer.advance()?;
        Ok(value)
    }

    fn enum_value(&mut self, id: usize, field: &Field) -> Result<i32> {
        let known = self.schema.enum_type(id);
        let Token::Word(word) = self.lexer.peek() else {
            let start = self.lexer.start();
            let number = self.integer(field)? as i32;
            if self.strict && !known.open && known.value_name(number).is_none() {
                let what = format!("unknown value {number} of enum {}", known.name);
                return Err(self.lexer.error_at(start, what));
            }
            return Ok(number);
        };
        let unknown = || self.lexer.error(format!("unknown value \"{word}\" of enum {}", known.name));
        let number = known.number(word).ok_or_else(unknown)?;
        self.lexer.advance()?;
        Ok(number)
    }

    /// The value of an unknown field.
    fn skip_value(&mut self) -> Result<()> {
        self.lexer.eat(':')?;
        if !self.lexer.eat('[')? {
            return self.skip_single();
        }
        while !self.lexer.eat(']')? {
            self.skip_single()?;
            self.lexer.eat(',')?;
        }
        Ok(())
    }

    fn skip_single(&mut self) -> Result<()> {
        if let Some(end) = self.open()? {
            while !self.at_end(Some(end))? {
                if !self.lexer.eat('[')? {
                    self.name()?;
                } else {
                    while !self.lexer.eat(']')? {
                        self.not_at_end()?;
                        self.lexer.advance()?;
                    }
                }
                self.skip_value()?;
                let _separator = self.lexer.eat(',')? || self.lexer.eat(';')?;
            }
            self.depth -= 1;
            return Ok(());
        }
        if self.string()?.is_some() {
            return Ok(());
        }
        self.lexer.eat('-')?;
        match self.lexer.peek() {
            Token::Word(_) | Token::Number(_) => self.lexer.advance().map(drop),
            _ => Err(self.lexer.error("expected a value")),
        }
    }

    fn not_at_end(&self) -> Result<()> {
        match self.lexer.peek() {
            Token::End => Err(self.lexer.error("expected ']'")),
            _ => Ok(()),
        }
    }
}

/// A decimal, hexadecimal (`0x`) or octal (`0`) integer.
fn unsigned(digits: &str) -> Option<u64> {
    let parse = |digits: &str, radix| match u64::from_str_radix(digits, radix) {
        Ok(value) => Some(value),
        // Out of range for every type, which the caller reports.
        Err(error) if *error.kind() == std::num::IntErrorKind::PosOverflow => Some(u64::MAX),
        Err(_) => None,
    };
    match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => parse(&digits[2..], 16),
        [b'0', _, ..] => parse(&digits[1..], 8),
        _ => parse(digits, 10),
    }
}

fn float(digits: &str) -> Option<f64> {
    if digits.starts_with("0x") || digits.starts_with("0X") {
        return unsigned(digits).map(|value| value as f64);
    }
    digits.strip_suffix(['f', 'F']).unwrap_or(digits).parse().ok()
}

fn put_varint(number: u32, value: u64, out: &mut Vec<u8>) {
    encode_key(number, WireType::Varint, out);
    encode_varint(value, out);
}

fn put_bytes(number: u32, bytes: &[u8], out: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}
