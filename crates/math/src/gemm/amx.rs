//! Matrix units (Intel AMX): 16 x 16 sums take 32 products each of numbers rounded to bfloat16 with one instruction.
//!
//! Numbers in single precision are the sums of three bfloat16, of 8 bits each. Of their nine products, six matter: the others are
//! below 2^-26 of the whole, less than one rounding of a sum. So products are as exact as in single precision, at about twice the
//! speed of fused multiply-adds. See Henry, Tang and Heinecke, "Leveraging the bfloat16 Artificial Intelligence Datatype For
//! Higher-Precision Computations" (2019).
//!
//! Compilers don't know these registers, so nothing but the instructions here touches them.

use std::arch::asm;
use std::arch::x86_64::*;
use std::mem::MaybeUninit;
use std::sync::OnceLock;

use super::blocks::{Line, Operands, PARTS, SIDE, STEP, Unit};
use super::tile::Tile;
use crate::simd::{self, Level};

/// The unit, if this processor has one.
pub fn unit() -> Option<&'static Unit<f32>> {
    static UNIT: Unit<f32> = Unit { enter, leave, split_row, round_row, split_panel, multiply };
    is_available().then_some(&UNIT)
}

/// Whether this processor has matrix units, and the system lets us use them; found once.
fn is_available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    let available = *AVAILABLE.get_or_init(|| {
        let is_known = is_x86_feature_detected!("avx512bf16") && __cpuid(0).eax >= 7;
        // Tiles of bfloat16, and tiles at all.
        let units = 1 << 22 | 1 << 24;
        is_known && __cpuid_count(7, 0).edx & units == units && permission()
    });
    available && simd::level() == Level::Avx512
}

/// Asks the system for the registers, which are too large for threads to have them unasked.
fn permission() -> bool {
    #[cfg(target_os = "linux")]
    {
        const ARCH_PRCTL: i64 = 158;
        const ARCH_REQ_XCOMP_PERM: i64 = 0x1023;
        const XFEATURE_XTILEDATA: i64 = 18;
        let mut result = ARCH_PRCTL;
        // SAFETY: the call takes two numbers and touches no memory of ours; the instruction overwrites these registers.
        unsafe {
            asm!(
                "syscall",
                inlateout("rax") result,
                in("rdi") ARCH_REQ_XCOMP_PERM,
                in("rsi") XFEATURE_XTILEDATA,
                lateout("rcx") _,
                lateout("r11") _,
                options(nostack),
            );
        }
        result == 0
    }
    #[cfg(not(target_os = "linux"))]
    false
}

/// Gives the thread eight tiles of 16 rows of 64 bytes.
///
/// # Safety
/// The processor has the unit, as for all functions here.
unsafe fn enter() {
    #[repr(C, align(64))]
    struct Shapes {
        palette: u8,
        start: [u8; 15],
        bytes: [u16; 16],
        rows: [u8; 16],
    }
    const { assert!(size_of::<Shapes>() == 64) };
    let mut shapes = Shapes { palette: 1, start: [0; 15], bytes: [0; 16], rows: [0; 16] };
    shapes.bytes[..8].fill(size_of::<Line>() as u16);
    shapes.rows[..8].fill(SIDE as u8);
    // SAFETY: the 64 bytes are a configuration that the unit takes.
    unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const shapes, options(nostack, preserves_flags, readonly)) };
}

/// Takes the tiles of the thread away.
///
/// # Safety
/// The processor has the unit.
unsafe fn leave() {
    // SAFETY: as above.
    unsafe { asm!("tilerelease", options(nostack, preserves_flags, nomem)) };
}

/// Numbers between these have three parts that are not denormal: the bits of their nearest bfloat16 without the sign, doubled.
const LEAST: u16 = (127 - 100) << 8;
const MOST: u16 = (127 + 126) << 8;

/// Numbers seen so far, by those bits: the largest, and the least but 0, less one.
struct Seen(__m512i, __m512i);

