//! Microkernels: one tile of C in registers.

use super::blocks::{STEP, Unit};
use super::memory::Plain;
use super::sums::{Sums, adjacent, few, sums};
use super::vector::Vector;
use crate::simd::{self, Level};

/// One call of a microkernel: `C = clamp(A B + bias + C + residual)` for a tile of C, of which only the product need be there.
#[derive(Clone, Copy, Debug)]
pub struct Tile<T> {
    /// The parts of the rows of A that count, and how many.
    pub runs: (*const Run, usize),
    /// Where the runs of the first row of A are counted from.
    pub a: *const T,
    /// Distance between rows of A.
    pub a_stride: usize,
    /// The first row of B, at least as long as the tile is wide.
    pub b: *const T,
    /// Distance between rows of B.
    pub b_stride: usize,
    /// What to bring closer meanwhile, from here on, and how many elements for each row of B; it need not be readable.
    /// Tiles of one register do not ask for it, and those of one row for what lies so many elements behind each row of B.
    pub ahead: (*const T, usize),
    /// The first row of C.
    pub c: *mut T,
    /// Distance between rows of C.
    pub c_stride: usize,
    /// Columns of C and of the bias: they end inside of the last register, or with it. B is as wide as the registers.
    pub columns: usize,
    /// Whether C is read.
    pub accumulate: bool,
    /// What each row starts with, or null for 0.
    pub bias: *const T,
    /// What is added to the results, at the same distances as C, or null.
    pub residual: *const T,
    /// Lower end of the results.
    pub lo: T,
    /// Upper end of the results.
    pub hi: T,
}

/// Adjacent elements of a row of A, and as many rows of B.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where they start.
    pub a: usize,
    /// The first row of B.
    pub b: usize,
    /// How many there are.
    pub len: usize,
}

/// What one run of a tile multiplies: see [`Tile`] and [`Run`].
#[derive(Clone, Copy, Debug)]
pub struct Products<T> {
    /// The first number of the first row of A.
    pub a: *const T,
    /// Distance between rows of A.
    pub a_stride: usize,
    /// The first row of B.
    pub b: *const T,
    /// Distance between rows of B.
    pub b_stride: usize,
    /// What to bring closer for the first row of B, and how many elements there are for each.
    pub ahead: (*const T, usize),
    /// Numbers of a row of A, and rows of B.
    pub len: usize,
}

/// A microkernel.
///
/// # Safety
/// The processor has the instructions; the runs of rows of A and B are readable, rows of C writable (and readable, to
/// accumulate) over the columns of the tile, of which the last is in the last register, and so are the bias and the residual.
pub type Microkernel<T> = unsafe fn(&Tile<T>);

/// A loop that sums along channels.
///
/// # Safety
/// As [`sums`].
pub type Summing<T> = unsafe fn(&Sums<T>);

/// The microkernels of one instruction set.
#[derive(Debug)]
pub struct Table<T: 'static> {
    /// Rows of the largest tile.
    pub rows: usize,
    /// Columns of the widest tile.
    pub columns: usize,
    /// By rows, less one; the widest tile and the one of half its columns.
    pub kernels: &'static [[Microkernel<T>; 2]],
    /// Sums along channels: of one output and of four; of one register and of two.
    pub sums: [[Summing<T>; 2]; 2],
    /// Sums along channels that fill no register: of one output and of four.
    pub few: [Summing<T>; 2],
    /// The same of all channels and of [`Table::OUTPUTS`], where taps are adjacent cells: of three taps and of five; with a stride of one
    /// and of two.
    pub adjacent: [[[Summing<T>; 2]; 2]; 2],
}

/// Bytes of a row of A up to which wide registers multiply it in one block, where nothing else decides.
const WHOLE: usize = 9216;

impl<T> Table<T> {
    /// How many outputs the loops of [`Table::adjacent`] sum at the same time.
    pub const OUTPUTS: [usize; 2] = [4, 7];
}

