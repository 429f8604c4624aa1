//! The generator of random bits that TensorFlow uses, Philox 4x32-10 (Salmon et al., SC 2011), many blocks side by side.
//!
//! ```
//! let mut blocks = [[0; 4]; 3];
//! savedmodel_math::philox::blocks([1, 2], 7, &mut blocks);
//! let mut one = [[0; 4]];
//! savedmodel_math::philox::blocks([1, 2], 9, &mut one);
//! assert_eq!(blocks[2], one[0]);
//! ```

use crate::simd::{self, Isa, Kernel};

/// Blocks that are computed side by side.
const LANES: usize = 16;
/// Blocks up to which one after another is faster.
const FEW: usize = 4;
const ROUNDS: usize = 10;

/// Writes the blocks of this key whose counters begin with `counter`.
pub fn blocks(key: [u32; 2], counter: u128, out: &mut [[u32; 4]]) {
    simd::dispatch(Blocks { key, counter, out });
}

struct Blocks<'a> {
    key: [u32; 2],
    counter: u128,
    out: &'a mut [[u32; 4]],
}

impl Kernel for Blocks<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let (whole, rest) = self.out.as_chunks_mut::<LANES>();
        let mut counter = self.counter;
        for out in whole {
            write::<LANES>(self.key, counter, out);
            counter = counter.wrapping_add(LANES as u128);
        }
        if rest.len() >= FEW {
            return write::<LANES>(self.key, counter, rest);
        }
        for out in rest.chunks_mut(1) {
            write::<1>(self.key, counter, out);
            counter = counter.wrapping_add(1);
        }
    }
}

/// The next blocks, up to `N` of them.
#[inline(always)]
fn write<const N: usize>(key: [u32; 2], counter: u128, out: &mut [[u32; 4]]) {
    let mut words = [[0; N]; 4];
    for (i, word) in words.iter_mut().enumerate() {
        *word = std::array::from_fn(|lane| (counter.wrapping_add(lane as u128) >> (32 * i)) as u32);
    }
    let [mut low, mut high] = key;
    for _ in 0..ROUNDS {
        words = round(&words, [low, high]);
        low = low.wrapping_add(0x9E37_79B9);
        high = high.wrapping_add(0xBB67_AE85);
    }
    for (lane, out) in out.iter_mut().enumerate() {
        *out = words.map(|word| word[lane]);
    }
}

#[inline(always)]
fn round<const N: usize>(words: &[[u32; N]; 4], key: [u32; 2]) -> [[u32; N]; 4] {
    let mut out = [[0; N]; 4];
    for lane in 0..N {
        let a = u64::from(words[0][lane]) * 0xD251_1F53;
        let b = u64::from(words[2][lane]) * 0xCD9E_8D57;
        out[0][lane] = (b >> 32) as u32 ^ words[1][lane] ^ key[0];
        out[1][lane] = b as u32;
        out[2][lane] = (a >> 32) as u32 ^ words[3][lane] ^ key[1];
        out[3][lane] = a as u32;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::testing::at_each_level;

    /// The vectors that come with Random123.
    #[test]
    fn known_answers() {
        at_each_level(|_| {
            let one = |key, counter: [u32; 4]| {
                let counter = counter.iter().rev().fold(0, |all, &word| all << 32 | u128::from(word));
                let mut out = [[0; 4]];
                blocks(key, counter, &mut out);
                out[0]
            };
            assert_eq!(one([0; 2], [0; 4]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
            assert_eq!(
                one([u32::MAX; 2], [u32::MAX; 4]),
                [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
            );
            let (key, counter) =
                ([0xa409_3822, 0x299f_31d0], [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344]);
            assert_eq!(one(key, counter), [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
        });
    }

    #[test]
    fn many_are_as_one() {
        at_each_level(|_| {
            // The counter passes a word of 32 bits on the way.
            let counter = (7 << 64) + u128::from(u32::MAX) - 20;
            for len in [0, 1, 15, 16, 17, 50] {
                let mut all = vec![[0; 4]; len];
                blocks([3, 4], counter, &mut all);
                for (i, block) in all.into_iter().enumerate() {
                    let mut one = [[0; 4]];
                    blocks([3, 4], counter + i as u128, &mut one);
                    assert_eq!(block, one[0]);
                }
            }
        });
    }
}
