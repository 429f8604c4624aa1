//! The scans of a file, one after another.

use super::bits::Bits;
use super::block::Blocks;
use super::frame::Frame;
use super::header::{self, Scan, Source, Tables};
use super::huffman::Decoder;
use super::progressive::{self, Band};
use super::{Fault, Options, Outcome, sequential};
use crate::codec::Canvas;

/// What libjpeg would smooth.
pub const INCOMPLETE: Fault = Fault::Unimplemented("progressive coding that is not complete");

/// A file whose header was read up to its first scan.
pub struct Scans<'a> {
    source: Source<'a>,
    tables: Tables,
    first: Scan,
    /// What the file describes.
    pub frame: Frame,
}

impl<'a> Scans<'a> {
    /// Reads the header.
    pub fn open(file: &'a [u8], options: &Options) -> Outcome<Scans<'a>> {
        let mut source = Source { file, at: 0, recover: options.recover };
        let (mut tables, mut frame) = (Tables::default(), None);
        header::start(&mut source)?;
        let first = header::next_scan(&mut source, &mut tables, &mut frame, None)?.ok_or(Fault::Invalid)?;
        let frame = frame.ok_or(Fault::Invalid)?;
        Ok(Scans { source, tables, first, frame })
    }

    /// Reads all coefficients; also gives the number of rows of groups that are whole, of which a file of one scan may
    /// lack the last.
    pub fn read(self, canvas: Canvas<'_>) -> Outcome<(Frame, usize)> {
        let Scans { mut source, mut tables, first: mut scan, mut frame } = self;
        frame.allocate(canvas)?;
        let rows = frame.groups()[1];
        let is_single = !frame.progressive && scan.planes.len() == frame.planes.len();
        let mut frame = Some(frame);
        loop {
            let described = frame.as_mut().ok_or(Fault::Invalid)?;
            let mut bits = Bits::new(source);
            let whole = Reader::new(&tables, described, scan)?.read(&mut bits, described)?;
            let marker = if whole < rows && is_single {
                return frame.map(|frame| (frame, whole)).ok_or(Fault::Invalid);
            } else if whole < rows {
                return Err(Fault::Ended);
            } else {
                (bits.marker != 0).then_some(bits.marker)
            };
            source = bits.source;
            let next = header::next_scan(&mut source, &mut tables, &mut frame, marker);
            match next.map_err(|fault| if source.recover { INCOMPLETE } else { fault })? {
                Some(_) if is_single => return Err(Fault::Invalid),
                Some(next) => scan = next,
                None => return frame.map(|frame| (frame, rows)).ok_or(Fault::Invalid),
            }
        }
    }
}

/// What the blocks of a scan hold.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Sequential,
    First(Band),
    RefineFirst(Band),
    Others(Band),
    RefineOthers(Band),
}

impl Kind {
    fn of(scan: &Scan, progressive: bool) -> Outcome<Kind> {
        if !progressive {
            return Ok(Kind::Sequential);
        }
        let ([first, last], [high, low]) = (scan.band, scan.bits);
        let is_band = match first {
            0 => last == 0,
            _ => first <= last && last < 64 && scan.planes.len() == 1,
        };
        if !is_band || high != 0 && low + 1 != high || low > 13 {
            return Err(Fault::Invalid);
        }
        let band = Band { first, last, low: low.into() };
        Ok(match (first, high) {
            (0, 0) => Kind::First(band),
            (0, _) => Kind::RefineFirst(band),
            (_, 0) => Kind::Others(band),
            (_, _) => Kind::RefineOthers(band),
        })
    }
}

/// A plane that takes part in a scan.
struct Part {
    plane: usize,
    /// Blocks of a group, across and down.
    group: [usize; 2],
    stride: usize,
    first: Option<Decoder>,
    other: Option<Decoder>,
    /// The first coefficient of the last block.
    last: i32,
}

/// Reads one scan.
struct Reader {
    kind: Kind,
    parts: Vec<Part>,
    /// Groups of blocks, across and down.
    groups: [usize; 2],
    /// Rows of this scan's groups in a row of the frame's.
    rows: usize,
    restart: usize,
    /// Groups up to the next restart, and its number.
    to_restart: usize,
    restarts: u8,
    /// Blocks without coefficients that are still to come.
    empty: u32,
}

impl Reader {
    fn new(tables: &Tables, frame: &mut Frame, scan: Scan) -> Outcome<Reader> {
        let kind = Kind::of(&scan, frame.progressive)?;
        let (mut groups, mut rows) = (frame.groups(), 1);
        let is_alone = scan.planes.len() == 1;
        let mut parts = Vec::new();
        for &(index, first, other) in &scan.planes {
            let plane = &mut frame.planes[index];
            if plane.steps.is_none() {
                plane.steps = tables.steps.get(plane.table).copied().flatten();
                plane.steps.ok_or(Fault::Invalid)?;
            }
            for missing in plane.missing.get_mut(scan.band[0]..=scan.band[1]).unwrap_or_default() {
                *missing = scan.bits[1] as i8;
            }
            if is_alone {
                (groups, rows) = (plane.blocks, plane.down);
            }
            let decoder =
                |other: bool, number: usize| Decoder::new(&tables.code(other, number)?, other).map(Some);
            parts.push(Part {
                plane: index,
                group: if is_alone { [1, 1] } else { [plane.across, plane.down] },
                stride: plane.stride,
                first: match kind {
                    Kind::Sequential | Kind::First(_) => decoder(false, first)?,
                    _ => None,
                },
                other: match kind {
                    Kind::Sequential | Kind::Others(_) | Kind::RefineOthers(_) => decoder(true, other)?,
                    _ => None,
                },
                last: 0,
            });
        }
        let restart = tables.restart;
        Ok(Reader { kind, parts, groups, rows, restart, to_restart: restart, restarts: 0, empty: 0 })
    }

