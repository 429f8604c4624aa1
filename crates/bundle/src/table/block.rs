//! One block.

use std::borrow::Cow;
use std::ops::Range;

use prost::encoding::decode_varint;
use savedmodel_proto::crc;
use savedmodel_tensor::{Error, Result};

use super::{SNAPPY, TRAILER, UNCOMPRESSED};

/// No sequence of Snappy's elements makes more bytes than this out of one.
const SNAPPY_RATIO: usize = 64;

/// Where a block is in its file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct BlockHandle {
    pub offset: u64,
    pub size: u64,
}

impl BlockHandle {
    /// Takes a handle from the front of `bytes`.
    pub fn take(bytes: &mut &[u8]) -> Result<BlockHandle> {
        let mut number = || decode_varint(bytes).map_err(|_| Error::data_loss("bad block handle"));
        Ok(BlockHandle { offset: number()?, size: number()? })
    }

    fn range(self) -> Option<Range<usize>> {
        let start = usize::try_from(self.offset).ok()?;
        let size = usize::try_from(self.size).ok()?;
        Some(start..start.checked_add(size)?.checked_add(TRAILER)?)
    }
}

/// The contents of a block: checked, and decompressed if need be.
pub(super) fn read(file: &[u8], handle: BlockHandle) -> Result<Cow<'_, [u8]>> {
    let stored = handle.range().and_then(|range| file.get(range));
    let stored = stored.ok_or_else(|| Error::data_loss("truncated block read"))?;
    let (checked, checksum) = stored.split_at(stored.len() - 4);
    let (contents, kind) = checked.split_at(checked.len() - 1);
    let expected = checksum.try_into().map(u32::from_le_bytes).map_or(0, crc::unmask);
    let computed = crc32c::crc32c(checked);
    if expected != computed {
        return Err(Error::data_loss(format!(
            "block checksum mismatch: stored {expected} vs. calculated {computed}"
        )));
    }
    match kind[0] {
        UNCOMPRESSED => Ok(Cow::Borrowed(contents)),
        SNAPPY => {
            let corrupt = |_| Error::data_loss("corrupted compressed block contents");
            let length = snap::raw::decompress_len(contents).map_err(corrupt)?;
            if length > contents.len().saturating_mul(SNAPPY_RATIO) {
                return Err(Error::data_loss("corrupted compressed block contents"));
            }
            Ok(Cow::Owned(snap::raw::Decoder::new().decompress_vec(contents).map_err(corrupt)?))
        }
        other => Err(Error::data_loss(format!("bad block type {other}"))),
    }
}

/// Calls `visit` with each key and value of a block until it says false.
pub(super) fn for_each(contents: &[u8], mut visit: impl FnMut(&[u8], &[u8]) -> Result<bool>) -> Result<()> {
    let bad = || Error::data_loss("bad entry in block");
    let mut rest = entries(contents).ok_or_else(|| Error::data_loss("bad block contents"))?;
    let mut key = Vec::new();
    while !rest.is_empty() {
        let mut number = || {
            let number = decode_varint(&mut rest).ok()?;
            usize::try_from(number).ok()
        };
        let lengths = (number(), number(), number());
        let (Some(shared), Some(unshared), Some(value)) = lengths else { return Err(bad()) };
        let (suffix, after) = rest.split_at_checked(unshared).ok_or_else(bad)?;
        let (value, after) = after.split_at_checked(value).ok_or_else(bad)?;
        if shared > key.len() {
            return Err(bad());
        }
        key.truncate(shared);
        key.extend_from_slice(suffix);
        rest = after;
        if !visit(&key, value)? {
            break;
        }
    }
    Ok(())
}

/// What comes before the restart points, which only random access needs.
fn entries(contents: &[u8]) -> Option<&[u8]> {
    let (before, count) = contents.split_last_chunk::<4>()?;
    let restarts = usize::try_from(u32::from_le_bytes(*count)).ok()?.checked_mul(4)?;
    before.get(..before.len().checked_sub(restarts)?)
}
