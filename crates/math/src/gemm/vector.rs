//! The vector registers that microkernels are written against.

use super::tile::Products;

/// A register of `LEN` elements.
///
/// # Safety
/// The methods may only be called where the processor has the instructions of the implementing type.
pub unsafe trait Vector: Copy {
    /// The element.
    type Element: Copy;
    /// Number of elements.
    const LEN: usize;
    /// Number of registers that the processor has.
    const REGISTERS: usize;

    /// All elements `x`.
    ///
    /// # Safety
    /// The processor has the instructions; so for all methods.
    unsafe fn splat(x: Self::Element) -> Self;
    /// The `LEN` elements at `from`.
    ///
    /// # Safety
    /// They are readable.
    unsafe fn load(from: *const Self::Element) -> Self;
    /// Writes the `LEN` elements at `to`.
    ///
    /// # Safety
    /// They are writable.
    unsafe fn store(self, to: *mut Self::Element);
    /// The first `count` elements at `from`, then zeros.
    ///
    /// # Safety
    /// They are readable, and no more than `LEN`.
    unsafe fn load_first(from: *const Self::Element, count: usize) -> Self;
    /// Writes the first `count` elements at `to`.
    ///
    /// # Safety
    /// They are writable, and no more than `LEN`.
    unsafe fn store_first(self, to: *mut Self::Element, count: usize);
    /// Asks for the cache line at `from`, which need not be readable.
    #[inline(always)]
    fn prefetch(from: *const Self::Element) {
        let _ = from;
    }
    /// As [`Vector::prefetch`], to the second-level cache.
    #[inline(always)]
    fn prefetch_far(from: *const Self::Element) {
        let _ = from;
    }
    /// `self + b`.
    ///
    /// # Safety
    /// As [`Vector::splat`].
    unsafe fn add(self, b: Self) -> Self;
    /// `self * b + c`.
    ///
    /// # Safety
    /// As [`Vector::splat`].
    unsafe fn fma(self, b: Self, c: Self) -> Self;
    /// The elements of `self` between those of `lo` and `hi`; NaN stays NaN.
    ///
    /// # Safety
    /// As [`Vector::splat`].
    unsafe fn clamp(self, lo: Self, hi: Self) -> Self;
    /// Adds all products of a run to `sums`, if there is a loop of its own for so many registers; else false.
    ///
    /// # Safety
    /// As [`Vector::splat`], and what the run names is readable.
    #[inline(always)]
    unsafe fn multiply<const ROWS: usize, const WIDTH: usize>(
        sums: &mut [[Self; WIDTH]; ROWS],
        run: &Products<Self::Element>,
    ) -> bool {
        let _ = (sums, run);
        false
    }
}

macro_rules! portable {
    ($($t:ty)*) => {$(
        // SAFETY: plain Rust, which every processor runs.
        unsafe impl Vector for [$t; 4] {
            type Element = $t;
            const LEN: usize = 4;
            const REGISTERS: usize = 16;
            #[inline(always)]
            unsafe fn splat(x: $t) -> Self {
                [x; 4]
            }
            #[inline(always)]
            unsafe fn load(from: *const $t) -> Self {
                // SAFETY: the caller promises four readable elements; no alignment is assumed.
                unsafe { from.cast::<Self>().read_unaligned() }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $t) {
                // SAFETY: the caller promises four writable elements; no alignment is assumed.
                unsafe { to.cast::<Self>().write_unaligned(self) }
            }
            #[inline(always)]
            unsafe fn load_first(from: *const $t, count: usize) -> Self {
                // SAFETY: the caller promises `count` readable elements.
                std::array::from_fn(|i| if i < count { unsafe { *from.add(i) } } else { 0.0 })
            }
            #[inline(always)]
            unsafe fn store_first(self, to: *mut $t, count: usize) {
                for (i, x) in self.into_iter().enumerate().take(count) {
                    // SAFETY: the caller promises `count` writable elements.
                    unsafe { *to.add(i) = x };
                }
            }
            #[inline(always)]
            unsafe fn add(self, b: Self) -> Self {
                std::array::from_fn(|i| self[i] + b[i])
            }
            #[inline(always)]
            unsafe fn fma(self, b: Self, c: Self) -> Self {
                std::array::from_fn(|i| {
                    if cfg!(target_arch = "aarch64") { self[i].mul_add(b[i], c[i]) } else { self[i] * b[i] + c[i] }
                })
            }
            #[inline(always)]
            unsafe fn clamp(self, lo: Self, hi: Self) -> Self {
                std::array::from_fn(|i| {
                    let x = if self[i] < lo[i] { lo[i] } else { self[i] };
                    if x > hi[i] { hi[i] } else { x }
                })
            }
        }
    )*};
}

