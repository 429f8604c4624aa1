//! Regular expressions in RE2's syntax, with RE2's messages.
//!
//! A pattern is parsed here and written anew for the `regex` crate, which matches as RE2 does (leftmost, first
//! alternative first) but differs in syntax: what `\d`, `\w`, `\s` and `\b` mean, which escapes, flags and
//! repetitions are allowed, how brackets nest, and what `.` is on bytes that are no UTF-8.

use regex::bytes::{Regex, RegexBuilder};
use savedmodel_tensor::{Error, Result};

mod class;
mod escape;
mod groups;
mod parser;

/// A compiled pattern, and the bytes that it matches one by one if that is all it does.
#[derive(Clone, Debug)]
pub struct Pattern(Regex, Option<Box<[bool; 256]>>);

/// Memory that a compiled pattern may take; RE2 gives up at programs of about this size.
const MOST_BYTES: usize = 64 << 20;

impl Pattern {
    /// A pattern that is searched for.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for what RE2 refuses.
    pub fn new(pattern: &[u8]) -> Result<Pattern> {
        Pattern::compile(pattern, |translated| translated.to_owned())
    }

    /// A pattern that must match the whole text.
    ///
    /// # Errors
    /// As [`Pattern::new`].
    pub fn whole(pattern: &[u8]) -> Result<Pattern> {
        Pattern::compile(pattern, |translated| format!("\\A(?:{translated})\\z"))
    }

    fn compile(pattern: &[u8], wrap: impl FnOnce(&str) -> String) -> Result<Pattern> {
        let invalid = |error: &str| {
            let pattern = String::from_utf8_lossy(pattern);
            Error::invalid_argument(format!("Invalid pattern: {pattern}, error: {error}"))
        };
        let text = std::str::from_utf8(pattern).map_err(|_| invalid("invalid UTF-8"))?;
        let translated = parser::translate(text).map_err(|error| invalid(&error))?;
        let mut builder = RegexBuilder::new(&wrap(&translated));
        let compiled = builder.nest_limit(1200).size_limit(MOST_BYTES).build();
        let regex = compiled.map_err(|_| invalid("pattern too large - compile failed"))?;
        Ok(Pattern(regex, None))
    }

    /// Finds out whether the pattern is a set of ASCII characters, so that bytes can be looked at one by one.
    #[must_use]
    pub fn with_bytes(mut self, pattern: &[u8]) -> Pattern {
        if is_ascii_set(pattern) {
            let matched = |byte: usize| byte < 128 && self.0.is_match(&[byte as u8]);
            self.1 = Some(Box::new(std::array::from_fn(matched)));
        }
        self
    }

    /// For a pattern that matches single bytes and nothing else: which.
    pub fn bytes(&self) -> Option<&[bool; 256]> {
        self.1.as_deref()
    }

    /// The compiled pattern.
    pub fn regex(&self) -> &Regex {
        &self.0
    }
}

