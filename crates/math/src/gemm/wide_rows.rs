//! The loops of products where registers have 512 bits: eight to twelve rows of one or two registers of single precision.
//!
//! Multiply-adds keep two ports of the processor busy, and whatever else comes to these costs time: what compilers make of the
//! plain loop counts addresses up at each step, these every fourth. They begin a cache line.

use std::arch::asm;
use std::arch::x86_64::__m512;

use super::tile::Products;

/// Adds the products of a run to `sums`, if there is a loop for so many rows; else gives false.
///
/// # Safety
/// The processor has AVX-512; the run has so many rows of A, and rows of B of so many registers.
#[inline(always)]
pub unsafe fn multiply<const ROWS: usize, const WIDTH: usize>(
    sums: &mut [[__m512; WIDTH]; ROWS],
    run: &Products<f32>,
) -> bool {
    let sums = &raw mut *sums;
    // SAFETY: there are as many rows and registers as the loops take; the caller promises the rest.
    unsafe {
        match (ROWS, WIDTH) {
            (8, 1) => narrow::eight(&mut *sums.cast(), run),
            (9, 1) => narrow::nine(&mut *sums.cast(), run),
            (10, 1) => narrow::ten(&mut *sums.cast(), run),
            (11, 1) => narrow::eleven(&mut *sums.cast(), run),
            (12, 1) => narrow::twelve(&mut *sums.cast(), run),
            (8, 2) => wide::eight(&mut *sums.cast(), run),
            (9, 2) => wide::nine(&mut *sums.cast(), run),
            (10, 2) => wide::ten(&mut *sums.cast(), run),
            (11, 2) => wide::eleven(&mut *sums.cast(), run),
            (12, 2) => wide::twelve(&mut *sums.cast(), run),
            _ => return false,
        }
    }
    true
}

/// A step of tiles of one register: the row of B at an address, and the numbers of A so many bytes behind theirs.
macro_rules! narrow_step {
    ($b:literal $behind:literal; $($sum:ident $at:literal),*) => {
        concat!(
            "vmovups {x}, [", $b, "]\n",
            $("vfmadd231ps {", stringify!($sum), "}, {x}, dword ptr [", $at, " + ", $behind, "]{{1to16}}\n",)*
        )
    };
}

/// The same of two registers.
macro_rules! wide_step {
    ($b:literal $ahead:literal $behind:literal; $($left:ident $right:ident $at:literal),*) => {
        concat!(
            "vmovups {x}, [", $b, "]\n",
            "vmovups {y}, [", $b, " + 64]\n",
            "prefetcht1 [", $ahead, "]\n",
            $(
                "vbroadcastss {number}, dword ptr [", $at, " + ", $behind, "]\n",
                "vfmadd231ps {", stringify!($left), "}, {number}, {x}\n",
                "vfmadd231ps {", stringify!($right), "}, {number}, {y}\n",
            )*
        )
    };
}

