//! Matrix units (Intel AMX): 16 x 16 sums take 32 products each of numbers rounded to bfloat16 with one instruction.
//!
//! Numbers in single precision are the sums of three bfloat16, of 8 bits each. Of their nine products, six matter: the others are
//! below 2^-26 of the whole, less than one rounding of a sum. So products are as exact as in single precision, at about twice the
//! speed of fused multiply-adds. See Henry, Tang and Heinecke, "Leveraging the bfloat16 Artificial Intelligence Datatype For
//! Higher-Precision Computations" (2019).
//!
//! Compilers don't know these registers, so nothing but the instructions here touches them.

mod split;

use std::arch::asm;
use std::arch::x86_64::*;
use std::sync::OnceLock;

use super::blocks::{Line, Operands, PARTS, SIDE, Sums, Unit, Written};
use super::tile::Tile;
use crate::simd::{self, Level};
use split::{first, join_panel, round_row, split_panel, split_row};

/// The unit, if this processor has one.
pub fn unit() -> Option<&'static Unit<f32>> {
    static UNIT: Unit<f32> =
        Unit { enter, leave, split_row, round_row, split_panel, join_panel, multiply, write };
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

/// See [`Unit::multiply`].
///
/// # Safety
/// As it says.
unsafe fn multiply(operands: &Operands, sums: &mut Sums<f32>, before: Option<Written<f32>>) {
    // SAFETY: promised by the caller; who has the tiles has AVX-512.
    unsafe {
        match (operands.is_split, operands.is_shared) {
            (false, false) => sized::<1, false>(operands, sums, before),
            (false, true) => sized::<1, true>(operands, sums, before),
            (true, false) => sized::<PARTS, false>(operands, sums, before),
            (true, true) => sized::<PARTS, true>(operands, sums, before),
        }
    }
}

/// # Safety
/// As [`multiply`].
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn sized<const P: usize, const SHARED: bool>(
    operands: &Operands,
    sums: &mut Sums<f32>,
    before: Option<Written<f32>>,
) {
    // SAFETY: promised by the caller.
    unsafe {
        match operands.has_second {
            [false, false] => product::<P, SHARED, 1, 1>(operands, sums, before),
            [false, true] => product::<P, SHARED, 1, 2>(operands, sums, before),
            [true, false] => product::<P, SHARED, 2, 1>(operands, sums, before),
            [true, true] => product::<P, SHARED, 2, 2>(operands, sums, before),
        }
    }
}

macro_rules! load {
    ($tile:literal, $from:expr, $stride:expr) => {
        load!("tileloadd ", $tile, $from, $stride)
    };
    ($instruction:literal, $tile:literal, $from:expr, $stride:expr) => {
        asm!(
            concat!($instruction, $tile, ", [{from} + {stride} * 1]"),
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
unsafe fn product<const P: usize, const SHARED: bool, const ROWS: usize, const WIDTH: usize>(
    operands: &Operands,
    sums: &mut Sums<f32>,
    before: Option<Written<f32>>,
) {
    let &Operands { a, a_tiles, a_steps, a_between, steps, ahead, .. } = operands;
    let Operands { b, b_lines: [b_row, b_step, b_half], .. } = *operands;
    let line = size_of::<Line>();
    let a_stride = a_between[0] * size_of::<u16>();
    let stride = b_row * line;
    let mut writer = before.map(|before| Writer::new(before));
    let share = writer.as_ref().map_or(0, |writer| writer.rest().div_ceil(steps.max(1)));
    // SAFETY: the caller promises the tiles; sums are in 0 to 3, rows of A in 4 and 5, columns of B in 6 and 7.
    unsafe {
        asm!("tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3", options(nostack, nomem));
        for step in 0..steps {
            let load_a = |part: usize| {
                let from = a.add(*a_steps.add(step) + part * a_between[1]);
                // What is not needed again soon leaves the first-level cache to B.
                if SHARED {
                    load!("tmm4", from.add(a_tiles[0]), a_stride);
                } else {
                    load!("tileloaddt1 ", "tmm4", from.add(a_tiles[0]), a_stride);
                }
                if ROWS > 1 && SHARED {
                    load!("tmm5", from.add(a_tiles[1]), a_stride);
                } else if ROWS > 1 {
                    load!("tileloaddt1 ", "tmm5", from.add(a_tiles[1]), a_stride);
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
            let (from, bytes) = ahead;
            for next in (step * bytes..(step + 1) * bytes).step_by(line) {
                _mm_prefetch::<_MM_HINT_T1>(from.wrapping_add(next).cast());
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
            // The unit works on while this does.
            if let Some(writer) = &mut writer {
                writer.rows(share);
            }
        }
        let sums = sums.0.as_mut_ptr();
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
        if let Some(writer) = &mut writer {
            writer.rows(usize::MAX);
        }
    }
}

/// See [`Unit::write`].
///
/// # Safety
/// As it says.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn write(written: Written<f32>) {
    // SAFETY: promised by the caller.
    unsafe { Writer::new(written).rows(usize::MAX) };
}

/// Writes sums to C, row after row.
struct Writer<'a> {
    written: Written<'a, f32>,
    next: usize,
    masks: [__mmask16; 2],
    start: [__m512; 2],
}

impl<'a> Writer<'a> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn new(written: Written<'a, f32>) -> Writer<'a> {
        let &Tile { columns, bias, .. } = written.tile;
        let masks = [first(columns), first(columns.saturating_sub(SIDE))];
        let start = if bias.is_null() {
            [_mm512_setzero_ps(); 2]
        } else {
            let second = bias.wrapping_add(SIDE);
            // SAFETY: the bias reaches over the columns of the tile.
            unsafe { [_mm512_maskz_loadu_ps(masks[0], bias), _mm512_maskz_loadu_ps(masks[1], second)] }
        };
        Writer { written, next: 0, masks, start }
    }

    /// Rows that are not written yet.
    #[inline]
    fn rest(&self) -> usize {
        self.written.rows[0] + self.written.rows[1] - self.next
    }

    /// Writes so many rows, if there are any left.
    ///
    /// # Safety
    /// C and the residual are as [`super::tile::Microkernel`] says.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn rows(&mut self, most: usize) {
        let Written { sums, tile, rows } = self.written;
        let &Tile { c, c_stride, accumulate, residual, .. } = tile;
        let (lo, hi) = (_mm512_set1_ps(tile.lo), _mm512_set1_ps(tile.hi));
        for row in self.next..self.next + most.min(self.rest()) {
            let (tile, line) = if row < rows[0] { (0, row) } else { (2, row - rows[0]) };
            for column in 0..2 {
                let (mask, at) = (self.masks[column], row * c_stride + column * SIDE);
                if mask == 0 {
                    continue;
                }
                // SAFETY: the caller promises rows of C and the residual over the columns of the tile.
                unsafe {
                    let load = |from: *const f32| _mm512_maskz_loadu_ps(mask, from);
                    let sum = _mm512_load_ps(sums.0[tile + column][line].as_ptr());
                    let mut sum = _mm512_add_ps(sum, self.start[column]);
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
        self.next += most.min(self.rest());
    }
}
