//! Markers and the segments between scans.

use super::frame::{Frame, Plane, Space};
use super::huffman::{Code, standard};
use super::{Fault, Outcome};

/// The positions of coefficients in a block, in the order of their transmission; long runs end at the last.
pub const ZIGZAG: [u8; 80] = {
    let mut order = [63; 80];
    let (mut row, mut column, mut i) = (0, 0, 0);
    while i < 64 {
        order[i] = (row * 8 + column) as u8;
        // Diagonals run up and to the right when row and column have an even sum, else down and to the left.
        if (row + column) % 2 == 0 {
            if column == 7 {
                row += 1;
            } else if row == 0 {
                column += 1;
            } else {
                row -= 1;
                column += 1;
            }
        } else if row == 7 {
            column += 1;
        } else if column == 0 {
            row += 1;
        } else {
            row += 1;
            column -= 1;
        }
        i += 1;
    }
    order
};

/// The largest height or width.
const LONGEST: usize = 65500;

/// The bytes of a file, to which the end may be added.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The file.
    pub file: &'a [u8],
    /// What is read next.
    pub at: usize,
    /// Whether a missing end is made up.
    pub recover: bool,
}

impl Source<'_> {
    /// The next byte.
    pub fn byte(&mut self) -> Outcome<u8> {
        let byte = match self.file.get(self.at) {
            Some(&byte) => byte,
            None if self.recover && self.at == self.file.len() => 0xff,
            None if self.recover && self.at == self.file.len() + 1 => END,
            None => return Err(Fault::Invalid),
        };
        self.at += 1;
        Ok(byte)
    }

    fn pair(&mut self) -> Outcome<u16> {
        Ok(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    /// The next marker, before which anything else is left out.
    pub fn marker(&mut self) -> Outcome<u8> {
        loop {
            while self.byte()? != 0xff {}
            let mut byte = self.byte()?;
            while byte == 0xff {
                byte = self.byte()?;
            }
            if byte != 0 {
                return Ok(byte);
            }
        }
    }

    /// The rest of a segment, whose length comes first.
    fn segment(&mut self) -> Outcome<&[u8]> {
        let length = usize::from(self.pair()?).checked_sub(2).ok_or(Fault::Invalid)?;
        let segment = self.file.get(self.at..).and_then(|rest| rest.get(..length)).ok_or(Fault::Invalid)?;
        self.at += length;
        Ok(segment)
    }

    /// Leaves a segment out, which may end after the file.
    fn skip(&mut self) -> Outcome<()> {
        let length = usize::from(self.pair()?).saturating_sub(2);
        self.at = (self.at + length).min(self.file.len());
        Ok(())
    }
}

/// The marker of the file's end.
pub const END: u8 = 0xd9;
const START: u8 = 0xd8;

/// The tables in force.
#[derive(Debug, Default)]
pub struct Tables {
    /// Steps of coefficients, in the order of their positions in a block.
    pub steps: [Option<[u16; 64]>; 4],
    /// Codes of first coefficients.
    pub first: [Option<Code>; 4],
    /// Codes of the others.
    pub other: [Option<Code>; 4],
    /// Groups of blocks between restarts; 0 for none.
    pub restart: usize,
    jfif: bool,
    adobe: Option<u8>,
}

/// What begins a scan.
#[derive(Debug)]
pub struct Scan {
    /// Planes, each with the numbers of its two codes.
    pub planes: Vec<(usize, usize, usize)>,
    /// The first and the last coefficient.
    pub band: [usize; 2],
    /// The bits that were known of the coefficients, and that are after the scan.
    pub bits: [u8; 2],
}

/// Checks that the file begins as a JPEG file.
pub fn start(source: &mut Source<'_>) -> Outcome<()> {
    match [source.byte()?, source.byte()?] {
        [0xff, START] => Ok(()),
        _ => Err(Fault::Invalid),
    }
}

/// Reads segments up to the next scan; `None` at the end of the file.
///
/// `first` is a marker that was already read.
pub fn next_scan(
    source: &mut Source<'_>,
    tables: &mut Tables,
    frame: &mut Option<Frame>,
    first: Option<u8>,
) -> Outcome<Option<Scan>> {
    let mut first = first;
    loop {
        let marker = match first.take() {
            Some(marker) => marker,
            None => source.marker()?,
        };
        match marker {
            0xc0..=0xc2 if frame.is_none() => {
                *frame = Some(read_frame(source.segment()?, marker == 0xc2)?);
            }
            0xc3 => return Err(Fault::Unimplemented("lossless coding")),
            0xc9 | 0xca => return Err(Fault::Unimplemented("arithmetic coding")),
            0xc4 => read_codes(source.segment()?, tables)?,
            0xda => {
                let frame = frame.as_mut().ok_or(Fault::Invalid)?;
                let scan = read_scan(source.segment()?, frame)?;
                name_space(frame, tables);
                return Ok(Some(scan));
            }
            0xdb => read_steps(source.segment()?, tables)?,
            0xdd => match *source.segment()? {
                [high, low] => tables.restart = u16::from_be_bytes([high, low]).into(),
                _ => return Err(Fault::Invalid),
            },
            END => return Ok(None),
            0xe0 | 0xee => note_application(source, marker, tables)?,
            0xe1..=0xef | 0xfe | 0xcc | 0xdc => source.skip()?,
            0xd0..=0xd7 | 0x01 => {}
            _ => return Err(Fault::Invalid),
        }
    }
}

fn note_application(source: &mut Source<'_>, marker: u8, tables: &mut Tables) -> Outcome<()> {
    let rest = source.file.get(source.at + 2..).unwrap_or_default();
    let length =
        source.file.get(source.at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
    let data = &rest[..rest.len().min(usize::from(u16::from_be_bytes(length)).saturating_sub(2))];
    match marker {
        0xe0 => tables.jfif |= data.len() >= 14 && data.starts_with(b"JFIF\0"),
        _ if data.len() >= 12 && data.starts_with(b"Adobe") => tables.adobe = Some(data[11]),
        _ => {}
    }
    source.skip()
}

fn read_frame(data: &[u8], progressive: bool) -> Outcome<Frame> {
    let &[precision, h1, h0, w1, w0, count, ref rest @ ..] = data else { return Err(Fault::Invalid) };
    let [height, width] = [[h1, h0], [w1, w0]].map(|pair| usize::from(u16::from_be_bytes(pair)));
    let sides = 1..=LONGEST;
    let (planes, tail) = rest.as_chunks::<3>();
    if precision != 8
        || !sides.contains(&height)
        || !sides.contains(&width)
        || planes.len() != usize::from(count)
        || !tail.is_empty()
        || !(1..=10).contains(&count)
    {
        return Err(Fault::Invalid);
    }
    let planes = planes
        .iter()
        .map(|&[id, samples, table]| {
            let (across, down) = (usize::from(samples >> 4), usize::from(samples & 15));
            let fits = (1..=4).contains(&across) && (1..=4).contains(&down);
            fits.then_some(Plane {
                id,
                across,
                down,
                table: table.into(),
                steps: None,
                missing: [-1; 64],
                blocks: [0; 2],
                stride: 0,
                coefficients: None,
            })
        })
        .collect::<Option<Vec<_>>>()
        .ok_or(Fault::Invalid)?;
    Ok(Frame { height, width, progressive, planes, space: Space::Unknown, adobe: false })
}

/// What the planes mean, as far as the segments so far tell.
fn name_space(frame: &mut Frame, tables: &Tables) {
    let ids: Vec<u8> = frame.planes.iter().map(|plane| plane.id).collect();
    frame.adobe = tables.adobe.is_some();
    frame.space = match (ids.as_slice(), tables.adobe) {
        ([_], _) => Space::Grey,
        ([_, _, _], _) if tables.jfif => Space::YCbCr,
        ([_, _, _], Some(0)) => Space::Rgb,
        ([_, _, _], Some(_)) => Space::YCbCr,
        (b"RGB", None) => Space::Rgb,
        ([_, _, _], None) => Space::YCbCr,
        ([_, _, _, _], None | Some(0)) => Space::Cmyk,
        ([_, _, _, _], Some(_)) => Space::Ycck,
        _ => Space::Unknown,
    };
}

fn read_codes(mut data: &[u8], tables: &mut Tables) -> Outcome<()> {
    while let Some((&head, rest)) = data.split_first() {
        let (counts, rest) = rest.split_first_chunk::<16>().ok_or(Fault::Invalid)?;
        let count = counts.iter().map(|&count| usize::from(count)).sum();
        let values = rest.get(..count).filter(|values| values.len() <= 256).ok_or(Fault::Invalid)?;
        let set = if head & 0x10 == 0 { &mut tables.first } else { &mut tables.other };
        let slot = set.get_mut(usize::from(head & !0x10)).ok_or(Fault::Invalid)?;
        *slot = Some(Code::new(counts, values));
        data = &rest[count..];
    }
    Ok(())
}

fn read_steps(mut data: &[u8], tables: &mut Tables) -> Outcome<()> {
    while let Some((&head, rest)) = data.split_first() {
        let size = if head >> 4 == 0 { 1 } else { 2 };
        let values = rest.get(..64 * size).ok_or(Fault::Invalid)?;
        let slot = tables.steps.get_mut(usize::from(head & 15)).ok_or(Fault::Invalid)?;
        let mut steps = [0; 64];
        for (value, &at) in values.chunks_exact(size).zip(&ZIGZAG) {
            steps[usize::from(at)] = value.iter().fold(0, |sum, &byte| sum << 8 | u16::from(byte));
        }
        *slot = Some(steps);
        data = &rest[64 * size..];
    }
    Ok(())
}

fn read_scan(data: &[u8], frame: &Frame) -> Outcome<Scan> {
    let (&count, rest) = data.split_first().ok_or(Fault::Invalid)?;
    let count = usize::from(count);
    if !(1..=4).contains(&count) || rest.len() != count * 2 + 3 {
        return Err(Fault::Invalid);
    }
    let (named, rest) = rest.split_at(count * 2);
    let mut planes: Vec<(usize, usize, usize)> = Vec::new();
    for &[id, codes] in named.as_chunks::<2>().0 {
        let is_new = |i: &usize| frame.planes[*i].id == id && planes.iter().all(|plane| plane.0 != *i);
        let plane = (0..frame.planes.len()).find(is_new).ok_or(Fault::Invalid)?;
        planes.push((plane, usize::from(codes >> 4), usize::from(codes & 15)));
    }
    let blocks: usize = planes.iter().map(|&(i, ..)| frame.planes[i].across * frame.planes[i].down).sum();
    if count > 1 && blocks > 10 {
        return Err(Fault::Invalid);
    }
    let band = [rest[0], rest[1]].map(usize::from);
    Ok(Scan { planes, band, bits: [rest[2] >> 4, rest[2] & 15] })
}

impl Tables {
    /// The code of first coefficients (`other` false) or others; files may leave out the usual ones.
    pub fn code(&self, other: bool, number: usize) -> Outcome<Code> {
        let set = if other { &self.other } else { &self.first };
        match set.get(number) {
            Some(Some(code)) => Ok(code.clone()),
            Some(None) => standard(other, number).ok_or(Fault::Invalid),
            None => Err(Fault::Invalid),
        }
    }
}
