//! Convolutions of each channel with a filter of its own.

use crate::gemm::sums::Sums;
use crate::gemm::tile::{Summing, Table};
use crate::gemm::{Axis, Scalar};
use crate::simd;

/// The cells under one line of outputs of one image, and the taps above them; channels are innermost.
#[derive(Clone, Copy, Debug)]
pub struct Taps<'a, T> {
    /// The image, or the rows of it that the line needs: row `y` stands at place `y % held`.
    pub image: &'a [T],
    /// How many rows there are places for.
    pub held: usize,
    /// The taps (depth, height, width), each of all channels.
    pub filter: &'a [T],
    /// Depth, height and width.
    pub axes: &'a [Axis; 3],
    /// Depth and height of the line.
    pub at: [usize; 2],
    /// Channels.
    pub channels: usize,
}

impl<T> Taps<'_, T> {
    /// Calls `add(out, cells, taps)` for every output and every tap that lies inside the image.
    #[inline(always)]
    pub fn each(&self, out: &mut [T], mut add: impl FnMut(&mut [T], &[T], &[T])) {
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
            [
                cells % self.held.max(1) * width.cells * self.channels,
                (z * height.taps + y) * width.taps * self.channels,
            ]
        };
        let (zs, ys) = (depth.inside(self.at[0]), height.inside(self.at[1]));
        zs.flat_map(|z| ys.clone().map(move |y| row(z, y))).collect()
    }
}

/// Adjacent outputs that are summed at the same time, so that each tap is read once for all of them.
const OUTPUTS: usize = 4;

/// Writes one line of outputs: the sums of products of cells and taps, on top of a bias for each channel (or none), held
/// between two bounds.
///
/// ```
/// use savedmodel_math::depthwise::{Taps, line};
/// use savedmodel_math::gemm::Axis;
/// let unit = Axis { cells: 1, windows: 1, taps: 1, stride: 1, dilation: 1, before: 0 };
/// let axes = [unit, unit, Axis { cells: 3, windows: 3, taps: 2, before: 1, ..unit }];
/// let image = &[1.0_f32, 2.0, 3.0];
/// let taps = Taps { image, held: 1, filter: &[10.0, 1.0], axes: &axes, at: [0, 0], channels: 1 };
/// let mut out = [0.0; 3];
/// line(&taps, &[0.5], [0.0, 30.0], &mut out);
/// assert_eq!(out, [1.5, 12.5, 23.5]);
/// ```
///
/// # Panics
/// When a slice does not fit the sizes, or the line lies outside.
pub fn line<T: Scalar>(taps: &Taps<'_, T>, bias: &[T], bounds: [T; 2], out: &mut [T]) {
    let (n, [depth, height, width]) = (taps.channels, taps.axes);
    let product = |f: fn(&Axis) -> usize| taps.axes.iter().map(f).product::<usize>() * n;
    assert!(
        taps.image.len() == taps.held * width.cells * n && taps.filter.len() == product(|axis| axis.taps)
    );
    assert!(taps.at[0] < depth.windows && taps.at[1] < height.windows && out.len() == width.windows * n);
    assert!(bias.is_empty() || bias.len() == n);
    let (rows, whole) = (taps.rows(), width.whole());
    let table = T::table(simd::level());
    let lanes = table.columns / 2;
    if let Some(kernel) = adjacent(table, taps) {
        return groups(kernel, (taps, &rows), (bias, bounds), out);
    }
    let mut x = 0;
    while x < width.windows {
        let is_whole = whole.contains(&x);
        let inside = if is_whole { 0..width.taps } else { width.inside(x) };
        let several = is_whole && x + OUTPUTS <= whole.end;
        let count = if several { OUTPUTS } else { 1 };
        let mut at = 0;
        while at < n {
            let first = if inside.is_empty() { 0 } else { width.cell(x, inside.start) * n };
            // The last registers overlap those before, where the channels are no multiple of them.
            let wide = at + 2 * lanes <= n;
            let start = if wide { at } else { at.min(n.saturating_sub(lanes)) };
            let sums = Sums {
                rows: (rows.as_ptr(), if inside.is_empty() { 0 } else { rows.len() }),
                taps: inside.len(),
                image: taps.image.as_ptr().wrapping_add(first + start),
                image_steps: [width.dilation * n, width.stride * n],
                inside: [0; 2],
                filter: taps.filter.as_ptr().wrapping_add(inside.start * n + start),
                channels: n,
                bias: if bias.is_empty() { std::ptr::null() } else { bias[start..].as_ptr() },
                bounds,
                out: out[x * n + start..].as_mut_ptr(),
            };
            // SAFETY: the level is one this processor has. `inside` and `whole` give cells of the image and taps of the
            // filter only, whose sizes were checked, as were those of the bias and the output.
            unsafe {
                match n < lanes {
                    true => table.few[usize::from(several)](&sums),
                    false => table.sums[usize::from(several)][usize::from(wide)](&sums),
                }
            }
            at = start + if wide { 2 * lanes } else { lanes };
        }
        x += count;
    }
}

