//! JSON as protobuf's older parser takes it: strings in single quotes, keys without quotes and commas at the end are fine.

/// A position in a text. What it gives is `None` where the text is not as it should be.
pub struct Json<'a> {
    rest: &'a str,
}

impl<'a> Json<'a> {
    pub fn new(text: &'a str) -> Json<'a> {
        Json { rest: text }
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    pub fn is_at_end(&mut self) -> bool {
        self.space();
        self.rest.is_empty()
    }

    fn next_is(&mut self, signs: &[char]) -> bool {
        self.space();
        self.rest.starts_with(signs)
    }

    fn eat(&mut self, sign: char) -> bool {
        let found = self.next_is(&[sign]);
        self.rest = &self.rest[usize::from(found)..];
        found
    }

    /// Passes over `null`, if it comes next.
    pub fn null(&mut self) -> bool {
        self.space();
        match self.rest.strip_prefix("null") {
            Some(rest) if !rest.starts_with(is_name) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    pub fn is_list(&mut self) -> bool {
        self.next_is(&['['])
    }

    pub fn is_string(&mut self) -> bool {
        self.next_is(&['"', '\''])
    }

    /// Calls `member` for each key, before its value.
    pub fn object(&mut self, mut member: impl FnMut(&mut Json<'a>, &str) -> Option<()>) -> Option<()> {
        self.eat('{').then_some(())?;
        if self.eat('}') {
            return Some(());
        }
        loop {
            let key = if self.is_string() { self.string()? } else { self.name()? };
            self.eat(':').then_some(())?;
            member(self, &key)?;
            if self.eat('}') {
                return Some(());
            }
            self.eat(',').then_some(())?;
            if self.eat('}') {
                return Some(());
            }
        }
    }

    /// Calls `item` for each item of a list.
    pub fn list(&mut self, mut item: impl FnMut(&mut Json<'a>) -> Option<()>) -> Option<()> {
        self.eat('[').then_some(())?;
        if self.eat(']') {
            return Some(());
        }
        loop {
            item(self)?;
            if self.eat(']') {
                return Some(());
            }
            self.eat(',').then_some(())?;
            if self.eat(']') {
                return Some(());
            }
        }
    }

    fn name(&mut self) -> Option<String> {
        self.space();
        let end = self.rest.find(|c| !is_name(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        let is_word =
            matches!(name, "true" | "false" | "null") || name.starts_with(|c: char| c.is_ascii_digit());
        (!name.is_empty() && !is_word).then(|| name.to_owned())
    }

    /// A string without its quotes and escapes.
    pub fn string(&mut self) -> Option<String> {
        self.space();
        let quote = self.rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        self.rest = &self.rest[1..];
        let mut text = String::new();
        loop {
            let end = self.rest.find([quote, '\\'])?;
            text.push_str(&self.rest[..end]);
            let found = self.rest[end..].chars().next()?;
            self.rest = &self.rest[end + 1..];
            if found == quote {
                return Some(text);
            }
            text.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Option<char> {
        let kind = self.rest.chars().next()?;
        self.rest = &self.rest[kind.len_utf8()..];
        Some(match kind {
            '"' | '\'' | '\\' | '/' => kind,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let high = self.hexadecimal()?;
                if !(0xd800..0xdc00).contains(&high) {
                    return char::from_u32(high);
                }
                self.rest = self.rest.strip_prefix("\\u")?;
                let low = self.hexadecimal().filter(|low| (0xdc00..0xe000).contains(low))?;
                return char::from_u32(0x1_0000 + ((high - 0xd800) << 10 | (low - 0xdc00)));
            }
            _ => return None,
        })
    }

    fn hexadecimal(&mut self) -> Option<u32> {
        let digits =
            self.rest.get(..4).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        self.rest = &self.rest[4..];
        u32::from_str_radix(digits, 16).ok()
    }

    /// The digits of a number.
    pub fn number(&mut self) -> Option<&'a str> {
        self.space();
        let bytes = self.rest.as_bytes();
        let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut end = usize::from(bytes.first() == Some(&b'-'));
        let whole = digits(end);
        if whole == 0 || whole > 1 && bytes[end] == b'0' {
            return None;
        }
        end += whole;
        if bytes.get(end) == Some(&b'.') {
            let fraction = digits(end + 1);
            (fraction > 0).then_some(())?;
            end += 1 + fraction;
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            end += 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(end);
            (exponent > 0).then_some(())?;
            end += exponent;
        }
        let (number, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!rest.starts_with(is_name) && !rest.starts_with('.')).then_some(number)
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '$')
}