portable!(f32 f64);

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::super::{six_rows, wide_rows};
    use super::{Products, Vector};
    use std::arch::x86_64::*;

    macro_rules! register {
        ($(
            $vector:ty, $t:ty, $len:literal: $set:ident $load:ident $store:ident $add:ident $fma:ident $max:ident $min:ident;
            ($from:ident $to:ident $register:ident $count:ident) $load_first:expr, $store_first:expr;
            { $($multiply:item)? }
        )*) => {$(
            // SAFETY: each method is one instruction of the set that the register belongs to, which callers have checked.
            unsafe impl Vector for $vector {
                type Element = $t;
                const LEN: usize = $len;
                const REGISTERS: usize = if size_of::<$vector>() == 64 { 32 } else { 16 };
                #[inline(always)]
                unsafe fn splat(x: $t) -> Self {
                    // SAFETY: the caller has the instruction.
                    unsafe { $set(x) }
                }
                #[inline(always)]
                unsafe fn load(from: *const $t) -> Self {
                    // SAFETY: the caller has the instruction and promises a readable register; it may be unaligned.
                    unsafe { $load(from) }
                }
                #[inline(always)]
                unsafe fn store(self, to: *mut $t) {
                    // SAFETY: the caller has the instruction and promises a writable register; it may be unaligned.
                    unsafe { $store(to, self) }
                }
                #[inline(always)]
                unsafe fn load_first($from: *const $t, $count: usize) -> Self {
                    // SAFETY: the caller has the instruction and promises the elements that the mask picks.
                    unsafe { $load_first }
                }
                #[inline(always)]
                unsafe fn store_first(self, $to: *mut $t, $count: usize) {
                    let $register = self;
                    // SAFETY: as above.
                    unsafe { $store_first }
                }
                #[inline(always)]
                fn prefetch(from: *const $t) {
                    // SAFETY: SSE is part of x86-64, and a prefetch never faults.
                    unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
                }
                #[inline(always)]
                fn prefetch_far(from: *const $t) {
                    // SAFETY: as above.
                    unsafe { _mm_prefetch::<_MM_HINT_T1>(from.cast()) }
                }
                #[inline(always)]
                unsafe fn add(self, b: Self) -> Self {
                    // SAFETY: the caller has the instruction.
                    unsafe { $add(self, b) }
                }
                #[inline(always)]
                unsafe fn fma(self, b: Self, c: Self) -> Self {
                    // SAFETY: the caller has the instruction.
                    unsafe { $fma(self, b, c) }
                }
                #[inline(always)]
                unsafe fn clamp(self, lo: Self, hi: Self) -> Self {
                    // Both instructions return their second operand when one is NaN.
                    // SAFETY: the caller has the instructions.
                    unsafe { $min(hi, $max(lo, self)) }
                }
                $($multiply)?
            }
        )*};
    }

    /// A mask of the first `count` lanes.
    #[inline(always)]
    fn bits(count: usize) -> __mmask16 {
        ((1_u32 << count) - 1) as __mmask16
    }

    /// A register whose first `count` lanes of 32 bits are ones.
    #[inline(always)]
    fn lanes(count: usize) -> __m256i {
        const LANES: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
        // SAFETY: eight lanes that begin at most eight before the end; any bits are a register.
        unsafe { LANES[8 - count..].as_ptr().cast::<__m256i>().read_unaligned() }
    }

    /// Sixteen sums in single precision, or sixteen pairs of bfloat16 that are given as numbers of four bytes.
    #[derive(Clone, Copy)]
    pub struct Pairs(__m512);

    // SAFETY: each method is one instruction of AVX-512, which callers have checked, as they have AVX512-BF16.
    unsafe impl Vector for Pairs {
        type Element = f32;
        const LEN: usize = 16;
        const REGISTERS: usize = 32;
        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            // SAFETY: promised by the caller, as below.
            unsafe { Pairs(__m512::splat(x)) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: as above.
            unsafe { Pairs(__m512::load(from)) }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: as above.
            unsafe { self.0.store(to) }
        }
        #[inline(always)]
        unsafe fn load_first(from: *const f32, count: usize) -> Self {
            // SAFETY: as above.
            unsafe { Pairs(__m512::load_first(from, count)) }
        }
        #[inline(always)]
        unsafe fn store_first(self, to: *mut f32, count: usize) {
            // SAFETY: as above.
            unsafe { self.0.store_first(to, count) }
        }
        #[inline(always)]
        fn prefetch(from: *const f32) {
            __m512::prefetch(from);
        }
        #[inline(always)]
        fn prefetch_far(from: *const f32) {
            __m512::prefetch_far(from);
        }
        #[inline(always)]
        unsafe fn add(self, b: Self) -> Self {
            // SAFETY: as above.
            unsafe { Pairs(self.0.add(b.0)) }
        }
        /// The products of the first and of the second numbers of pairs, on top of sums.
        #[inline(always)]
        unsafe fn fma(self, b: Self, c: Self) -> Self {
            // SAFETY: as above; registers of 64 bytes may be seen as pairs.
            unsafe {
                let [a, b] = [self.0, b.0].map(|pairs| std::mem::transmute::<__m512, __m512bh>(pairs));
                Pairs(_mm512_dpbf16_ps(c.0, a, b))
            }
        }
        #[inline(always)]
        unsafe fn clamp(self, lo: Self, hi: Self) -> Self {
            // SAFETY: as above.
            unsafe { Pairs(self.0.clamp(lo.0, hi.0)) }
        }
    }

    register! {
        __m512, f32, 16: _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_add_ps _mm512_fmadd_ps _mm512_max_ps _mm512_min_ps;
        (from to x n) _mm512_maskz_loadu_ps(bits(n), from), _mm512_mask_storeu_ps(to, bits(n), x);
        {
            #[inline(always)]
            unsafe fn multiply<const ROWS: usize, const WIDTH: usize>(
                sums: &mut [[Self; WIDTH]; ROWS],
                run: &Products<f32>,
            ) -> bool {
                // SAFETY: promised by the caller.
                unsafe { wide_rows::multiply(sums, run) }
            }
        }
        __m512d, f64, 8: _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_add_pd _mm512_fmadd_pd _mm512_max_pd _mm512_min_pd;
        (from to x n) _mm512_maskz_loadu_pd(bits(n) as __mmask8, from), _mm512_mask_storeu_pd(to, bits(n) as __mmask8, x);
        {}
        __m256, f32, 8: _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_add_ps _mm256_fmadd_ps _mm256_max_ps _mm256_min_ps;
        (from to x n) if n == 8 { _mm256_loadu_ps(from) } else { _mm256_maskload_ps(from, lanes(n)) },
        if n == 8 { _mm256_storeu_ps(to, x) } else { _mm256_maskstore_ps(to, lanes(n), x) };
        {
            #[inline(always)]
            unsafe fn multiply<const ROWS: usize, const WIDTH: usize>(
                sums: &mut [[Self; WIDTH]; ROWS],
                run: &Products<f32>,
            ) -> bool {
                if ROWS != 6 || WIDTH != 2 {
                    return false;
                }
                // SAFETY: there are six rows of two registers; the caller promises the rest.
                unsafe { six_rows::multiply(&mut *(&raw mut *sums).cast(), run) }
                true
            }
        }
        __m256d, f64, 4: _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_add_pd _mm256_fmadd_pd _mm256_max_pd _mm256_min_pd;
        (from to x n) if n == 4 { _mm256_loadu_pd(from) } else { _mm256_maskload_pd(from, lanes(2 * n)) },
        if n == 4 { _mm256_storeu_pd(to, x) } else { _mm256_maskstore_pd(to, lanes(2 * n), x) };
        {}
    }
}

#[cfg(target_arch = "x86_64")]
pub use x86::Pairs;