impl<T: Tiled> Table<T> {
    /// Rows in one block of a B of `k` rows; blocks are about even. Panels of 256 rows stay in the first-level cache. Registers of 512
    /// bits read them from the second as fast, and gain by ending tiles less often and by reading rows of A where they lie: those of
    /// AMD's processors, whose caches are smaller, up to 512 rows. Matrix units have tiles of their own for whole products.
    pub fn depth(&self, k: usize) -> usize {
        let is_wide = self.columns * size_of::<T>() >= 128;
        let most = match (is_wide, simd::is_amd()) {
            (true, true) => 512,
            (true, false) if T::unit().is_none() => match WHOLE / size_of::<T>() {
                whole if k <= whole => whole,
                whole => whole / 3 * 2,
            },
            _ => 256,
        };
        match k.div_ceil(most) {
            0 | 1 => k.max(1),
            // Matrix units multiply so many rows at a time.
            count => k.div_ceil(count).next_multiple_of(STEP),
        }
    }
}

/// Sums that a processor works on at the same time: two multipliers, each with four under way.
const IN_FLIGHT: usize = 8;
/// Computes `ROWS` rows of `WIDTH` registers.
///
/// # Safety
/// As [`Microkernel`].
#[inline(always)]
unsafe fn run<V: Vector, const ROWS: usize, const WIDTH: usize>(tile: &Tile<V::Element>) {
    let &Tile { runs, a, a_stride, b, b_stride, ahead, c, c_stride, accumulate, bias, residual, .. } = tile;
    // Elements in the last register.
    let rest = tile.columns - (WIDTH - 1) * V::LEN;
    // SAFETY: the caller promises the runs, for each its rows of B and its elements in `ROWS` rows of A, and `ROWS` rows
    // of C and a bias of `WIDTH` registers each, and so for the residual; all indices below stay within these.
    unsafe {
        // Elements are floats, for which all zero bits are 0.
        let zero = V::splat(std::mem::zeroed());
        let mut start = [zero; WIDTH];
        if accumulate {
            for row in 0..ROWS {
                for column in 0..WIDTH {
                    V::prefetch(c.wrapping_add(row * c_stride + column * V::LEN));
                }
            }
        }
        if !bias.is_null() {
            for (column, start) in start.iter_mut().enumerate() {
                *start = load::<V, WIDTH>(bias.add(column * V::LEN), column, rest);
            }
        }
        let mut sums = [[zero; WIDTH]; ROWS];
        let runs = std::slice::from_raw_parts(runs.0, runs.1);
        let add = |sums: &mut [[V; WIDTH]; ROWS], run: &Run, p: usize| {
            let a = a.add(run.a);
            let row = b.add((run.b + p) * b_stride);
            if ROWS == 1 {
                // Nothing hides how long B takes to come, not even from the second-level cache.
                for column in 0..WIDTH {
                    V::prefetch(row.wrapping_add(ahead.1 + column * V::LEN));
                }
            } else if WIDTH > 1 {
                // Narrower tiles have no load to spare, and little of B.
                V::prefetch_far(ahead.0.wrapping_add((run.b + p) * ahead.1));
            }
            let mut bs = [zero; WIDTH];
            for (column, b) in bs.iter_mut().enumerate() {
                *b = V::load(row.add(column * V::LEN));
            }
            for (row, sums) in sums.iter_mut().enumerate() {
                let a = V::splat(*a.add(row * a_stride + p));
                for (sum, b) in sums.iter_mut().zip(bs) {
                    *sum = a.fma(b, *sum);
                }
            }
        };
        if ROWS * WIDTH >= IN_FLIGHT {
            sums = [start; ROWS];
            for run in runs {
                let products = Products {
                    a: a.wrapping_add(run.a),
                    a_stride,
                    b: b.wrapping_add(run.b * b_stride),
                    b_stride,
                    ahead: (ahead.0.wrapping_add(run.b * ahead.1), ahead.1),
                    len: run.len,
                };
                if !V::multiply(&mut sums, &products) {
                    (0..run.len).for_each(|p| add(&mut sums, run, p));
                }
            }
        } else {
            // Too few sums to keep the multipliers busy: several for each element of C, if there are registers for them.
            macro_rules! split {
                ($count:literal) => {{
                    let mut more = [[[zero; WIDTH]; ROWS]; $count];
                    for run in runs {
                        let whole = run.len - run.len % $count;
                        for p in (0..whole).step_by($count) {
                            more.iter_mut().enumerate().for_each(|(i, sums)| add(sums, run, p + i));
                        }
                        (whole..run.len).for_each(|p| add(&mut more[0], run, p));
                    }
                    let (first, second) = more.split_at($count / 2);
                    for row in 0..ROWS {
                        for column in 0..WIDTH {
                            let half = |half: &[[[V; WIDTH]; ROWS]]| match half {
                                [a, b] => a[row][column].add(b[row][column]),
                                half => half[0][row][column],
                            };
                            sums[row][column] = start[column].add(half(first).add(half(second)));
                        }
                    }
                }};
            }
            if ROWS * WIDTH * 4 + WIDTH < V::REGISTERS { split!(4) } else { split!(2) }
        }
        let (lo, hi) = (V::splat(tile.lo), V::splat(tile.hi));
        for (row, sums) in sums.into_iter().enumerate() {
            for (column, sum) in sums.into_iter().enumerate() {
                let at = row * c_stride + column * V::LEN;
                let c = c.add(at);
                let mut sum = sum;
                if accumulate {
                    sum = load::<V, WIDTH>(c, column, rest).add(sum);
                }
                if !residual.is_null() {
                    sum = sum.add(load::<V, WIDTH>(residual.add(at), column, rest));
                }
                let result = sum.clamp(lo, hi);
                if column + 1 < WIDTH { result.store(c) } else { result.store_first(c, rest) }
            }
        }
    }
}

