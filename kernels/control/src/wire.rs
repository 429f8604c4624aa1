//! The few kinds of protobuf fields that summaries are made of.

pub use savedmodel_op::message::bytes;
use savedmodel_tensor::Bytes;

/// Adds a `float` field.
pub fn float(message: &mut Vec<u8>, field: u8, value: f32) {
    message.push(field << 3 | 5);
    message.extend(value.to_le_bytes());
}

/// Adds a `double` field, unless it is zero.
pub fn double(message: &mut Vec<u8>, field: u8, value: f64) {
    if value.to_bits() != 0 {
        message.push(field << 3 | 1);
        message.extend(value.to_le_bytes());
    }
}

/// Adds a field of packed `double`s, if there are any.
pub fn doubles(message: &mut Vec<u8>, field: u8, values: &[f64]) {
    let packed: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    if !packed.is_empty() {
        bytes(message, field, &packed);
    }
}

/// The values of a field of bytes of a message; `None` if it is no message.
pub fn read(message: &Bytes, field: u64) -> Option<Vec<Bytes>> {
    let (mut rest, mut found) = (message.clone(), Vec::new());
    while !rest.is_empty() {
        let tag = read_varint(&mut rest)?;
        let len = match tag & 7 {
            0 => {
                read_varint(&mut rest)?;
                0
            }
            1 => 8,
            2 => usize::try_from(read_varint(&mut rest)?).ok()?,
            5 => 4,
            _ => return None,
        };
        if len > rest.len() || tag >> 3 == 0 {
            return None;
        }
        let value = rest.split_to(len);
        if tag == field << 3 | 2 {
            found.push(value);
        }
    }
    Some(found)
}

fn read_varint(rest: &mut Bytes) -> Option<u64> {
    let mut value = 0_u64;
    for i in 0..10 {
        let byte = *rest.first()?;
        let _ = rest.split_to(1);
        value |= u64::from(byte & 127) << (7 * i);
        if byte < 128 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let mut message = Vec::new();
        bytes(&mut message, 1, &[7; 200]);
        float(&mut message, 2, 1.0);
        double(&mut message, 3, 0.0);
        doubles(&mut message, 4, &[]);
        double(&mut message, 5, -0.0);
        bytes(&mut message, 1, b"");
        assert_eq!(message.len(), 3 + 200 + 5 + 9 + 2);
        let message = Bytes::from(message);
        assert_eq!(read(&message, 1).unwrap(), [&[7; 200][..], b""]);
        assert_eq!(read(&message, 2).unwrap().len(), 0);
        for bad in
            [&b"zz"[..], b"\n\x05a", b"\x80", b"\x02\x00", b"\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"]
        {
            assert_eq!(read(&Bytes::from_static(bad), 1), None, "{bad:?}");
        }
    }
}
