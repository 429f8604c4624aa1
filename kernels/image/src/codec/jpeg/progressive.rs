//! Blocks whose coefficients come in several scans: bands of them, and their bits from the highest.

use super::Outcome;
use super::bits::Bits;
use super::block::Block;
use super::header::ZIGZAG;
use super::huffman::Decoder;

/// The band and the bits of one scan.
#[derive(Clone, Copy, Debug)]
pub struct Band {
    /// The first coefficient.
    pub first: usize,
    /// The last.
    pub last: usize,
    /// Bits that are left for later scans.
    pub low: u32,
}

/// The upper bits of the first coefficient.
pub fn first(
    bits: &mut Bits<'_>,
    code: &Decoder,
    last: &mut i32,
    band: Band,
    block: &mut Block,
) -> Outcome<()> {
    let size = bits.word(code)?;
    if size > 0 {
        *last = last.wrapping_add(bits.number(size.into())?);
    }
    block[0] = last.wrapping_shl(band.low) as i16;
    Ok(())
}

/// One more bit of the first coefficient.
pub fn refine_first(bits: &mut Bits<'_>, band: Band, block: &mut Block) -> Outcome<()> {
    if bits.bits(1)? != 0 {
        block[0] |= 1 << band.low;
    }
    Ok(())
}

/// The upper bits of a band; `empty` counts blocks without any that are still to come.
pub fn others(
    bits: &mut Bits<'_>,
    code: &Decoder,
    empty: &mut u32,
    band: Band,
    block: &mut Block,
) -> Outcome<()> {
    if *empty > 0 {
        *empty -= 1;
        return Ok(());
    }
    let mut k = band.first;
    while k <= band.last {
        let word = bits.word(code)?;
        let (run, size) = (usize::from(word >> 4), u32::from(word & 15));
        if size > 0 {
            k += run;
            block[usize::from(ZIGZAG[k])] = bits.number(size)?.wrapping_shl(band.low) as i16;
        } else if run == 15 {
            k += 15;
        } else {
            *empty = run_of_empty(bits, run as u32)? - 1;
            break;
        }
        k += 1;
    }
    Ok(())
}

/// The length of a run of empty blocks, this one included.
fn run_of_empty(bits: &mut Bits<'_>, size: u32) -> Outcome<u32> {
    Ok((1 << size) + if size > 0 { bits.bits(size)? as u32 } else { 0 })
}

/// One more bit of each coefficient of a band, and new ones of that size.
pub fn refine_others(
    bits: &mut Bits<'_>,
    code: &Decoder,
    empty: &mut u32,
    band: Band,
    block: &mut Block,
) -> Outcome<()> {
    let (plus, minus) = (1_i16 << band.low, -1_i16 << band.low);
    let mut k = band.first;
    while *empty == 0 && k <= band.last {
        let word = bits.word(code)?;
        let (mut run, size) = (i32::from(word >> 4), word & 15);
        let new = match (size, run) {
            (0, 15) => 0,
            (0, _) => {
                *empty = run_of_empty(bits, run as u32)?;
                break;
            }
            _ if bits.bits(1)? != 0 => plus,
            _ => minus,
        };
        // Over what is known already, which is refined, and as many zeros as the run tells.
        while k <= band.last {
            let coefficient = &mut block[usize::from(ZIGZAG[k])];
            if *coefficient != 0 {
                refine(bits, plus, coefficient)?;
            } else {
                run -= 1;
                if run < 0 {
                    break;
                }
            }
            k += 1;
        }
        if new != 0 {
            block[usize::from(ZIGZAG[k])] = new;
        }
        k += 1;
    }
    if *empty > 0 {
        for &at in ZIGZAG.get(k..=band.last).unwrap_or_default() {
            let coefficient = &mut block[usize::from(at)];
            if *coefficient != 0 {
                refine(bits, plus, coefficient)?;
            }
        }
        *empty -= 1;
    }
    Ok(())
}

fn refine(bits: &mut Bits<'_>, plus: i16, coefficient: &mut i16) -> Outcome<()> {
    if bits.bits(1)? != 0 && *coefficient & plus == 0 {
        *coefficient = coefficient.wrapping_add(if *coefficient >= 0 { plus } else { plus.wrapping_neg() });
    }
    Ok(())
}
