//! Sets of characters.

use std::fmt::Write;

use super::parser::{Fault, Flags};
use super::{escape, groups};

/// What RE2 takes for a character beyond ASCII where all of them are meant: UTF-8 whose bytes may also encode
/// surrogates, numbers that are too large, and numbers in more bytes than they need.
const BEYOND_ASCII: &str =
    "[\\xC2-\\xDF][\\x80-\\xBF]|[\\xE0-\\xEF][\\x80-\\xBF]{2}|[\\xF0-\\xF4][\\x80-\\xBF]{3}";

/// A set of characters.
#[derive(Clone, Debug)]
pub struct Set {
    ascii: [bool; 128],
    beyond: Beyond,
}

/// The characters beyond ASCII in a set.
#[derive(Clone, Debug)]
enum Beyond {
    None,
    All,
    /// What stands in brackets of the `regex` crate, and whether the set is all but that.
    Some {
        items: String,
        negated: bool,
    },
}

impl Set {
    /// The ASCII characters that pass.
    pub fn ascii(member: impl Fn(u8) -> bool) -> Set {
        Set { ascii: std::array::from_fn(|c| member(c as u8)), beyond: Beyond::None }
    }

    /// The characters that an item in brackets stands for, ASCII or not.
    pub fn item(item: String) -> Set {
        Set { ascii: [false; 128], beyond: Beyond::Some { items: item, negated: false } }
    }

    fn range(low: u32, high: u32) -> Set {
        let mut set = Set::ascii(|c| (low..=high).contains(&c.into()));
        let mut items = String::new();
        for (low, high) in [(low.max(0x80), high.min(0xd7ff)), (low.max(0xe000), high)] {
            if low <= high {
                items += &format!("\\x{{{low:x}}}-\\x{{{high:x}}}");
            }
        }
        if !items.is_empty() {
            set.beyond = Beyond::Some { items, negated: false };
        }
        set
    }

    /// All other characters.
    #[must_use]
    pub fn negated(mut self) -> Set {
        if let Beyond::Some { negated, .. } = &mut self.beyond {
            // The ASCII characters stay as they are: they are taken out, or put in, when the set is written.
            *negated = !*negated;
        } else {
            self.beyond = if matches!(self.beyond, Beyond::All) { Beyond::None } else { Beyond::All };
        }
        self.ascii = self.ascii.map(|member| !member);
        self
    }

    /// As an atom of the `regex` crate.
    pub fn write(&self, flags: Flags) -> String {
        match &self.beyond {
            Beyond::All if !flags.fold_case => {
                let items = items_of(&self.ascii, true);
                let head = if items.is_empty() { String::new() } else { format!("[{items}]|") };
                format!("(?:{head}(?-u:{BEYOND_ASCII}))")
            }
            Beyond::None if self.ascii == [false; 128] => "[^\\x00-\\x{10FFFF}]".to_owned(),
            _ => format!("[{}]", self.items()),
        }
    }

    /// As what stands in brackets.
    fn items(&self) -> String {
        match &self.beyond {
            Beyond::None => items_of(&self.ascii, true),
            Beyond::All => format!("[^{}]", items_of(&self.ascii, false)),
            Beyond::Some { items, negated: false } => items_of(&self.ascii, true) + items,
            Beyond::Some { items, negated: true } => format!("[^{}{items}]", items_of(&self.ascii, false)),
        }
    }
}

/// The ASCII characters that are, or are not, members, as ranges.
fn items_of(ascii: &[bool; 128], member: bool) -> String {
    let mut items = String::new();
    let mut at = 0;
    while at < 128 {
        let len = ascii[at..].iter().take_while(|&&m| m == member).count();
        if len > 0 {
            let written = write!(items, "\\x{at:02X}-\\x{:02X}", at + len - 1);
            debug_assert!(written.is_ok(), "writing to a string never fails");
        }
        at += len.max(1);
    }
    items
}

/// One character, as an atom.
pub fn literal(code: u32) -> String {
    match char::from_u32(code) {
        Some(c) if c.is_ascii_alphanumeric() => c.to_string(),
        Some(_) => format!("\\x{{{code:x}}}"),
        // A surrogate, in the bytes that UTF-8 would have for it.
        None => {
            let bytes = [0xe0 | code >> 12, 0x80 | code >> 6 & 0x3f, 0x80 | code & 0x3f];
            format!("(?:(?-u:{}))", bytes.map(|byte| format!("\\x{byte:02X}")).concat())
        }
    }
}

/// `.` with the flag `s`.
pub fn any() -> String {
    format!("(?:[\\x00-\\x7F]|(?-u:{BEYOND_ASCII}))")
}

/// `.`
pub fn any_but_newline() -> String {
    format!("(?:[\\x00-\\x09\\x0B-\\x7F]|(?-u:{BEYOND_ASCII}))")
}

/// The set in brackets at the start of the text, as an atom, and the length of the text.
///
/// # Errors
/// RE2's message.
pub fn bracket(text: &str, flags: Flags) -> Result<(String, usize), Fault> {
    let negated = text[1..].starts_with('^');
    let start = if negated { 2 } else { 1 };
    let mut at = start;
    let mut ascii = [false; 128];
    let mut all_beyond = false;
    let mut items = String::new();
    while at == start || !text[at..].starts_with(']') {
        let rest = &text[at..];
        if rest.is_empty() {
            return Err(format!("missing ]: {text}"));
        }
        let (set, len) = match group(rest)? {
            Some(found) => found,
            None => {
                let (low, high, len) = range(rest, text)?;
                (Set::range(low, high), len)
            }
        };
        // What lies beyond ASCII brings its own ASCII characters along, as items.
        match &set.beyond {
            Beyond::Some { .. } => items += &set.items(),
            beyond => {
                all_beyond |= matches!(beyond, Beyond::All);
                ascii.iter_mut().zip(set.ascii).for_each(|(a, b)| *a |= b);
            }
        }
        at += len;
    }
    let beyond = match (all_beyond, items) {
        (true, items) if items.is_empty() => Beyond::All,
        (true, items) => Beyond::Some { items: items + "\\x{80}-\\x{10FFFF}", negated: false },
        (false, items) if items.is_empty() => Beyond::None,
        (false, items) => Beyond::Some { items, negated: false },
    };
    let set = Set { ascii, beyond };
    let set = if negated { set.negated() } else { set };
    Ok((set.write(flags), at + 1))
}

/// A named group in brackets.
fn group(text: &str) -> Result<Option<(Set, usize)>, Fault> {
    if let Some(found) = groups::posix(text)? {
        return Ok(Some(found));
    }
    if let Some(found) = groups::unicode(text)? {
        return Ok(Some(found));
    }
    Ok(groups::perl(text))
}

/// A character or a range of characters, and its length.
fn range(text: &str, whole: &str) -> Result<(u32, u32, usize), Fault> {
    let (low, len) = character(text, whole)?;
    let rest = &text[len..];
    if !rest.starts_with('-') || rest.len() < 2 || rest.starts_with("-]") {
        return Ok((low, low, len));
    }
    let (high, more) = character(&rest[1..], whole)?;
    let len = len + 1 + more;
    if high < low {
        return Err(format!("invalid character class range: {}", &text[..len]));
    }
    Ok((low, high, len))
}

fn character(text: &str, whole: &str) -> Result<(u32, usize), Fault> {
    match text.chars().next() {
        None => Err(format!("missing ]: {whole}")),
        Some('\\') => escape::parse(text),
        Some(c) => Ok((c.into(), c.len_utf8())),
    }
}