impl Seen {
    #[target_feature(enable = "avx512f,avx512bw")]
    fn new() -> Seen {
        Seen(_mm512_setzero_si512(), _mm512_set1_epi16(-1))
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn see(&mut self, nearest: __m512i) {
        let doubled = _mm512_add_epi16(nearest, nearest);
        self.0 = _mm512_max_epu16(self.0, doubled);
        self.1 = _mm512_min_epu16(self.1, _mm512_add_epi16(doubled, _mm512_set1_epi16(-1)));
    }

    /// Whether the parts of all add up to them.
    #[target_feature(enable = "avx512f,avx512bw")]
    fn are_whole(self) -> bool {
        let is_large = _mm512_cmpge_epu16_mask(self.0, _mm512_set1_epi16(MOST as i16));
        let is_small = _mm512_cmplt_epu16_mask(self.1, _mm512_set1_epi16(LEAST as i16));
        is_large | is_small == 0
    }
}

/// The three parts of `first` and `second`, side by side: half of the bits of a lane each.
// Written out: what `map` and its like call is not compiled for the instructions of this function.
#[inline]
#[target_feature(enable = "avx512f")]
fn split(first: __m512, second: __m512) -> [__m512i; PARTS] {
    let (first, second) = (parts(first), parts(second));
    [pair(first[0], second[0]), pair(first[1], second[1]), pair(first[2], second[2])]
}

/// The nearest bfloat16, the nearest to what is then left, and the rest, which has no more bits than one: as upper halves of lanes.
#[inline]
#[target_feature(enable = "avx512f")]
fn parts(x: __m512) -> [__m512; PARTS] {
    let high = nearest(x);
    let rest = _mm512_sub_ps(x, high);
    let middle = nearest(rest);
    [high, middle, _mm512_sub_ps(rest, middle)]
}

/// The nearest bfloat16, of two the one further from 0, as the upper half of each lane.
#[inline]
#[target_feature(enable = "avx512f")]
fn nearest(x: __m512) -> __m512 {
    let more = _mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(0x8000));
    _mm512_castsi512_ps(_mm512_and_si512(more, _mm512_set1_epi32(0xffff_0000_u32 as i32)))
}

/// The upper halves of lanes, those of `low` below those of `up`.
#[inline]
#[target_feature(enable = "avx512f")]
fn pair(low: __m512, up: __m512) -> __m512i {
    let (low, up) = (_mm512_castps_si512(low), _mm512_castps_si512(up));
    _mm512_or_si512(up, _mm512_srli_epi32::<16>(low))
}

/// The first `count` lanes, or all.
fn first(count: usize) -> __mmask16 {
    ((1_u32 << count.min(SIDE)) - 1) as __mmask16
}

/// See [`Unit::split_row`].
///
/// # Panics
/// When the lines do not reach so far.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn split_row(row: &[f32], lines: &mut [Line], [step, part]: [usize; 2]) -> bool {
    let mut seen = Seen::new();
    for (index, numbers) in row.chunks(STEP).enumerate() {
        let load = |from: usize| {
            let count = numbers.len().saturating_sub(from);
            // SAFETY: only the first `count` numbers are read.
            unsafe { _mm512_maskz_loadu_ps(first(count), numbers.as_ptr().wrapping_add(from)) }
        };
        let (low, up) = (load(0), load(SIDE));
        let [high, middle, rest] = split(low, up);
        seen.see(high);
        store(&mut lines[index * step], high);
        store(&mut lines[index * step + part], middle);
        store(&mut lines[index * step + 2 * part], rest);
    }
    seen.are_whole()
}

/// See [`Unit::round_row`].
///
/// # Panics
/// When the lines do not reach so far.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
fn round_row(row: &[f32], lines: &mut [Line], step: usize) {
    for (index, numbers) in row.chunks(STEP).enumerate() {
        let load = |from: usize| {
            let count = numbers.len().saturating_sub(from);
            // SAFETY: only the first `count` numbers are read.
            unsafe { _mm512_maskz_loadu_ps(first(count), numbers.as_ptr().wrapping_add(from)) }
        };
        let rounded = _mm512_cvtne2ps_pbh(load(SIDE), load(0));
        // SAFETY: registers of 64 bytes may be seen as integers.
        store(&mut lines[index * step], unsafe { std::mem::transmute::<__m512bh, __m512i>(rounded) });
    }
}

