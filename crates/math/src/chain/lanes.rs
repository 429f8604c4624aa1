//! The vector registers that chains are computed in.

/// A register of `LEN` floats.
///
/// # Safety
/// The methods may only be called where the processor has the instructions of the implementing type.
pub unsafe trait Lanes: Copy {
    /// Number of elements.
    const LEN: usize;

    /// All elements `x`.
    ///
    /// # Safety
    /// The processor has the instructions; so for all methods.
    unsafe fn splat(x: f32) -> Self;
    /// The `LEN` elements at `from`.
    ///
    /// # Safety
    /// They are readable.
    unsafe fn load(from: *const f32) -> Self;
    /// Writes the `LEN` elements at `to`.
    ///
    /// # Safety
    /// They are writable.
    unsafe fn store(self, to: *mut f32);
    /// As [`Lanes::store`], past the caches where the processor can; [`fence`] must follow before others read.
    ///
    /// # Safety
    /// They are writable, and `to` is aligned to the register.
    unsafe fn stream(self, to: *mut f32);
    /// `self + b`.
    ///
    /// # Safety
    /// As [`Lanes::splat`]; so for all that follow.
    unsafe fn add(self, b: Self) -> Self;
    /// `self - b`.
    unsafe fn sub(self, b: Self) -> Self;
    /// `self * b`.
    unsafe fn mul(self, b: Self) -> Self;
    /// `self / b`.
    unsafe fn div(self, b: Self) -> Self;
    /// The square root.
    unsafe fn sqrt(self) -> Self;
    /// `x` without its sign.
    unsafe fn abs(x: Self) -> Self;
    /// `x` with the other sign.
    unsafe fn neg(x: Self) -> Self;
    /// `self` where it is greater than `b`, else `b`.
    unsafe fn greater(self, b: Self) -> Self;
    /// `self` where it is less than `b`, else `b`.
    unsafe fn less(self, b: Self) -> Self;
    /// `x` where it is NaN, else `b`.
    unsafe fn nan_or(x: Self, b: Self) -> Self;
    /// 0 where `x` is at most 0, else `b`.
    unsafe fn above_zero(x: Self, b: Self) -> Self;
    /// 0 where `x` is 0, else `b`.
    unsafe fn unless_zero(x: Self, b: Self) -> Self;
}