/// Whether a pattern is one pair of brackets around ASCII characters, ranges of them, and escaped punctuation.
fn is_ascii_set(pattern: &[u8]) -> bool {
    let Some(inside) = pattern.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]")) else {
        return false;
    };
    let is_plain = |byte: u8| byte.is_ascii() && !matches!(byte, b'[' | b']' | b'\\');
    let mut rest = inside;
    while let Some((&byte, after)) = rest.split_first() {
        rest = match (byte, after.split_first()) {
            (b'\\', Some((escaped, after))) if escaped.is_ascii_punctuation() => after,
            _ if is_plain(byte) => after,
            _ => return false,
        };
    }
    !inside.is_empty() && !inside.starts_with(b"^")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_bytes() {
        let check = |pattern: &str, want: Option<&str>| {
            let pattern = Pattern::new(pattern.as_bytes()).unwrap().with_bytes(pattern.as_bytes());
            let bytes =
                |set: &[bool; 256]| (0..=255).filter(|&byte| set[usize::from(byte)]).collect::<Vec<u8>>();
            assert_eq!(pattern.bytes().map(bytes), want.map(|want| want.as_bytes().to_vec()));
        };
        check("[!\"#\\[\\]_]", Some("!\"#[]_"));
        check("[a-c0]", Some("0abc"));
        check("[^a]", None);
        check("[aé]", None);
        check("[\\d]", None);
        check("[a]b[c]", None);
        check("[a]+", None);
        check("a", None);
        check("(?i)[k]", None);
        check("[[:alpha:]]", None);
    }

    #[test]
    fn syntax() {
        let check = |pattern: &str, text: &str, want: &str| {
            let pattern = Pattern::new(pattern.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
            let got = pattern.0.replace_all(text.as_bytes(), &b"-"[..]);
            assert_eq!(String::from_utf8_lossy(&got), want, "{pattern:?} in {text:?}");
        };
        check("\\d\\w", "٣a3a", "٣a-");
        check("\\s", "\u{a0} \x0b\t", "\u{a0}-\x0b-");
        check("[\\s\\D]", "1é", "1-");
        check("\\bé", "é", "é");
        check("\\<", "a<b>", "a-b>");
        check("[a\\-z]", "a-b", "--b");
        check("[a&&b]", "a&&b", "----");
        check("[a[b]", "a[b", "---");
        check("[]a]", "]a", "--");
        check("[^]a]", "]ab", "]a-");
        check("[[:^alpha:]]", "a1", "a-");
        check("\\Q.*\\E", "a.*b", "a-b");
        check("\\123\\x41\\x{e9}", "SA\u{e9}", "-");
        check("\\p{Greek}", "aα", "a-");
        check("\\p{^Greek}", "aα", "-α");
        check("a{,2}{", "a{,2}{", "-");
        check("a{01}", "a{01}", "-");
        check("(?P<1>a)(?P<1>b)", "ab", "-");
        check("(?ii)A(?-i)a", "aaaA", "-aA");
        check("(?i)k", "\u{212a}", "-");
        check("(?U)a+", "aa", "--");
        check("a(?i)*b", "aaB", "-");
        check("(?m)^b$", "a\nb", "a\n-");
        check("(?)(?i:A)\\_", "a_", "-");
        check("\\C", "é", "--");
        check("(a|)*", "b", "-b-");
    }

    #[test]
    fn any_character_of_bytes_that_are_no_text() {
        let check = |pattern: &str, text: &[u8], want: &[u8]| {
            let got = Pattern::new(pattern.as_bytes()).unwrap().0.replace_all(text, &b"-"[..]).into_owned();
            assert_eq!(got, want, "{pattern}");
        };
        check(".", b"a\n\xff\xc3b", b"-\n\xff\xc3-");
        check(".", b"\xed\xa0\x80|\xc0\x80|\xf4\x90\x80\x80", b"--\xc0\x80--");
        check("[^|]", b"\xed\xa0\x80|\xf4\x90\x80\x80\n", b"-|--");
        check("(?s).\\W", b"\n\xe2\x82\xac", b"-");
    }

    #[test]
    fn refusals() {
        let check = |pattern: &str, want: &str| {
            let error = Pattern::new(pattern.as_bytes()).unwrap_err();
            assert_eq!(error.message(), format!("Invalid pattern: {pattern}, error: {want}"));
        };
        check("(", "missing ): (");
        check("a)", "unexpected ): a)");
        check("[a", "missing ]: [a");
        check("[^]", "missing ]: [^]");
        check("a**", "bad repetition operator: **");
        check("x{2}{3}?", "bad repetition operator: {2}{3}?");
        check("a???", "bad repetition operator: ???");
        check("a|*", "no argument for repetition operator: *");
        check("{1}", "no argument for repetition operator: {1}");
        check("a{1001}", "invalid repetition size: {1001}");
        check("a{2,1}", "invalid repetition size: {2,1}");
        check("((a{10}){10}){11}", "invalid repetition size: {11}");
        check("(?=a)", "invalid perl operator: (?=");
        check("(?<n>a)", "invalid perl operator: (?<");
        check("(?x)", "invalid perl operator: (?x");
        check("(?i", "invalid perl operator: (?i");
        check("(?i-)a", "invalid perl operator: (?i-)");
        check("(?P=n)", "invalid perl operator: (?P");
        check("(?P<a-b>a)", "invalid named capture group: (?P<a-b>");
        check("(?P<n", "invalid named capture group: (?P<n");
        check("\\", "trailing \\");
        check("(a)\\1", "invalid escape sequence: \\1");
        check("\\x4", "invalid escape sequence: \\x4");
        check("\\x{110000}", "invalid escape sequence: \\x{110000");
        check("\\cA", "invalid escape sequence: \\c");
        check("\\é", "invalid escape sequence: \\é");
        check("[z-a]", "invalid character class range: z-a");
        check("[a-\\d]", "invalid escape sequence: \\d");
        check("[[:foo:]]", "invalid character class range: [:foo:]");
        check("\\p{Grek}", "invalid character class range: \\p{Grek}");
        check("\\p{Latin", "invalid character class range: \\p{Latin");
        check("\\pX", "invalid character class range: \\pX");
        check("\\p", "invalid character class range: \\p");
    }
}
