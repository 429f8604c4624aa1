//! Protobuf's wire format, read as TensorFlow's example parsers read it.

/// The tag of a varint field.
pub const fn varint(field: u8) -> u8 {
    field << 3
}

/// The tag of a field of some length.
pub const fn delimited(field: u8) -> u8 {
    field << 3 | 2
}

/// The tag of a field of four bytes.
pub const fn fixed32(field: u8) -> u8 {
    field << 3 | 5
}

/// A position in bytes, and a limit behind which nothing is read.
///
/// A length that goes beyond the limit is cut at it, as protobuf's stream does.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    /// A reader of these bytes.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0, end: bytes.len() }
    }

    /// Whether the limit is reached.
    pub fn is_at_end(&self) -> bool {
        self.at >= self.end
    }

    /// What comes next, up to the limit.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at.min(self.end)..self.end]
    }

    /// Sets the limit `len` bytes on, unless it is nearer already; gives the old one.
    pub fn push_limit(&mut self, len: usize) -> usize {
        let old = self.end;
        self.end = self.at.saturating_add(len).min(old);
        old
    }

    /// Sets the limit back.
    pub fn pop_limit(&mut self, old: usize) {
        self.end = old;
    }

    /// The next byte; zero at the limit.
    pub fn peek(&self) -> u8 {
        if self.is_at_end() { 0 } else { self.bytes[self.at] }
    }

    /// Passes over this tag, if it comes next.
    pub fn expect(&mut self, tag: u8) -> Option<()> {
        let found = !self.is_at_end() && self.bytes[self.at] == tag;
        self.at += usize::from(found);
        found.then_some(())
    }

    /// A number in base 128.
    pub fn varint64(&mut self) -> Option<u64> {
        let mut value = 0;
        for i in 0..10 {
            let byte = *self.bytes[..self.end].get(self.at)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// A length: the lower half of a number in base 128.
    pub fn length(&mut self) -> Option<usize> {
        Some(self.varint64()? as u32 as usize)
    }

    /// The next `len` bytes.
    pub fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(len).filter(|&end| end <= self.end)?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Some(taken)
    }

    /// Passes over `len` bytes, or to the limit.
    pub fn skip(&mut self, len: usize) {
        self.at = self.at.saturating_add(len).min(self.end);
    }

    /// A length and so many bytes.
    pub fn string(&mut self) -> Option<&'a [u8]> {
        let len = self.length()?;
        self.take(len)
    }

    /// A number of four bytes.
    pub fn fixed32(&mut self) -> Option<[u8; 4]> {
        self.take(4)?.first_chunk().copied()
    }

    /// Passes over any one field; groups are refused.
    pub fn skip_field(&mut self) -> Option<()> {
        match self.varint64()? & 7 {
            0 => _ = self.varint64()?,
            1 => _ = self.take(8)?,
            2 => {
                let len = self.length()?;
                self.skip(len);
            }
            5 => _ = self.take(4)?,
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let check =
            |bytes: &[u8], want: Option<u64>| assert_eq!(Reader::new(bytes).varint64(), want, "{bytes:?}");
        check(&[1], Some(1));
        check(&[0xac, 2], Some(300));
        check(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], Some(u64::MAX));
        check(&[0xff; 10], None);
        check(&[0x80], None);
        check(&[], None);
    }

    #[test]
    fn limits() {
        let mut reader = Reader::new(b"abcdef");
        let outer = reader.push_limit(3);
        let inner = reader.push_limit(100);
        assert_eq!((reader.take(4), reader.take(3)), (None, Some(&b"abc"[..])));
        assert!(reader.is_at_end() && reader.peek() == 0 && reader.expect(b'd').is_none());
        reader.pop_limit(inner);
        reader.pop_limit(outer);
        assert_eq!(reader.expect(b'd'), Some(()));
        reader.skip(usize::MAX);
        assert!(reader.is_at_end());
    }

    #[test]
    fn fields_that_are_passed_over() {
        let check = |bytes: &[u8], want: bool| {
            let mut reader = Reader::new(bytes);
            assert_eq!(reader.skip_field().is_some(), want, "{bytes:?}");
            assert!(!want || reader.is_at_end(), "{bytes:?}");
        };
        check(&[0x18, 0x80, 1], true);
        check(&[0x19, 0, 0, 0, 0, 0, 0, 0, 0], true);
        check(&[0x1a, 2, 0, 0], true);
        check(&[0x1a, 200, 1, 0], true);
        check(&[0x1d, 0, 0, 0, 0], true);
        check(&[0x1d, 0, 0, 0], false);
        check(&[0x1b], false);
        check(&[0x1f], false);
    }
}
