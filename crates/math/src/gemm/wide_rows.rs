//! The loops of products where registers have 512 bits: four to twelve rows of two registers of single precision,
//! or eight to twelve of one: at least eight sums, as multiply-adds take so many to keep busy.
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
            (4, 2) => wide::four(&mut *sums.cast(), run),
            (5, 2) => wide::five(&mut *sums.cast(), run),
            (6, 2) => wide::six(&mut *sums.cast(), run),
            (7, 2) => wide::seven(&mut *sums.cast(), run),
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

/// Where the number of a row of A lies: three rows are counted from the same one.
#[rustfmt::skip]
macro_rules! at {
    (p0) => { "{a0}" };
    (p1) => { "{a0} + {row}" };
    (p2) => { "{a0} + 2 * {row}" };
    (p3) => { "{a3}" };
    (p4) => { "{a3} + {row}" };
    (p5) => { "{a3} + 2 * {row}" };
    (p6) => { "{a6}" };
    (p7) => { "{a6} + {row}" };
    (p8) => { "{a6} + 2 * {row}" };
    (p9) => { "{a9}" };
    (p10) => { "{a9} + {row}" };
    (p11) => { "{a9} + 2 * {row}" };
}

/// A step of tiles of one register: the row of B at an address, and the numbers of A so many bytes behind theirs.
macro_rules! narrow_step {
    ($b:literal $behind:literal; $($sum:ident $at:ident),*) => {
        concat!(
            "vmovups {x}, [", $b, "]\n",
            $("vfmadd231ps {", stringify!($sum), "}, {x}, dword ptr [", at!($at), " + ", $behind, "]{{1to16}}\n",)*
        )
    };
}

/// The same of two registers.
macro_rules! wide_step {
    ($b:literal $ahead:literal $behind:literal; $($left:ident $right:ident $at:ident),*) => {
        concat!(
            "vmovups {x}, [", $b, "]\n",
            "vmovups {y}, [", $b, " + 64]\n",
            "prefetcht1 [", $ahead, "]\n",
            $(
                "vbroadcastss {number}, dword ptr [", at!($at), " + ", $behind, "]\n",
                "vfmadd231ps {", stringify!($left), "}, {number}, {x}\n",
                "vfmadd231ps {", stringify!($right), "}, {number}, {y}\n",
            )*
        )
    };
}

macro_rules! narrow {
    ($($name:ident $rows:literal [$($group:ident $first:literal),*]: $($left:ident $at:ident),*;)*) => {
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
                        $(concat!("add {", stringify!($group), "}, 16"),)*
                        "lea {b}, [{b} + 4 * {b_step}]",
                        "sub {len}, 4",
                        "jae 2b",
                        "3:",
                        "add {len}, 4",
                        "je 5f",
                        "4:",
                        narrow_step!("{b}" "0"; $($left $at),*),
                        $(concat!("add {", stringify!($group), "}, 4"),)*
                        "add {b}, {b_step}",
                        "dec {len}",
                        "jne 4b",
                        "5:",
                        x = out(zmm_reg) _,
                        $($left = inout(zmm_reg) *$left,)*
                        $($group = inout(reg) a.wrapping_add($first * a_stride) => _,)*
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
    };
}

macro_rules! wide {
    ($($name:ident $rows:literal [$($group:ident $first:literal),*]: $($left:ident $right:ident $at:ident),*;)*) => {
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
                        $(concat!("add {", stringify!($group), "}, 16"),)*
                        "lea {b}, [{b} + 2 * {b_step}]",
                        "lea {ahead}, [{ahead} + 2 * {ahead_step}]",
                        "sub {len}, 4",
                        "jae 2b",
                        "3:",
                        "add {len}, 4",
                        "je 5f",
                        "4:",
                        wide_step!("{b}" "{ahead}" "0"; $($left $right $at),*),
                        $(concat!("add {", stringify!($group), "}, 4"),)*
                        "add {b}, {b_step}",
                        "add {ahead}, {ahead_step}",
                        "dec {len}",
                        "jne 4b",
                        "5:",
                        x = out(zmm_reg) _x,
                        y = out(zmm_reg) _y,
                        number = out(zmm_reg) _number,
                        $($left = inout(zmm_reg) *$left, $right = inout(zmm_reg) *$right,)*
                        $($group = inout(reg) a.wrapping_add($first * a_stride) => _,)*
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
    };
}

