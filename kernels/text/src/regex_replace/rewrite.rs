//! What matches are replaced by.

use regex::bytes::Regex;

/// A rewrite, read.
pub struct Rewrite {
    parts: Vec<Part>,
    /// The highest group that it names.
    groups: usize,
    /// Whether it can be read to its end.
    is_whole: bool,
    /// Whether all matches are replaced, or the first.
    global: bool,
}

enum Part {
    Text(Vec<u8>),
    Group(usize),
}

impl Rewrite {
    /// Reads a rewrite, up to the first escape that is none.
    pub fn new(text: &[u8], global: bool) -> Rewrite {
        let mut rewrite = Rewrite { parts: Vec::new(), groups: 0, is_whole: true, global };
        let mut plain = Vec::new();
        let mut rest = text.iter();
        while let Some(&c) = rest.next() {
            match (c, if c == b'\\' { rest.next() } else { None }) {
                (b'\\', Some(digit @ b'0'..=b'9')) => {
                    rewrite.parts.push(Part::Text(std::mem::take(&mut plain)));
                    rewrite.parts.push(Part::Group(usize::from(digit - b'0')));
                }
                (b'\\', Some(b'\\')) => plain.push(b'\\'),
                (b'\\', _) => {
                    rewrite.is_whole = false;
                    break;
                }
                _ => plain.push(c),
            }
        }
        rewrite.parts.push(Part::Text(plain));
        rewrite.groups = highest_group(text);
        rewrite
    }

    /// The text that stands for every match, if all are replaced and it names no groups.
    pub fn text_for_all(&self) -> Option<&[u8]> {
        match &self.parts[..] {
            [Part::Text(plain)] if self.global && self.groups == 0 => Some(plain),
            _ => None,
        }
    }

    /// The text with matches replaced; `None` if it stays as it is.
    pub fn apply(&self, regex: &Regex, text: &[u8]) -> Option<Vec<u8>> {
        if self.groups >= regex.captures_len() || !self.global && !self.is_whole {
            return None;
        }
        let mut groups = regex.capture_locations();
        let mut find = |at: usize| {
            if self.groups == 0 {
                return regex.find_at(text, at).map(|found| (found.range(), None));
            }
            regex.captures_read_at(&mut groups, text, at).map(|found| (found.range(), Some(groups.clone())))
        };
        let mut found = Some(find(0)?);
        let (mut out, mut at, mut last_end) = (Vec::with_capacity(text.len()), 0, None);
        while let Some((range, groups)) = found {
            out.extend(&text[at..range.start]);
            // An empty match right behind the last one is none: the character there is passed over.
            if range.is_empty() && last_end == Some(range.start) {
                let len = character_len(&text[range.start..]);
                out.extend(&text[range.start..range.start + len]);
                at = range.start + len.max(1);
            } else {
                let group =
                    |i: usize| groups.as_ref().map_or(Some((range.start, range.end)), |groups| groups.get(i));
                self.write(text, group, &mut out);
                (at, last_end) = (range.end, Some(range.end));
                if !self.global {
                    break;
                }
            }
            found = if at <= text.len() { find(at) } else { None };
        }
        out.extend(text.get(at..).unwrap_or_default());
        Some(out)
    }

    fn write(&self, text: &[u8], group: impl Fn(usize) -> Option<(usize, usize)>, out: &mut Vec<u8>) {
        for part in &self.parts {
            match part {
                Part::Text(plain) => out.extend(plain),
                Part::Group(i) => out.extend(group(*i).map_or(&[][..], |(start, end)| &text[start..end])),
            }
        }
    }
}

/// The text with all bytes of a set replaced; `None` if it has none.
pub fn bytes(set: &[bool; 256], by: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let is_in = |byte: &u8| set[usize::from(*byte)];
    let mut at = text.iter().position(is_in)?;
    let mut out = Vec::with_capacity(text.len() + by.len());
    let mut rest = text;
    loop {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(by);
        rest = &rest[at + 1..];
        match rest.iter().position(is_in) {
            Some(next) => at = next,
            None => break,
        }
    }
    out.extend_from_slice(rest);
    Some(out)
}

/// The highest group that a backslash names, also behind what can't be read.
fn highest_group(text: &[u8]) -> usize {
    let (mut highest, mut rest) = (0, text.iter());
    while let Some(&c) = rest.next() {
        if c == b'\\'
            && let Some(digit @ b'0'..=b'9') = rest.next()
        {
            highest = highest.max(usize::from(digit - b'0'));
        }
    }
    highest
}

/// Bytes of the character at the start; one if it is none, zero at the end.
fn character_len(text: &[u8]) -> usize {
    let head = &text[..text.len().min(4)];
    match head.utf8_chunks().next() {
        Some(chunk) => chunk.valid().chars().next().map_or(1, char::len_utf8),
        None => 0,
    }
}
