//! Sums of products along channels, in registers.

use super::vector::Vector;

/// One call of [`sums`]: adjacent outputs, each the sum over rows of taps of cells times taps, channel by channel.
#[derive(Clone, Copy, Debug)]
pub struct Sums<T> {
    /// Where rows of cells and of taps start, and how many there are.
    pub rows: (*const [usize; 2], usize),
    /// Taps of a row.
    pub taps: usize,
    /// What rows of cells are counted from: the first channel under the first tap of the first output.
    pub image: *const T,
    /// Elements between the cells of two taps, and of two outputs.
    pub image_steps: [usize; 2],
    /// Of the cells under any output, the first that is there and the one behind the last; [`sums`] takes all.
    pub inside: [usize; 2],
    /// What rows of taps are counted from.
    pub filter: *const T,
    /// Elements between taps, and between outputs.
    pub channels: usize,
    /// What sums start with, or null for 0.
    pub bias: *const T,
    /// Lower and upper end of the results.
    pub bounds: [T; 2],
    /// The first channel of the first output.
    pub out: *mut T,
}

/// Computes `WIDTH` registers of channels of `COUNT` outputs.
///
/// # Safety
/// The processor has the instructions; cells, taps and bias are readable and outputs are writable over all registers.
#[inline(always)]
pub unsafe fn sums<V: Vector, const COUNT: usize, const WIDTH: usize>(sums: &Sums<V::Element>) {
    let &Sums {
        rows, taps, image, image_steps: [tap_step, step], filter, channels, bias, bounds, out, ..
    } = sums;
    // SAFETY: the caller promises the rows, and what lies at the indices below.
    unsafe {
        // Elements are floats, for which all zero bits are 0.
        let mut start = [V::splat(std::mem::zeroed()); WIDTH];
        if !bias.is_null() {
            for (column, start) in start.iter_mut().enumerate() {
                *start = V::load(bias.add(column * V::LEN));
            }
        }
        let mut sums = [start; COUNT];
        for &[row, row_of_taps] in std::slice::from_raw_parts(rows.0, rows.1) {
            for k in 0..taps {
                let cells = image.wrapping_add(row + k * tap_step);
                let tap = filter.wrapping_add(row_of_taps + k * channels);
                for column in 0..WIDTH {
                    let factor = V::load(tap.add(column * V::LEN));
                    for (index, sums) in sums.iter_mut().enumerate() {
                        let cell = V::load(cells.add(index * step + column * V::LEN));
                        sums[column] = cell.fma(factor, sums[column]);
                    }
                }
            }
        }
        store(sums, bounds, out, channels);
    }
}

/// [`sums`] of `COUNT` outputs whose channels fill no register.
///
/// # Safety
/// As [`sums`], over the channels; there are no more of them than a register has elements.
#[inline(always)]
pub unsafe fn few<V: Vector, const COUNT: usize>(sums: &Sums<V::Element>) {
    let &Sums {
        rows, taps, image, image_steps: [tap_step, step], filter, channels, bias, bounds, out, ..
    } = sums;
    // SAFETY: the caller promises the rows, and what lies at the indices below.
    unsafe {
        // Elements are floats, for which all zero bits are 0.
        let zero = V::splat(std::mem::zeroed());
        let mut sums = [if bias.is_null() { zero } else { V::load_first(bias, channels) }; COUNT];
        for &[row, row_of_taps] in std::slice::from_raw_parts(rows.0, rows.1) {
            for k in 0..taps {
                let cells = image.wrapping_add(row + k * tap_step);
                let factor = V::load_first(filter.wrapping_add(row_of_taps + k * channels), channels);
                for (index, sum) in sums.iter_mut().enumerate() {
                    *sum = V::load_first(cells.wrapping_add(index * step), channels).fma(factor, *sum);
                }
            }
        }
        let [lo, hi] = bounds.map(|bound| V::splat(bound));
        for (index, sum) in sums.into_iter().enumerate() {
            sum.clamp(lo, hi).store_first(out.add(index * channels), channels);
        }
    }
}

/// [`sums`] of all channels, for rows of `TAPS` taps `STRIDE` cells from output to output: each cell is read but once for
/// `COUNT` outputs, and those that lie outside are passed over. The last register overlaps the one before.
///
/// # Safety
/// As [`sums`], for the cells inside; there are no fewer channels than a register has elements.
#[inline(always)]
pub unsafe fn adjacent<V: Vector, const COUNT: usize, const TAPS: usize, const STRIDE: usize>(
    call: &Sums<V::Element>,
) {
    let span = (COUNT - 1) * STRIDE + TAPS;
    for channel in (0..call.channels).step_by(V::LEN) {
        let channel = channel.min(call.channels - V::LEN);
        // SAFETY: as promised by the caller; the register ends with the channels.
        unsafe {
            if call.inside[0] == 0 && call.inside[1] >= span {
                adjacent_channels::<V, COUNT, TAPS, STRIDE, true>(call, channel);
            } else {
                adjacent_channels::<V, COUNT, TAPS, STRIDE, false>(call, channel);
            }
        }
    }
}

/// [`adjacent`] for one register of channels; `WHOLE` if all cells are inside.
///
/// # Safety
/// As [`adjacent`].
#[inline(always)]
unsafe fn adjacent_channels<
    V: Vector,
    const COUNT: usize,
    const TAPS: usize,
    const STRIDE: usize,
    const WHOLE: bool,
>(
    call: &Sums<V::Element>,
    channel: usize,
) {
    let &Sums { rows, image, inside, filter, channels, bias, bounds, out, .. } = call;
    // SAFETY: the caller promises the rows, and what lies at the indices below.
    unsafe {
        // Elements are floats, for which all zero bits are 0.
        let zero = V::splat(std::mem::zeroed());
        let start = if bias.is_null() { zero } else { V::load(bias.add(channel)) };
        let mut sums = [[start]; COUNT];
        for &[row, row_of_taps] in std::slice::from_raw_parts(rows.0, rows.1) {
            let (cells, taps) = (image.wrapping_add(row + channel), filter.add(row_of_taps + channel));
            let mut factors = [zero; TAPS];
            for (k, factor) in factors.iter_mut().enumerate() {
                *factor = V::load(taps.add(k * channels));
            }
            for at in 0..(COUNT - 1) * STRIDE + TAPS {
                if !WHOLE && !(inside[0]..inside[1]).contains(&at) {
                    continue;
                }
                let cell = V::load(cells.wrapping_add(at * channels));
                for (k, factor) in factors.into_iter().enumerate() {
                    if at >= k && (at - k) % STRIDE == 0 && (at - k) / STRIDE < COUNT {
                        let sum = &mut sums[(at - k) / STRIDE][0];
                        *sum = cell.fma(factor, *sum);
                    }
                }
            }
        }
        store(sums, bounds, out.add(channel), channels);
    }
}

/// Writes sums, held between bounds.
///
/// # Safety
/// The processor has the instructions, and the outputs are writable over all registers.
#[inline(always)]
unsafe fn store<V: Vector, const COUNT: usize, const WIDTH: usize>(
    sums: [[V; WIDTH]; COUNT],
    bounds: [V::Element; 2],
    out: *mut V::Element,
    channels: usize,
) {
    // SAFETY: promised by the caller.
    unsafe {
        let [lo, hi] = bounds.map(|bound| V::splat(bound));
        for (index, sums) in sums.into_iter().enumerate() {
            for (column, sum) in sums.into_iter().enumerate() {
                sum.clamp(lo, hi).store(out.add(index * channels + column * V::LEN));
            }
        }
    }
}
