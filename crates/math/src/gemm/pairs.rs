//! Products of numbers rounded to bfloat16, two at a time, with sums in single precision.
//!
//! Pairs of adjacent numbers of a row of A, and of a column of B, stand in the four bytes of an `f32`; so all that moves
//! matrices about stays as it is, and only the microkernel knows.

use super::blocks;
use super::driver::Scalar;
use super::pack::{Lhs, PackedB, View};
use super::tile::Tiled;
use super::windows::{Axis, Windows};
use crate::par;
use crate::simd::{self, Isa, Kernel};

/// Numbers of a matrix that is not worth rounding.
const SMALL: usize = 1 << 11;
/// Nanoseconds that rounding a number takes.
const ROUND_NS: f64 = 0.4;
/// Rows of A that are rounded at a time.
const ROWS: usize = 16;

/// Whether this processor multiplies pairs of bfloat16 faster than single numbers: those with a matrix unit, and AMD's that have
/// `AVX512-BF16`. Intel's instructions of that name take 1.3 to 1.9 times as long as those in single precision.
pub fn has_fast_pairs() -> bool {
    f32::pairs().is_some() && (simd::is_amd() || has_matrix_unit())
}

/// Whether this processor has a unit for products of matrices. It rounds windows row by row, so that pairs may be of two cells;
/// and products of rounded numbers are so fast that Winograd's algorithm gains nothing.
pub fn has_matrix_unit() -> bool {
    f32::unit().is_some()
}

/// Whether products with a `k` x `n` matrix gain by rounding: with a small one, rounding a row of A takes longer than multiplying it.
pub fn is_worth_rounding(k: usize, n: usize) -> bool {
    k.saturating_mul(n) > SMALL && has_fast_pairs()
}

impl<T: Scalar> PackedB<T> {
    /// Packs a `k` x `n` matrix, rounded to bfloat16: products with it round A as well. `None` where the processor has no
    /// instruction for that.
    ///
    /// ```
    /// use savedmodel_math::gemm::{Gemm, PackedB, View};
    /// let (a, b) = ([1.0f32, 0.001], [1.003, 1.0]);
    /// if let Some(b) = PackedB::rounded(2, 1, View::new(&b, 1)) {
    ///     let mut c = [0.0];
    ///     Gemm::default().run([1, 2, 1], View::new(&a, 2), &b, &mut c);
    ///     assert!((c[0] - 1.004).abs() < 0.004);
    /// }
    /// ```
    ///
    /// # Panics
    /// When an element lies outside the view.
    pub fn rounded(k: usize, n: usize, b: View<T>) -> Option<PackedB<T>> {
        let table = T::pairs()?;
        b.check(k, n);
        let (units, block) = blocks::rounded_size::<T>(k).unwrap_or_else(|| {
            let units = k.div_ceil(2);
            (units, table.depth(units))
        });
        let mut paired = vec![T::default(); units * n];
        par::for_rows_mut(&mut paired, n.max(1), par::grain(ROUND_NS) / n.max(1), |first, rows| {
            let mut both = vec![T::default(); 2 * n];
            for (unit, row) in (first..).zip(rows.chunks_exact_mut(n.max(1))) {
                for (half, p) in [2 * unit, 2 * unit + 1].into_iter().enumerate() {
                    for (j, x) in both[half..].iter_mut().step_by(2).enumerate() {
                        *x =
                            if p < k { b.data[p * b.row_stride + j * b.column_stride] } else { T::default() };
                    }
                }
                T::pair_up(&both, [2 * n, n], row);
            }
        });
        let mut packed = PackedB::with(table, block, [units, n], (View::new(&paired, n), &[]));
        (packed.k, packed.rounded) = (k, true);
        Some(packed)
    }

    /// Packs a matrix, rounded if that is wanted and [`is_worth_rounding`].
    ///
    /// # Panics
    /// When an element lies outside the view.
    pub fn perhaps_rounded(rounds: bool, [k, n]: [usize; 2], b: View<T>) -> PackedB<T> {
        let rounded = (rounds && is_worth_rounding(k, n)).then(|| PackedB::rounded(k, n, b)).flatten();
        rounded.unwrap_or_else(|| PackedB::new(k, n, b))
    }
}

/// All rows of A (`m` x `k`) in so many pairs, one after another.
pub(super) fn rows<T: Scalar>(a: &impl Lhs<T>, [m, k]: [usize; 2], units: usize) -> Vec<T> {
    let mut paired = vec![T::default(); m * units];
    if units > 0 {
        par::for_rows_mut(
            &mut paired,
            units,
            (par::grain(ROUND_NS / 2.0) / units).max(ROWS),
            |first, paired| {
                let mut buffer = Vec::new();
                for (block, paired) in paired.chunks_mut(ROWS * units).enumerate() {
                    let first = first + block * ROWS;
                    let (rows, stride) = a.block(first..first + paired.len() / units, 0..k, &mut buffer);
                    for (row, out) in paired.chunks_exact_mut(units).enumerate() {
                        T::pair_up(&rows[row * stride..][..k], [k, units], out);
                    }
                }
            },
        );
    }
    paired
}

