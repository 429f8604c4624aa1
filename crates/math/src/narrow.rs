//! Slices of half and bfloat16 to and from single precision, rounding to nearest even.

use crate::simd::{self, Isa, Kernel};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

/// A float of 16 bits that is computed with in single precision.
pub trait Narrow: Copy + Send + Sync + 'static {
    /// `dst[i] = src[i]`, exactly.
    ///
    /// # Panics
    /// When the lengths differ.
    fn widen(src: &[Self], dst: &mut [f32]);

    /// `dst[i] = src[i]`, rounded to nearest even; what is too large becomes infinite, and NaN stays NaN.
    ///
    /// # Panics
    /// When the lengths differ.
    fn narrow(src: &[f32], dst: &mut [Self]);
}

impl Narrow for f16 {
    fn widen(src: &[Self], dst: &mut [f32]) {
        src.convert_to_f32_slice(dst);
    }

    fn narrow(src: &[f32], dst: &mut [Self]) {
        dst.convert_from_f32_slice(src);
    }
}

impl Narrow for bf16 {
    fn widen(src: &[Self], dst: &mut [f32]) {
        assert_eq!(src.len(), dst.len());
        simd::dispatch(Widen(src, dst));
    }

    fn narrow(src: &[f32], dst: &mut [Self]) {
        assert_eq!(src.len(), dst.len());
        simd::dispatch(Round(src, dst));
    }
}

struct Widen<'a>(&'a [bf16], &'a mut [f32]);

impl Kernel for Widen<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for (dst, src) in self.1.iter_mut().zip(self.0) {
            *dst = f32::from_bits(u32::from(src.to_bits()) << 16);
        }
    }
}

struct Round<'a>(&'a [f32], &'a mut [bf16]);

impl Kernel for Round<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for (dst, src) in self.1.iter_mut().zip(self.0) {
            let bits = src.to_bits();
            let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
            let nan = bits >> 16 | 0x40;
            let is_nan = bits & 0x7fff_ffff > 0x7f80_0000;
            *dst = bf16::from_bits(if is_nan { nan } else { rounded } as u16);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_narrow_value_survives() {
        let bits: Vec<u16> = (0..=u16::MAX).collect();
        let mut wide = vec![0.0; bits.len()];
        let b: Vec<bf16> = bits.iter().map(|&b| bf16::from_bits(b)).collect();
        let mut back = b.clone();
        bf16::widen(&b, &mut wide);
        bf16::narrow(&wide, &mut back);
        assert!(b.iter().zip(&back).all(|(x, y)| x.to_bits() == y.to_bits() || x.is_nan() && y.is_nan()));
        let h: Vec<f16> = bits.iter().map(|&b| f16::from_bits(b)).collect();
        let mut back = h.clone();
        f16::widen(&h, &mut wide);
        f16::narrow(&wide, &mut back);
        assert!(h.iter().zip(&back).all(|(x, y)| x.to_bits() == y.to_bits() || x.is_nan() && y.is_nan()));
    }

    #[test]
    fn rounding_agrees_with_half() {
        let wide: Vec<f32> = (0..70_000u32).map(|i| f32::from_bits(i.wrapping_mul(61_357))).collect();
        let mut fast = vec![bf16::ZERO; wide.len()];
        bf16::narrow(&wide, &mut fast);
        for (x, y) in wide.iter().zip(fast) {
            let want = bf16::from_f32(*x);
            assert!(y.to_bits() == want.to_bits() || y.is_nan() && want.is_nan(), "{x}");
        }
    }
}
