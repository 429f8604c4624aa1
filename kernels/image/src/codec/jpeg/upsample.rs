//! Planes of fewer samples than the image, enlarged.

use savedmodel_math::simd::{self, Isa};

/// A plane of samples.
#[derive(Debug)]
pub struct Samples<'a> {
    /// All samples, row after row.
    pub data: &'a [u8],
    /// Samples stored in a row.
    pub stride: usize,
    /// The columns that belong to the image, or to the part of it that is wanted.
    pub columns: std::ops::Range<usize>,
    /// The rows that belong to the image.
    pub rows: usize,
}

impl<'a> Samples<'a> {
    fn row(&self, y: usize) -> &'a [u8] {
        &self.data[y.min(self.rows - 1) * self.stride..][self.columns.clone()]
    }
}

/// How samples are enlarged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upsampling {
    /// Each is repeated so often, across and down.
    Repeat(usize, usize),
    /// Twice across: three parts of the nearer one, one of the other.
    FancyAcross,
    /// Twice down.
    FancyDown,
    /// Twice in both directions.
    FancyBoth,
}

impl Upsampling {
    /// Whether rows above and below are looked at.
    pub fn needs_neighbours(self) -> bool {
        matches!(self, Upsampling::FancyDown | Upsampling::FancyBoth)
    }

    #[inline(always)]
    fn row(self, samples: &Samples<'_>, y: usize, room: &mut [u16], out: &mut [u8]) {
        match self {
            Upsampling::Repeat(1, down) => {
                let row = samples.row(y / down);
                out.copy_from_slice(&row[..out.len()]);
            }
            Upsampling::Repeat(across, down) => {
                let row = samples.row(y / down);
                out.chunks_mut(across).zip(row).for_each(|(out, &sample)| out.fill(sample));
            }
            Upsampling::FancyAcross => {
                let row = samples.row(y);
                room.iter_mut().zip(row).for_each(|(to, &from)| *to = from.into());
                across(room, [1, 2], 2, out);
            }
            Upsampling::FancyDown => {
                let half = 1 + (y % 2) as u16;
                let sum = |(to, sum): (&mut u8, &u16)| *to = ((sum + half) >> 2) as u8;
                down(samples, y, room);
                out.iter_mut().zip(&*room).for_each(sum);
            }
            Upsampling::FancyBoth => {
                down(samples, y, room);
                across(room, [8, 7], 4, out);
            }
        }
    }
}

/// A row of an enlarged plane.
pub struct Row<'a> {
    /// How samples are enlarged.
    pub upsampling: Upsampling,
    /// The plane.
    pub samples: &'a Samples<'a>,
    /// The number of the row.
    pub y: usize,
    /// Room for as many numbers as the plane has columns.
    pub room: &'a mut [u16],
    /// The row; what does not fit is left out.
    pub out: &'a mut [u8],
}

impl simd::Kernel for Row<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        self.upsampling.row(self.samples, self.y, self.room, self.out);
    }
}

/// Three times the samples of the nearer row and once those of the other one.
#[inline(always)]
fn down(samples: &Samples<'_>, y: usize, out: &mut [u16]) {
    let near = y / 2;
    let other = if y.is_multiple_of(2) { near.saturating_sub(1) } else { near + 1 };
    let (near, other) = (samples.row(near), samples.row(other));
    for ((out, &near), &other) in out.iter_mut().zip(near).zip(other) {
        *out = u16::from(near) * 3 + u16::from(other);
    }
}

/// Twice as many numbers, each three parts of the nearer and one of the other; those at the ends are four of one.
///
/// `halves` are added to numbers left and right of their source before `shift` bits are cut off.
#[inline(always)]
fn across(src: &[u16], halves: [u16; 2], shift: u32, out: &mut [u8]) {
    let last = src.len() - 1;
    let get = |x: usize, other: usize, half: u16| ((src[x] * 3 + src[other] + half) >> shift) as u8;
    let ends = |x: usize, out: &mut [u8]| {
        for (side, out) in out.iter_mut().enumerate() {
            let other = if side == 0 { x.saturating_sub(1) } else { (x + 1).min(last) };
            *out = get(x, other, halves[side]);
        }
    };
    let length = out.len();
    ends(0, &mut out[..length.min(2)]);
    if last > 0 && length > last * 2 {
        ends(last, &mut out[last * 2..]);
    }
    let inner = out.get_mut(2..length.min(last * 2)).unwrap_or_default();
    let done = inner.len() / 2;
    let mut pairs = inner.chunks_exact_mut(2);
    for (pair, window) in (&mut pairs).zip(src.windows(3)) {
        pair[0] = ((window[1] * 3 + window[0] + halves[0]) >> shift) as u8;
        pair[1] = ((window[1] * 3 + window[2] + halves[1]) >> shift) as u8;
    }
    if let [rest] = pairs.into_remainder() {
        *rest = get(done + 1, done, halves[0]);
    }
}
