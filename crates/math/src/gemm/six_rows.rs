//! The loop in which processors with AVX2 spend their time in products: six rows of two registers of single precision.
//!
//! What compilers make of the plain loop has a tenth more instructions, for addresses; where it came to lie badly, an AMD
//! Zen 3 read them so slowly that products took 1.2 times as long. This one begins a cache line, and counts addresses up at every
//! fourth step: on Intel's processors, counting takes turns with multiply-adds.

use std::arch::asm;
use std::arch::x86_64::__m256;

use super::tile::Products;

/// A step: the row of B at an address, what to bring closer, and the numbers of A so many bytes behind theirs.
macro_rules! step {
    ($b:literal $ahead:literal $behind:literal) => {
        concat!(
            "vmovups {x}, [", $b, "]\n",
            "vmovups {y}, [", $b, " + 32]\n",
            "prefetcht1 [", $ahead, "]\n",
            row!("{even}" "{l0}" "{r0}" "{upper}" $behind),
            row!("{odd}" "{l1}" "{r1}" "{upper} + {row}" $behind),
            row!("{even}" "{l2}" "{r2}" "{upper} + 2 * {row}" $behind),
            row!("{odd}" "{l3}" "{r3}" "{lower}" $behind),
            row!("{even}" "{l4}" "{r4}" "{lower} + {row}" $behind),
            row!("{odd}" "{l5}" "{r5}" "{lower} + 2 * {row}" $behind),
        )
    };
}

/// The products of one row.
macro_rules! row {
    ($number:literal $left:literal $right:literal $at:literal $behind:literal) => {
        concat!(
            "vbroadcastss ",
            $number,
            ", dword ptr [",
            $at,
            " + ",
            $behind,
            "]\n",
            "vfmadd231ps ",
            $left,
            ", ",
            $number,
            ", {x}\n",
            "vfmadd231ps ",
            $right,
            ", ",
            $number,
            ", {y}\n",
        )
    };
}

/// Adds the products of a run to `sums`.
///
/// # Safety
/// The processor has AVX2 and FMA; the run has six rows of A, and rows of B of two registers.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub unsafe fn multiply(sums: &mut [[__m256; 2]; 6], run: &Products<f32>) {
    let &Products { a, a_stride, b, b_stride, ahead, len } = run;
    let bytes = size_of::<f32>();
    let [[l0, r0], [l1, r1], [l2, r2], [l3, r3], [l4, r4], [l5, r5]] = sums;
    // SAFETY: the loops read one number of each of six rows of A and two registers of B in each of `len` steps, as the caller
    // promises; prefetches never fault.
    unsafe {
        asm!(
            "sub {len}, 4",
            "jb 3f",
            ".p2align 6",
            "2:",
            step!("{b}" "{ahead}" "0"),
            step!("{b} + {b_step}" "{ahead} + {ahead_step}" "4"),
            step!("{b} + 2 * {b_step}" "{ahead} + 2 * {ahead_step}" "8"),
            "lea {b}, [{b} + 2 * {b_step}]",
            "lea {ahead}, [{ahead} + 2 * {ahead_step}]",
            step!("{b} + {b_step}" "{ahead} + {ahead_step}" "12"),
            "add {upper}, 16",
            "add {lower}, 16",
            "lea {b}, [{b} + 2 * {b_step}]",
            "lea {ahead}, [{ahead} + 2 * {ahead_step}]",
            "sub {len}, 4",
            "jae 2b",
            "3:",
            "add {len}, 4",
            "je 5f",
            "4:",
            step!("{b}" "{ahead}" "0"),
            "add {upper}, 4",
            "add {lower}, 4",
            "add {b}, {b_step}",
            "add {ahead}, {ahead_step}",
            "dec {len}",
            "jne 4b",
            "5:",
            x = out(ymm_reg) _,
            y = out(ymm_reg) _,
            even = out(ymm_reg) _,
            odd = out(ymm_reg) _,
            l0 = inout(ymm_reg) *l0,
            r0 = inout(ymm_reg) *r0,
            l1 = inout(ymm_reg) *l1,
            r1 = inout(ymm_reg) *r1,
            l2 = inout(ymm_reg) *l2,
            r2 = inout(ymm_reg) *r2,
            l3 = inout(ymm_reg) *l3,
            r3 = inout(ymm_reg) *r3,
            l4 = inout(ymm_reg) *l4,
            r4 = inout(ymm_reg) *r4,
            l5 = inout(ymm_reg) *l5,
            r5 = inout(ymm_reg) *r5,
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