/// The same windows over grids of pairs of channels, which `data` then holds; `None` where pairs would be of two cells. An odd
/// channel, where windows have all of them, is paired with 0.
pub(super) fn windows<'a, T: Scalar>(a: &Windows<'_, T>, data: &'a mut Vec<T>) -> Option<Windows<'a, T>> {
    let is_even = [a.channels, a.part.start, a.part.end].iter().all(|channel| channel % 2 == 0);
    if !is_even && a.part != (0..a.channels) {
        return None;
    }
    let cells = a.grids * a.axes.iter().map(|axis: &Axis| axis.cells).product::<usize>();
    let (source, units) = (&a.data[..cells * a.channels], a.channels.div_ceil(2));
    data.clear();
    data.resize(cells * units, T::default());
    // All cells are one row, unless each ends in a pair of its own.
    let row = if is_even { [1, 2] } else { [units, a.channels] };
    let grain = (par::grain(2.0 * ROUND_NS) / row[0]).max(1);
    par::for_rows_mut(data, row[0], grain, |first, out| {
        let source = &source[first * row[1]..][..out.len() / row[0] * row[1]];
        match is_even {
            true => T::pair_up(source, [source.len(), out.len()], out),
            false => T::pair_up(source, [a.channels, units], out),
        }
    });
    let part = a.part.start / 2..a.part.end.div_ceil(2);
    Some(Windows { data, grids: a.grids, axes: a.axes, channels: units, part, padding: 0 })
}

/// Rounds adjacent numbers of rows to pairs, for rows of so many numbers and pairs; the last of a row may stand alone.
struct PairUp<'a>(&'a [f32], [usize; 2], &'a mut [f32]);

impl Kernel for PairUp<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let PairUp(source, [numbers, pairs], out) = self;
        for (row, out) in source.chunks_exact(numbers.max(1)).zip(out.chunks_exact_mut(pairs.max(1))) {
            let (whole, rest) = row.as_chunks::<2>();
            for (out, &[x, y]) in out.iter_mut().zip(whole) {
                *out = pair(x, y);
            }
            if let (&[x], Some(out)) = (rest, out.get_mut(whole.len())) {
                *out = pair(x, 0.0);
            }
        }
    }
}

pub(super) fn pair_up(rows: &[f32], sizes: [usize; 2], out: &mut [f32]) {
    simd::dispatch(PairUp(rows, sizes, out));
}

#[inline(always)]
fn pair(x: f32, y: f32) -> f32 {
    f32::from_bits(round(x) | round(y) << 16)
}

