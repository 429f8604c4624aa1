//! From bytes to code points.

use super::{Encoding, Order};

/// What stands for bytes that are no character.
const REPLACEMENT: u32 = 0xfffd;
/// What ICU gives for a string that is nothing but a byte order mark.
const NOTHING: u32 = 0xffff;

/// Calls `take(code point, bytes, is_fault)` for each character, or fault, of a string.
pub fn decode(encoding: Encoding, string: &[u8], mut take: impl FnMut(u32, usize, bool)) {
    match encoding {
        Encoding::Utf8 => utf8(string, take),
        Encoding::Utf16(order) => units::<2>(string, order, take),
        Encoding::Utf32(order) => units::<4>(string, order, take),
        Encoding::Page(page) => {
            let upper: Vec<char> = page.upper.chars().collect();
            for &byte in string {
                let code = match byte {
                    128.. => upper[usize::from(byte) - 128].into(),
                    0x1a if page.is_pc => 0x1c,
                    0x1c if page.is_pc => 0x7f,
                    0x7f if page.is_pc => 0x1a,
                    _ => byte.into(),
                };
                take(code, 1, code == REPLACEMENT);
            }
        }
    }
}

fn utf8(string: &[u8], mut take: impl FnMut(u32, usize, bool)) {
    for chunk in string.utf8_chunks() {
        for c in chunk.valid().chars() {
            take(c.into(), c.len_utf8(), false);
        }
        if !chunk.invalid().is_empty() {
            take(REPLACEMENT, chunk.invalid().len(), true);
        }
    }
}

/// UTF-16 in units of two bytes, UTF-32 in units of four.
fn units<const N: usize>(string: &[u8], order: Order, mut take: impl FnMut(u32, usize, bool)) {
    let (order, mut mark) = byte_order::<N>(string, order);
    if mark > 0 && mark == string.len() {
        return take(NOTHING, mark, false);
    }
    let mut rest = &string[mark..];
    while !rest.is_empty() {
        let (code, len) = first::<N>(rest, order);
        // The mark counts among the bytes of the first character.
        take(code.unwrap_or(REPLACEMENT), mark + len, code.is_none());
        mark = 0;
        rest = &rest[len..];
    }
}

/// The order of bytes, and the length of the mark that tells it.
fn byte_order<const N: usize>(string: &[u8], order: Order) -> (Order, usize) {
    let marked = |mark: &[u8]| order == Order::Marked && string.starts_with(mark);
    let [big, little]: [&[u8]; 2] =
        if N == 2 { [&[0xfe, 0xff], &[0xff, 0xfe]] } else { [&[0, 0, 0xfe, 0xff], &[0xff, 0xfe, 0, 0]] };
    match order {
        _ if marked(big) => (Order::Big, N),
        _ if marked(little) => (Order::Little, N),
        Order::Marked => (Order::Big, 0),
        order => (order, 0),
    }
}

/// The first character, if it is one, and its length. What is cut off at the end is one fault.
fn first<const N: usize>(rest: &[u8], order: Order) -> (Option<u32>, usize) {
    let Some(code) = unit::<N>(rest, order) else { return (None, rest.len()) };
    if !(N == 2 && (0xd800..0xdc00).contains(&code)) {
        return (char::from_u32(code).map(u32::from), N);
    }
    match unit::<N>(&rest[2..], order) {
        None => (None, rest.len()),
        Some(low @ 0xdc00..0xe000) => (Some(0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)), 4),
        Some(_) => (None, 2),
    }
}

fn unit<const N: usize>(rest: &[u8], order: Order) -> Option<u32> {
    let bytes = rest.first_chunk::<N>()?;
    let add = |code: u32, byte: &u8| code << 8 | u32::from(*byte);
    Some(match order {
        Order::Little => bytes.iter().rev().fold(0, add),
        _ => bytes.iter().fold(0, add),
    })
}
