//! Floating-point and complex numbers, seen as the judge sees them.

use savedmodel_tensor::{Complex32, Complex64, Element, bf16, f16};

/// A floating-point element.
pub(crate) trait Real: Element {
    /// The distance from 1 to the next larger number.
    const EPSILON: f64;
    /// The number, exactly.
    fn widen(self) -> f64;
    /// The bits, with the sign where `f64` has it, so that equal bits are equal numbers.
    fn bits(self) -> u64;
    /// The position among all numbers of the type; both zeros have position 0.
    fn position(self) -> i64;
}

macro_rules! reals {
    ($($type:ty, $bits:ty, $epsilon:expr;)*) => {
        $(impl Real for $type {
            const EPSILON: f64 = $epsilon;
            fn widen(self) -> f64 {
                f64::from(self)
            }
            fn bits(self) -> u64 {
                u64::from(self.to_bits())
            }
            fn position(self) -> i64 {
                let sign: $bits = 1 << (<$bits>::BITS - 1);
                let magnitude = (self.to_bits() & !sign) as i64;
                if self.to_bits() & sign == 0 { magnitude } else { -magnitude }
            }
        })*
    };
}

reals! {
    f32, u32, f32::EPSILON as f64;
    f64, u64, f64::EPSILON;
    f16, u16, 1.0 / 1024.0;
    bf16, u16, 1.0 / 128.0;
}

/// An element of one or two real parts.
pub(crate) trait Number: Element {
    /// The type of the parts.
    type Part: Real;
    /// The parts; a real number's second one is zero.
    fn parts(self) -> [Self::Part; 2];
}

impl<T: Real> Number for T {
    type Part = T;
    fn parts(self) -> [T; 2] {
        [self, T::default()]
    }
}

impl Number for Complex32 {
    type Part = f32;
    fn parts(self) -> [f32; 2] {
        [self.re, self.im]
    }
}

impl Number for Complex64 {
    type Part = f64;
    fn parts(self) -> [f64; 2] {
        [self.re, self.im]
    }
}
