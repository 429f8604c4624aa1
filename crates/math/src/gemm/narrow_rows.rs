//! The loop of products with few columns where registers have 512 bits: eight to twelve rows of one register of single precision.
//!
//! A step of such a tile multiplies so little that finding the rows of A takes compilers' loops longer than multiplying.

use std::arch::asm;
use std::arch::x86_64::__m512;

use super::tile::Products;

/// Adds the products of a run to `sums`, if there is a loop for so many rows; else gives false.
///
/// # Safety
/// The processor has AVX-512; the run has so many rows of A, and rows of B of one register.
#[inline(always)]
pub unsafe fn multiply<const ROWS: usize>(sums: &mut [[__m512; 1]; ROWS], run: &Products<f32>) -> bool {
    let sums = &raw mut *sums;
    // SAFETY: there are as many rows as the loops take; the caller promises the rest.
    unsafe {
        match ROWS {
            8 => eight(&mut *sums.cast(), run),
            9 => nine(&mut *sums.cast(), run),
            10 => ten(&mut *sums.cast(), run),
            11 => eleven(&mut *sums.cast(), run),
            12 => twelve(&mut *sums.cast(), run),
            _ => return false,
        }
    }
    true
}

macro_rules! rows {
    ($($name:ident $rows:literal: $($sum:ident $at:literal),*;)*) => {$(
        /// # Safety
        /// As [`multiply`].
        #[inline]
        #[target_feature(enable = "avx512f")]
        unsafe fn $name(sums: &mut [[__m512; 1]; $rows], run: &Products<f32>) {
            let &Products { a, a_stride, b, b_stride, len, .. } = run;
            if len == 0 {
                return;
            }
            let bytes = size_of::<f32>();
            let [$([$sum]),*] = sums;
            // SAFETY: the loop reads one number of each row of A and a register of B in each of `len` steps, as the caller promises.
            unsafe {
                asm!(
                    ".p2align 6",
                    "2:",
                    "vmovups {x}, [{b}]",
                    $(concat!("vfmadd231ps {", stringify!($sum), "}, {x}, dword ptr [", $at, "]{{1to16}}"),)*
                    "add {a0}, 4",
                    "add {a3}, 4",
                    "add {a6}, 4",
                    "add {a9}, 4",
                    "add {b}, {b_step}",
                    "dec {len}",
                    "jne 2b",
                    x = out(zmm_reg) _,
                    $($sum = inout(zmm_reg) *$sum,)*
                    a0 = inout(reg) a => _,
                    a3 = inout(reg) a.wrapping_add(3 * a_stride) => _,
                    a6 = inout(reg) a.wrapping_add(6 * a_stride) => _,
                    a9 = inout(reg) a.wrapping_add(9 * a_stride) => _,
                    row = in(reg) a_stride * bytes,
                    b = inout(reg) b => _,
                    b_step = in(reg) b_stride * bytes,
                    len = inout(reg) len => _,
                    options(nostack, readonly),
                );
            }
        }
    )*};
}

rows! {
    eight 8: s0 "{a0}", s1 "{a0} + {row}", s2 "{a0} + 2 * {row}", s3 "{a3}", s4 "{a3} + {row}", s5 "{a3} + 2 * {row}",
        s6 "{a6}", s7 "{a6} + {row}";
    nine 9: s0 "{a0}", s1 "{a0} + {row}", s2 "{a0} + 2 * {row}", s3 "{a3}", s4 "{a3} + {row}", s5 "{a3} + 2 * {row}",
        s6 "{a6}", s7 "{a6} + {row}", s8 "{a6} + 2 * {row}";
    ten 10: s0 "{a0}", s1 "{a0} + {row}", s2 "{a0} + 2 * {row}", s3 "{a3}", s4 "{a3} + {row}", s5 "{a3} + 2 * {row}",
        s6 "{a6}", s7 "{a6} + {row}", s8 "{a6} + 2 * {row}", s9 "{a9}";
    eleven 11: s0 "{a0}", s1 "{a0} + {row}", s2 "{a0} + 2 * {row}", s3 "{a3}", s4 "{a3} + {row}", s5 "{a3} + 2 * {row}",
        s6 "{a6}", s7 "{a6} + {row}", s8 "{a6} + 2 * {row}", s9 "{a9}", s10 "{a9} + {row}";
    twelve 12: s0 "{a0}", s1 "{a0} + {row}", s2 "{a0} + 2 * {row}", s3 "{a3}", s4 "{a3} + {row}", s5 "{a3} + 2 * {row}",
        s6 "{a6}", s7 "{a6} + {row}", s8 "{a6} + 2 * {row}", s9 "{a9}", s10 "{a9} + {row}", s11 "{a9} + 2 * {row}";
}
