//! The generator of random bits: Philox 4x32-10 (Salmon et al., SC 2011).

use crate::distribution::{to_f32, to_f64};

/// Blocks that are computed side by side.
const LANES: usize = 8;

/// A stream of blocks of four random words, each a function of key and counter alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Philox {
    counter: u128,
    key: [u32; 2],
}

impl Philox {
    /// The stream of an operator with these two seeds.
    pub fn seeded(seed: u64, seed2: u64) -> Philox {
        Philox::new(seed, u128::from(seed2) << 64)
    }

    /// The stream with this key, from this counter on.
    pub fn new(key: u64, counter: u128) -> Philox {
        Philox { counter, key: [key as u32, (key >> 32) as u32] }
    }

    /// The key.
    pub fn key(&self) -> u64 {
        u64::from(self.key[0]) | u64::from(self.key[1]) << 32
    }

    /// The counter of the next block.
    pub fn counter(&self) -> u128 {
        self.counter
    }

    /// Leaves out `blocks` blocks.
    pub fn skip(&mut self, blocks: u64) {
        self.counter = self.counter.wrapping_add(u128::from(blocks));
    }

    /// The stream after `blocks` blocks.
    pub fn skipped(mut self, blocks: u64) -> Philox {
        self.skip(blocks);
        self
    }

    /// The next block.
    pub fn block(&mut self) -> [u32; 4] {
        let [block] = self.peek::<1>();
        self.skip(1);
        block
    }

    /// Calls `f` with the next `count` blocks, one by one.
    pub fn for_blocks(mut self, count: usize, mut f: impl FnMut([u32; 4])) {
        for _ in 0..count / LANES {
            self.peek::<LANES>().into_iter().for_each(&mut f);
            self.skip(LANES as u64);
        }
        (0..count % LANES).for_each(|_| f(self.block()));
    }

    /// The next blocks, computed side by side.
    fn peek<const N: usize>(&self) -> [[u32; 4]; N] {
        let mut words = [[0; N]; 4];
        for (i, word) in words.iter_mut().enumerate() {
            let counter = |lane| self.counter.wrapping_add(lane as u128);
            *word = std::array::from_fn(|lane| (counter(lane) >> (32 * i)) as u32);
        }
        let [mut low, mut high] = self.key;
        for _ in 0..10 {
            words = round(&words, [low, high]);
            low = low.wrapping_add(0x9E37_79B9);
            high = high.wrapping_add(0xBB67_AE85);
        }
        std::array::from_fn(|lane| words.map(|word| word[lane]))
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

/// The words of a stream, one by one.
#[derive(Clone, Debug)]
pub struct Words {
    stream: Philox,
    block: [u32; 4],
    used: usize,
}

impl Words {
    /// The words of the blocks from the next one on.
    pub fn of(stream: Philox) -> Words {
        Words { stream, block: [0; 4], used: 4 }
    }

    /// The next word.
    #[inline]
    pub fn word(&mut self) -> u32 {
        if self.used == 4 {
            self.block = self.stream.block();
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// Two words, the lower one first.
    pub fn long(&mut self) -> u64 {
        let low = self.word();
        u64::from(low) | u64::from(self.word()) << 32
    }

    /// A number that is equally likely in `[0, 1)`.
    pub fn uniform(&mut self) -> f32 {
        to_f32(self.word())
    }

    /// A number of 52 bits that is equally likely in `[0, 1)`.
    pub fn uniform_f64(&mut self) -> f64 {
        let high = self.word();
        to_f64(high, self.word())
    }

    /// A number below `n`, each as likely as the others; 0 if there is none.
    pub fn below(&mut self, n: u32) -> u32 {
        below(n.into(), u32::MAX.into(), || self.word().into()) as u32
    }

    /// The same of 64 bits.
    pub fn below_u64(&mut self, n: u64) -> u64 {
        below(n, u64::MAX, || self.long())
    }
}

/// A number below `n` from numbers up to `most`, which is one less than a power of two: those that some remainders have over others are
/// left out.
fn below(n: u64, most: u64, mut draw: impl FnMut() -> u64) -> u64 {
    if n == 0 || n.is_power_of_two() {
        return draw() & n.saturating_sub(1);
    }
    let surplus = most % n + 1;
    loop {
        let drawn = draw();
        if drawn >= surplus {
            return drawn % n;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_vectors() {
        // The known answers that come with Random123.
        let check = |counter: u128, key: u64, want: [u32; 4]| {
            assert_eq!(Philox::new(key, counter).block(), want);
        };
        check(0, 0, [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        check(u128::MAX, u64::MAX, [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        check(
            0x0370_7344_1319_8a2e_85a3_08d3_243f_6a88,
            0x299f_31d0_a409_3822,
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
        );
    }

    #[test]
    fn blocks_side_by_side_are_the_same() {
        let mut one = Philox::new(7, u128::MAX - 3);
        let mut all = Vec::new();
        one.for_blocks(21, |block| all.push(block));
        assert!(all.into_iter().all(|block| block == one.block()));
        assert_eq!(one.counter(), 17);
    }
}
