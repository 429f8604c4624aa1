//! Blocks whose coefficients come all at once.

use super::Outcome;
use super::bits::Bits;
use super::block::Block;
use super::header::ZIGZAG;
use super::huffman::Decoder;

/// Reads one block; `last` is the first coefficient of the plane's block before.
pub fn block(bits: &mut Bits<'_>, codes: [&Decoder; 2], last: &mut i32, block: &mut Block) -> Outcome<()> {
    let size = bits.word(codes[0])?;
    if size > 0 {
        *last = last.wrapping_add(bits.number(size.into())?);
    }
    block[0] = *last as i16;
    let mut k = 1;
    while k < 64 {
        let word = bits.word(codes[1])?;
        let (run, size) = (usize::from(word >> 4), u32::from(word & 15));
        k += run;
        if size > 0 {
            block[usize::from(ZIGZAG[k])] = bits.number(size)? as i16;
        } else if run != 15 {
            break;
        }
        k += 1;
    }
    Ok(())
}

/// [`block`], far from the end of the file.
pub fn block_fast(bits: &mut Bits<'_>, codes: [&Decoder; 2], last: &mut i32, block: &mut Block) {
    let size = bits.word_fast(codes[0]);
    if size > 0 {
        *last = last.wrapping_add(bits.number_fast(size.into()));
    }
    block[0] = *last as i16;
    let mut k = 1;
    while k < 64 {
        let word = bits.word_fast(codes[1]);
        let (run, size) = (usize::from(word >> 4), u32::from(word & 15));
        k += run;
        if size > 0 {
            block[usize::from(ZIGZAG[k])] = bits.number_fast(size) as i16;
        } else if run != 15 {
            break;
        }
        k += 1;
    }
}
