//! JSON with `NaN`, `Infinity` and `-Infinity`, as TensorFlow Serving reads and writes it.

use savedmodel_tensor::{Error, Result};

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    /// An integer above all `i64`s.
    Unsigned(u64),
    Float(f64),
    String(String),
    List(Vec<Value>),
    /// In the order of the text.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// The value in a text.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, with the place, when it is no JSON.
    pub fn parse(text: &[u8]) -> Result<Value> {
        let mut parser = Parser { text, at: 0 };
        let value = parser.value(0)?;
        parser.space();
        if parser.at < text.len() {
            return Err(parser.error("there is something after the value"));
        }
        Ok(value)
    }

    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "Null",
            Value::Bool(_) => "Bool",
            Value::Integer(_) | Value::Unsigned(_) | Value::Float(_) => "Number",
            Value::String(_) => "String",
            Value::List(_) => "List",
            Value::Object(_) => "Object",
        }
    }

    /// The member of an object.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Object(members) => members.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }
}

/// Deeper than any tensor.
const DEEPEST: usize = 300;

struct Parser<'t> {
    text: &'t [u8],
    at: usize,
}

impl Parser<'_> {
    fn error(&self, what: &str) -> Error {
        let before = &self.text[..self.at.min(self.text.len())];
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count() + 1;
        Error::invalid_argument(format!("JSON Parse error: {what} at line {line}, column {column}"))
    }

    fn space(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.text[self.at..].starts_with(token.as_bytes());
        self.at += if found { token.len() } else { 0 };
        found
    }

    fn value(&mut self, depth: usize) -> Result<Value> {
        self.space();
        if depth > DEEPEST {
            return Err(self.error("nested too deep"));
        }
        let Some(&first) = self.text.get(self.at) else { return Err(self.error("a value is missing")) };
        match first {
            b'[' => self.list(depth),
            b'{' => self.object(depth),
            b'"' => self.string().map(Value::String),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<Value> {
        let words = [
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("NaN", Value::Float(f64::NAN)),
            ("Infinity", Value::Float(f64::INFINITY)),
            ("-Infinity", Value::Float(f64::NEG_INFINITY)),
            ("Inf", Value::Float(f64::INFINITY)),
            ("-Inf", Value::Float(f64::NEG_INFINITY)),
        ];
        for (word, value) in words {
            if self.eat(word) {
                return Ok(value);
            }
        }
        self.number()
    }

    fn number(&mut self) -> Result<Value> {
        let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let rest = &self.text[self.at..];
        let sign = usize::from(rest.first() == Some(&b'-'));
        let whole = digits(&rest[sign..]);
        let mut end = sign + whole;
        if whole == 0 || (whole > 1 && rest[sign] == b'0') {
            return Err(self.error("this is no value"));
        }
        let mut integral = true;
        if rest.get(end) == Some(&b'.') {
            let fraction = digits(&rest[end + 1..]);
            (end, integral) = (end + 1 + fraction, false);
            if fraction == 0 {
                return Err(self.error("digits are missing after the point"));
            }
        }
        if let Some(b'e' | b'E') = rest.get(end) {
            let signed = usize::from(matches!(rest.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(&rest[end + 1 + signed..]);
            (end, integral) = (end + 1 + signed + exponent, false);
            if exponent == 0 {
                return Err(self.error("digits are missing in the exponent"));
            }
        }
        let text = std::str::from_utf8(&rest[..end]).map_err(|_| self.error("this is no value"))?;
        let value = match (integral && text != "-0", text.parse::<i64>(), text.parse::<u64>()) {
            (true, Ok(value), _) => Value::Integer(value),
            (true, _, Ok(value)) => Value::Unsigned(value),
            _ => Value::Float(text.parse().map_err(|_| self.error("this is no number"))?),
        };
        self.at += end;
        Ok(value)
    }

    fn list(&mut self, depth: usize) -> Result<Value> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.eat("]") {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.space();
            if self.eat("]") {
                return Ok(Value::List(items));
            }
            if !self.eat(",") {
                return Err(self.error("',' or ']' is missing"));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value> {
        self.at += 1;
        let mut members: Vec<(String, Value)> = Vec::new();
        self.space();
        if self.eat("}") {
            return Ok(Value::Object(members));
        }
        loop {
            self.space();
            if self.text.get(self.at) != Some(&b'"') {
                return Err(self.error("a name is missing"));
            }
            let name = self.string()?;
            if members.iter().any(|(other, _)| *other == name) {
                return Err(self.error(&format!("'{name}' is given twice")));
            }
            self.space();
            if !self.eat(":") {
                return Err(self.error("':' is missing"));
            }
            members.push((name, self.value(depth + 1)?));
            self.space();
            if self.eat("}") {
                return Ok(Value::Object(members));
            }
            if !self.eat(",") {
                return Err(self.error("',' or '}' is missing"));
            }
        }
    }

    fn string(&mut self) -> Result<String> {
        self.at += 1;
        let mut out = Vec::new();
        loop {
            let rest = &self.text[self.at..];
            let plain =
                rest.iter().take_while(|&&byte| byte >= b' ' && byte != b'"' && byte != b'\\').count();
            out.extend_from_slice(&rest[..plain]);
            self.at += plain;
            match self.text.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    let mut utf8 = [0; 4];
                    out.extend_from_slice(self.escape()?.encode_utf8(&mut utf8).as_bytes());
                }
                Some(_) => return Err(self.error("a control character in a string")),
                None => return Err(self.error("a string does not end")),
            }
        }
        let text = String::from_utf8(out).map_err(|_| self.error("a string is no UTF-8"))?;
        self.at += 1;
        Ok(text)
    }

    fn escape(&mut self) -> Result<char> {
        let letter = self.text.get(self.at + 1).copied();
        self.at += 2;
        Ok(match letter {
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let first = self.hex()?;
                let code = match first {
                    0xd800..0xdc00 if self.eat("\\u") => {
                        let second = self.hex()?.wrapping_sub(0xdc00);
                        if second < 0x400 { 0x10000 + ((first - 0xd800) << 10) + second } else { first }
                    }
                    code => code,
                };
                char::from_u32(code).ok_or_else(|| self.error("half a character"))?
            }
            _ => return Err(self.error("an unknown escape")),
        })
    }

    fn hex(&mut self) -> Result<u32> {
        let digits = self.text.get(self.at..self.at + 4).and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at = (self.at + 4).min(self.text.len());
        code.ok_or_else(|| self.error("four hexadecimal digits are missing"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let check = |text: &str, want: Value| assert_eq!(Value::parse(text.as_bytes()), Ok(want), "{text}");
        check("null", Value::Null);
        check(" [true,\n false ] ", Value::List(vec![Value::Bool(true), Value::Bool(false)]));
        check("-9223372036854775808", Value::Integer(i64::MIN));
        check("18446744073709551615", Value::Unsigned(u64::MAX));
        check("18446744073709551616", Value::Float(18446744073709551616.0));
        check("1e400", Value::Float(f64::INFINITY));
        check("-0.5E-1", Value::Float(-0.05));
        check("-Infinity", Value::Float(f64::NEG_INFINITY));
        check(r#""a\n\u00e9\ud83d\ude00/ü""#, Value::String("a\né😀/ü".to_owned()));
        check(r#"{"b":1,"a":{}}"#, {
            let empty = Value::Object(Vec::new());
            Value::Object(vec![("b".to_owned(), Value::Integer(1)), ("a".to_owned(), empty)])
        });
        assert!(matches!(Value::parse(b"NaN"), Ok(Value::Float(v)) if v.is_nan()));
        assert!(matches!(Value::parse(b"-0"), Ok(Value::Float(v)) if v == 0.0 && v.is_sign_negative()));
    }

    #[test]
    fn what_is_no_json() {
        let texts = [
            "",
            "[1,]",
            "[1 2]",
            "{\"a\" 1}",
            "{\"a\":1,}",
            "{a:1}",
            "01",
            "1.",
            "1e",
            "+1",
            "nul",
            "\"a",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\u12",
            "1 2",
            "{\"a\":1,\"a\":2}",
            "\"\n\"",
            "-",
            ".5",
            "[",
            "{",
            "tru",
        ];
        for text in texts {
            let error = Value::parse(text.as_bytes()).unwrap_err();
            assert!(error.message().starts_with("JSON Parse error"), "{text}: {error}");
        }
        assert!(Value::parse(b"\"\xff\"").is_err());
        assert!(Value::parse("[".repeat(1_000_000).as_bytes()).is_err());
        let error = Value::parse(b"[1,\n  x]").unwrap_err();
        assert!(error.message().ends_with("at line 2, column 3"), "{error}");
    }
}