    /// Reads all groups, or those before the file ends; gives the number of rows of the frame's groups that are whole.
    fn read(&mut self, bits: &mut Bits<'_>, frame: &mut Frame) -> Outcome<usize> {
        let mut blocks = Blocks::of(frame)?;
        let mut places = Vec::new();
        for row in 0..self.groups[1] {
            for column in 0..self.groups[0] {
                self.places([column, row], &mut places);
                match self.group(bits, &mut blocks, &places) {
                    Ok(()) => {}
                    Err(Fault::Ended) => return Ok(row / self.rows),
                    Err(fault) => return Err(fault),
                }
            }
        }
        Ok(self.groups[1].div_ceil(self.rows))
    }

    /// The blocks of a group: the number of the part, and which block of its plane.
    fn places(&self, [column, row]: [usize; 2], places: &mut Vec<(usize, usize)>) {
        places.clear();
        for (i, part) in self.parts.iter().enumerate() {
            let [across, down] = part.group;
            for y in row * down..(row + 1) * down {
                places.extend((column * across..(column + 1) * across).map(|x| (i, y * part.stride + x)));
            }
        }
    }

    fn group(
        &mut self,
        bits: &mut Bits<'_>,
        blocks: &mut Blocks<'_>,
        places: &[(usize, usize)],
    ) -> Outcome<()> {
        if self.restart > 0 {
            if self.to_restart == 0 {
                self.restart(bits)?;
            }
            self.to_restart -= 1;
        }
        if bits.exhausted {
            return Ok(());
        }
        bits.save();
        let is_fast = matches!(self.kind, Kind::Sequential) && self.restart == 0;
        if is_fast && bits.is_far_from_end(places.len()) && self.fast(bits, blocks, places) {
            return Ok(());
        }
        for &(i, at) in places {
            let part = &mut self.parts[i];
            let block = blocks.get(part.plane, at);
            match (self.kind, &part.first, &part.other) {
                (Kind::Sequential, Some(first), Some(other)) => {
                    sequential::block(bits, [first, other], &mut part.last, block)?;
                }
                (Kind::First(band), Some(code), _) => {
                    progressive::first(bits, code, &mut part.last, band, block)?;
                }
                (Kind::RefineFirst(band), ..) => progressive::refine_first(bits, band, block)?,
                (Kind::Others(band), _, Some(code)) => {
                    progressive::others(bits, code, &mut self.empty, band, block)?;
                }
                (Kind::RefineOthers(band), _, Some(code)) => {
                    progressive::refine_others(bits, code, &mut self.empty, band, block)?;
                }
                _ => return Err(Fault::Invalid),
            }
        }
        Ok(())
    }

    /// Reads a group far from the end of the file; whether no marker was reached, else nothing was read.
    fn fast(&mut self, bits: &mut Bits<'_>, blocks: &mut Blocks<'_>, places: &[(usize, usize)]) -> bool {
        let mut before = [0; 4];
        before.iter_mut().zip(&self.parts).for_each(|(before, part)| *before = part.last);
        for &(i, at) in places {
            let part = &mut self.parts[i];
            if let (Some(first), Some(other)) = (&part.first, &part.other) {
                let block = blocks.get(part.plane, at);
                sequential::block_fast(bits, [first, other], &mut part.last, block);
            }
        }
        if bits.marker != 0 {
            bits.restore();
            self.parts.iter_mut().zip(before).for_each(|(part, before)| part.last = before);
            return false;
        }
        true
    }

    /// Finds the restart marker that is due, or what libjpeg takes for it.
    fn restart(&mut self, bits: &mut Bits<'_>) -> Outcome<()> {
        bits.drop_ahead();
        if bits.marker == 0 {
            bits.marker = bits.source.marker()?;
        }
        let due = self.restarts;
        loop {
            // How far ahead of the one that is due a restart marker is.
            let ahead = bits.marker.wrapping_sub(0xd0).wrapping_sub(due) & 7;
            match (bits.marker, ahead) {
                (0..0xc0, _) | (0xd0..=0xd7, 6 | 7) => bits.marker = bits.source.marker()?,
                (0xd0..=0xd7, 1 | 2) => break,
                (0xd0..=0xd7, _) => {
                    bits.marker = 0;
                    break;
                }
                _ => break,
            }
        }
        self.restarts = (due + 1) & 7;
        self.parts.iter_mut().for_each(|part| part.last = 0);
        (self.empty, self.to_restart) = (0, self.restart);
        if bits.marker == 0 {
            bits.exhausted = false;
        }
        Ok(())
    }
}
