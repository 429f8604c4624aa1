//! Sorted tables of keys and values: LevelDB's format, as checkpoints use it.
//!
//! A file is data blocks, then a block that indexes them, then a footer. A block is entries, of which each shares a
//! prefix of its key with the one before it, except at restart points; it may be compressed and has a checksum.

mod block;
mod reader;
mod writer;

pub(crate) use reader::Table;
pub(crate) use writer::TableWriter;

/// Length of the footer: two block handles, padded, and the magic number.
const FOOTER: usize = 48;
const MAGIC: u64 = 0xdb47_7524_8b80_fb57;
/// What follows the bytes of a block: its compression and its checksum.
const TRAILER: usize = 5;
const UNCOMPRESSED: u8 = 0;
const SNAPPY: u8 = 1;
