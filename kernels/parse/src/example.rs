//! The message `Example`, taken apart into names and features without copying either.

use savedmodel_tensor::{Bytes, Error, Result};

use crate::wire::{Reader, delimited};

/// The names and features of an example, in order, also those that come twice.
pub type Entries<'a> = Vec<(&'a [u8], &'a [u8])>;

/// Puts the features of an example into `entries`, which is emptied first.
///
/// Several examples one after the other count as one, and fields that are no features are passed over.
///
/// # Errors
/// `INVALID_ARGUMENT` when it is no such message.
pub fn read<'a>(example: &'a Bytes, entries: &mut Entries<'a>) -> Result<()> {
    entries.clear();
    let mut reader = Reader::new(example);
    read_all(&mut reader, entries).ok_or_else(|| {
        let text = String::from_utf8_lossy(example);
        Error::invalid_argument(format!("Could not parse example input, value: '{text}'"))
    })
}

fn read_all<'a>(reader: &mut Reader<'a>, entries: &mut Entries<'a>) -> Option<()> {
    while !reader.is_at_end() {
        if reader.expect(delimited(1)).is_none() {
            reader.skip_field()?;
            continue;
        }
        let len = reader.length()?;
        let limit = reader.push_limit(len);
        while !reader.is_at_end() {
            reader.expect(delimited(1))?;
            entries.push(entry(reader)?);
        }
        reader.pop_limit(limit);
    }
    Some(())
}

/// A name and a feature, in either order; both must be there.
fn entry<'a>(reader: &mut Reader<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let len = reader.length()?;
    let limit = reader.push_limit(len);
    let (mut name, mut feature): (&[u8], &[u8]) = (&[], &[]);
    for _ in 0..2 {
        let part = match reader.peek() {
            tag if tag == delimited(1) => &mut name,
            tag if tag == delimited(2) => &mut feature,
            _ => return None,
        };
        reader.skip(1);
        *part = reader.string()?;
    }
    if !reader.is_at_end() {
        return None;
    }
    reader.pop_limit(limit);
    Some((name, feature))
}
