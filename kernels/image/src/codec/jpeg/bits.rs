//! Bits of coded data, and what comes where they end.
//!
//! Data ends at a marker, after which zeros are read, once; later groups of blocks stay as they are. Where the file itself
//! ends, reading stops, or with `recover` goes back to where the group of blocks began, as libjpeg does with TensorFlow's
//! source: so what is drawn from a cut file depends on how far ahead bytes are read, which [`Bits::fill`] and
//! [`Bits::fill_fast`] therefore do exactly as libjpeg-turbo on 64-bit machines.

use super::header::{END, Source};
use super::huffman::{Decoder, LOOKAHEAD};
use super::{Fault, Outcome};

/// Bits that are read ahead at least.
const AHEAD: u32 = 57;

/// Bytes that a block can't exceed.
const BLOCK_BYTES: usize = 512;

/// A reader of bits.
#[derive(Debug)]
pub struct Bits<'a> {
    /// The bytes behind.
    pub source: Source<'a>,
    buffer: u64,
    left: u32,
    /// A marker that was reached, 0 for none.
    pub marker: u8,
    /// Whether data ended at a marker.
    pub exhausted: bool,
    saved: (usize, u64, u32),
}

impl<'a> Bits<'a> {
    /// A reader from where the source stands.
    pub fn new(source: Source<'a>) -> Bits<'a> {
        Bits { source, buffer: 0, left: 0, marker: 0, exhausted: false, saved: (source.at, 0, 0) }
    }

    /// Remembers where a group of blocks begins.
    pub fn save(&mut self) {
        self.saved = (self.source.at, self.buffer, self.left);
    }

    /// Goes back to where the group of blocks began.
    pub fn restore(&mut self) {
        (self.source.at, self.buffer, self.left) = self.saved;
        self.marker = 0;
    }

    /// Leaves out the bits that were read ahead.
    pub fn drop_ahead(&mut self) {
        self.left = 0;
    }

    /// Whether so many blocks can be read without looking for the end.
    pub fn is_far_from_end(&self, blocks: usize) -> bool {
        self.marker == 0 && self.source.file.len().saturating_sub(self.source.at) >= BLOCK_BYTES * blocks
    }

    fn byte(&mut self) -> Outcome<u8> {
        if let Some(&byte) = self.source.file.get(self.source.at) {
            self.source.at += 1;
            return Ok(byte);
        }
        let end = self.source.file.len();
        if !self.source.recover {
            // A file that ends between groups of blocks is an error, not one that ends too soon.
            return Err(if self.saved.0 < end { Fault::Ended } else { Fault::Invalid });
        }
        if self.saved.0 < end {
            self.source.at = self.saved.0;
            return self.byte();
        }
        // The made-up end of the file.
        let byte = if self.source.at == end { 0xff } else { END };
        self.source.at += 1;
        Ok(byte)
    }

    /// Reads ahead, or zeros behind a marker if at least `needed` bits are not there.
    #[cold]
    #[inline(never)]
    fn fill(&mut self, needed: u32) -> Outcome<()> {
        while self.marker == 0 && self.left < AHEAD {
            let mut byte = self.byte()?;
            if byte == 0xff {
                while byte == 0xff {
                    byte = self.byte()?;
                }
                if byte != 0 {
                    self.marker = byte;
                    break;
                }
                byte = 0xff;
            }
            self.buffer = self.buffer << 8 | u64::from(byte);
            self.left += 8;
        }
        if self.marker != 0 && needed > self.left {
            self.exhausted = true;
            self.buffer <<= AHEAD - self.left;
            self.left = AHEAD;
        }
        Ok(())
    }

    #[inline]
    fn need(&mut self, count: u32) -> Outcome<()> {
        if self.left < count { self.fill(count) } else { Ok(()) }
    }

    /// The next `count` bits, of which there are enough.
    #[inline]
    fn take(&mut self, count: u32) -> i32 {
        self.left -= count;
        (self.buffer >> self.left) as i32 & ((1 << count) - 1)
    }

    /// The next `count` bits, at most 16.
    #[inline]
    pub fn bits(&mut self, count: u32) -> Outcome<i32> {
        self.need(count)?;
        Ok(self.take(count))
    }

    /// The value of the next word of a code.
    #[inline]
    pub fn word(&mut self, code: &Decoder) -> Outcome<u8> {
        let mut length = 1;
        if self.left < LOOKAHEAD {
            self.fill(0)?;
        }
        if self.left >= LOOKAHEAD {
            let next = (self.buffer >> (self.left - LOOKAHEAD)) as usize & 255;
            let (found, value) = code.lookup[next];
            if u32::from(found) <= LOOKAHEAD {
                self.left -= u32::from(found);
                return Ok(value);
            }
            length = usize::from(found);
        }
        let mut word = self.bits(length as u32)?;
        while word > code.largest[length] {
            word = word << 1 | self.bits(1)?;
            length += 1;
        }
        Ok(code.value(word, length))
    }

    /// The number of `size` bits: those that begin with 0 are negative.
    #[inline]
    pub fn number(&mut self, size: u32) -> Outcome<i32> {
        Ok(signed(self.bits(size)?, size))
    }

    /// Reads ahead without looking for the end; behind a marker, zeros.
    #[inline]
    fn fill_fast(&mut self) {
        if self.left > 16 {
            return;
        }
        for _ in 0..6 {
            let Some(&[byte, next]) =
                self.source.file.get(self.source.at..).and_then(|rest| rest.first_chunk())
            else {
                // Damaged data may need more bytes than a block can: zeros will do, as the slow way follows.
                self.marker = END;
                self.buffer <<= 8;
                self.left += 8;
                continue;
            };
            self.source.at += 1;
            self.buffer = self.buffer << 8 | u64::from(byte);
            self.left += 8;
            if byte == 0xff {
                self.source.at += 1;
                if next != 0 {
                    self.marker = next;
                    self.source.at -= 2;
                    self.buffer &= !0xff;
                }
            }
        }
    }

    /// [`Bits::word`], far from the end.
    #[inline]
    pub fn word_fast(&mut self, code: &Decoder) -> u8 {
        self.fill_fast();
        let (found, value) = code.lookup[(self.buffer >> (self.left - LOOKAHEAD)) as usize & 255];
        self.left -= u32::from(found);
        if u32::from(found) <= LOOKAHEAD {
            return value;
        }
        let mut length = usize::from(found);
        let mut word = (self.buffer >> self.left) as i32 & ((1 << length) - 1);
        while word > code.largest[length] {
            word = word << 1 | self.take(1);
            length += 1;
        }
        code.value(word, length)
    }

    /// [`Bits::number`], far from the end.
    #[inline]
    pub fn number_fast(&mut self, size: u32) -> i32 {
        self.fill_fast();
        signed(self.take(size), size)
    }
}

/// A number of `size` bits: those that begin with 0 are negative.
#[inline]
fn signed(bits: i32, size: u32) -> i32 {
    if size > 0 && bits < 1 << (size - 1) { bits - (1 << size) + 1 } else { bits }
}