/// The register `column` of `WIDTH`, of which the last has `rest` elements.
///
/// # Safety
/// The processor has the instructions, and the elements are readable.
#[inline(always)]
unsafe fn load<V: Vector, const WIDTH: usize>(from: *const V::Element, column: usize, rest: usize) -> V {
    // SAFETY: promised by the caller.
    unsafe { if column + 1 < WIDTH { V::load(from) } else { V::load_first(from, rest) } }
}

/// Multiplies the same cached numbers over and over with the largest microkernel, and gives the operations that took; a
/// fused multiply-add counts as two.
pub(crate) fn multiply_cached(times: usize) -> usize {
    const LEN: usize = 256;
    let table = f32::table(simd::level());
    let (rows, columns) = (table.rows, table.columns);
    let (a, b, mut c) = ([0.5_f32; LEN], vec![0.5; columns], vec![0.0; rows * columns]);
    let runs = vec![Run { a: 0, b: 0, len: LEN }; times];
    let tile = Tile {
        runs: (runs.as_ptr(), runs.len()),
        a: a.as_ptr(),
        a_stride: 0,
        b: b.as_ptr(),
        b_stride: 0,
        ahead: (b.as_ptr(), 0),
        c: c.as_mut_ptr(),
        c_stride: columns,
        columns,
        accumulate: false,
        bias: std::ptr::null(),
        residual: std::ptr::null(),
        lo: f32::NEG_INFINITY,
        hi: f32::INFINITY,
    };
    // SAFETY: the table belongs to this processor's level; with strides of 0 all runs lie in `a` and in the one row of B,
    // and C is as large as the tile.
    unsafe { (table.kernels[rows - 1][0])(&tile) };
    std::hint::black_box(&mut c);
    2 * times * LEN * rows * columns
}

/// An element type with microkernels.
pub trait Tiled: Plain + std::ops::Mul<Output = Self> {
    /// The microkernels for an instruction set.
    fn table(level: Level) -> &'static Table<Self>;

    /// The matrix unit, if this processor has one.
    fn unit() -> Option<&'static Unit<Self>> {
        None
    }

    /// Those for pairs of bfloat16 given as elements of this type, if this processor multiplies them.
    fn pairs() -> Option<&'static Table<Self>> {
        None
    }
}

