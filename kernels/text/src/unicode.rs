//! Encodings, read as ICU's converters read them and written as TensorFlow writes them.

use savedmodel_op::Construction;
use savedmodel_tensor::{Bytes, Error, Result};

mod decode;
mod encode;
mod pages;

pub use decode::decode;
pub use encode::{Output, push};
use pages::{PAGES, Page};

/// How strings are encoded.
#[derive(Clone, Copy, Debug)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// UTF-16.
    Utf16(Order),
    /// UTF-32.
    Utf32(Order),
    /// One byte per character.
    Page(&'static Page),
}

/// The order of bytes in a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// High bytes first.
    Big,
    /// Low bytes first.
    Little,
    /// As a mark at the start tells; high bytes first without one.
    Marked,
}

/// Encodings of several bytes per character that ICU knows besides, by the start of their normal names.
const UNSUPPORTED: &[&str] = &[
    "utf", "cesu8", "scsu", "bocu1", "imap", "gb", "big5", "shiftjis", "sjis", "xsjis", "euc", "iso2022",
    "hz", "ks", "windows", "ibm", "cp", "ms", "x11", "iscii", "lmbcs", "cs", "ebcdic", "iso", "jis", "mac",
    "xmac", "adobe",
];

impl Encoding {
    /// The encoding that an attribute names.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a name that is none, `UNIMPLEMENTED` for one that may be known to ICU.
    pub fn new(node: &Construction<'_>, attr: &str) -> Result<Encoding> {
        let name: Bytes = node.attr(attr)?;
        let name = String::from_utf8_lossy(&name);
        let normal = normal(&name);
        match &normal[..] {
            "utf8" => return Ok(Encoding::Utf8),
            "utf16" => return Ok(Encoding::Utf16(Order::Marked)),
            "utf16be" => return Ok(Encoding::Utf16(Order::Big)),
            "utf16le" => return Ok(Encoding::Utf16(Order::Little)),
            "utf32" => return Ok(Encoding::Utf32(Order::Marked)),
            "utf32be" => return Ok(Encoding::Utf32(Order::Big)),
            "utf32le" => return Ok(Encoding::Utf32(Order::Little)),
            _ => {}
        }
        if let Some(page) = PAGES.iter().find(|page| page.names.contains(&&normal[..])) {
            return Ok(Encoding::Page(page));
        }
        if UNSUPPORTED.iter().any(|start| normal.starts_with(start)) {
            return Err(node.unimplemented(attr));
        }
        Err(Error::invalid_argument(format!("Could not create converter for input encoding: {name}")))
    }
}

/// A name as names are compared: small letters and digits, no zeros at the start of a number.
fn normal(name: &str) -> String {
    let mut normal = String::new();
    let mut in_number = false;
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        let leads = c == '0' && !in_number && rest.peek().is_some_and(char::is_ascii_digit);
        if c.is_ascii_alphanumeric() && !leads {
            normal.push(c.to_ascii_lowercase());
        }
        in_number = c.is_ascii_digit() && !leads;
    }
    normal
}

/// What is done with bytes that are no characters, and with control characters.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// What stands for them.
    pub replacement: u32,
    /// Whether they are an error.
    pub is_strict: bool,
    /// Whether they are left out.
    pub is_ignored: bool,
    /// Whether control characters (below U+0020) count as faults too.
    pub control: bool,
}

impl Faults {
    /// The policy that a node's attributes tell.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a replacement that is no code point.
    pub fn new(node: &Construction<'_>) -> Result<Faults> {
        let errors: Bytes = node.attr("errors")?;
        let replacement: i64 = node.attr("replacement_char")?;
        let code = u32::try_from(replacement).ok().filter(|&code| code <= char::MAX.into());
        Ok(Faults {
            replacement: code
                .ok_or_else(|| Error::invalid_argument("replacement_char out of unicode codepoint range"))?,
            is_strict: &errors[..] == b"strict",
            is_ignored: &errors[..] == b"ignore",
            control: node.attrs().get("replace_control_characters").is_some()
                && node.attr("replace_control_characters")?,
        })
    }
}

/// The error for strings that are not encoded as told.
#[cold]
pub fn malformed() -> Error {
    Error::invalid_argument("Invalid formatting on input string")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let check = |name: &str, want: &str| assert_eq!(normal(name), want);
        check("UTF-16-BE", "utf16be");
        check("iso_8859-01", "iso88591");
        check("IBM00437", "ibm437");
        check("cp1250 ", "cp1250");
        check("8859_10", "885910");
    }

    #[test]
    fn pages() {
        for page in PAGES {
            assert_eq!(page.upper.chars().count(), 128, "{:?}", page.names);
            assert!(page.names.iter().all(|name| normal(name) == *name), "{:?}", page.names);
        }
    }
}
