//! From RE2's syntax to that of the `regex` crate.

use super::{class, escape, groups};

/// What is wrong with a pattern, in RE2's words.
pub type Fault = String;

/// The pattern for the `regex` crate.
///
/// # Errors
/// RE2's message.
pub fn translate(pattern: &str) -> Result<String, Fault> {
    let mut parser = Parser {
        pattern,
        at: 0,
        out: String::with_capacity(2 * pattern.len()),
        flags: Flags::default(),
        written: Flags::default(),
        open: Vec::new(),
        atom: None,
        repeats: 1,
        operator: None,
    };
    parser.run()?;
    Ok(parser.out)
}

/// The flags that a group may set.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags {
    /// `i`
    pub fold_case: bool,
    /// `m`
    multi_line: bool,
    /// `s`
    dot_newline: bool,
    /// `U`
    lazy: bool,
}

impl Flags {
    fn set(&mut self, flag: char, on: bool) -> bool {
        match flag {
            'i' => self.fold_case = on,
            'm' => self.multi_line = on,
            's' => self.dot_newline = on,
            'U' => self.lazy = on,
            _ => return false,
        }
        true
    }

    /// All of them, as `im-sU`.
    fn write(self) -> String {
        let all = [(self.fold_case, 'i'), (self.multi_line, 'm'), (self.dot_newline, 's'), (self.lazy, 'U')];
        let some = |on: bool| all.iter().filter(|flag| flag.0 == on).map(|flag| flag.1).collect::<String>();
        match some(false) {
            off if off.is_empty() => some(true),
            off => format!("{}-{off}", some(true)),
        }
    }
}

/// A group that is not closed yet.
struct Open {
    flags: Flags,
    written: Flags,
    repeats: u64,
}