/// See [`Unit::split_panel`].
///
/// # Panics
/// When there are not as many rows and lines.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn split_panel(panel: &[f32], depth: usize, lines: &mut [Line]) -> bool {
    let mut seen = Seen::new();
    let pairs = depth.div_ceil(STEP) * SIDE;
    assert!(panel.len() >= depth * 2 * SIDE && lines.len() >= 2 * PARTS * pairs);
    let (from, to) = (panel.as_ptr(), lines.as_mut_ptr());
    for pair in 0..pairs {
        let row = pair / SIDE * STEP + pair % SIDE;
        for half in 0..2 {
            // SAFETY: rows below `depth` lie in the panel, and of others nothing is read; lines were bounded above.
            unsafe {
                let low =
                    _mm512_maskz_loadu_ps(lanes(row < depth), from.wrapping_add((2 * row + half) * SIDE));
                let row = row + SIDE;
                let up =
                    _mm512_maskz_loadu_ps(lanes(row < depth), from.wrapping_add((2 * row + half) * SIDE));
                let [high, middle, rest] = split(low, up);
                seen.see(high);
                let to = to.add((pair / SIDE * 2 + half) * PARTS * SIDE + pair % SIDE);
                _mm512_store_si512(to.cast(), high);
                _mm512_store_si512(to.add(SIDE).cast(), middle);
                _mm512_store_si512(to.add(2 * SIDE).cast(), rest);
            }
        }
    }
    seen.are_whole()
}

/// All lanes or none.
fn lanes(all: bool) -> __mmask16 {
    (all as __mmask16).wrapping_neg()
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(line: &mut Line, bits: __m512i) {
    // SAFETY: a line has as many bytes as a register, and lies at a multiple of that.
    unsafe { _mm512_store_si512((&raw mut *line).cast(), bits) };
}

/// Multiplies up to two tiles of rows with up to two of columns; runs and operands of `tile` do not matter.
///
/// # Safety
/// The thread has entered. All tiles of the operands are readable, of as many parts as these have, and C, bias and residual as
/// [`super::tile::Microkernel`] says.
unsafe fn multiply(tile: &Tile<f32>, operands: &Operands, is_split: bool) {
    let is_wide = tile.columns > SIDE;
    // SAFETY: promised by the caller; who has the tiles has AVX-512.
    unsafe {
        match (is_split, operands.rows[1] > 0, is_wide) {
            (false, false, false) => product::<1, 1, 1>(tile, operands),
            (false, false, true) => product::<1, 1, 2>(tile, operands),
            (false, true, false) => product::<1, 2, 1>(tile, operands),
            (false, true, true) => product::<1, 2, 2>(tile, operands),
            (true, false, false) => product::<PARTS, 1, 1>(tile, operands),
            (true, false, true) => product::<PARTS, 1, 2>(tile, operands),
            (true, true, false) => product::<PARTS, 2, 1>(tile, operands),
            (true, true, true) => product::<PARTS, 2, 2>(tile, operands),
        }
    }
}

macro_rules! load {
    ($tile:literal, $from:expr, $stride:expr) => {
        asm!(
            concat!("tileloadd ", $tile, ", [{from} + {stride} * 1]"),
            from = in(reg) $from,
            stride = in(reg) $stride,
            options(nostack, preserves_flags, readonly),
        )
    };
}

macro_rules! multiply {
    ($sum:literal, $a:literal, $b:literal) => {
        asm!(concat!("tdpbf16ps ", $sum, ", ", $a, ", ", $b), options(nostack, preserves_flags, nomem))
    };
}

/// # Safety
/// As [`multiply`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn product<const P: usize, const ROWS: usize, const WIDTH: usize>(
    tile: &Tile<f32>,
    operands: &Operands,
) {
    let &Operands { a, a_tiles, a_steps, a_lines, b, b_lines: [b_row, b_step, b_half], steps, .. } = operands;
    let line = size_of::<Line>();
    let a_stride = a_lines[0] * line;
    let stride = b_row * line;
    // SAFETY: the caller promises the tiles; sums are in 0 to 3, rows of A in 4 and 5, columns of B in 6 and 7.
    unsafe {
        asm!("tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3", options(nostack, nomem));
        for step in 0..steps {
            let load_a = |part: usize| {
                let from = a.add(*a_steps.add(step) + part * a_lines[1]);
                load!("tmm4", from.add(a_tiles[0]), a_stride);
                if ROWS > 1 {
                    load!("tmm5", from.add(a_tiles[1]), a_stride);
                }
            };
            let load_b = |part: usize| {
                let from = b.add(step * b_step + part * SIDE);
                load!("tmm6", from, stride);
                if WIDTH > 1 {
                    load!("tmm7", from.add(b_half), stride);
                }
            };
            let multiply = || {
                multiply!("tmm0", "tmm4", "tmm6");
                if WIDTH > 1 {
                    multiply!("tmm1", "tmm4", "tmm7");
                }
                if ROWS > 1 {
                    multiply!("tmm2", "tmm5", "tmm6");
                }
                if ROWS > 1 && WIDTH > 1 {
                    multiply!("tmm3", "tmm5", "tmm7");
                }
            };
            // What is multiplied next comes closer meanwhile.
            let (from, share) = tile.ahead;
            for next in (step * share..(step + 1) * share).step_by(SIDE) {
                _mm_prefetch::<_MM_HINT_T0>(from.wrapping_add(next).cast());
            }
            load_a(0);
            load_b(0);
            multiply();
            if P == PARTS {
                load_a(2);
                multiply();
                load_a(1);
                multiply();
                load_b(1);
                multiply();
                load_a(0);
                multiply();
                load_b(2);
                multiply();
            }
        }
        let mut sums = MaybeUninit::<[[Line; SIDE]; 4]>::uninit();
        let sums: *mut [Line; SIDE] = sums.as_mut_ptr().cast();
        macro_rules! store {
            ($index:literal, $tile:literal) => {
                asm!(
                    concat!("tilestored [{to} + {stride} * 1], ", $tile),
                    to = in(reg) sums.add($index),
                    stride = in(reg) line,
                    options(nostack, preserves_flags),
                )
            };
        }
        store!(0, "tmm0");
        if WIDTH > 1 {
            store!(1, "tmm1");
        }
        if ROWS > 1 {
            store!(2, "tmm2");
        }
        if ROWS > 1 && WIDTH > 1 {
            store!(3, "tmm3");
        }
        finish::<WIDTH>(tile, sums.cast(), operands.rows);
    }
}