/// Asks for the cache line at `from`, which need not be readable.
#[inline(always)]
pub fn prefetch(from: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86-64, and a prefetch never faults.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(from.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = from;
}

/// Makes what was written by [`Lanes::stream`] visible in order.
pub fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86-64.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

// SAFETY: plain Rust, which every processor runs.
unsafe impl Lanes for [f32; 4] {
    const LEN: usize = 4;
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        [x; 4]
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller promises four readable elements; no alignment is assumed.
        unsafe { from.cast::<Self>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller promises four writable elements; no alignment is assumed.
        unsafe { to.cast::<Self>().write_unaligned(self) }
    }
    #[inline(always)]
    unsafe fn stream(self, to: *mut f32) {
        // SAFETY: the caller promises what `store` asks for.
        unsafe { self.store(to) }
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        std::array::from_fn(|i| self[i] + b[i])
    }
    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        std::array::from_fn(|i| self[i] - b[i])
    }
    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        std::array::from_fn(|i| self[i] * b[i])
    }
    #[inline(always)]
    unsafe fn div(self, b: Self) -> Self {
        std::array::from_fn(|i| self[i] / b[i])
    }
    #[inline(always)]
    unsafe fn sqrt(self) -> Self {
        self.map(f32::sqrt)
    }
    #[inline(always)]
    unsafe fn abs(x: Self) -> Self {
        x.map(f32::abs)
    }
    #[inline(always)]
    unsafe fn neg(x: Self) -> Self {
        x.map(|x| -x)
    }
    #[inline(always)]
    unsafe fn greater(self, b: Self) -> Self {
        std::array::from_fn(|i| if self[i] > b[i] { self[i] } else { b[i] })
    }
    #[inline(always)]
    unsafe fn less(self, b: Self) -> Self {
        std::array::from_fn(|i| if self[i] < b[i] { self[i] } else { b[i] })
    }
    #[inline(always)]
    unsafe fn nan_or(x: Self, b: Self) -> Self {
        std::array::from_fn(|i| if x[i].is_nan() { x[i] } else { b[i] })
    }
    #[inline(always)]
    unsafe fn above_zero(x: Self, b: Self) -> Self {
        std::array::from_fn(|i| if x[i] <= 0.0 { 0.0 } else { b[i] })
    }
    #[inline(always)]
    unsafe fn unless_zero(x: Self, b: Self) -> Self {
        std::array::from_fn(|i| if x[i] == 0.0 { 0.0 } else { b[i] })
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Lanes;

    macro_rules! register {
        ($vector:ty, $len:literal, $(($name:ident($($argument:ident),*) $body:expr))*;
         $splat:ident $load:ident $store:ident $stream:ident $add:ident $sub:ident $mul:ident $div:ident $sqrt:ident
         $max:ident $min:ident) => {
            // SAFETY: each method is a few instructions of the set that the register belongs to, which callers have checked.
            unsafe impl Lanes for $vector {
                const LEN: usize = $len;
                #[inline(always)]
                unsafe fn splat(x: f32) -> Self {
                    // SAFETY: the caller has the instruction; so below.
                    unsafe { $splat(x) }
                }
                #[inline(always)]
                unsafe fn load(from: *const f32) -> Self {
                    // SAFETY: the caller promises a readable register; it may be unaligned.
                    unsafe { $load(from) }
                }
                #[inline(always)]
                unsafe fn store(self, to: *mut f32) {
                    // SAFETY: the caller promises a writable register; it may be unaligned.
                    unsafe { $store(to, self) }
                }
                #[inline(always)]
                unsafe fn stream(self, to: *mut f32) {
                    // SAFETY: the caller promises a writable register that is aligned.
                    unsafe { $stream(to, self) }
                }
                #[inline(always)]
                unsafe fn add(self, b: Self) -> Self {
                    // SAFETY: the caller has the instruction; so below.
                    unsafe { $add(self, b) }
                }
                #[inline(always)]
                unsafe fn sub(self, b: Self) -> Self {
                    // SAFETY: as above.
                    unsafe { $sub(self, b) }
                }
                #[inline(always)]
                unsafe fn mul(self, b: Self) -> Self {
                    // SAFETY: as above.
                    unsafe { $mul(self, b) }
                }
                #[inline(always)]
                unsafe fn div(self, b: Self) -> Self {
                    // SAFETY: as above.
                    unsafe { $div(self, b) }
                }
                #[inline(always)]
                unsafe fn sqrt(self) -> Self {
                    // SAFETY: as above.
                    unsafe { $sqrt(self) }
                }
                #[inline(always)]
                unsafe fn greater(self, b: Self) -> Self {
                    // The instruction returns its second operand when one is NaN or both are zero.
                    // SAFETY: as above.
                    unsafe { $max(self, b) }
                }
                #[inline(always)]
                unsafe fn less(self, b: Self) -> Self {
                    // SAFETY: as above.
                    unsafe { $min(self, b) }
                }
                $(#[inline(always)]
                unsafe fn $name($($argument: Self),*) -> Self {
                    // SAFETY: as above.
                    unsafe { $body }
                })*
            }
        };
    }

    register! {
        __m512, 16,
        (abs(x) _mm512_abs_ps(x))
        (neg(x) _mm512_xor_ps(x, _mm512_set1_ps(-0.0)))
        (nan_or(x, b) _mm512_mask_mov_ps(b, _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(x, x), x))
        (above_zero(x, b) _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_NLE_UQ>(x, _mm512_setzero_ps()), b))
        (unless_zero(x, b) _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(x, _mm512_setzero_ps()), b));
        _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_stream_ps _mm512_add_ps _mm512_sub_ps _mm512_mul_ps
        _mm512_div_ps _mm512_sqrt_ps _mm512_max_ps _mm512_min_ps
    }

    register! {
        __m256, 8,
        (abs(x) _mm256_andnot_ps(_mm256_set1_ps(-0.0), x))
        (neg(x) _mm256_xor_ps(x, _mm256_set1_ps(-0.0)))
        (nan_or(x, b) _mm256_blendv_ps(b, x, _mm256_cmp_ps::<_CMP_UNORD_Q>(x, x)))
        (above_zero(x, b) _mm256_and_ps(_mm256_cmp_ps::<_CMP_NLE_UQ>(x, _mm256_setzero_ps()), b))
        (unless_zero(x, b) _mm256_and_ps(_mm256_cmp_ps::<_CMP_NEQ_UQ>(x, _mm256_setzero_ps()), b));
        _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_stream_ps _mm256_add_ps _mm256_sub_ps _mm256_mul_ps
        _mm256_div_ps _mm256_sqrt_ps _mm256_max_ps _mm256_min_ps
    }
}
