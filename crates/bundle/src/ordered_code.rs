//! Encodings that sort as bytes like the values they stand for, from which the keys of slices are made.

use crate::TensorSlice;

/// The key of one stored slice of a tensor.
pub(crate) fn slice_key(name: &str, slice: &TensorSlice) -> Vec<u8> {
    let mut key = Vec::with_capacity(name.len() + 8);
    put_number(&mut key, 0);
    put_string(&mut key, name.as_bytes());
    put_number(&mut key, slice.rank() as u64);
    for (start, length) in slice.extents() {
        put_signed(&mut key, start as i64);
        put_signed(&mut key, length.map_or(-1, |length| length as i64));
    }
    key
}

/// The number of bytes, then the bytes, most significant first.
fn put_number(out: &mut Vec<u8>, value: u64) {
    let bytes = value.to_be_bytes();
    let skipped = value.leading_zeros() as usize / 8;
    out.push((bytes.len() - skipped) as u8);
    out.extend_from_slice(&bytes[skipped..]);
}

/// The bytes with 0x00 and 0xff escaped, and an end mark.
fn put_string(out: &mut Vec<u8>, value: &[u8]) {
    for &byte in value {
        match byte {
            0x00 => out.extend([0x00, 0xff]),
            0xff => out.extend([0xff, 0x00]),
            _ => out.push(byte),
        }
    }
    out.extend([0x00, 0x01]);
}

/// Two's complement with the length in the leading bits: as many equal bits as there are bytes, then one that differs.
fn put_signed(out: &mut Vec<u8>, value: i64) {
    let magnitude = if value < 0 { !value } else { value } as u64;
    let bits = 64 - magnitude.leading_zeros() as usize;
    let length = bits / 7 + 1;
    let sign = if value < 0 { 0xff } else { 0x00 };
    let mut bytes = [sign; 10];
    bytes[2..].copy_from_slice(&value.to_be_bytes());
    let encoded = &mut bytes[10 - length..];
    // `length` leading bits are the inverse of the sign.
    let header = !(0xffff_u16.checked_shr(length as u32).unwrap_or(0));
    encoded[0] ^= (header >> 8) as u8;
    if let Some(second) = encoded.get_mut(1) {
        *second ^= header as u8;
    }
    out.extend_from_slice(encoded);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_numbers() {
        let check = |value: i64, want: &[u8]| {
            let mut got = Vec::new();
            put_signed(&mut got, value);
            assert_eq!(got, want, "{value}");
        };
        check(0, &[0x80]);
        check(-1, &[0x7f]);
        check(63, &[0xbf]);
        check(-64, &[0x40]);
        check(64, &[0xc0, 0x40]);
        check(-65, &[0x3f, 0xbf]);
        check(8191, &[0xdf, 0xff]);
        check(8192, &[0xe0, 0x20, 0x00]);
        check(i64::MAX, &[0xff, 0xc0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        check(i64::MIN, &[0x00, 0x3f, 0x80, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn order_is_kept() {
        let mut values = vec![i64::MIN, i64::MAX, 0];
        values.extend((0..63).flat_map(|bit| [1_i64 << bit, -(1_i64 << bit), (1_i64 << bit) - 1]));
        values.sort_unstable();
        values.dedup();
        let encode = |value: &i64| {
            let mut out = Vec::new();
            put_signed(&mut out, *value);
            out
        };
        assert!(values.iter().map(encode).is_sorted());
    }

    #[test]
    fn strings_and_numbers() {
        let mut out = Vec::new();
        put_number(&mut out, 0x1234);
        put_string(&mut out, b"a\x00\xff");
        assert_eq!(out, [2, 0x12, 0x34, b'a', 0, 0xff, 0xff, 0, 0, 1]);
    }
}
