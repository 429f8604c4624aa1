//! From code points to bytes.

use savedmodel_op::Construction;
use savedmodel_tensor::{Bytes, Result};

/// How strings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// UTF-8.
    Utf8,
    /// UTF-16, high bytes first.
    Utf16,
    /// UTF-32, high bytes first.
    Utf32,
}

impl Output {
    /// The encoding that the attribute `output_encoding` names.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when there is no such attribute.
    pub fn new(node: &Construction<'_>) -> Result<Output> {
        Ok(match &node.attr::<Bytes>("output_encoding")?[..] {
            b"UTF-8" => Output::Utf8,
            b"UTF-16-BE" => Output::Utf16,
            _ => Output::Utf32,
        })
    }

    /// Text in this encoding; in UTF-8 half pairs become U+FFFD.
    pub fn encode(self, text: &[u16]) -> Bytes {
        let codes = || char::decode_utf16(text.iter().copied());
        match self {
            Output::Utf8 => {
                codes().map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>().into()
            }
            Output::Utf16 => text.iter().flat_map(|unit| unit.to_be_bytes()).collect::<Vec<u8>>().into(),
            Output::Utf32 => {
                let code = |c: Result<char, _>| match c {
                    Ok(c) => u32::from(c),
                    Err(half) => std::char::DecodeUtf16Error::unpaired_surrogate(&half).into(),
                };
                codes().flat_map(|c| code(c).to_be_bytes()).collect::<Vec<u8>>().into()
            }
        }
    }
}

/// Adds a code point, perhaps half of a pair, to UTF-16 text; what is no code point is left out.
pub fn push(text: &mut Vec<u16>, code: u32) {
    match char::from_u32(code) {
        Some(c) => text.extend_from_slice(c.encode_utf16(&mut [0; 2])),
        None => text.extend(u16::try_from(code).ok()),
    }
}
