//! Random bits as numbers of some distribution.

use std::f64::consts::PI;

use savedmodel_tensor::{Element, bf16, f16};

use crate::philox::{Philox, Words};

/// Blocks of a stream that are set aside for each number of distributions that reject some.
pub(crate) const RESERVED: u64 = 256;

/// Floating-point numbers that can be drawn.
///
/// A block gives four numbers, or two of 64 bits; the rest of the arrays is not used then.
pub(crate) trait Real: Element {
    /// How many numbers a block gives.
    const PER_BLOCK: usize;
    /// Numbers that are equally likely anywhere in `[0, 1)`.
    fn uniform(block: [u32; 4]) -> [Self; 4];
    /// Numbers that are normally distributed.
    fn normal(block: [u32; 4]) -> [Self; 4];
    /// The next two candidates for numbers that are normally distributed, and whether they lie within two deviations.
    fn candidates(words: &mut Words) -> [(Self, bool); 2];
}

/// Integers that can be drawn.
pub(crate) trait Integer: Element {
    /// How many integers a block gives.
    const PER_BLOCK: usize;
    /// Any integers.
    fn full(block: [u32; 4]) -> [Self; 4];
    /// Integers from `low` up to but not including `high`, nearly equally likely.
    fn ranged(block: [u32; 4], low: Self, high: Self) -> [Self; 4];
}

impl Real for f32 {
    const PER_BLOCK: usize = 4;

    #[inline]
    fn uniform(block: [u32; 4]) -> [f32; 4] {
        block.map(to_f32)
    }

    #[inline]
    fn normal(block: [u32; 4]) -> [f32; 4] {
        let [a, b] = box_muller(block[0], block[1]);
        let [c, d] = box_muller(block[2], block[3]);
        [a, b, c, d]
    }

    #[inline]
    fn candidates(words: &mut Words) -> [(f32, bool); 2] {
        box_muller(words.word(), words.word()).map(|x| (x, x.abs() < 2.0))
    }
}

impl Real for f64 {
    const PER_BLOCK: usize = 2;

    #[inline]
    fn uniform(block: [u32; 4]) -> [f64; 4] {
        [to_f64(block[0], block[1]), to_f64(block[2], block[3]), 0.0, 0.0]
    }

    #[inline]
    fn normal(block: [u32; 4]) -> [f64; 4] {
        let [a, b] = box_muller_f64(block);
        [a, b, 0.0, 0.0]
    }

    #[inline]
    fn candidates(words: &mut Words) -> [(f64, bool); 2] {
        let block = std::array::from_fn(|_| words.word());
        box_muller_f64(block).map(|x| (x, x.abs() < 2.0))
    }
}

macro_rules! sixteen_bits {
    ($($type:ident: $mask:literal, $one:literal;)*) => {
        $(impl Real for $type {
            const PER_BLOCK: usize = 4;

            #[inline]
            fn uniform(block: [u32; 4]) -> [$type; 4] {
                block.map(|word| {
                    let above_one = $type::from_bits(word as u16 & $mask | $one);
                    $type::from_f32(above_one.to_f32() - 1.0)
                })
            }

            #[inline]
            fn normal(block: [u32; 4]) -> [$type; 4] {
                f32::normal(block).map($type::from_f32)
            }

            #[inline]
            fn candidates(words: &mut Words) -> [($type, bool); 2] {
                f32::candidates(words).map(|(x, within)| ($type::from_f32(x), within))
            }
        })*
    };
}

sixteen_bits! {
    f16: 0x3ff, 0x3c00;
    bf16: 0x7f, 0x3f80;
}

macro_rules! integers {
    ($($type:ident, $unsigned:ident, $per_block:literal: $words:ident => $join:expr;)*) => {
        $(impl Integer for $type {
            const PER_BLOCK: usize = $per_block;

            #[inline]
            fn full($words: [u32; 4]) -> [$type; 4] {
                $join.map(|bits: $unsigned| bits as $type)
            }

            #[inline]
            fn ranged($words: [u32; 4], low: $type, high: $type) -> [$type; 4] {
                let range = (high as $unsigned).wrapping_sub(low as $unsigned);
                $join.map(|bits: $unsigned| low.wrapping_add((bits % range) as $type))
            }
        })*
    };
}

integers! {
    i32, u32, 4: words => words;
    u32, u32, 4: words => words;
    i64, u64, 2: words => join(words);
    u64, u64, 2: words => join(words);
}

#[inline(always)]
fn join(words: [u32; 4]) -> [u64; 4] {
    let pair = |low, high| u64::from(low) | u64::from(high) << 32;
    [pair(words[0], words[1]), pair(words[2], words[3]), 0, 0]
}

/// 23 bits as a number in `[0, 1)`.
#[inline(always)]
pub(crate) fn to_f32(word: u32) -> f32 {
    f32::from_bits(word & 0x7f_ffff | 0x3f80_0000) - 1.0
}

/// 52 bits as a number in `[0, 1)`.
#[inline(always)]
pub(crate) fn to_f64(high: u32, low: u32) -> f64 {
    f64::from_bits(u64::from(high & 0xf_ffff) << 32 | u64::from(low) | 0x3ff0_0000_0000_0000) - 1.0
}

/// Two normally distributed numbers from two uniform ones.
#[inline]
fn box_muller(a: u32, b: u32) -> [f32; 2] {
    let radius = (-2.0 * to_f32(a).max(1e-7).ln()).sqrt();
    let angle = (2.0 * PI * f64::from(to_f32(b))) as f32;
    [angle.sin() * radius, angle.cos() * radius]
}

#[inline]
fn box_muller_f64(block: [u32; 4]) -> [f64; 2] {
    let radius = (-2.0 * to_f64(block[0], block[1]).max(1e-7).ln()).sqrt();
    let angle = 2.0 * PI * to_f64(block[2], block[3]);
    [angle.sin() * radius, angle.cos() * radius]
}

/// Fills `out` with what the blocks of a stream give, `per_block` from each.
pub(crate) fn fill<T: Element>(
    out: &mut [T],
    stream: Philox,
    per_block: usize,
    draw: impl Fn([u32; 4]) -> [T; 4],
) {
    let blocks = out.len().div_ceil(per_block);
    let mut groups = out.chunks_mut(per_block);
    stream.for_blocks(blocks, |blocks| {
        for (&block, group) in blocks.iter().zip(&mut groups) {
            let numbers = draw(block);
            match group.as_chunks_mut::<4>().0 {
                [all] => *all = numbers,
                _ => group.copy_from_slice(&numbers[..group.len()]),
            }
        }
    });
}

/// Fills `out` with normally distributed numbers of which those beyond two deviations are drawn again.
///
/// Each group of numbers has blocks of its own, so that no rejection moves what follows.
pub(crate) fn fill_truncated<T: Real>(out: &mut [T], stream: Philox) {
    let skip = T::PER_BLOCK as u64 * RESERVED / 4;
    for (i, group) in out.chunks_mut(T::PER_BLOCK).enumerate() {
        let mut words = Words::of(stream.skipped(skip.wrapping_mul(i as u64)));
        let mut filled = 0;
        while filled < group.len() {
            for (x, within) in T::candidates(&mut words) {
                if within && filled < group.len() {
                    group[filled] = x;
                    filled += 1;
                }
            }
        }
    }
}
