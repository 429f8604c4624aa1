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

/// [`sums`] of rows of `TAPS` taps, where the cells of two taps are those of two outputs: each is read but once, and those that
/// lie outside are passed over.
///
/// # Safety
/// As [`sums`], for the cells inside.
#[inline(always)]
pub unsafe fn adjacent<V: Vector, const COUNT: usize, const WIDTH: usize, const TAPS: usize>(
    call: &Sums<V::Element>,
) {
    let &Sums { rows, image, image_steps: [_, step], inside, filter, channels, bias, bounds, out, .. } = call;
    // SAFETY: the caller promises the rows, and what lies at the indices below.
    unsafe {
        // Elements are floats, for which all zero bits are 0.
        let zero = V::splat(std::mem::zeroed());
        let load = |from: *const V::Element| {
            let mut registers = [zero; WIDTH];
            for (column, register) in registers.iter_mut().enumerate() {
                *register = V::load(from.wrapping_add(column * V::LEN));
            }
            registers
        };
        let mut sums = [if bias.is_null() { [zero; WIDTH] } else { load(bias) }; COUNT];
        for &[row, row_of_taps] in std::slice::from_raw_parts(rows.0, rows.1) {
            let mut factors = [[zero; WIDTH]; TAPS];
            for (k, factor) in factors.iter_mut().enumerate() {
                *factor = load(filter.wrapping_add(row_of_taps + k * channels));
            }
            for at in 0..COUNT + TAPS - 1 {
                if !(inside[0]..inside[1]).contains(&at) {
                    continue;
                }
                let cell = load(image.wrapping_add(row + at * step));
                for (k, factor) in factors.iter().enumerate() {
                    if let Some(sums) = at.checked_sub(k).and_then(|index| sums.get_mut(index)) {
                        for column in 0..WIDTH {
                            sums[column] = cell[column].fma(factor[column], sums[column]);
                        }
                    }
                }
            }
        }
        store(sums, bounds, out, channels);
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