macro_rules! kernels {
    ($name:ident $t:ty, $vector:ty, $features:literal; $rows:literal $($row:literal)*) => {
        pub static $name: Table<$t> = {
            #[target_feature(enable = $features)]
            unsafe fn tile<const ROWS: usize, const WIDTH: usize>(tile: &Tile<$t>) {
                // SAFETY: the features are enabled here; the caller promises the rest.
                unsafe { run::<$vector, ROWS, WIDTH>(tile) }
            }
            #[target_feature(enable = $features)]
            unsafe fn sum<const COUNT: usize, const WIDTH: usize>(call: &Sums<$t>) {
                // SAFETY: as above.
                unsafe { sums::<$vector, COUNT, WIDTH>(call) }
            }
            #[target_feature(enable = $features)]
            unsafe fn narrow<const COUNT: usize>(call: &Sums<$t>) {
                // SAFETY: as above.
                unsafe { few::<$vector, COUNT>(call) }
            }
            #[target_feature(enable = $features)]
            unsafe fn near<const COUNT: usize, const TAPS: usize, const STRIDE: usize>(call: &Sums<$t>) {
                // SAFETY: as above.
                unsafe { adjacent::<$vector, COUNT, TAPS, STRIDE>(call) }
            }
            Table {
                rows: $rows,
                columns: 2 * <$vector as Vector>::LEN,
                kernels: &[$([tile::<$row, 2>, tile::<$row, 1>]),*],
                sums: [[sum::<1, 1>, sum::<1, 2>], [sum::<4, 1>, sum::<4, 2>]],
                few: [narrow::<1>, narrow::<4>],
                adjacent: [
                    [[near::<4, 3, 1>, near::<7, 3, 1>], [near::<4, 3, 2>, near::<7, 3, 2>]],
                    [[near::<4, 5, 1>, near::<7, 5, 1>], [near::<4, 5, 2>, near::<7, 5, 2>]],
                ],
            }
        };
    };
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::super::vector::Pairs;
    use super::*;
    use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};

    kernels!(F32_AVX512 f32, __m512, "avx512f,avx512bw,avx512dq,avx512vl"; 12 1 2 3 4 5 6 7 8 9 10 11 12);
    kernels!(F64_AVX512 f64, __m512d, "avx512f,avx512bw,avx512dq,avx512vl"; 12 1 2 3 4 5 6 7 8 9 10 11 12);
    kernels!(PAIRS f32, Pairs, "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16"; 12 1 2 3 4 5 6 7 8 9 10 11 12);
    kernels!(F32_AVX2 f32, __m256, "avx2,fma"; 6 1 2 3 4 5 6);
    kernels!(F64_AVX2 f64, __m256d, "avx2,fma"; 6 1 2 3 4 5 6);
}

macro_rules! portable {
    ($name:ident $t:ty; $($row:literal)*) => {
        static $name: Table<$t> = Table {
            rows: 4,
            columns: 8,
            kernels: &[$([run::<[$t; 4], $row, 2>, run::<[$t; 4], $row, 1>]),*],
            sums: [
                [sums::<[$t; 4], 1, 1>, sums::<[$t; 4], 1, 2>],
                [sums::<[$t; 4], 4, 1>, sums::<[$t; 4], 4, 2>],
            ],
            few: [few::<[$t; 4], 1>, few::<[$t; 4], 4>],
            adjacent: [
                [
                    [adjacent::<[$t; 4], 4, 3, 1>, adjacent::<[$t; 4], 7, 3, 1>],
                    [adjacent::<[$t; 4], 4, 3, 2>, adjacent::<[$t; 4], 7, 3, 2>],
                ],
                [
                    [adjacent::<[$t; 4], 4, 5, 1>, adjacent::<[$t; 4], 7, 5, 1>],
                    [adjacent::<[$t; 4], 4, 5, 2>, adjacent::<[$t; 4], 7, 5, 2>],
                ],
            ],
        };
    };
}

portable!(F32_PORTABLE f32; 1 2 3 4);
portable!(F64_PORTABLE f64; 1 2 3 4);

impl Tiled for f32 {
    fn table(level: Level) -> &'static Table<f32> {
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => &x86::F32_AVX512,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => &x86::F32_AVX2,
            _ => &F32_PORTABLE,
        }
    }

    fn unit() -> Option<&'static Unit<f32>> {
        #[cfg(target_arch = "x86_64")]
        return super::amx::unit();
        #[cfg(not(target_arch = "x86_64"))]
        None
    }

    fn pairs() -> Option<&'static Table<f32>> {
        #[cfg(target_arch = "x86_64")]
        if simd::level() == Level::Avx512 && is_x86_feature_detected!("avx512bf16") {
            return Some(&x86::PAIRS);
        }
        None
    }
}

impl Tiled for f64 {
    fn table(level: Level) -> &'static Table<f64> {
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => &x86::F64_AVX512,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => &x86::F64_AVX2,
            _ => &F64_PORTABLE,
        }
    }
}
