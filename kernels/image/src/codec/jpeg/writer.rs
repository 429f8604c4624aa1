//! The segments and bits of a file.

use savedmodel_tensor::Bytes;

use super::coder::{Coder, Sink};
use super::encode::Settings;
use super::forward::Plan;
use super::huffman::Code;

/// A file that is written.
#[derive(Default)]
pub struct Writer {
    file: Vec<u8>,
}

/// What stands before XMP packets.
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

impl Writer {
    /// A segment with its marker.
    pub fn segment(&mut self, marker: u8, parts: &[&[u8]]) {
        let length = 2 + parts.iter().map(|part| part.len()).sum::<usize>();
        self.file.extend([0xff, marker]);
        self.file.extend((length as u16).to_be_bytes());
        parts.iter().for_each(|part| self.file.extend(*part));
    }

    /// What stands before tables and scans.
    pub fn start(&mut self, settings: &Settings) {
        self.file.extend([0xff, 0xd8]);
        let [across, down] = settings.density.map(u16::to_be_bytes);
        self.segment(0xe0, &[b"JFIF\0\x01\x01", &[settings.density_unit], &across, &down, &[0, 0]]);
        if !settings.metadata.is_empty() {
            self.segment(0xe1, &[XMP, &settings.metadata]);
        }
    }

    /// Sizes and planes.
    pub fn frame(&mut self, progressive: bool, plan: Plan) {
        let [height, width] = [plan.height, plan.width].map(|side| (side as u16).to_be_bytes());
        let planes: Vec<u8> = (0..plan.channels as u8)
            .flat_map(|plane| {
                let group = if plane == 0 { plan.group() as u8 } else { 1 };
                [plane + 1, group << 4 | group, plane.min(1)]
            })
            .collect();
        let marker = if progressive { 0xc2 } else { 0xc0 };
        self.segment(marker, &[&[8], &height, &width, &[plan.channels as u8], &planes]);
    }

    /// A scan, with the codes that it needs.
    pub fn scan(&mut self, coder: &Coder<'_>, codes: &[Option<Code>; 4]) {
        for (table, number) in [(0, 0), (2, 0x10), (1, 1), (3, 0x11)] {
            if let Some(code) = &codes[table] {
                self.segment(0xc4, &[&[number], &code.counts, &code.values]);
            }
        }
        let planes: Vec<u8> = coder
            .parts
            .iter()
            .flat_map(|&plane| {
                let table = plane.min(1) as u8;
                let first = if coder.uses(table.into()) { table } else { 0 };
                let other = if coder.uses(2 + usize::from(table)) { table } else { 0 };
                [plane as u8 + 1, first << 4 | other]
            })
            .collect();
        let [first, last] = coder.band.map(|k| k as u8);
        let [high, low] = coder.bits.map(|bits| bits as u8);
        self.segment(0xda, &[&[coder.parts.len() as u8], &planes, &[first, last, high << 4 | low]]);
        let words = codes.each_ref().map(|code| code.as_ref().map_or([(0, 0); 256], words));
        let mut bits = Bits { file: &mut self.file, words, buffer: 0, count: 0 };
        coder.run(&mut bits);
        bits.fill();
    }

    /// The whole file.
    pub fn finish(mut self) -> Bytes {
        self.file.extend([0xff, 0xd9]);
        self.file.into()
    }
}

/// The word and its length for each value.
fn words(code: &Code) -> [(u32, u32); 256] {
    let mut words = [(0, 0); 256];
    let (mut word, mut values) = (0, code.values.iter());
    for (length, &count) in (1..).zip(&code.counts) {
        for &value in values.by_ref().take(count.into()) {
            words[usize::from(value)] = (word, length);
            word += 1;
        }
        word <<= 1;
    }
    words
}

struct Bits<'a> {
    file: &'a mut Vec<u8>,
    words: [[(u32, u32); 256]; 4],
    buffer: u64,
    count: u32,
}

impl Sink for Bits<'_> {
    fn word(&mut self, table: usize, value: u8) {
        let (word, length) = self.words[table][usize::from(value)];
        self.bits(word, length);
    }

    fn bits(&mut self, bits: u32, count: u32) {
        let bits = u64::from(bits) & ((1 << count) - 1);
        self.buffer = self.buffer << count | bits;
        self.count += count;
        while self.count >= 8 {
            self.count -= 8;
            let byte = (self.buffer >> self.count) as u8;
            self.file.push(byte);
            if byte == 0xff {
                self.file.push(0);
            }
        }
    }
}

impl Bits<'_> {
    /// Fills the last byte up with ones.
    fn fill(&mut self) {
        if self.count > 0 {
            self.bits(0x7f, 8 - self.count);
        }
    }
}
