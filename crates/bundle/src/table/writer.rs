//! Writing tables.

use std::io::Write;

use prost::encoding::encode_varint;
use savedmodel_proto::crc;
use savedmodel_tensor::{Error, Result};

use super::{FOOTER, MAGIC, UNCOMPRESSED};

const BLOCK_SIZE: usize = 1 << 18;
/// Every so many entries a key is written whole.
const RESTART_INTERVAL: usize = 16;

/// Writes a table, key by key, in order.
pub(crate) struct TableWriter<W> {
    output: W,
    offset: u64,
    block_size: usize,
    data: BlockBuilder,
    index: BlockBuilder,
    compression: u8,
}

impl<W: Write> TableWriter<W> {
    /// A writer to the start of `output`, which should be buffered.
    pub fn new(output: W) -> TableWriter<W> {
        TableWriter::with_block_size(output, BLOCK_SIZE)
    }

    /// A writer that ends a block once it is this long.
    pub fn with_block_size(output: W, block_size: usize) -> TableWriter<W> {
        let (data, index) = (BlockBuilder::new(RESTART_INTERVAL), BlockBuilder::new(1));
        TableWriter { output, offset: 0, block_size, data, index, compression: UNCOMPRESSED }
    }

    /// Compresses blocks from here on.
    #[cfg(test)]
    pub fn compress(&mut self) {
        self.compression = super::SNAPPY;
    }

    /// Adds an entry; keys must come in ascending order.
    pub fn add(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.data.add(key, value)?;
        if self.data.bytes.len() >= self.block_size {
            self.end_data_block()?;
        }
        Ok(())
    }

    fn end_data_block(&mut self) -> Result<()> {
        let last = self.data.last.clone();
        let block = self.data.finish();
        let handle = self.write_block(block)?;
        self.index.add(&last, &handle)
    }

    /// Writes the rest, and gives the output back, flushed.
    pub fn finish(mut self) -> Result<W> {
        if !self.data.bytes.is_empty() {
            self.end_data_block()?;
        }
        let metaindex = BlockBuilder::new(1).finish();
        let mut footer = self.write_block(metaindex)?;
        let index = self.index.finish();
        footer.extend(self.write_block(index)?);
        footer.resize(FOOTER - 8, 0);
        footer.extend(MAGIC.to_le_bytes());
        self.output.write_all(&footer)?;
        self.output.flush()?;
        Ok(self.output)
    }

    /// Writes a block, and gives its handle.
    fn write_block(&mut self, mut block: Vec<u8>) -> Result<Vec<u8>> {
        if self.compression != UNCOMPRESSED {
            let compressed = snap::raw::Encoder::new().compress_vec(&block);
            block = compressed.map_err(|error| Error::internal(error.to_string()))?;
        }
        let mut handle = Vec::new();
        encode_varint(self.offset, &mut handle);
        encode_varint(block.len() as u64, &mut handle);
        block.push(self.compression);
        let checksum = crc::masked(&block);
        block.extend(checksum.to_le_bytes());
        self.output.write_all(&block)?;
        self.offset += block.len() as u64;
        Ok(handle)
    }
}

struct BlockBuilder {
    bytes: Vec<u8>,
    restarts: Vec<u32>,
    interval: usize,
    since_restart: usize,
    last: Vec<u8>,
}

impl BlockBuilder {
    fn new(interval: usize) -> BlockBuilder {
        BlockBuilder { bytes: Vec::new(), restarts: vec![0], interval, since_restart: 0, last: Vec::new() }
    }

    fn add(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let mut shared = 0;
        if self.since_restart == self.interval {
            let restart = u32::try_from(self.bytes.len());
            self.restarts.push(restart.map_err(|_| Error::resource_exhausted("a block above 4 GiB"))?);
            self.since_restart = 0;
        } else if !self.bytes.is_empty() {
            shared = self.last.iter().zip(key).take_while(|(a, b)| a == b).count();
        }
        for length in [shared, key.len() - shared, value.len()] {
            encode_varint(length as u64, &mut self.bytes);
        }
        self.bytes.extend_from_slice(&key[shared..]);
        self.bytes.extend_from_slice(value);
        self.last = key.to_owned();
        self.since_restart += 1;
        Ok(())
    }

    /// The contents of the block; the builder starts anew.
    fn finish(&mut self) -> Vec<u8> {
        let next = BlockBuilder::new(self.interval);
        let done = std::mem::replace(self, next);
        let mut bytes = done.bytes;
        done.restarts.iter().for_each(|restart| bytes.extend(restart.to_le_bytes()));
        bytes.extend((done.restarts.len() as u32).to_le_bytes());
        bytes
    }
}
