//! Numbers and bytes of JSON.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use savedmodel_text::numeral::read_float;

/// An integer as JSON spells it; fractions of nothing and exponents are fine.
pub fn integer(digits: &str) -> Option<i64> {
    if !digits.contains(['.', 'e', 'E']) {
        return digits.parse().ok();
    }
    let value: f64 = digits.parse().ok()?;
    // The bounds are powers of two, so that they are exact.
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value);
    (fits && value.trunc() == value).then_some(value as i64)
}

/// An integer in a string: decimal or hexadecimal, or as JSON spells it.
pub fn integer_of_text(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let (digits, radix) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&digits[2..], 16),
        _ => (digits, 10),
    };
    if radix == 10 && digits.contains(['.', 'e', 'E']) {
        return integer(text.strip_prefix('+').unwrap_or(text));
    }
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let value = i128::from(u64::from_str_radix(digits, radix).ok()?);
    i64::try_from(if negative { -value } else { value }).ok()
}

/// A number, if it is one in single precision.
pub fn float(digits: &str) -> Option<f32> {
    let value: f64 = digits.parse().ok()?;
    (value.abs() <= f32::MAX.into()).then_some(value as f32)
}

/// A number in a string, as C spells it.
pub fn float_of_text(text: &str) -> Option<f32> {
    read_float::<f32>(text.trim_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']).as_bytes())
}

/// Bytes in either alphabet of base 64; the padding may be left out, but not be wrong.
pub fn base64(text: &str) -> Option<Vec<u8>> {
    let plain: String = text
        .chars()
        .map(|c| {
            if c == '-' {
                '+'
            } else if c == '_' {
                '/'
            } else {
                c
            }
        })
        .collect();
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    if plain.contains('=') && !plain.len().is_multiple_of(4) {
        return None;
    }
    GeneralPurpose::new(&STANDARD, config).decode(plain).ok()
}
