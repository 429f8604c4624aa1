//! Denormal numbers as TensorFlow's loops treat them.
//!
//! Its loops take packets of 32 bytes, with instructions that flush denormals. What fills no packet at the end of a
//! tensor goes through functions of the C library, many of which look at bits and hand a denormal on. A loop over a
//! tensor, or over blocks of it whose lengths but for the last are multiples of a packet, runs as it is and is then put
//! right by one of these functions; but for [`all`] they cost nothing where there are no denormals at the end.

use half::bf16;

/// A floating-point number with denormals, told by its bits.
pub trait Float: Copy {
    /// Elements of a packet.
    const PACKET: usize;
    /// Whether this is a denormal, which no zero is.
    fn is_denormal(self) -> bool;
    /// The zero of the same sign, for a denormal.
    fn zero(self) -> Self;
    /// The number, or the zero of its sign if it is a denormal.
    #[inline(always)]
    fn flushed(self) -> Self {
        if self.is_denormal() { self.zero() } else { self }
    }
    /// What the C library takes for the natural logarithm of a positive denormal, which it flushes while it scales it.
    const LOG_OF_DENORMAL: Self;
}

macro_rules! floats {
    ($($t:ty: $bits:ty, $packet:literal, $sign:literal, $mantissa:literal, $log:expr;)*) => {$(
        impl Float for $t {
            const PACKET: usize = $packet;
            const LOG_OF_DENORMAL: $t = $log;
            #[inline(always)]
            fn is_denormal(self) -> bool {
                (self.to_bits() & !$sign).wrapping_sub(1) < $mantissa
            }
            #[inline(always)]
            fn zero(self) -> Self {
                <$t>::from_bits(self.to_bits() & $sign)
            }
        }
    )*};
}

floats! {
    f32: u32, 8, 0x8000_0000, 0x007f_ffff, -103.972_08;
    f64: u64, 4, 0x8000_0000_0000_0000, 0x000f_ffff_ffff_ffff, -745.133_219_101_941_2;
    bf16: u16, 8, 0x8000, 0x007f, bf16::from_bits(0xc2d0);
}

fn whole<T: Float>(x: &[T]) -> usize {
    x.len() / T::PACKET * T::PACKET
}

fn put<T: Float>(x: &[T], out: &mut [T], f: impl Fn(T) -> T) {
    for (out, &x) in out.iter_mut().zip(x) {
        if x.is_denormal() {
            *out = f(x);
        }
    }
}

/// `out[i] = f(x[i])` where `x[i]` is denormal.
///
/// ```
/// let mut out = [0.0; 2];
/// savedmodel_math::packet::all(&[1e-40_f32, 1.0], &mut out, |x| x);
/// assert_eq!(out, [1e-40, 0.0]);
/// ```
#[inline(always)]
pub fn all<T: Float>(x: &[T], out: &mut [T], f: impl Fn(T) -> T) {
    put(x, out, f);
}

/// `out[i] = f(x[i])` where `x[i]` is denormal and part of a packet.
#[inline(always)]
pub fn head<T: Float>(x: &[T], out: &mut [T], f: impl Fn(T) -> T) {
    let whole = whole(x);
    put(&x[..whole], &mut out[..whole], f);
}

/// `out[i] = f(x[i])` where `x[i]` is denormal and part of no packet.
#[inline(always)]
pub fn rest<T: Float>(x: &[T], out: &mut [T], f: impl Fn(T) -> T) {
    let whole = whole(x);
    put(&x[whole..], &mut out[whole..], f);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denormals_are_told_by_their_bits() {
        for (x, want) in [
            (1e-45_f32, true),
            (-1e-40, true),
            (1.17e-38, true),
            (1.2e-38, false),
            (0.0, false),
            (-0.0, false),
        ] {
            assert_eq!(x.is_denormal(), want, "{x:e}");
        }
        assert!(!f32::NAN.is_denormal() && !f32::NEG_INFINITY.is_denormal());
        assert!(5e-324_f64.is_denormal() && (-2e-308_f64).is_denormal() && !2.3e-308_f64.is_denormal());
        assert!(bf16::from_bits(0x8001).is_denormal() && !bf16::from_bits(0x80).is_denormal());
        assert!((-1e-40_f32).zero().is_sign_negative() && (-1e-40_f32).zero() == 0.0);
        assert_eq!(bf16::LOG_OF_DENORMAL, bf16::from_f32(-104.0));
    }

    #[test]
    fn packets_and_the_rest_are_apart() {
        let x = [1e-40_f32; 10];
        let (mut a, mut b, mut c) = ([1.0; 10], [1.0; 10], [1.0; 10]);
        all(&x, &mut a, |x| x);
        head(&x, &mut b, |x| x);
        rest(&x, &mut c, |x| x);
        assert_eq!(a, x);
        assert_eq!(b, [1e-40, 1e-40, 1e-40, 1e-40, 1e-40, 1e-40, 1e-40, 1e-40, 1.0, 1.0]);
        assert_eq!(c, [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1e-40, 1e-40]);
    }
}
