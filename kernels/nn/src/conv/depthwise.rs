//! Convolutions of each channel with a filter of its own.

use savedmodel_math::simd::{Isa, Kernel};

use crate::window::Dim;

/// One line of outputs of one image, channels innermost.
pub struct Depthwise<'a, T> {
    /// The image, with as many channels as the output.
    pub image: &'a [T],
    /// The taps (depth, height, width), each of all channels.
    pub filter: &'a [T],
    /// Depth, height and width.
    pub dims: &'a [Dim; 3],
    /// Depth and height of the line.
    pub at: [usize; 2],
    /// Channels.
    pub channels: usize,
}

impl<T> Depthwise<'_, T> {
    /// Calls `add(out, cells, taps)` for every output and every tap that lies inside the image.
    #[inline(always)]
    pub fn each_tap(&self, out: &mut [T], mut add: impl FnMut(&mut [T], &[T], &[T])) {
        let n = self.channels;
        for (x, out) in out.chunks_exact_mut(n).enumerate() {
            self.taps(x, |cell, tap| add(out, &self.image[cell..cell + n], &self.filter[tap..tap + n]));
        }
    }

    /// Calls `f(first element of the cell, first element of the tap)` for every tap of output `x` that lies inside.
    #[inline(always)]
    fn taps(&self, x: usize, mut f: impl FnMut(usize, usize)) {
        let [depth, height, width] = self.dims;
        for z in inside(depth, self.at[0]) {
            for y in inside(height, self.at[1]) {
                let line =
                    (cell(depth, self.at[0], z) * height.input + cell(height, self.at[1], y)) * width.input;
                for k in inside(width, x) {
                    let tap = (z * height.window + y) * width.window + k;
                    f((line + cell(width, x, k)) * self.channels, tap * self.channels);
                }
            }
        }
    }
}

/// The taps of a window that lie inside the input.
fn inside(dim: &Dim, at: usize) -> std::ops::Range<usize> {
    let start = at * dim.stride;
    let first = dim.before.saturating_sub(start).div_ceil(dim.dilation);
    let end = (dim.input + dim.before).saturating_sub(start).div_ceil(dim.dilation).min(dim.window);
    first.min(end)..end
}

fn cell(dim: &Dim, at: usize, tap: usize) -> usize {
    at * dim.stride + tap * dim.dilation - dim.before
}

/// The sums of a line in floating point.
pub struct Line<'a, T>(pub &'a Depthwise<'a, T>, pub &'a mut [T]);

/// Channels that are summed in registers.
const LANES: usize = 32;

macro_rules! floats {
    ($($t:ty, $fma:ident;)*) => {$(
        impl Kernel for Line<'_, $t> {
            type Output = ();
            #[inline(always)]
            fn run<I: Isa>(self) {
                let Line(line, out) = self;
                let n = line.channels;
                for (x, out) in out.chunks_exact_mut(n).enumerate() {
                    let (blocks, rest) = out.as_chunks_mut::<LANES>();
                    for (block, out) in blocks.iter_mut().enumerate() {
                        let mut sums = [0.0; LANES];
                        line.taps(x, |cell, tap| {
                            let at = block * LANES;
                            let (Some(cells), Some(taps)) = (
                                line.image[cell + at..].first_chunk::<LANES>(),
                                line.filter[tap + at..].first_chunk::<LANES>(),
                            ) else { return };
                            for i in 0..LANES {
                                sums[i] = I::$fma(cells[i], taps[i], sums[i]);
                            }
                        });
                        *out = sums;
                    }
                    let at = n - rest.len();
                    rest.fill(0.0);
                    line.taps(x, |cell, tap| {
                        let (cells, taps) = (&line.image[cell + at..cell + n], &line.filter[tap + at..tap + n]);
                        for ((sum, &cell), &tap) in rest.iter_mut().zip(cells).zip(taps) {
                            *sum = I::$fma(cell, tap, *sum);
                        }
                    });
                }
            }
        }
    )*};
}

floats! { f32, fma; f64, fma64; }
