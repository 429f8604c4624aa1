//! The generator of random bits: Philox 4x32-10 (Salmon et al., SC 2011).

use savedmodel_math::philox;

use crate::distribution::{to_f32, to_f64};
use crate::generator::entropy;

/// Blocks that are computed before they are used.
const AT_A_TIME: usize = 64;

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
        let mut block = [[0; 4]];
        philox::blocks(self.key, self.counter, &mut block);
        self.skip(1);
        block[0]
    }

    /// Calls `f` with the next `count` blocks, some at a time.
    pub fn for_blocks(mut self, mut count: usize, mut f: impl FnMut(&[[u32; 4]])) {
        let mut blocks = [[0; 4]; AT_A_TIME];
        while count > 0 {
            let blocks = &mut blocks[..count.min(AT_A_TIME)];
            philox::blocks(self.key, self.counter, blocks);
            f(blocks);
            self.skip(blocks.len() as u64);
            count -= blocks.len();
        }
    }
}

/// The words of a stream, one by one.
#[derive(Clone, Debug)]
pub struct Words {
    stream: Philox,
    block: [u32; 4],
    used: usize,
}

/// The seeds that a model gives; without any, some that nobody can foretell.
pub fn seeds(given: [i64; 2]) -> [u64; 2] {
    match given {
        [0, 0] => [entropy(), entropy()],
        given => given.map(|seed| seed as u64),
    }
}

impl Words {
    /// The words of the stream with these seeds; without any, of one that nobody can foretell.
    pub fn seeded(given: [i64; 2]) -> Words {
        let [seed, seed2] = seeds(given);
        Words::of(Philox::seeded(seed, seed2))
    }

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
    fn blocks_side_by_side_are_the_same() {
        let mut one = Philox::new(7, u128::MAX - 3);
        let mut all = Vec::new();
        one.for_blocks(210, |blocks| all.extend_from_slice(blocks));
        assert!(all.into_iter().all(|block| block == one.block()));
        assert_eq!(one.counter(), 206);
    }
}
