//! One tile into 36 positions, and 36 positions into one tile.
//!
//! The polynomials are evaluated at 0, ±3/4, ±3/2 and infinity, exact in binary and with smaller errors than at the
//! usual ±1 and ±2: see Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd Convolution for Deep
//! Neural Networks" (2018).

use super::{INPUT, OUTPUT, TAPS};
use crate::gemm::vector::Vector;
use crate::simd::Level;

/// The points but for 0 and infinity: ±`A` and ±`B`.
const A: f32 = 0.75;
const B: f32 = 1.5;

/// Lanes of the widest register.
const MOST_LANES: usize = 16;
/// Cells that are larger drown what stands around them.
const LARGEST: f32 = 1e9;

/// One tile of the input.
pub struct Input {
    /// The cells of the tile, each of all channels.
    pub cells: [*const f32; INPUT * INPUT],
    /// Channels, at least [`Transforms::lanes`].
    pub channels: usize,
    /// The first position.
    pub to: *mut f32,
    /// Elements between positions.
    pub step: usize,
}

/// One tile of the output.
pub struct Output {
    /// The first position.
    pub from: *const f32,
    /// Elements between positions.
    pub step: usize,
    /// Channels, at least [`Transforms::lanes`].
    pub channels: usize,
    /// Added to every cell, channel by channel.
    pub bias: *const f32,
    /// Lower and upper end of the results.
    pub bounds: [f32; 2],
    /// The cells of the tile, each of all channels.
    pub cells: [*mut f32; OUTPUT * OUTPUT],
}

/// The transforms of one instruction set.
///
/// # Safety
/// The processor has the instructions; cells, positions and the bias are readable or writable over all channels.
pub struct Transforms {
    /// Fewest channels.
    pub lanes: usize,
    /// Tile to positions; says whether all cells are [tame](super::run).
    pub input: unsafe fn(&Input) -> bool,
    /// Positions to tile.
    pub output: unsafe fn(&Output),
}

impl Transforms {
    /// Those of a level.
    pub fn of(level: Level) -> &'static Transforms {
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => &x86::AVX512,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => &x86::AVX2,
            _ => &PORTABLE,
        }
    }
}

