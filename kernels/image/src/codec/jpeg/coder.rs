//! Coefficients to words and bits.

use super::block::Block;
use super::forward::Blocks;
use super::header::ZIGZAG;

/// What takes words and bits.
pub trait Sink {
    /// A word of one of four codes: of first coefficients for brightness and colour, of others for both.
    fn word(&mut self, table: usize, value: u8);
    /// The lowest `count` bits.
    fn bits(&mut self, bits: u32, count: u32);
}

/// How often each word occurs.
pub struct Counts(pub [[u32; 256]; 4]);

impl Default for Counts {
    fn default() -> Counts {
        Counts([[0; 256]; 4])
    }
}

impl Sink for Counts {
    fn word(&mut self, table: usize, value: u8) {
        self.0[table][usize::from(value)] += 1;
    }
    fn bits(&mut self, _: u32, _: u32) {}
}

/// One scan.
#[derive(Clone, Copy)]
pub struct Coder<'a> {
    /// All planes.
    pub planes: &'a [Blocks],
    /// Those that take part.
    pub parts: &'a [usize],
    /// The first and the last coefficient.
    pub band: [usize; 2],
    /// Bits that were left before, 0 in the first scan, and that are left after.
    pub bits: [u32; 2],
    /// Whether it is one of several scans.
    pub progressive: bool,
}

/// What a scan remembers from block to block.
#[derive(Default)]
struct State {
    last: [i32; 3],
    /// Blocks without new coefficients that were not told yet, the code of their plane, and the bits that follow them.
    empty: u32,
    table: usize,
    pending: Vec<bool>,
}

/// The most blocks and bits that are kept back.
const MOST_EMPTY: u32 = 0x7fff;
const MOST_PENDING: usize = 1000 - 64 + 1;

impl Coder<'_> {
    /// Whether the scan has words of a code.
    pub fn uses(&self, table: usize) -> bool {
        let has_plane = self.parts.iter().any(|&plane| plane.min(1) == table % 2);
        let has_kind = if table > 1 { self.band[1] > 0 } else { self.band[0] == 0 && self.bits[0] == 0 };
        has_plane && has_kind
    }

    /// Gives all words and bits.
    pub fn run(&self, sink: &mut impl Sink) {
        let mut state = State::default();
        let first = &self.planes[self.parts[0]];
        let is_alone = self.parts.len() == 1;
        let [columns, rows] = match is_alone {
            true => first.size,
            false => [first.stride, first.blocks.len() / first.stride].map(|side| side / first.group),
        };
        for row in 0..rows {
            for column in 0..columns {
                for &part in self.parts {
                    let plane = &self.planes[part];
                    let group = if is_alone { 1 } else { plane.group };
                    for y in row * group..(row + 1) * group {
                        for x in column * group..(column + 1) * group {
                            self.block(&plane.blocks[y * plane.stride + x], part, &mut state, sink);
                        }
                    }
                }
            }
        }
        state.tell_empty(sink);
    }

    fn block(&self, block: &Block, part: usize, state: &mut State, sink: &mut impl Sink) {
        let table = part.min(1);
        state.table = 2 + table;
        let low = self.bits[1];
        match (self.progressive, self.band[0], self.bits[0]) {
            (false, ..) => {
                first(i32::from(block[0]), &mut state.last[part], table, sink);
                let run = self.others(block, state, sink);
                if run > 0 {
                    sink.word(state.table, 0);
                }
            }
            (true, 0, 0) => first(i32::from(block[0]) >> low, &mut state.last[part], table, sink),
            (true, 0, _) => sink.bits((block[0] >> low) as u32 & 1, 1),
            (true, _, 0) => {
                let run = self.others(block, state, sink);
                if run > 0 {
                    state.empty += 1;
                    if state.empty == MOST_EMPTY {
                        state.tell_empty(sink);
                    }
                }
            }
            (true, ..) => self.refine(block, state, sink),
        }
    }

    /// Runs of zeros and coefficients; gives the number of zeros at the end.
    fn others(&self, block: &Block, state: &mut State, sink: &mut impl Sink) -> u8 {
        let mut run = 0;
        for k in self.band[0].max(1)..=self.band[1] {
            let value = i32::from(block[usize::from(ZIGZAG[k])]);
            let size = value.abs() >> self.bits[1];
            if size == 0 {
                run += 1;
                continue;
            }
            state.tell_empty(sink);
            while run > 15 {
                sink.word(state.table, 0xf0);
                run -= 16;
            }
            let length = bit_length(size);
            sink.word(state.table, run << 4 | length as u8);
            sink.bits(if value < 0 { !size } else { size } as u32, length);
            run = 0;
        }
        run
    }

    /// One more bit of coefficients that were told, and those that are told first.
    fn refine(&self, block: &Block, state: &mut State, sink: &mut impl Sink) {
        let low = self.bits[1];
        let values = |k: usize| i32::from(block[usize::from(ZIGZAG[k])]);
        let sizes: [i32; 64] = std::array::from_fn(|k| values(k).abs() >> low);
        let [from, to] = self.band;
        let end = (from..=to).rev().find(|&k| sizes[k] == 1).unwrap_or(0);
        let (mut run, mut corrections) = (0_u8, Vec::new());
        for (k, &size) in sizes.iter().enumerate().take(to + 1).skip(from) {
            if size == 0 {
                run += 1;
                continue;
            }
            while run > 15 && k <= end {
                state.tell_empty(sink);
                sink.word(state.table, 0xf0);
                run -= 16;
                tell(&mut corrections, sink);
            }
            if size > 1 {
                corrections.push(size & 1 == 1);
                continue;
            }
            state.tell_empty(sink);
            sink.word(state.table, run << 4 | 1);
            sink.bits(u32::from(values(k) >= 0), 1);
            tell(&mut corrections, sink);
            run = 0;
        }
        if run > 0 || !corrections.is_empty() {
            state.empty += 1;
            state.pending.append(&mut corrections);
            if state.empty == MOST_EMPTY || state.pending.len() > MOST_PENDING {
                state.tell_empty(sink);
            }
        }
    }
}

impl State {
    /// Tells the blocks without new coefficients, and the bits that follow.
    fn tell_empty(&mut self, sink: &mut impl Sink) {
        if self.empty == 0 {
            return;
        }
        let length = self.empty.ilog2();
        sink.word(self.table, (length << 4) as u8);
        sink.bits(self.empty, length);
        self.empty = 0;
        tell(&mut self.pending, sink);
    }
}

fn tell(bits: &mut Vec<bool>, sink: &mut impl Sink) {
    bits.drain(..).for_each(|bit| sink.bits(bit.into(), 1));
}

/// The difference of a first coefficient from the one before.
fn first(value: i32, last: &mut i32, table: usize, sink: &mut impl Sink) {
    let difference = value - *last;
    *last = value;
    let length = bit_length(difference.abs());
    sink.word(table, length as u8);
    sink.bits(if difference < 0 { difference - 1 } else { difference } as u32, length);
}

fn bit_length(size: i32) -> u32 {
    32 - size.leading_zeros()
}