/// The bits of the nearest bfloat16, ties to even; NaN stays NaN.
#[inline(always)]
fn round(x: f32) -> u32 {
    let bits = x.to_bits();
    let nearest = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
    if x.is_nan() { bits >> 16 | 0x40 } else { nearest }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm::{Activation, Epilogue, Gemm, padding};
    use half::bf16;

    #[test]
    fn numbers_are_rounded_to_nearest_even() {
        for x in [
            0.0,
            -0.0,
            1.0,
            1.003_906_3,
            1.011_718_8,
            -3.3,
            1e-40,
            f32::MAX,
            f32::INFINITY,
            f32::NEG_INFINITY,
        ] {
            assert_eq!(round(x) as u16, bf16::from_f32(x).to_bits(), "{x}");
        }
        assert!(bf16::from_bits(round(f32::NAN) as u16).is_nan());
    }

    #[test]
    fn products_are_those_of_rounded_numbers() {
        let numbers = |count: usize, seed: usize| -> Vec<f32> {
            (0..count).map(|i| ((i * 7919 + seed * 104_729) % 1009) as f32 / 504.5 - 1.0).collect()
        };
        let exact = |x: f32| f64::from(bf16::from_f32(x).to_f32());
        for [m, k, n] in [[1, 1, 1], [3, 5, 7], [13, 64, 33], [40, 601, 70], [150, 32, 96]] {
            let (a, b, bias) = (numbers(m * k, 1), numbers(k * n, 2), numbers(n, 3));
            for transposed in [false, true] {
                let b = if transposed { View::new(&b, k).t() } else { View::new(&b, n) };
                let Some(packed) = PackedB::rounded(k, n, b) else { return };
                let epilogue = Epilogue { bias: &bias, activation: Activation::Relu, ..Epilogue::default() };
                let mut c = vec![f32::NAN; m * n];
                Gemm { epilogue, ..Gemm::default() }.run([m, k, n], View::new(&a, k), &packed, &mut c);
                for (i, &c) in c.iter().enumerate() {
                    let (row, column) = (i / n, i % n);
                    let products = (0..k).map(|p| {
                        exact(a[row * k + p]) * exact(b.data[p * b.row_stride + column * b.column_stride])
                    });
                    let want = (products.sum::<f64>() + f64::from(bias[column])).max(0.0);
                    assert!((f64::from(c) - want).abs() < 1e-6 * k as f64 + 1e-6, "{m} {k} {n}: {c} {want}");
                }
            }
        }
    }

    #[test]
    fn windows_round_as_rows_do() {
        let axis = |cells| Axis { cells, windows: cells, taps: 3, stride: 1, dilation: 1, before: 1 };
        let unit = Axis { cells: 1, windows: 1, taps: 1, stride: 1, dilation: 1, before: 0 };
        for (channels, n) in [(4, 5), (3, 5), (16, 40)] {
            let data: Vec<f32> = (0..6 * 7 * channels).map(|i| (i * 7 % 11) as f32 - 5.0).collect();
            let axes = [unit, axis(6), axis(7)];
            let windows = Windows { data: &data, grids: 1, axes, channels, part: 0..channels, padding: 0 };
            let k = 9 * channels;
            let b: Vec<f32> = (0..k * n).map(|i| (i * 5 % 13) as f32 - 6.0).collect();
            let tap = |tap: &[f32]| [tap, &vec![0.0; tap.len() / channels * (channels % 2)]].concat();
            let even: Vec<f32> = match has_matrix_unit() {
                true => b.clone(),
                false => b.chunks(channels * n).flat_map(tap).collect(),
            };
            let Some(packed) = PackedB::rounded(even.len() / n, n, View::new(&even, n)) else { return };
            // Small integers are exact in bfloat16.
            let (mut c, mut want) = (vec![f32::NAN; 42 * n], vec![f32::NAN; 42 * n]);
            Gemm::default().run_windows(&windows, &packed, &mut c);
            Gemm::default().run_windows(&windows, &PackedB::new(k, n, View::new(&b, n)), &mut want);
            assert_eq!(c, want);
            let part = Windows { part: 1..channels, ..windows };
            assert!(self::windows(&part, &mut Vec::new()).is_none());
        }
    }

    #[test]
    fn padded_lines_of_taps_change_nothing() {
        let axis = |[cells, windows, taps, stride, before]: [usize; 5]| Axis {
            cells,
            windows,
            taps,
            stride,
            dilation: 1,
            before,
        };
        let unit = axis([1, 1, 1, 1, 0]);
        for (channels, axes, n, bad) in [
            (3, [unit, axis([40, 20, 7, 2, 3]), axis([64, 32, 7, 2, 3])], 64, None),
            (3, [axis([4, 4, 3, 1, 1]), axis([6, 6, 3, 1, 1]), axis([30, 30, 3, 1, 1])], 16, None),
            (16, [axis([3, 2, 2, 1, 0]), axis([9, 9, 3, 1, 1]), axis([64, 64, 3, 1, 1])], 40, None),
            (40, [unit, unit, axis([700, 350, 5, 2, 2])], 20, None),
            (3, [unit, axis([9, 9, 3, 1, 1]), axis([16, 16, 3, 1, 1])], 64, Some(f32::INFINITY)),
            (1, [unit, axis([9, 9, 3, 1, 1]), axis([7, 7, 3, 1, 1])], 64, Some(f32::NAN)),
        ] {
            let cells: usize = axes.iter().map(|axis: &Axis| axis.cells).product();
            let mut data: Vec<f32> = (0..2 * cells * channels).map(|i| (i * 7 % 11) as f32 - 5.0).collect();
            if let Some(bad) = bad {
                data[cells * channels / 2] = bad;
            }
            let line = axes[2].taps * channels;
            let k = axes[0].taps * axes[1].taps * line;
            let b: Vec<f32> = (0..k * n).map(|i| (i * 5 % 13) as f32 - 6.0).collect();
            let padding = padding(axes[2].taps, 1, channels);
            let zeros = vec![0.0; padding * n];
            let padded: Vec<f32> = b.chunks(line * n).flat_map(|taps| [taps, &zeros].concat()).collect();
            let windows = Windows { data: &data, grids: 2, axes, channels, part: 0..channels, padding };
            let packed = PackedB::perhaps_rounded(true, [padded.len() / n, n], View::new(&padded, n));
            let m = 2 * axes.iter().map(|axis| axis.windows).product::<usize>();
            let (mut c, mut want) = (vec![f32::NAN; m * n], vec![f32::NAN; m * n]);
            Gemm::default().run_windows(&windows, &packed, &mut c);
            let windows = Windows { padding: 0, ..windows };
            Gemm::default().run_windows(&windows, &PackedB::new(k, n, View::new(&b, n)), &mut want);
            let same = |(x, y): (&f32, &f32)| x == y || x.is_nan() && y.is_nan();
            assert!(c.iter().zip(&want).all(same), "{channels} {axes:?}");
        }
    }
}
