//! Escapes that stand for one character.

use super::parser::Fault;

/// The code point of the escape at the start of the text, and its length.
///
/// # Errors
/// RE2's message.
pub fn parse(text: &str) -> Result<(u32, usize), Fault> {
    let bad = |len: usize| Err(format!("invalid escape sequence: {}", &text[..len]));
    let mut rest = text.chars();
    rest.next();
    let Some(c) = rest.next() else { return Err("trailing \\".to_owned()) };
    let len = 1 + c.len_utf8();
    let octal = |i: usize| text[i..].chars().next().and_then(|c| c.to_digit(8));
    let simple = match c {
        '1'..='7' if octal(len).is_none() => return bad(len),
        '0'..='7' => {
            let digits = (1..4).map_while(octal).collect::<Vec<u32>>();
            return Ok((digits.iter().fold(0, |code, digit| code * 8 + digit), 1 + digits.len()));
        }
        'x' => return hexadecimal(text),
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'a' => '\x07',
        'f' => '\x0c',
        'v' => '\x0b',
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => c,
        _ => return bad(len),
    };
    Ok((simple.into(), len))
}

/// `\x{digits}` or `\x` and two digits.
fn hexadecimal(text: &str) -> Result<(u32, usize), Fault> {
    let bad = |len: usize| Err(format!("invalid escape sequence: {}", &text[..len]));
    let mut code = 0;
    if !text[2..].starts_with('{') {
        let mut len = 2;
        let mut all = true;
        for c in text[2..].chars().take(2) {
            len += c.len_utf8();
            all &= c.is_ascii_hexdigit();
            code = code * 16 + c.to_digit(16).unwrap_or(0);
        }
        return if all && len == 4 { Ok((code, len)) } else { bad(len) };
    }
    for (i, c) in text[3..].char_indices() {
        let len = 3 + i + c.len_utf8();
        match c.to_digit(16) {
            Some(digit) => {
                code = code * 16 + digit;
                if code > char::MAX.into() {
                    return bad(len);
                }
            }
            None if c == '}' && i > 0 => return Ok((code, len)),
            None => return bad(len),
        }
    }
    bad(text.len())
}
