//! The numbers that matrices are made of.

use std::ops::{AddAssign, MulAssign, Neg, SubAssign};

use num_traits::{Float, Num};
use savedmodel_tensor::{Complex32, Complex64};

use crate::product::Product;

/// A real or complex number of single or double precision.
pub trait Scalar: Product + Num + Neg<Output = Self> + AddAssign + SubAssign + MulAssign {
    /// The type of absolute values.
    type Real: Real;

    /// The complex type of the same precision.
    type Complex: Scalar<Real = Self::Real, Complex = Self::Complex>;

    /// Whether numbers have an imaginary part.
    const IS_COMPLEX: bool;

    /// The real number as one of this type.
    fn of_real(real: Self::Real) -> Self;

    /// A number of two parts; the imaginary one is lost in a real type.
    fn of_parts(real: Self::Real, imaginary: Self::Real) -> Self;

    /// The real part.
    fn real(self) -> Self::Real;

    /// The imaginary part.
    fn imaginary(self) -> Self::Real;

    /// The absolute value.
    fn modulus(self) -> Self::Real;

    /// The principal square root; NaN for what is negative and real.
    fn root(self) -> Self;

    /// The quotient, where intermediate results don't overflow unless it does.
    fn over(self, other: Self) -> Self;

    /// [`Scalar::over`], but of complex numbers with infinite parts, or over zero, what C says that it is.
    #[inline(always)]
    fn quotient(self, other: Self) -> Self {
        let quotient = self.over(other);
        if Self::IS_COMPLEX && quotient.real().is_nan() && quotient.imaginary().is_nan() {
            return beyond(self, other);
        }
        quotient
    }

    /// The square of the absolute value.
    #[inline(always)]
    fn squared_modulus(self) -> Self::Real {
        self.real() * self.real() + self.imaginary() * self.imaginary()
    }

    /// The sum of the absolute values of the parts.
    #[inline(always)]
    fn parts(self) -> Self::Real {
        Float::abs(self.real()) + Float::abs(self.imaginary())
    }

    /// The product with a real number.
    #[inline(always)]
    fn times(self, real: Self::Real) -> Self {
        Self::of_parts(self.real() * real, self.imaginary() * real)
    }

    /// The number as a complex one.
    #[inline(always)]
    fn to_complex(self) -> Self::Complex {
        Self::Complex::of_parts(self.real(), self.imaginary())
    }

    /// Whether both parts are finite.
    fn is_all_finite(self) -> bool {
        self.real().is_finite() && self.imaginary().is_finite()
    }
}

/// A real number.
pub trait Real: Scalar<Real = Self> + Float {
    /// Distance from one to the next number.
    const EPSILON: Self;

    /// The least positive normal number.
    const TINY: Self;

    /// The nearest number.
    fn of(value: f64) -> Self;
}

/// The quotient of numbers with infinite parts, or by zero, as in C; NaN where that has none.
#[cold]
fn beyond<T: Scalar>(x: T, y: T) -> T {
    let real = T::Real::of;
    let any = |z: T, f: fn(T::Real) -> bool| f(z.real()) || f(z.imaginary());
    let boxed = |v: T::Real| Float::copysign(real(if v.is_infinite() { 1.0 } else { 0.0 }), v);
    let unit = |z: T| T::of_parts(boxed(z.real()), boxed(z.imaginary()));
    let infinity: T::Real = Float::infinity();
    if y == T::zero() && !(x.real().is_nan() && x.imaginary().is_nan()) {
        x.times(Float::copysign(infinity, y.real()))
    } else if any(x, Float::is_infinite) && y.is_all_finite() {
        (unit(x) * y.conjugate()).times(infinity)
    } else if any(y, Float::is_infinite) && x.is_all_finite() {
        (x * unit(y).conjugate()).times(real(0.0))
    } else {
        T::of_parts(Float::nan(), Float::nan())
    }
}

macro_rules! scalars {
    ($($real:ty, $complex:ty;)*) => {$(
        impl Scalar for $real {
            type Real = $real;
            type Complex = $complex;
            const IS_COMPLEX: bool = false;
            #[inline(always)]
            fn of_real(real: $real) -> $real {
                real
            }
            #[inline(always)]
            fn of_parts(real: $real, _: $real) -> $real {
                real
            }
            #[inline(always)]
            fn real(self) -> $real {
                self
            }
            #[inline(always)]
            fn imaginary(self) -> $real {
                0.0
            }
            #[inline(always)]
            fn modulus(self) -> $real {
                self.abs()
            }
            fn root(self) -> $real {
                self.sqrt()
            }
            #[inline(always)]
            fn over(self, other: $real) -> $real {
                self / other
            }
        }

        impl Real for $real {
            const EPSILON: $real = <$real>::EPSILON;
            const TINY: $real = <$real>::MIN_POSITIVE;
            fn of(value: f64) -> $real {
                value as $real
            }
        }

        impl Scalar for $complex {
            type Real = $real;
            type Complex = $complex;
            const IS_COMPLEX: bool = true;
            #[inline(always)]
            fn of_real(real: $real) -> $complex {
                <$complex>::new(real, 0.0)
            }
            #[inline(always)]
            fn of_parts(real: $real, imaginary: $real) -> $complex {
                <$complex>::new(real, imaginary)
            }
            #[inline(always)]
            fn real(self) -> $real {
                self.re
            }
            #[inline(always)]
            fn imaginary(self) -> $real {
                self.im
            }
            fn modulus(self) -> $real {
                self.re.hypot(self.im)
            }
            fn root(self) -> $complex {
                self.sqrt()
            }
            fn over(self, other: $complex) -> $complex {
                let scale = other.re.abs().max(other.im.abs());
                if scale == 0.0 || !scale.is_finite() {
                    return self / other;
                }
                let other = other / scale;
                (self / scale) * other.conj() / other.norm_sqr()
            }
        }
    )*};
}

scalars! {
    f32, Complex32;
    f64, Complex64;
}