static PORTABLE: Transforms =
    Transforms { lanes: <[f32; 4]>::LEN, input: input::<[f32; 4]>, output: output::<[f32; 4]> };

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::*;
    use std::arch::x86_64::{__m256, __m512};

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn input_avx512(tile: &Input) -> bool {
        // SAFETY: the features are enabled here; the caller promises the rest.
        unsafe { input::<__m512>(tile) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn output_avx512(tile: &Output) {
        // SAFETY: as above.
        unsafe { output::<__m512>(tile) }
    }

    #[target_feature(enable = "avx2,fma")]
    unsafe fn input_avx2(tile: &Input) -> bool {
        // SAFETY: as above.
        unsafe { input::<__m256>(tile) }
    }

    #[target_feature(enable = "avx2,fma")]
    unsafe fn output_avx2(tile: &Output) {
        // SAFETY: as above.
        unsafe { output::<__m256>(tile) }
    }

    pub static AVX512: Transforms =
        Transforms { lanes: <__m512>::LEN, input: input_avx512, output: output_avx512 };
    pub static AVX2: Transforms = Transforms { lanes: <__m256>::LEN, input: input_avx2, output: output_avx2 };
}

/// Where registers start that cover all channels; the last may overlap the one before.
#[inline(always)]
fn starts(channels: usize, lanes: usize) -> impl Iterator<Item = usize> {
    (0..channels).step_by(lanes).map(move |start| start.min(channels - lanes))
}

/// # Safety
/// As [`Transforms`].
#[inline(always)]
unsafe fn input<V: Vector<Element = f32>>(tile: &Input) -> bool {
    // SAFETY: the caller has the instructions.
    let mut squares = unsafe { V::splat(0.0) };
    for start in starts(tile.channels, V::LEN) {
        // SAFETY: `start` leaves a register of channels, which the caller promises for all cells and positions.
        unsafe {
            let mut rows = [V::splat(0.0); INPUT * INPUT];
            for (row, cells) in rows.chunks_exact_mut(INPUT).zip(tile.cells.chunks_exact(INPUT)) {
                let mut line = [V::splat(0.0); INPUT];
                for (x, cell) in line.iter_mut().zip(cells) {
                    *x = V::load(cell.add(start));
                    squares = x.fma(*x, squares);
                }
                row.copy_from_slice(&spread(line));
            }
            for column in 0..INPUT {
                let line = std::array::from_fn(|row| rows[row * INPUT + column]);
                for (row, x) in spread(line).into_iter().enumerate() {
                    x.store(tile.to.add((row * INPUT + column) * tile.step + start));
                }
            }
        }
    }
    let mut sums = [0.0; MOST_LANES];
    assert!(V::LEN <= MOST_LANES);
    // SAFETY: the array holds a register.
    unsafe { squares.store(sums.as_mut_ptr()) };
    // Of what is no number, neither are the sums.
    sums.iter().all(|&sum| sum < LARGEST * LARGEST)
}

/// Six cells of a line into their polynomial at six points.
///
/// # Safety
/// As [`Vector`].
#[inline(always)]
unsafe fn spread<V: Vector<Element = f32>>([x0, x1, x2, x3, x4, x5]: [V; INPUT]) -> [V; INPUT] {
    // SAFETY: the caller has the instructions.
    unsafe {
        let [a, b] = [V::splat(A), V::splat(B)];
        let [minus_a, minus_b] = [V::splat(-A), V::splat(-B)];
        let [minus_a2, minus_b2] = [V::splat(-A * A), V::splat(-B * B)];
        let [product, minus_sum] = [V::splat(A * A * B * B), V::splat(-(A * A + B * B))];
        let (even_a, odd_a) = (x2.fma(minus_b2, x4), x1.fma(minus_b2, x3));
        let (even_b, odd_b) = (x2.fma(minus_a2, x4), x1.fma(minus_a2, x3));
        [
            x0.fma(product, x2.fma(minus_sum, x4)),
            odd_a.fma(a, even_a),
            odd_a.fma(minus_a, even_a),
            odd_b.fma(b, even_b),
            odd_b.fma(minus_b, even_b),
            x1.fma(product, x3.fma(minus_sum, x5)),
        ]
    }
}

/// # Safety
/// As [`Transforms`].
#[inline(always)]
unsafe fn output<V: Vector<Element = f32>>(tile: &Output) {
    for start in starts(tile.channels, V::LEN) {
        // SAFETY: as in `input`, and so for the bias.
        unsafe {
            let [lo, hi] = tile.bounds.map(|bound| V::splat(bound));
            let bias = V::load(tile.bias.add(start));
            let mut rows = [V::splat(0.0); OUTPUT * INPUT];
            for column in 0..INPUT {
                let mut line = [V::splat(0.0); INPUT];
                for (row, x) in line.iter_mut().enumerate() {
                    *x = V::load(tile.from.add((row * INPUT + column) * tile.step + start));
                }
                for (row, x) in gather(line).into_iter().enumerate() {
                    rows[row * INPUT + column] = x;
                }
            }
            for (row, cells) in rows.chunks_exact(INPUT).zip(tile.cells.chunks_exact(OUTPUT)) {
                let line = std::array::from_fn(|column| row[column]);
                for (x, cell) in gather(line).into_iter().zip(cells) {
                    x.add(bias).clamp(lo, hi).store(cell.add(start));
                }
            }
        }
    }
}

/// A product at six points into the four sums of a line.
///
/// # Safety
/// As [`Vector`].
#[inline(always)]
unsafe fn gather<V: Vector<Element = f32>>([x0, x1, x2, x3, x4, x5]: [V; INPUT]) -> [V; OUTPUT] {
    // SAFETY: the caller has the instructions.
    unsafe {
        let (zero, minus) = (V::splat(0.0), V::splat(-1.0));
        let (even_a, odd_a) = (x1.add(x2), x2.fma(minus, x1));
        let (even_b, odd_b) = (x3.add(x4), x4.fma(minus, x3));
        let power = |x: f32, n: i32| V::splat(x.powi(n));
        [
            x0.add(even_a.add(even_b)),
            odd_b.fma(power(B, 1), odd_a.fma(power(A, 1), zero)),
            even_b.fma(power(B, 2), even_a.fma(power(A, 2), zero)),
            odd_b.fma(power(B, 3), odd_a.fma(power(A, 3), x5)),
        ]
    }
}

/// The powers of a point that the taps of a line are multiplied by.
pub fn powers(point: usize) -> [f64; TAPS] {
    let [a, b] = [A, B].map(f64::from);
    let (a2, b2) = (a * a, b * b);
    let at = |x: f64, divisor: f64| [1.0 / divisor, x / divisor, x * x / divisor];
    match point {
        0 => at(0.0, a2 * b2),
        1 => at(a, 2.0 * a2 * (a2 - b2)),
        2 => at(-a, 2.0 * a2 * (a2 - b2)),
        3 => at(b, 2.0 * b2 * (b2 - a2)),
        4 => at(-b, 2.0 * b2 * (b2 - a2)),
        _ => [0.0, 0.0, 1.0],
    }
}