mod narrow {
    use super::*;

    narrow! {
        eight 8 [a0 0, a3 3, a6 6]: l0 p0, l1 p1, l2 p2, l3 p3, l4 p4, l5 p5, l6 p6, l7 p7;
        nine 9 [a0 0, a3 3, a6 6]: l0 p0, l1 p1, l2 p2, l3 p3, l4 p4, l5 p5, l6 p6, l7 p7, l8 p8;
        ten 10 [a0 0, a3 3, a6 6, a9 9]: l0 p0, l1 p1, l2 p2, l3 p3, l4 p4, l5 p5, l6 p6, l7 p7, l8 p8, l9 p9;
        eleven 11 [a0 0, a3 3, a6 6, a9 9]: l0 p0, l1 p1, l2 p2, l3 p3, l4 p4, l5 p5, l6 p6, l7 p7, l8 p8, l9 p9,
            l10 p10;
        twelve 12 [a0 0, a3 3, a6 6, a9 9]: l0 p0, l1 p1, l2 p2, l3 p3, l4 p4, l5 p5, l6 p6, l7 p7, l8 p8, l9 p9,
            l10 p10, l11 p11;
    }
}

mod wide {
    use super::*;

    wide! {
        four 4 [a0 0, a3 3]: l0 r0 p0, l1 r1 p1, l2 r2 p2, l3 r3 p3;
        five 5 [a0 0, a3 3]: l0 r0 p0, l1 r1 p1, l2 r2 p2, l3 r3 p3, l4 r4 p4;
        six 6 [a0 0, a3 3]: l0 r0 p0, l1 r1 p1, l2 r2 p2, l3 r3 p3, l4 r4 p4, l5 r5 p5;
        seven 7 [a0 0, a3 3, a6 6]: l0 r0 p0, l1 r1 p1, l2 r2 p2, l3 r3 p3, l4 r4 p4, l5 r5 p5, l6 r6 p6;
        eight 8 [a0 0, a3 3, a6 6]: l0 r0 p0, l1 r1 p1, l2 r2 p2, l3 r3 p3, l4 r4 p4, l5 r5 p5, l6 r6 p6, l7 r7 p7;
        nine 9 [a0 0, a3 3, a6 6]: l0 r0 p0, l1 r1 p1, l2 r2 p2, l3 r3 p3, l4 r4 p4, l5 r5 p5, l6 r6 p6, l7 r7 p7,
            l8 r8 p8;
        ten 10 [a0 0, a3 3, a6 6, a9 9]: l0 r0 p0, l1 r1 p1, l2 r2 p2, l3 r3 p3, l4 r4 p4, l5 r5 p5, l6 r6 p6,
            l7 r7 p7, l8 r8 p8, l9 r9 p9;
        eleven 11 [a0 0, a3 3, a6 6, a9 9]: l0 r0 p0, l1 r1 p1, l2 r2 p2, l3 r3 p3, l4 r4 p4, l5 r5 p5, l6 r6 p6,
            l7 r7 p7, l8 r8 p8, l9 r9 p9, l10 r10 p10;
        twelve 12 [a0 0, a3 3, a6 6, a9 9]: l0 r0 p0, l1 r1 p1, l2 r2 p2, l3 r3 p3, l4 r4 p4, l5 r5 p5, l6 r6 p6,
            l7 r7 p7, l8 r8 p8, l9 r9 p9, l10 r10 p10, l11 r11 p11;
    }
}
