//! TFRecord files: length, checksum of the length, bytes, checksum of the bytes, again and again.

use std::io::{self, Read, Write};

use bytes::Bytes;
use savedmodel_tensor::{Error, Result};

use crate::crc;

const HEADER: usize = 12;
const FOOTER: usize = 4;

/// Reads records, checking both checksums. The first error ends the iteration.
///
/// ```
/// use savedmodel_proto::tfrecord::{Reader, Writer};
/// let mut file = Vec::new();
/// Writer::new(&mut file).write(b"one")?;
/// let records: Vec<_> = Reader::new(&file[..]).collect::<Result<_, _>>()?;
/// assert_eq!(records, [&b"one"[..]]);
/// # Ok::<(), savedmodel_tensor::Error>(())
/// ```
pub struct Reader<R> {
    input: R,
    offset: u64,
    done: bool,
}

impl<R: Read> Reader<R> {
    /// A reader from the start of `input`, which should be buffered.
    pub fn new(input: R) -> Reader<R> {
        Reader { input, offset: 0, done: false }
    }

    /// Where the next record starts.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Up to `len` bytes; memory grows with what is there, not with what is claimed.
    fn take(&mut self, len: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.input.by_ref().take(len).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn record(&mut self) -> Result<Option<Bytes>> {
        let at = self.offset;
        let header = self.take(HEADER as u64)?;
        if header.is_empty() {
            return Ok(None);
        }
        let truncated = || Error::data_loss(format!("truncated record at {at}"));
        let (length, stored) = header.split_first_chunk::<8>().ok_or_else(truncated)?;
        check(length, stored, at)?;
        let length = u64::from_le_bytes(*length);
        let bytes = self.take(length)?;
        let footer = self.take(FOOTER as u64)?;
        if bytes.len() as u64 != length || footer.len() != FOOTER {
            return Err(truncated());
        }
        check(&bytes, &footer, at)?;
        self.offset = at + (HEADER + bytes.len() + FOOTER) as u64;
        Ok(Some(bytes.into()))
    }
}

fn check(bytes: &[u8], stored: &[u8], at: u64) -> Result<()> {
    let stored: [u8; 4] =
        stored.try_into().map_err(|_| Error::data_loss(format!("truncated record at {at}")))?;
    let (stored, computed) = (u32::from_le_bytes(stored), crc::masked(bytes));
    if stored != computed {
        return Err(Error::data_loss(format!(
            "corrupted record at {at}: stored checksum {stored:#010x}, computed {computed:#010x}"
        )));
    }
    Ok(())
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Bytes>;

    fn next(&mut self) -> Option<Result<Bytes>> {
        if self.done {
            return None;
        }
        let record = self.record().transpose();
        self.done = !matches!(record, Some(Ok(_)));
        record
    }
}

/// Writes records.
pub struct Writer<W> {
    output: W,
}

impl<W: Write> Writer<W> {
    /// A writer to `output`, which should be buffered and is not flushed.
    pub fn new(output: W) -> Writer<W> {
        Writer { output }
    }

    /// Writes one record.
    ///
    /// # Errors
    /// Those of the output.
    pub fn write(&mut self, record: &[u8]) -> Result<()> {
        let length = (record.len() as u64).to_le_bytes();
        self.output.write_all(&length)?;
        self.output.write_all(&crc::masked(&length).to_le_bytes())?;
        self.output.write_all(record)?;
        self.output.write_all(&crc::masked(record).to_le_bytes())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(records: &[&[u8]]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut writer = Writer::new(&mut file);
        records.iter().for_each(|record| writer.write(record).unwrap());
        file
    }

    #[test]
    fn records_come_back() {
        let records: [&[u8]; 3] = [b"", b"one", &[9; 5000]];
        let read: Result<Vec<_>> = Reader::new(&file(&records)[..]).collect();
        assert_eq!(read.unwrap(), records);
    }

    #[test]
    fn every_truncation_and_every_flipped_bit_is_found() {
        let whole = file(&[b"abc", b"defg"]);
        let first = file(&[b"abc"]).len();
        for end in (1..whole.len()).filter(|&end| end != first) {
            let last = Reader::new(&whole[..end]).last().unwrap().unwrap_err();
            let at = if end < first { 0 } else { first };
            assert_eq!(last.message(), format!("truncated record at {at}"));
        }
        for bit in 0..whole.len() * 8 {
            let mut bad = whole.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Reader::new(&bad[..]).any(|record| record.is_err()), "bit {bit}");
        }
    }

    #[test]
    fn an_error_ends_the_iteration() {
        let mut bad = file(&[b"abc", b"def"]);
        bad[12] ^= 1;
        assert_eq!(Reader::new(&bad[..]).count(), 1);
    }
}