macro_rules! rows {
    ($($name:ident $rows:literal: $($left:ident $right:ident $at:literal),*;)*) => {
        mod narrow {
            use super::*;
            $(
                /// # Safety
                /// As [`multiply`].
                #[inline]
                #[target_feature(enable = "avx512f")]
                pub unsafe fn $name(sums: &mut [[__m512; 1]; $rows], run: &Products<f32>) {
                    let &Products { a, a_stride, b, b_stride, len, .. } = run;
                    let bytes = size_of::<f32>();
                    let [$([$left]),*] = sums;
                    // SAFETY: the loops read one number of each row of A and a register of B in each of `len` steps, as the
                    // caller promises.
                    unsafe {
                        asm!(
                            "sub {len}, 4",
                            "jb 3f",
                            ".p2align 6",
                            "2:",
                            narrow_step!("{b}" "0"; $($left $at),*),
                            narrow_step!("{b} + {b_step}" "4"; $($left $at),*),
                            narrow_step!("{b} + 2 * {b_step}" "8"; $($left $at),*),
                            narrow_step!("{b} + {b_steps}" "12"; $($left $at),*),
                            "add {a0}, 16",
                            "add {a3}, 16",
                            "add {a6}, 16",
                            "add {a9}, 16",
                            "lea {b}, [{b} + 4 * {b_step}]",
                            "sub {len}, 4",
                            "jae 2b",
                            "3:",
                            "add {len}, 4",
                            "je 5f",
                            "4:",
                            narrow_step!("{b}" "0"; $($left $at),*),
                            "add {a0}, 4",
                            "add {a3}, 4",
                            "add {a6}, 4",
                            "add {a9}, 4",
                            "add {b}, {b_step}",
                            "dec {len}",
                            "jne 4b",
                            "5:",
                            x = out(zmm_reg) _,
                            $($left = inout(zmm_reg) *$left,)*
                            a0 = inout(reg) a => _,
                            a3 = inout(reg) a.wrapping_add(3 * a_stride) => _,
                            a6 = inout(reg) a.wrapping_add(6 * a_stride) => _,
                            a9 = inout(reg) a.wrapping_add(9 * a_stride) => _,
                            row = in(reg) a_stride * bytes,
                            b = inout(reg) b => _,
                            b_step = in(reg) b_stride * bytes,
                            b_steps = in(reg) 3 * b_stride * bytes,
                            len = inout(reg) len => _,
                            options(nostack, readonly),
                        );
                    }
                }
            )*
        }
        mod wide {
            use super::*;
            $(
                /// # Safety
                /// As [`multiply`].
                #[inline]
                #[target_feature(enable = "avx512f")]
                pub unsafe fn $name(sums: &mut [[__m512; 2]; $rows], run: &Products<f32>) {
                    let &Products { a, a_stride, b, b_stride, ahead, len } = run;
                    let bytes = size_of::<f32>();
                    let [$([$left, $right]),*] = sums;
                    // Without a type, the upper sixteen registers are not found.
                    let (_x, _y, _number): (__m512, __m512, __m512);
                    // SAFETY: the loops read one number of each row of A and two registers of B in each of `len` steps, as the
                    // caller promises; prefetches never fault.
                    unsafe {
                        asm!(
                            "sub {len}, 4",
                            "jb 3f",
                            ".p2align 6",
                            "2:",
                            wide_step!("{b}" "{ahead}" "0"; $($left $right $at),*),
                            wide_step!("{b} + {b_step}" "{ahead} + {ahead_step}" "4"; $($left $right $at),*),
                            wide_step!("{b} + 2 * {b_step}" "{ahead} + 2 * {ahead_step}" "8"; $($left $right $at),*),
                            "lea {b}, [{b} + 2 * {b_step}]",
                            "lea {ahead}, [{ahead} + 2 * {ahead_step}]",
                            wide_step!("{b} + {b_step}" "{ahead} + {ahead_step}" "12"; $($left $right $at),*),
                            "add {a0}, 16",
                            "add {a3}, 16",
                            "add {a6}, 16",
                            "add {a9}, 16",
                            "lea {b}, [{b} + 2 * {b_step}]",
                            "lea {ahead}, [{ahead} + 2 * {ahead_step}]",
                            "sub {len}, 4",
                            "jae 2b",
                            "3:",
                            "add {len}, 4",
                            "je 5f",
                            "4:",
                            wide_step!("{b}" "{ahead}" "0"; $($left $right $at),*),
                            "add {a0}, 4",
                            "add {a3}, 4",
                            "add {a6}, 4",
                            "add {a9}, 4",
                            "add {b}, {b_step}",
                            "add {ahead}, {ahead_step}",
                            "dec {len}",
                            "jne 4b",
                            "5:",
                            x = out(zmm_reg) _x,
                            y = out(zmm_reg) _y,
                            number = out(zmm_reg) _number,
                            $($left = inout(zmm_reg) *$left, $right = inout(zmm_reg) *$right,)*
                            a0 = inout(reg) a => _,
                            a3 = inout(reg) a.wrapping_add(3 * a_stride) => _,
                            a6 = inout(reg) a.wrapping_add(6 * a_stride) => _,
                            a9 = inout(reg) a.wrapping_add(9 * a_stride) => _,
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
            )*
        }
    };
}

rows! {
    eight 8: l0 r0 "{a0}", l1 r1 "{a0} + {row}", l2 r2 "{a0} + 2 * {row}", l3 r3 "{a3}", l4 r4 "{a3} + {row}",
        l5 r5 "{a3} + 2 * {row}", l6 r6 "{a6}", l7 r7 "{a6} + {row}";
    nine 9: l0 r0 "{a0}", l1 r1 "{a0} + {row}", l2 r2 "{a0} + 2 * {row}", l3 r3 "{a3}", l4 r4 "{a3} + {row}",
        l5 r5 "{a3} + 2 * {row}", l6 r6 "{a6}", l7 r7 "{a6} + {row}", l8 r8 "{a6} + 2 * {row}";
    ten 10: l0 r0 "{a0}", l1 r1 "{a0} + {row}", l2 r2 "{a0} + 2 * {row}", l3 r3 "{a3}", l4 r4 "{a3} + {row}",
        l5 r5 "{a3} + 2 * {row}", l6 r6 "{a6}", l7 r7 "{a6} + {row}", l8 r8 "{a6} + 2 * {row}", l9 r9 "{a9}";
    eleven 11: l0 r0 "{a0}", l1 r1 "{a0} + {row}", l2 r2 "{a0} + 2 * {row}", l3 r3 "{a3}", l4 r4 "{a3} + {row}",
        l5 r5 "{a3} + 2 * {row}", l6 r6 "{a6}", l7 r7 "{a6} + {row}", l8 r8 "{a6} + 2 * {row}", l9 r9 "{a9}",
        l10 r10 "{a9} + {row}";
    twelve 12: l0 r0 "{a0}", l1 r1 "{a0} + {row}", l2 r2 "{a0} + 2 * {row}", l3 r3 "{a3}", l4 r4 "{a3} + {row}",
        l5 r5 "{a3} + 2 * {row}", l6 r6 "{a6}", l7 r7 "{a6} + {row}", l8 r8 "{a6} + 2 * {row}", l9 r9 "{a9}",
        l10 r10 "{a9} + {row}", l11 r11 "{a9} + 2 * {row}";
}
