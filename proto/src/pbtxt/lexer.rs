//! Tokens of the text format.

use savedmodel_tensor::{Error, Result};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name, or a word such as `true` or `inf`.
    Word(String),
    /// A number as written, without its sign.
    Number(String),
    /// A string, unescaped.
    String(Vec<u8>),
    /// Any other character.
    Sign(char),
    /// The end of the text.
    End,
}

/// Cuts text into tokens, one ahead.
pub(super) struct Lexer<'a> {
    text: &'a str,
    position: usize,
    start: usize,
    token: Token,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Result<Lexer<'a>> {
        let mut lexer = Lexer { text, position: 0, start: 0, token: Token::End };
        lexer.advance()?;
        Ok(lexer)
    }

    /// The next token.
    pub fn peek(&self) -> &Token {
        &self.token
    }

    /// Takes the next token.
    pub fn advance(&mut self) -> Result<Token> {
        self.skip_space();
        self.start = self.position;
        let next = self.scan()?;
        Ok(std::mem::replace(&mut self.token, next))
    }

    /// Takes the next token if it is this sign.
    pub fn eat(&mut self, sign: char) -> Result<bool> {
        let found = self.token == Token::Sign(sign);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    /// An error at the next token.
    pub fn error(&self, what: impl std::fmt::Display) -> Error {
        self.error_at(self.start, what)
    }

    /// Where the next token starts, for [`Lexer::error_at`].
    pub fn start(&self) -> usize {
        self.start
    }

    /// An error at an earlier place.
    #[cold]
    pub fn error_at(&self, start: usize, what: impl std::fmt::Display) -> Error {
        let before = &self.text[..start];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Error::data_loss(format!("{line}:{column}: {what}"))
    }

    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn skip_space(&mut self) {
        loop {
            let rest = self.rest().trim_start();
            self.position = self.text.len() - rest.len();
            if !rest.starts_with('#') {
                return;
            }
            self.position += rest.find('\n').unwrap_or(rest.len());
        }
    }

    fn scan(&mut self) -> Result<Token> {
        let rest = self.rest();
        let mut chars = rest.chars();
        let Some(first) = chars.next() else { return Ok(Token::End) };
        let digit_follows = chars.next().is_some_and(|c| c.is_ascii_digit());
        match first {
            'a'..='z' | 'A'..='Z' | '_' => {
                let word = self.take(|c| c.is_ascii_alphanumeric() || c == '_');
                Ok(Token::Word(word))
            }
            '0'..='9' => Ok(Token::Number(self.take_number())),
            '.' if digit_follows => Ok(Token::Number(self.take_number())),
            '"' | '\'' => self.scan_string(first),
            other => {
                self.position += other.len_utf8();
                Ok(Token::Sign(other))
            }
        }
    }

    fn take(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let rest = self.rest();
        let taken = &rest[..rest.find(|c| !belongs(c)).unwrap_or(rest.len())];
        self.position += taken.len();
        taken.to_owned()
    }

    /// A number, with the sign of an exponent.
    fn take_number(&mut self) -> String {
        let belongs = |c: char| c.is_ascii_alphanumeric() || c == '.';
        let mut number = self.take(belongs);
        let decimal = !number.starts_with("0x") && !number.starts_with("0X");
        if decimal && number.ends_with(['e', 'E']) && self.rest().starts_with(['+', '-']) {
            number += &self.rest()[..1];
            self.position += 1;
            number += &self.take(belongs);
        }
        number
    }

    fn scan_string(&mut self, quote: char) -> Result<Token> {
        let body = &self.rest()[1..];
        let mut escaped = false;
        let end = body.bytes().position(|byte| {
            let ends = !escaped && byte == quote as u8;
            escaped = !escaped && byte == b'\\';
            ends
        });
        let end = end.filter(|&end| !body[..end].contains('\n'));
        let end = end.ok_or_else(|| self.error_at(self.position, "string without end"))?;
        let bytes = unescape(&body[..end]);
        let bytes = bytes.ok_or_else(|| self.error_at(self.position, "bad escape in string"))?;
        self.position += end + 2;
        Ok(Token::String(bytes))
    }
}

pub(crate) fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = escape(&rest[at + 1..], &mut out)?;
    }
    out.extend_from_slice(rest.as_bytes());
    Some(out)
}

/// Writes the character that an escape stands for, and gives what follows it.
fn escape<'a>(text: &'a str, out: &mut Vec<u8>) -> Option<&'a str> {
    let first = text.chars().next()?;
    let rest = &text[first.len_utf8()..];
    let plain = match first {
        'a' => 7,
        'b' => 8,
        't' => b'\t',
        'n' => b'\n',
        'v' => 11,
        'f' => 12,
        'r' => b'\r',
        '\\' | '\'' | '"' | '?' => first as u8,
        '0'..='7' => {
            let (value, rest) = digits(text, 8, 3)?;
            out.push(u8::try_from(value).ok()?);
            return Some(rest);
        }
        'x' | 'X' => {
            let (value, rest) = digits(rest, 16, 2)?;
            out.push(u8::try_from(value).ok()?);
            return Some(rest);
        }
        'u' | 'U' => {
            let length = if first == 'u' { 4 } else { 8 };
            let (value, after) = digits(rest, 16, length)?;
            let char = char::from_u32(value).filter(|_| rest.len() - after.len() == length)?;
            out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(after);
        }
        _ => return None,
    };
    out.push(plain);
    Some(rest)
}

/// The number that up to `most` digits make, and what follows them.
fn digits(text: &str, radix: u32, most: usize) -> Option<(u32, &str)> {
    let length = text.chars().take(most).take_while(|c| c.is_digit(radix)).count();
    let (digits, rest) = text.split_at_checked(length)?;
    Some((u32::from_str_radix(digits, radix).ok()?, rest))
}
