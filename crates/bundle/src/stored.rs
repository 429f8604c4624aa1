//! How strings and variants are laid out in the data files of a bundle.
//!
//! Strings are all lengths as varints, a checksum of the lengths, and all bytes; variants are, one after the other, a
//! length, a message and a checksum of everything so far. The checksum of an entry runs over lengths as fixed-size
//! integers rather than as stored.

use prost::encoding::{decode_varint, encode_varint};
use savedmodel_proto::tensor_proto::{from_tensor, to_tensor};
use savedmodel_proto::{DataType, Message as _, TensorProto, VariantTensorDataProto, crc, decode};
use savedmodel_tensor::{Error, Result, Shape, Tensor};

/// A checksum that grows.
#[derive(Default)]
struct Checksum(u32);

impl Checksum {
    fn add(&mut self, bytes: &[u8]) {
        self.0 = crc32c::crc32c_append(self.0, bytes);
    }

    /// Lengths that fit take four bytes, as they once all did.
    fn add_length(&mut self, length: u64) {
        match u32::try_from(length) {
            Ok(short) => self.add(&short.to_le_bytes()),
            Err(_) => self.add(&length.to_le_bytes()),
        }
    }

    /// What is written here, which then counts itself.
    fn mark(&mut self) -> [u8; 4] {
        let mark = crc::mask(self.0).to_le_bytes();
        self.add(&mark);
        mark
    }
}

#[cold]
fn truncated() -> Error {
    Error::data_loss("stored elements end early")
}

fn check_mark(expected: [u8; 4], computed: u32) -> Result<()> {
    let expected = crc::unmask(u32::from_le_bytes(expected));
    if expected != computed {
        return Err(Error::data_loss(format!(
            "The length checksum does not match: expected {expected} but actual is {computed}"
        )));
    }
    Ok(())
}

fn take_length(bytes: &mut &[u8]) -> Result<u64> {
    decode_varint(bytes).map_err(|_| truncated())
}

fn take<'a>(bytes: &mut &'a [u8], length: u64) -> Result<&'a [u8]> {
    let length = usize::try_from(length).map_err(|_| truncated())?;
    let (taken, rest) = bytes.split_at_checked(length).ok_or_else(truncated)?;
    *bytes = rest;
    Ok(taken)
}

fn take_mark(bytes: &mut &[u8]) -> Result<[u8; 4]> {
    let (mark, rest) = bytes.split_first_chunk().ok_or_else(truncated)?;
    *bytes = rest;
    Ok(*mark)
}

/// The strings in `bytes`, and the checksum of the entry.
pub(crate) fn read_strings(mut bytes: &[u8], shape: &Shape, verify: bool) -> Result<(Tensor, u32)> {
    let count = shape.elements();
    if count > bytes.len() {
        return Err(truncated());
    }
    let mut checksum = Checksum::default();
    let mut lengths = Vec::with_capacity(count);
    for _ in 0..count {
        let length = take_length(&mut bytes)?;
        checksum.add_length(length);
        lengths.push(length);
    }
    let mark = take_mark(&mut bytes)?;
    if verify {
        check_mark(mark, checksum.0)?;
    }
    checksum.add(&mark);
    checksum.add(bytes);
    let strings = lengths.into_iter().map(|length| take(&mut bytes, length)).collect::<Result<Vec<_>>>()?;
    if !bytes.is_empty() {
        return Err(Error::data_loss("stored strings are longer than their lengths say"));
    }
    let joined = savedmodel_tensor::Bytes::from(strings.concat());
    let mut start = 0;
    let shared = strings.iter().map(|string| {
        start += string.len();
        joined.slice(start - string.len()..start)
    });
    Ok((Tensor::from_strings(shape.clone(), shared)?, checksum.0))
}

/// The stored form of strings, and the checksum of the entry.
pub(crate) fn write_strings(strings: &[savedmodel_tensor::Bytes]) -> (Vec<u8>, u32) {
    let (mut out, mut checksum) = (Vec::new(), Checksum::default());
    for string in strings {
        encode_varint(string.len() as u64, &mut out);
        checksum.add_length(string.len() as u64);
    }
    out.extend(checksum.mark());
    let start = out.len();
    strings.iter().for_each(|string| out.extend_from_slice(string));
    checksum.add(&out[start..]);
    (out, checksum.0)
}

/// The variants in `bytes`, and the checksum of the entry.
pub(crate) fn read_variants(mut bytes: &[u8], shape: &Shape, verify: bool) -> Result<(Tensor, u32)> {
    if shape.elements() > bytes.len() {
        return Err(truncated());
    }
    let mut checksum = Checksum::default();
    let mut variants = Vec::new();
    for _ in 0..shape.elements() {
        let length = take_length(&mut bytes)?;
        let message = take(&mut bytes, length)?;
        checksum.add(&length.to_le_bytes());
        checksum.add(message);
        let mark = take_mark(&mut bytes)?;
        if verify {
            check_mark(mark, checksum.0)?;
        }
        checksum.add(&mark);
        variants.push(decode::<VariantTensorDataProto>(message.to_vec())?);
    }
    let proto = TensorProto {
        dtype: DataType::DtVariant.into(),
        tensor_shape: Some(savedmodel_proto::shape::from_shape(shape)),
        variant_val: variants,
        ..Default::default()
    };
    Ok((to_tensor(&proto)?, checksum.0))
}

/// The stored form of variants, and the checksum of the entry.
pub(crate) fn write_variants(tensor: &Tensor) -> Result<(Vec<u8>, u32)> {
    let (mut out, mut checksum) = (Vec::new(), Checksum::default());
    for variant in from_tensor(tensor)?.variant_val {
        let message = variant.encode_to_vec();
        encode_varint(message.len() as u64, &mut out);
        checksum.add(&(message.len() as u64).to_le_bytes());
        checksum.add(&message);
        out.extend(message);
        out.extend(checksum.mark());
    }
    Ok((out, checksum.0))
}