/// Writes sums to C: those of the first rows, of one half of the columns and of the other, then those of the second.
///
/// # Safety
/// As [`multiply`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn finish<const WIDTH: usize>(tile: &Tile<f32>, sums: *const Line, rows: [usize; 2]) {
    let &Tile { c, c_stride, accumulate, bias, residual, .. } = tile;
    let rest = tile.columns - (WIDTH - 1) * SIDE;
    let (lo, hi) = (_mm512_set1_ps(tile.lo), _mm512_set1_ps(tile.hi));
    for column in 0..WIDTH {
        let mask = first(if column + 1 < WIDTH { SIDE } else { rest });
        let at = column * SIDE;
        // SAFETY: the caller promises the bias, and rows of C and the residual, over the columns of the tile.
        unsafe {
            let load = |from: *const f32| _mm512_maskz_loadu_ps(mask, from);
            let start = if accumulate || bias.is_null() { _mm512_setzero_ps() } else { load(bias.add(at)) };
            for row in 0..rows[0] + rows[1] {
                let sum = match row.checked_sub(rows[0]) {
                    None => sums.add(column * SIDE + row),
                    Some(row) => sums.add((2 + column) * SIDE + row),
                };
                let at = row * c_stride + at;
                let mut sum = _mm512_add_ps(_mm512_load_ps(sum.cast()), start);
                if accumulate {
                    sum = _mm512_add_ps(load(c.add(at)), sum);
                }
                if !residual.is_null() {
                    sum = _mm512_add_ps(sum, load(residual.add(at)));
                }
                // Both instructions return their second operand when one is NaN.
                let result = _mm512_min_ps(hi, _mm512_max_ps(lo, sum));
                _mm512_mask_storeu_ps(c.add(at), mask, result);
            }
        }
    }
}
