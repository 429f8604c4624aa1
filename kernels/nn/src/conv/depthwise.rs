//! Convolutions of each channel with a filter of its own.

use std::ops::Range;

use savedmodel_math::gemm::Axis;
use savedmodel_math::simd::{Isa, Kernel};

/// The cells under one line of outputs of one image, and the taps above them; channels are innermost.
pub struct Taps<'a, T> {
    /// The image, with as many channels as the output.
    pub image: &'a [T],
    /// The taps (depth, height, width), each of all channels.
    pub filter: &'a [T],
    /// Depth, height and width.
    pub axes: &'a [Axis; 3],
    /// Depth and height of the line.
    pub at: [usize; 2],
    /// Channels.
    pub channels: usize,
}

/// One line of outputs.
pub struct Depthwise<'a, T> {
    /// What is multiplied and added up.
    pub taps: Taps<'a, T>,
    /// What sums start with: one for each channel, or none for 0.
    pub bias: &'a [T],
    /// The ends of the results.
    pub bounds: [T; 2],
}

impl<T> Taps<'_, T> {
    /// Calls `add(out, cells, taps)` for every output and every tap that lies inside the image.
    #[inline(always)]
    pub fn each_tap(&self, out: &mut [T], mut add: impl FnMut(&mut [T], &[T], &[T])) {
        let (n, width) = (self.channels, &self.axes[2]);
        let rows = self.rows();
        for (x, out) in out.chunks_exact_mut(n).enumerate() {
            for &[row, taps] in &rows {
                for k in width.inside(x) {
                    let (cell, tap) = (row + width.cell(x, k) * n, taps + k * n);
                    add(out, &self.image[cell..cell + n], &self.filter[tap..tap + n]);
                }
            }
        }
    }

    /// Where the rows of the image that lie under the line start, and the taps above them.
    fn rows(&self) -> Vec<[usize; 2]> {
        let [depth, height, width] = self.axes;
        let row = |z: usize, y: usize| {
            let cells = depth.cell(self.at[0], z) * height.cells + height.cell(self.at[1], y);
            [cells * width.cells * self.channels, (z * height.taps + y) * width.taps * self.channels]
        };
        let (zs, ys) = (depth.inside(self.at[0]), height.inside(self.at[1]));
        zs.flat_map(|z| ys.clone().map(move |y| row(z, y))).collect()
    }
}

/// The sums of a line in floating point.
pub struct Line<'a, T>(pub &'a Depthwise<'a, T>, pub &'a mut [T]);

/// Adjacent outputs that are summed at the same time, so that each tap is read once for all of them.
const OUTPUTS: usize = 4;

macro_rules! floats {
    ($($t:ident $fma:ident;)*) => {$(
        impl Kernel for Line<'_, $t> {
            type Output = ();
            #[inline(always)]
            fn run<I: Isa>(self) {
                let Line(line, out) = self;
                let rows = line.taps.rows();
                let (n, width) = (line.taps.channels, &line.taps.axes[2]);
                let whole = width.whole();
                let mut x = 0;
                while x < width.windows {
                    let is_whole = whole.contains(&x);
                    let taps = if is_whole { 0..width.taps } else { width.inside(x) };
                    let count = if is_whole && x + OUTPUTS <= whole.end { OUTPUTS } else { 1 };
                    let part = Part { line, rows: &rows, x, taps };
                    let out = &mut out[x * n..(x + count) * n];
                    let mut at = 0;
                    for lanes in [32, 8, 1] {
                        while at + lanes <= n {
                            match (lanes, count) {
                                (32, OUTPUTS) => $t::sums::<I, 32, OUTPUTS>(&part, at, out),
                                (32, _) => $t::sums::<I, 32, 1>(&part, at, out),
                                (8, OUTPUTS) => $t::sums::<I, 8, OUTPUTS>(&part, at, out),
                                (8, _) => $t::sums::<I, 8, 1>(&part, at, out),
                                (_, OUTPUTS) => $t::sums::<I, 1, OUTPUTS>(&part, at, out),
                                _ => $t::sums::<I, 1, 1>(&part, at, out),
                            }
                            at += lanes;
                        }
                    }
                    x += count;
                }
            }
        }

        mod $t {
            use super::*;

            /// Sums of `LANES` channels from `at` on, of `COUNT` outputs.
            #[inline(always)]
            pub fn sums<I: Isa, const LANES: usize, const COUNT: usize>(
                part: &Part<'_, $t>,
                at: usize,
                out: &mut [$t],
            ) {
                let line = &part.line.taps;
                let (n, width) = (line.channels, &line.axes[2]);
                let mut start = [0.0; LANES];
                if let Some(bias) = part.line.bias.get(at..at + LANES) {
                    start.copy_from_slice(bias);
                }
                let mut sums = [start; COUNT];
                for &[row, taps] in part.rows {
                    for k in part.taps.clone() {
                        let cell = row + width.cell(part.x, k) * n + at;
                        let Some(taps) = line.filter[taps + k * n + at..].first_chunk::<LANES>() else { return };
                        for (j, sums) in sums.iter_mut().enumerate() {
                            let cells = line.image[cell + j * width.stride * n..].first_chunk::<LANES>();
                            let Some(cells) = cells else { return };
                            for lane in 0..LANES {
                                sums[lane] = I::$fma(cells[lane], taps[lane], sums[lane]);
                            }
                        }
                    }
                }
                let [lo, hi] = part.line.bounds;
                for (out, sums) in out.chunks_exact_mut(n).zip(sums) {
                    for (out, sum) in out[at..at + LANES].iter_mut().zip(sums) {
                        let sum = if sum < lo { lo } else { sum };
                        *out = if sum > hi { hi } else { sum };
                    }
                }
            }
        }
    )*};
}

/// Adjacent outputs of a line, with the taps that they have.
struct Part<'a, T> {
    line: &'a Depthwise<'a, T>,
    rows: &'a [[usize; 2]],
    x: usize,
    taps: Range<usize>,
}

floats! { f32 fma; f64 fma64; }
