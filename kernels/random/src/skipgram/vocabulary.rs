//! The words of a text, the most frequent first.
//!
//! Words that are as frequent as each other stand as TensorFlow's build has them: in the order in which the hash table of GNU's C++ library
//! has them, as far as its sort leaves that.

use std::collections::HashMap;

use savedmodel_math::order;
use savedmodel_tensor::Bytes;

/// The words of a text and how often they occur; the first stands for all rare ones.
#[derive(Clone)]
pub(super) struct Vocabulary {
    pub words: Vec<Bytes>,
    pub counts: Vec<i32>,
    /// The text, as numbers of words.
    pub text: Vec<i32>,
}

impl Vocabulary {
    /// The vocabulary of a text, without words that occur less than `min_count` times.
    pub fn of(text: &[u8], min_count: i32) -> Vocabulary {
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
        let mut table = Table::default();
        let places: Vec<usize> =
            text.split(is_space).filter(|word| !word.is_empty()).map(|word| table.count(word)).collect();
        let mut frequent: Vec<usize> =
            table.order().into_iter().filter(|&i| table.entries[i].count >= min_count).collect();
        order::sort(&mut frequent, |&a, &b| table.entries[a].count > table.entries[b].count);
        let mut numbers = vec![0; table.entries.len()];
        let (mut words, mut counts) = (vec![Bytes::from_static(b"UNK")], vec![0]);
        for i in frequent {
            let entry = &table.entries[i];
            numbers[i] = words.len() as i32;
            words.push(Bytes::copy_from_slice(entry.word));
            counts.push(entry.count);
        }
        counts[0] = places.len() as i32 - counts.iter().sum::<i32>();
        Vocabulary { words, counts, text: places.into_iter().map(|i| numbers[i]).collect() }
    }
}

struct Entry<'a> {
    word: &'a [u8],
    hash: u64,
    count: i32,
}

/// A chained hash table, all of whose entries stand in one list. Place 0 of the list is before the first entry, `i + 1` is entry `i`.
struct Table<'a> {
    entries: Vec<Entry<'a>>,
    places: HashMap<&'a [u8], usize>,
    next: Vec<usize>,
    /// The place before the first entry of each bucket that has any.
    buckets: Vec<Option<usize>>,
}

impl Default for Table<'_> {
    fn default() -> Self {
        Table { entries: Vec::new(), places: HashMap::new(), next: vec![0], buckets: vec![None] }
    }
}

impl<'a> Table<'a> {
    /// How many buckets it has in turn, as it grows.
    const BUCKETS: &'static [usize] = &[
        13,
        29,
        59,
        127,
        257,
        541,
        1109,
        2357,
        5087,
        10273,
        20753,
        42043,
        85229,
        172_933,
        351_061,
        712_697,
        1_447_153,
        2_938_679,
        5_967_347,
        12_117_689,
        24_607_243,
        49_969_847,
        101_473_717,
        206_062_531,
        418_447_103,
        849_721_561,
    ];

    /// Counts a word once more, and tells its entry.
    fn count(&mut self, word: &'a [u8]) -> usize {
        let i = *self.places.entry(word).or_insert(self.entries.len());
        if i == self.entries.len() {
            self.entries.push(Entry { word, hash: hash(word), count: 0 });
            self.next.push(0);
            self.grow();
            self.link(i + 1);
        }
        self.entries[i].count += 1;
        i
    }

    fn bucket(&self, place: usize) -> usize {
        (self.entries[place - 1].hash % self.buckets.len() as u64) as usize
    }

    /// Puts an entry first in its bucket.
    fn link(&mut self, place: usize) {
        let bucket = self.bucket(place);
        let before = self.buckets[bucket].unwrap_or(0);
        if self.buckets[bucket].is_none() {
            if let first @ 1.. = self.next[0] {
                let moved = self.bucket(first);
                self.buckets[moved] = Some(place);
            }
            self.buckets[bucket] = Some(0);
        }
        self.next[place] = self.next[before];
        self.next[before] = place;
    }

    fn grow(&mut self) {
        if self.entries.len() <= self.buckets.len() && self.buckets.len() > 1 {
            return;
        }
        let Some(&len) = Self::BUCKETS.iter().find(|&&len| len > self.buckets.len()) else { return };
        self.buckets = vec![None; len];
        let mut place = std::mem::replace(&mut self.next[0], 0);
        while place != 0 {
            let next = self.next[place];
            self.link(place);
            place = next;
        }
    }

    /// The entries in the order of the list.
    fn order(&self) -> Vec<usize> {
        let places = std::iter::successors(Some(self.next[0]), |&place| Some(self.next[place]));
        places.take_while(|&place| place != 0).map(|place| place - 1).collect()
    }
}

/// The hash of GNU's C++ library for strings, MurmurHash64A.
fn hash(word: &[u8]) -> u64 {
    const FACTOR: u64 = 0xc6a4_a793_5bd1_e995;
    let mix = |x: u64| x ^ x >> 47;
    let mut hash = 0xc70f_6907 ^ (word.len() as u64).wrapping_mul(FACTOR);
    let (whole, rest) = word.as_chunks::<8>();
    for &part in whole {
        let part = mix(u64::from_le_bytes(part).wrapping_mul(FACTOR)).wrapping_mul(FACTOR);
        hash = (hash ^ part).wrapping_mul(FACTOR);
    }
    if !rest.is_empty() {
        let part = rest.iter().rev().fold(0, |part, &byte| part << 8 | u64::from(byte));
        hash = (hash ^ part).wrapping_mul(FACTOR);
    }
    mix(mix(hash).wrapping_mul(FACTOR))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space() {
        let found = Vocabulary::of(b" x\x0by\0\tx\r\n\xc2\xa0\x0c ", 2);
        assert_eq!((found.words, found.counts), (vec![Bytes::from("UNK"), Bytes::from("x")], vec![2, 2]));
        assert_eq!(found.text, [1, 0, 1, 0]);
    }
}
