//! The loop in which processors with AVX2 spend their time in products: six rows of two registers of single precision.
//!
//! What compilers make of the plain loop has a tenth more instructions, for addresses; where it came to lie badly, an AMD
//! Zen 3 read them so slowly that products took 1.2 times as long. This one begins a cache line.

use std::arch::asm;
use std::arch::x86_64::__m256;

use super::tile::Products;

/// Adds the products of a run to `sums`.
///
/// # Safety
/// The processor has AVX2 and FMA; the run has six rows of A, and rows of B of two registers.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub unsafe fn multiply(sums: &mut [[__m256; 2]; 6], run: &Products<f32>) {
    let &Products { a, a_stride, b, b_stride, ahead, len } = run;
    if len == 0 {
        return;
    }
    let bytes = size_of::<f32>();
    let [[s00, s01], [s10, s11], [s20, s21], [s30, s31], [s40, s41], [s50, s51]] = sums;
    // SAFETY: the loop reads one number of each of six rows of A and two registers of B in each of `len` steps, as the caller
    // promises; prefetches never fault.
    unsafe {
        asm!(
            ".p2align 6",
            "2:",
            "vmovups {b0}, [{b}]",
            "vmovups {b1}, [{b} + 32]",
            "vbroadcastss {a0}, [{upper}]",
            "vfmadd231ps {s00}, {a0}, {b0}",
            "vfmadd231ps {s01}, {a0}, {b1}",
            "vbroadcastss {a1}, [{upper} + {row}]",
            "vfmadd231ps {s10}, {a1}, {b0}",
            "vfmadd231ps {s11}, {a1}, {b1}",
            "vbroadcastss {a0}, [{upper} + 2 * {row}]",
            "vfmadd231ps {s20}, {a0}, {b0}",
            "vfmadd231ps {s21}, {a0}, {b1}",
            "vbroadcastss {a1}, [{lower}]",
            "vfmadd231ps {s30}, {a1}, {b0}",
            "vfmadd231ps {s31}, {a1}, {b1}",
            "prefetcht1 [{ahead}]",
            "vbroadcastss {a0}, [{lower} + {row}]",
            "vfmadd231ps {s40}, {a0}, {b0}",
            "vfmadd231ps {s41}, {a0}, {b1}",
            "vbroadcastss {a1}, [{lower} + 2 * {row}]",
            "vfmadd231ps {s50}, {a1}, {b0}",
            "vfmadd231ps {s51}, {a1}, {b1}",
            "add {upper}, 4",
            "add {lower}, 4",
            "add {b}, {b_step}",
            "add {ahead}, {ahead_step}",
            "dec {len}",
            "jne 2b",
            b0 = out(ymm_reg) _,
            b1 = out(ymm_reg) _,
            a0 = out(ymm_reg) _,
            a1 = out(ymm_reg) _,
            s00 = inout(ymm_reg) *s00,
            s01 = inout(ymm_reg) *s01,
            s10 = inout(ymm_reg) *s10,
            s11 = inout(ymm_reg) *s11,
            s20 = inout(ymm_reg) *s20,
            s21 = inout(ymm_reg) *s21,
            s30 = inout(ymm_reg) *s30,
            s31 = inout(ymm_reg) *s31,
            s40 = inout(ymm_reg) *s40,
            s41 = inout(ymm_reg) *s41,
            s50 = inout(ymm_reg) *s50,
            s51 = inout(ymm_reg) *s51,
            upper = inout(reg) a => _,
            lower = inout(reg) a.wrapping_add(3 * a_stride) => _,
            row = in(reg) a_stride * bytes,
            b = inout(reg) b => _,
            b_step = in(reg) b_stride * bytes,
            ahead = inout(reg) ahead.0 => _,
            ahead_step = in(reg) ahead.1 * bytes,
            len = inout(reg) len => _,
            options(nostack, readonly),
        );
    }
}