struct Parser<'a> {
    pattern: &'a str,
    at: usize,
    out: String,
    flags: Flags,
    /// The flags that hold in what is written so far; the others follow before the next atom.
    written: Flags,
    open: Vec<Open>,
    /// The atom that a repetition would repeat: how often it already repeats what is in it.
    atom: Option<u64>,
    /// The most that atoms of the group repeat what is in them.
    repeats: u64,
    /// Where the repetition began that stands right before.
    operator: Option<usize>,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.pattern[self.at..]
    }

    fn run(&mut self) -> Result<(), Fault> {
        while let Some(c) = self.rest().chars().next() {
            let operator = self.operator.take();
            match c {
                '(' => self.left_parenthesis()?,
                ')' => self.right_parenthesis()?,
                '|' => {
                    self.at += 1;
                    self.out.push('|');
                    self.atom = None;
                }
                '*' | '+' | '?' => {
                    let start = self.at;
                    self.at += 1;
                    self.repetition(start, operator, None)?;
                }
                '{' => match bounds(self.rest()) {
                    Some((bounds, len)) => {
                        let start = self.at;
                        self.at += len;
                        self.repetition(start, operator, Some(bounds))?;
                    }
                    None => self.literal(c),
                },
                '.' | '^' | '$' => self.symbol(c),
                '[' => {
                    let (text, len) = class::bracket(self.rest(), self.flags)?;
                    self.at += len;
                    self.push(&text);
                }
                '\\' => self.backslash()?,
                _ => self.literal(c),
            }
        }
        if self.open.is_empty() { Ok(()) } else { Err(format!("missing ): {}", self.pattern)) }
    }

    /// Writes an atom.
    fn push(&mut self, atom: &str) {
        self.write_flags();
        self.out.push_str(atom);
        self.atom = Some(1);
    }

    fn write_flags(&mut self) {
        if self.flags != self.written {
            self.out.push_str(&format!("(?{})", self.flags.write()));
            self.written = self.flags;
        }
    }

    fn literal(&mut self, c: char) {
        self.at += c.len_utf8();
        self.push(&class::literal(c.into()));
    }

    fn symbol(&mut self, c: char) {
        self.at += 1;
        match c {
            '.' if self.flags.dot_newline => self.push(&class::any()),
            '.' => self.push(&class::any_but_newline()),
            '^' => self.push("^"),
            _ => self.push("$"),
        }
    }

    fn backslash(&mut self) -> Result<(), Fault> {
        let rest = self.rest();
        let mut symbol = |text: &str| {
            self.at += 2;
            self.push(text);
            Ok(())
        };
        match rest.chars().nth(1) {
            Some('b') => symbol("(?-u:\\b)"),
            Some('B') => symbol("(?-u:\\B)"),
            Some('A') => symbol("\\A"),
            Some('z') => symbol("\\z"),
            Some('C') => symbol("(?s-u:.)"),
            Some('Q') => {
                let quoted = &rest[2..];
                let (quoted, skip) = quoted.split_once("\\E").map_or((quoted, 0), |(quoted, _)| (quoted, 2));
                self.at += 2;
                quoted.chars().for_each(|c| self.literal(c));
                self.at += skip;
                Ok(())
            }
            _ => {
                if let Some((set, len)) =
                    groups::perl(rest).map_or_else(|| groups::unicode(rest), |g| Ok(Some(g)))?
                {
                    self.at += len;
                    self.push(&set.write(self.flags));
                    return Ok(());
                }
                let (code, len) = escape::parse(rest)?;
                self.at += len;
                self.push(&class::literal(code));
                Ok(())
            }
        }
    }

    fn repetition(&mut self, start: usize, last: Option<usize>, bounds: Option<Bounds>) -> Result<(), Fault> {
        let plain = self.at;
        let lazy = self.rest().starts_with('?');
        self.at += usize::from(lazy);
        let text = &self.pattern[start..self.at];
        if let Some(last) = last {
            return Err(format!("bad repetition operator: {}", &self.pattern[last..self.at]));
        }
        let too_many = || Err(format!("invalid repetition size: {text}"));
        if bounds.is_some_and(|(min, max)| min > 1000 || max.is_some_and(|max| max > 1000 || max < min)) {
            return too_many();
        }
        let Some(inner) = self.atom else {
            return Err(format!("no argument for repetition operator: {text}"));
        };
        let times = bounds.map_or(1, |(min, max)| max.unwrap_or(min).max(1));
        let repeats = inner * times;
        if times > 1 && repeats > 1000 {
            return too_many();
        }
        match bounds {
            None => self.out.push_str(&self.pattern[start..plain]),
            Some((min, None)) => self.out.push_str(&format!("{{{min},}}")),
            Some((min, Some(max))) => self.out.push_str(&format!("{{{min},{max}}}")),
        }
        self.out.push_str(if lazy { "?" } else { "" });
        self.atom = Some(repeats);
        self.repeats = self.repeats.max(repeats);
        self.operator = Some(start);
        Ok(())
    }

    fn left_parenthesis(&mut self) -> Result<(), Fault> {
        self.write_flags();
        let outer = Open { flags: self.flags, written: self.written, repeats: self.repeats };
        let Some(perl) = self.rest().strip_prefix("(?") else {
            self.at += 1;
            return self.group("(", outer);
        };
        if perl.starts_with("P<") && perl.len() > 2 {
            let Some(end) = perl.find('>') else {
                return Err(format!("invalid named capture group: {}", self.rest()));
            };
            let named = &self.rest()[..end + 3];
            let name = &perl[2..end];
            if name.is_empty() || !name.chars().all(is_name_character) {
                return Err(format!("invalid named capture group: {named}"));
            }
            self.at += named.len();
            return self.group("(", outer);
        }
        let (flags, len, is_group) = self.group_flags(perl)?;
        self.at += len;
        self.flags = flags;
        if !is_group {
            return Ok(());
        }
        if flags == self.written {
            return self.group("(?:", outer);
        }
        self.written = flags;
        self.group(&format!("(?{}:", flags.write()), outer)
    }

    fn group(&mut self, start: &str, outer: Open) -> Result<(), Fault> {
        self.out.push_str(start);
        self.open.push(outer);
        (self.atom, self.repeats) = (None, 1);
        Ok(())
    }

    /// The flags after `(?`, the length of all, and whether a group begins.
    fn group_flags(&self, perl: &str) -> Result<(Flags, usize, bool), Fault> {
        let (mut flags, mut on, mut some) = (self.flags, true, true);
        let bad = |len: usize| Err(format!("invalid perl operator: {}", &self.rest()[..len]));
        for (i, c) in perl.char_indices() {
            let len = 2 + i + c.len_utf8();
            match c {
                ')' | ':' if some => return Ok((flags, len, c == ':')),
                '-' if on => (on, some) = (false, false),
                _ if flags.set(c, on) => some = true,
                _ => return bad(len),
            }
        }
        bad(2 + perl.len())
    }

    fn right_parenthesis(&mut self) -> Result<(), Fault> {
        let Some(open) = self.open.pop() else { return Err(format!("unexpected ): {}", self.pattern)) };
        self.at += 1;
        self.out.push(')');
        self.atom = Some(self.repeats);
        self.repeats = open.repeats.max(self.repeats);
        (self.flags, self.written) = (open.flags, open.written);
        Ok(())
    }
}

fn is_name_character(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

type Bounds = (u64, Option<u64>);

/// `{n}`, `{n,}` or `{n,m}` at the start of the text, and its length; anything else is literal.
fn bounds(text: &str) -> Option<(Bounds, usize)> {
    let end = text.find('}')?;
    let inner = &text[1..end];
    let bounds = match inner.split_once(',') {
        None => {
            let n = bound(inner)?;
            (n, Some(n))
        }
        Some((min, "")) => (bound(min)?, None),
        Some((min, max)) => (bound(min)?, Some(bound(max)?)),
    };
    Some((bounds, end + 1))
}

fn bound(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    let padded = text.len() > 1 && text.starts_with('0');
    (digits && !padded).then(|| text.parse().unwrap_or(u64::MAX))
}