/// The loop for lines of adjacent taps, if there is one for them and they are long and wide enough, and how many outputs
/// it sums at the same time.
fn adjacent<T: Scalar>(table: &Table<T>, taps: &Taps<'_, T>) -> Option<(Summing<T>, usize)> {
    let width = &taps.axes[2];
    let sizes = [3, 5].iter().position(|&taps| taps == width.taps)?;
    let strides = [1, 2].iter().position(|&stride| stride == width.stride)?;
    if width.dilation != 1 || taps.channels < table.columns / 2 {
        return None;
    }
    let fits = Table::<T>::OUTPUTS.into_iter().enumerate().filter(|&(_, count)| count <= width.windows);
    let (place, count) = fits.min_by_key(|&(_, count)| width.windows.next_multiple_of(count))?;
    Some((table.adjacent[sizes][strides][place], count))
}

/// A line in groups of adjacent outputs, of which the last overlaps the one before.
fn groups<T: Scalar>(
    (kernel, count): (Summing<T>, usize),
    (taps, rows): (&Taps<'_, T>, &[[usize; 2]]),
    (bias, bounds): (&[T], [T; 2]),
    out: &mut [T],
) {
    let (n, width) = (taps.channels, &taps.axes[2]);
    for x in (0..width.windows).step_by(count) {
        let x = x.min(width.windows - count);
        let first = x * width.stride;
        let sums = Sums {
            rows: (rows.as_ptr(), rows.len()),
            taps: width.taps,
            // The first cell may lie before the image; it is not read then.
            image: taps.image.as_ptr().wrapping_add((first * n).wrapping_sub(width.before * n)),
            image_steps: [n; 2],
            inside: [width.before.saturating_sub(first), (width.cells + width.before).saturating_sub(first)],
            filter: taps.filter.as_ptr(),
            channels: n,
            bias: if bias.is_empty() { std::ptr::null() } else { bias.as_ptr() },
            bounds,
            out: out[x * n..].as_mut_ptr(),
        };
        // SAFETY: the table that the loop is of belongs to a level this processor has. `inside` leaves cells of the image only;
        // the sizes of image, filter, bias and output were checked.
        unsafe { kernel(&sums) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_sums_over_taps() {
        let axis = |c, w, t, s, d, b| Axis::of([c, w, t, s, d, b]);
        let unit = axis(1, 1, 1, 1, 1, 0);
        for (axes, at, channels) in [
            ([unit, axis(5, 5, 3, 1, 1, 1), axis(13, 13, 3, 1, 1, 1)], [0, 2], 70),
            ([unit, axis(5, 5, 3, 1, 1, 1), axis(9, 5, 3, 2, 1, 1)], [0, 0], 37),
            ([axis(3, 3, 2, 1, 1, 1), axis(5, 5, 3, 1, 1, 1), axis(7, 7, 5, 1, 2, 4)], [1, 4], 16),
            ([unit, unit, axis(6, 8, 2, 1, 1, 2)], [0, 0], 3),
            ([unit, axis(4, 4, 5, 1, 1, 2), axis(7, 7, 5, 1, 1, 2)], [0, 3], 77),
            ([unit, unit, axis(2, 9, 5, 1, 1, 6)], [0, 0], 32),
            ([unit, axis(2, 2, 3, 1, 1, 1), axis(6, 4, 3, 1, 1, 0)], [0, 1], 33),
            ([unit, axis(3, 3, 3, 1, 1, 1), axis(14, 14, 3, 1, 1, 1)], [0, 1], 11),
            ([unit, axis(3, 3, 3, 1, 1, 1), axis(15, 5, 7, 2, 1, 0)], [0, 1], 1),
            ([unit, unit, axis(19, 13, 4, 1, 2, 0)], [0, 0], 7),
        ] {
            let size = |f: fn(&Axis) -> usize| axes.iter().map(f).product::<usize>() * channels;
            let number = |i: usize| (i * 7 % 11) as f32 - 5.0;
            let image: Vec<f32> = (0..size(|axis| axis.cells)).map(number).collect();
            let filter: Vec<f32> = (0..size(|axis| axis.taps)).map(number).collect();
            let bias: Vec<f32> = (0..channels).map(number).collect();
            let held = axes[0].cells * axes[1].cells;
            let taps = Taps { image: &image, held, filter: &filter, axes: &axes, at, channels };
            let mut want: Vec<f32> = (0..axes[2].windows).flat_map(|_| bias.clone()).collect();
            taps.each(&mut want, |out, cells, taps| {
                out.iter_mut().zip(cells).zip(taps).for_each(|((out, cell), tap)| *out += cell * tap);
            });
            want.iter_mut().for_each(|x| *x = x.clamp(-50.0, 40.0));
            let mut out = vec![f32::NAN; want.len()];
            line(&taps, &bias, [-50.0, 40.0], &mut out);
            assert_eq!(out, want, "{axes:?} {channels}");
            // The same from places for as many rows as lie under the line.
            if axes[0].cells == 1 {
                let (row, held) = (axes[2].cells * channels, axes[1].taps.min(axes[1].cells));
                let mut ring = vec![f32::NAN; held * row];
                for y in axes[1].inside(at[1]).map(|tap| axes[1].cell(at[1], tap)) {
                    ring[y % held * row..][..row].copy_from_slice(&image[y * row..][..row]);
                }
                line(&Taps { image: &ring, held, ..taps }, &bias, [-50.0, 40.0], &mut out);
                assert_eq!(out, want, "{axes:?} {channels}");
            }
        }
    }
}
