//! The message `Feature`: a list of strings, floats or integers.

use savedmodel_tensor::{Bytes, DType};

use crate::wire::{Reader, delimited, fixed32, varint};

/// Where the values of a list go.
pub trait Sink<T> {
    /// Takes the next values.
    fn put(&mut self, values: impl ExactSizeIterator<Item = T>);

    /// Whether no more strings are taken. (Numbers that find no room are counted.)
    fn is_full(&self) -> bool;
}

impl<T> Sink<T> for Vec<T> {
    fn put(&mut self, values: impl ExactSizeIterator<Item = T>) {
        self.extend(values);
    }

    fn is_full(&self) -> bool {
        false
    }
}

/// A place for a fixed number of values.
#[derive(Debug)]
pub struct Fixed<'a, T> {
    out: &'a mut [T],
    count: usize,
}

impl<'a, T> Fixed<'a, T> {
    /// A place that is filled from the start.
    pub fn new(out: &'a mut [T]) -> Fixed<'a, T> {
        Fixed { out, count: 0 }
    }

    /// How many values came.
    pub fn count(&self) -> usize {
        self.count
    }
}

impl<T> Sink<T> for Fixed<'_, T> {
    fn put(&mut self, values: impl ExactSizeIterator<Item = T>) {
        let start = self.count.min(self.out.len());
        self.count += values.len();
        self.out[start..].iter_mut().zip(values).for_each(|(slot, value)| *slot = value);
    }

    fn is_full(&self) -> bool {
        self.count >= self.out.len()
    }
}

/// The tag of the list that holds values of a dtype.
pub fn tag(dtype: DType) -> u8 {
    match dtype {
        DType::String => delimited(1),
        DType::Float => delimited(2),
        _ => delimited(3),
    }
}

/// The dtype of the list with this tag.
pub fn dtype_of(tag: u8) -> Option<DType> {
    [DType::String, DType::Float, DType::Int64].into_iter().find(|&dtype| self::tag(dtype) == tag)
}

/// Reads a list of strings: its length, then its values, which share the memory of `owner`.
pub fn strings(reader: &mut Reader<'_>, owner: &Bytes, sink: &mut impl Sink<Bytes>) -> Option<()> {
    let len = reader.length()?;
    let limit = reader.push_limit(len);
    while !reader.is_at_end() {
        reader.expect(delimited(1))?;
        let string = reader.string().filter(|_| !sink.is_full())?;
        sink.put([owner.slice_ref(string)].into_iter());
    }
    reader.pop_limit(limit);
    Some(())
}

/// Reads a list of floats: its length, then its values, packed or one by one.
///
/// Of a packed list only the first run counts, and what does not fill four bytes is ignored.
pub fn floats(reader: &mut Reader<'_>, sink: &mut impl Sink<f32>) -> Option<()> {
    let len = reader.length()?;
    let limit = reader.push_limit(len);
    match reader.peek() {
        _ if reader.is_at_end() => {}
        tag if tag == delimited(1) => {
            reader.expect(tag)?;
            let len = reader.length()?;
            let (values, _) = reader.take(len / 4 * 4)?.as_chunks::<4>();
            sink.put(values.iter().map(|&value| f32::from_le_bytes(value)));
            reader.skip(len % 4);
        }
        tag if tag == fixed32(1) => {
            while !reader.is_at_end() {
                reader.expect(tag)?;
                sink.put([f32::from_le_bytes(reader.fixed32()?)].into_iter());
            }
        }
        _ => return None,
    }
    reader.pop_limit(limit);
    Some(())
}

/// Reads a list of integers: its length, then its values, packed or one by one.
pub fn integers(reader: &mut Reader<'_>, sink: &mut impl Sink<i64>) -> Option<()> {
    let len = reader.length()?;
    let limit = reader.push_limit(len);
    match reader.peek() {
        _ if reader.is_at_end() => {}
        tag if tag == delimited(1) => {
            reader.expect(tag)?;
            let len = reader.length()?;
            let run = reader.push_limit(len);
            while !reader.is_at_end() {
                sink.put([reader.varint64()?.cast_signed()].into_iter());
            }
            reader.pop_limit(run);
        }
        tag if tag == varint(1) => {
            while !reader.is_at_end() {
                reader.expect(tag)?;
                sink.put([reader.varint64()?.cast_signed()].into_iter());
            }
        }
        _ => return None,
    }
    reader.pop_limit(limit);
    Some(())
}

/// Values of one dtype, growing.
#[derive(Clone, Debug)]
pub enum Values {
    /// `float`.
    Float(Vec<f32>),
    /// `int64`.
    Int64(Vec<i64>),
    /// `string`.
    String(Vec<Bytes>),
}

impl Values {
    /// No values yet.
    pub fn new(dtype: DType) -> Values {
        match dtype {
            DType::Float => Values::Float(Vec::new()),
            DType::String => Values::String(Vec::new()),
            _ => Values::Int64(Vec::new()),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Values::Float(values) => values.len(),
            Values::Int64(values) => values.len(),
            Values::String(values) => values.len(),
        }
    }

    /// Adds values of the same dtype.
    pub fn append(&mut self, more: Values) {
        match (self, more) {
            (Values::Float(values), Values::Float(more)) => values.extend(more),
            (Values::Int64(values), Values::Int64(more)) => values.extend(more),
            (Values::String(values), Values::String(more)) => values.extend(more),
            _ => {}
        }
    }

    /// Adds the values of a list of this dtype, whose length comes next.
    pub fn read(&mut self, reader: &mut Reader<'_>, owner: &Bytes) -> Option<()> {
        match self {
            Values::Float(values) => floats(reader, values),
            Values::Int64(values) => integers(reader, values),
            Values::String(values) => strings(reader, owner, values),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        let check = |dtype: DType, bytes: &[u8], want: Option<&str>| {
            let owner = Bytes::copy_from_slice(bytes);
            let mut values = Values::new(dtype);
            let read = values.read(&mut Reader::new(&owner), &owner);
            assert_eq!(read.map(|()| format!("{values:?}")).as_deref(), want, "{bytes:?}");
        };
        check(DType::Int64, &[0], Some("Int64([])"));
        check(DType::Int64, &[5, 10, 3, 1, 0xac, 2], Some("Int64([1, 300])"));
        check(DType::Int64, &[4, 8, 1, 8, 2], Some("Int64([1, 2])"));
        check(DType::Int64, &[4, 8, 1, 9, 2], None);
        check(DType::Float, &[6, 10, 4, 0, 0, 128, 63], Some("Float([1.0])"));
        check(DType::Float, &[5, 13, 0, 0, 0, 64], Some("Float([2.0])"));
        check(DType::Float, &[7, 10, 5, 0, 0, 128, 63, 1], Some("Float([1.0])"));
        check(DType::Float, &[6, 10, 8, 0, 0, 128, 63], None);
        check(DType::String, &[5, 10, 1, 97, 10, 0], Some("String([b\"a\", b\"\"])"));
        check(DType::String, &[5, 10, 4, 97, 10, 0], None);
        check(DType::String, &[], None);
    }

    #[test]
    fn fixed_places_count_what_does_not_fit() {
        let mut out = [0; 2];
        let mut place = Fixed::new(&mut out);
        place.put([7].into_iter());
        assert!(!place.is_full());
        place.put([8, 9, 10].into_iter());
        assert_eq!((place.is_full(), place.count(), out), (true, 4, [7, 8]));
    }
}
