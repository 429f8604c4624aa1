//! Reading tables.

use std::borrow::Cow;

use savedmodel_tensor::{Error, Result};

use super::block::{self, BlockHandle};
use super::{FOOTER, MAGIC};
use crate::file::FileBytes;

/// Keys may, through their shared prefixes, take this many times the bytes of the file.
const KEY_RATIO: usize = 64;
const KEY_SLACK: usize = 1 << 20;

/// An open table.
pub(crate) struct Table {
    file: FileBytes,
    /// The data blocks, each with a key not below its last one.
    blocks: Vec<(Vec<u8>, BlockHandle)>,
}

impl Table {
    /// A table in the bytes of a file.
    ///
    /// # Errors
    /// `DATA_LOSS` when they are no table.
    pub fn new(file: FileBytes) -> Result<Table> {
        let bytes = file.as_ref();
        let footer = bytes
            .len()
            .checked_sub(FOOTER)
            .ok_or_else(|| Error::data_loss("file is too short to be an sstable"))?;
        let (handles, magic) = bytes[footer..].split_at(FOOTER - 8);
        if magic != MAGIC.to_le_bytes() {
            return Err(Error::data_loss("not an sstable (bad magic number)"));
        }
        let mut handles = handles;
        let _metaindex = BlockHandle::take(&mut handles)?;
        let index = block::read(bytes, BlockHandle::take(&mut handles)?)?;
        let mut budget = KeyBudget::new(bytes);
        let mut blocks = Vec::new();
        block::for_each(&index, |key, mut value| {
            budget.spend(key)?;
            blocks.push((key.to_owned(), BlockHandle::take(&mut value)?));
            Ok(true)
        })?;
        drop(index);
        Ok(Table { file, blocks })
    }

    /// Calls `visit` with every key and value, in order.
    pub fn for_each(&self, mut visit: impl FnMut(&[u8], &[u8]) -> Result<()>) -> Result<()> {
        let mut budget = KeyBudget::new(self.file.as_ref());
        for (_, handle) in &self.blocks {
            block::for_each(&self.block(*handle)?, |key, value| {
                budget.spend(key)?;
                visit(key, value)?;
                Ok(true)
            })?;
        }
        Ok(())
    }

    /// The value of a key.
    pub fn get(&self, wanted: &[u8]) -> Result<Option<Vec<u8>>> {
        let after = self.blocks.partition_point(|(last, _)| last.as_slice() < wanted);
        let Some((_, handle)) = self.blocks.get(after) else { return Ok(None) };
        let mut found = None;
        block::for_each(&self.block(*handle)?, |key, value| {
            if key == wanted {
                found = Some(value.to_owned());
            }
            Ok(key < wanted)
        })?;
        Ok(found)
    }

    fn block(&self, handle: BlockHandle) -> Result<Cow<'_, [u8]>> {
        block::read(self.file.as_ref(), handle)
    }
}

/// Bounds the memory that keys take, which prefixes make up to quadratic in the size of the file.
struct KeyBudget(usize);

impl KeyBudget {
    fn new(file: &[u8]) -> KeyBudget {
        KeyBudget(file.len().saturating_mul(KEY_RATIO).saturating_add(KEY_SLACK))
    }

    fn spend(&mut self, key: &[u8]) -> Result<()> {
        let left = self.0.checked_sub(key.len());
        self.0 = left.ok_or_else(|| Error::data_loss("the keys of a table are too long"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::TableWriter;
    use super::*;

    fn key(i: usize) -> Vec<u8> {
        format!("layer/{:06}/kernel", i * 2).into_bytes()
    }

    fn table(count: usize, block_size: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = TableWriter::with_block_size(&mut bytes, block_size);
        (0..count).for_each(|i| writer.add(&key(i), &[i as u8; 20]).unwrap());
        writer.finish().unwrap();
        bytes
    }

    fn check(bytes: Vec<u8>) -> Result<usize> {
        let table = Table::new(FileBytes::Read(bytes))?;
        let mut count = 0;
        table.for_each(|k, v| {
            assert_eq!((k, v), (&key(count)[..], &[count as u8; 20][..]));
            count += 1;
            Ok(())
        })?;
        for i in 0..count {
            assert_eq!(table.get(&key(i))?, Some(vec![i as u8; 20]));
        }
        for absent in [&b"a"[..], b"layer/000001/kernel", b"z"] {
            assert_eq!(table.get(absent)?, None);
        }
        Ok(count)
    }

    #[test]
    fn entries_come_back() {
        for (count, block_size) in [(0, 100), (1, 100), (100, 1), (100, 300), (100, 1 << 18)] {
            assert_eq!(check(table(count, block_size)), Ok(count), "{count} {block_size}");
        }
    }

    #[test]
    fn every_truncation_is_an_error() {
        let whole = table(40, 300);
        for end in 0..whole.len() {
            assert!(check(whole[..end].to_vec()).is_err(), "{end}");
        }
    }

    #[test]
    fn every_flipped_bit_of_a_block_is_found() {
        let whole = table(40, 300);
        for bit in 0..(whole.len() - FOOTER) * 8 {
            let mut bad = whole.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            // The metaindex block, eight bytes of contents, is empty and never read.
            if let Ok(count) = check(bad) {
                assert_eq!(count, 40, "bit {bit}");
            }
        }
    }

    #[test]
    fn compressed_blocks_are_read() {
        let mut bytes = Vec::new();
        let mut writer = TableWriter::with_block_size(&mut bytes, 300);
        writer.compress();
        (0..40).for_each(|i| writer.add(&key(i), &[i as u8; 20]).unwrap());
        writer.finish().unwrap();
        assert!(bytes.len() < table(40, 300).len());
        assert_eq!(check(bytes), Ok(40));
    }
}
