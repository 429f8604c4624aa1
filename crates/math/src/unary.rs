//! Vectorised functions of one variable, on `f32`, `f64`, [`f16`] and [`bf16`].
//!
//! `f(src, dst)` writes to another slice, [`in_place`]`::f(dst)` over its argument; both split long slices over threads.
//! Single precision is computed by [`crate::lane`]. Errors in units in the last place (ulp), over a dense sample of all
//! floats at every instruction set, are at most: 0.5 for `sqrt` and `reciprocal`; 1.5 for `exp`, `log`, `log1p`, `rsqrt`,
//! `acos`, `atan`, `softsign`; 3.5 for `tan`, `tanh`, `sigmoid`, `silu`, `softplus`, `asin`; 5 for `erfc`; 2.5 for the rest.
//! GELU, ELU and SELU cancel below zero, as the formulas they stand for do, and are within 3e-7 there.
//! Double precision is within 4 ulp where [`crate::lane::double`] has a form, else it follows the standard library. The 16-bit floats go through single precision, with one rounding.
//! Denormals are kept or flushed as [`crate::denormal`] says.

use crate::lane;
use crate::map::BLOCK;
use crate::narrow::Narrow;
use crate::par;
use crate::side_by_side;
use crate::simd::{self, Isa, Kernel};
use half::{bf16, f16};

/// A function of one variable of type `T`.
pub trait Function<T> {
    /// Rough cost of one element in nanoseconds.
    const NS: f64;
    /// Whether [`Function::is_rare`] ever holds.
    const RARE: bool = false;

    /// The value at `x`; `#[inline(always)]` and without branches.
    fn at<I: Isa>(x: T) -> T;

    /// Whether [`Function::each`] is quicker than as many times [`Function::at`].
    const SIDE_BY_SIDE: bool = false;

    /// The values at all of `x`; as [`Function::at`].
    #[inline(always)]
    fn each<I: Isa, const N: usize>(mut x: [T; N]) -> [T; N]
    where
        T: Copy,
    {
        for x in &mut x {
            *x = Self::at::<I>(*x);
        }
        x
    }

    /// True where [`Function::at`] does not hold and [`Function::at_rare`] must be asked.
    #[inline(always)]
    fn is_rare(_: T) -> bool {
        false
    }

    /// The value at a rare `x`.
    fn at_rare(x: T) -> T {
        x
    }
}

/// An element type to which the function `F` applies.
pub trait Apply<F>: Sized {
    /// `dst[i] = F(src[i])`.
    ///
    /// # Panics
    /// When the lengths differ.
    fn apply(src: &[Self], dst: &mut [Self]);

    /// `dst[i] = F(dst[i])`.
    fn apply_in_place(dst: &mut [Self]);
}

/// One pass of `F` over a chunk.
pub(crate) struct Pass<'a, F, T>(
    pub(crate) &'a [T],
    pub(crate) &'a mut [T],
    pub(crate) std::marker::PhantomData<F>,
);

impl<F: Function<T>, T: Copy> Kernel for Pass<'_, F, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for (mut src, mut dst) in self.0.chunks(BLOCK).zip(self.1.chunks_mut(BLOCK)) {
            if F::SIDE_BY_SIDE {
                (src, dst) = side_by_side::blocks::<I, F, T>(src, dst);
            }
            let mut rare = false;
            for (dst, &src) in dst.iter_mut().zip(src) {
                *dst = F::at::<I>(src);
                rare |= F::is_rare(src);
            }
            if F::RARE && rare {
                redo_rare::<F, T>(src, dst);
            }
        }
    }
}

#[inline(never)]
fn redo_rare<F: Function<T>, T: Copy>(src: &[T], dst: &mut [T]) {
    for (dst, &src) in dst.iter_mut().zip(src) {
        if F::is_rare(src) {
            *dst = F::at_rare(src);
        }
    }
}

fn pass<F: Function<T>, T: Copy>(src: &[T], dst: &mut [T]) {
    simd::dispatch(Pass::<F, T>(src, dst, std::marker::PhantomData));
}

fn apply<F: Function<T>, T: Copy + Send + Sync>(src: &[T], dst: &mut [T]) {
    par::for_zip(dst, src, par::grain(F::NS), |dst, src| pass::<F, T>(src, dst));
}

fn apply_in_place<F: Function<T>, T: Copy + Send + Sync>(dst: &mut [T]) {
    par::for_chunks_mut(dst, par::grain(F::NS), |_, dst| {
        for dst in dst.chunks_mut(BLOCK) {
            let Some(&first) = dst.first() else { return };
            let mut copy = [first; BLOCK];
            let copy = &mut copy[..dst.len()];
            copy.copy_from_slice(dst);
            pass::<F, T>(copy, dst);
        }
    });
}

fn narrow_block<F: Function<f32>, T: Narrow>(wide: &mut [f32], dst: &mut [T]) {
    let mut result = [0.0; BLOCK];
    let result = &mut result[..wide.len()];
    pass::<F, f32>(wide, result);
    T::narrow(result, dst);
}

fn apply_narrow<F: Function<f32>, T: Narrow>(src: &[T], dst: &mut [T]) {
    par::for_zip(dst, src, par::grain(F::NS), |dst, src| {
        let mut wide = [0.0; BLOCK];
        for (src, dst) in src.chunks(BLOCK).zip(dst.chunks_mut(BLOCK)) {
            let wide = &mut wide[..src.len()];
            T::widen(src, wide);
            narrow_block::<F, T>(wide, dst);
        }
    });
}

fn apply_narrow_in_place<F: Function<f32>, T: Narrow>(dst: &mut [T]) {
    par::for_chunks_mut(dst, par::grain(F::NS), |_, dst| {
        let mut wide = [0.0; BLOCK];
        for dst in dst.chunks_mut(BLOCK) {
            let wide = &mut wide[..dst.len()];
            T::widen(dst, wide);
            narrow_block::<F, T>(wide, dst);
        }
    });
}

/// The value in double precision: of a form in [`crate::lane::double`] where one is named.
macro_rules! at_double {
    ($x:ident, $isa:ident, $double:expr) => {
        $double($x)
    };
    ($x:ident, $isa:ident, $double:expr, $wide:ident) => {
        lane::double::$wide::<$isa>($x)
    };
}

/// Declares functions: name (in [`crate::lane`] too), type, nanoseconds in single and double precision, and the form
/// in double precision, which also serves single precision beyond the `beyond` limit, and is the oracle of the form that `wide` names;
/// `few` names the method of [`lane::Few`].
macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident $kind:ident $ns:literal $ns64:literal $double:expr
        $(, beyond $limit:expr)? $(, wide $wide:ident)? $(, few $few:ident)?;)*) => {
        /// The functions as types, for code that is generic over them.
        pub mod functions {
            $($(#[$doc])* #[derive(Clone, Copy, Debug)] pub struct $kind;)*
        }

        /// The functions with the result in place of the argument.
        pub mod in_place {
            use super::{Apply, functions};
            $($(#[$doc])* pub fn $name<T: Apply<functions::$kind>>(dst: &mut [T]) {
                T::apply_in_place(dst);
            })*
        }

        $(
            $(#[$doc])*
            ///
            /// # Panics
            /// When the lengths differ.
            pub fn $name<T: Apply<functions::$kind>>(src: &[T], dst: &mut [T]) {
                T::apply(src, dst);
            }

            impl Function<f32> for functions::$kind {
                const NS: f64 = $ns;
                #[inline(always)]
                fn at<I: Isa>(x: f32) -> f32 {
                    lane::$name::<I>(x)
                }
                $(
                    const SIDE_BY_SIDE: bool = true;
                    #[inline(always)]
                    fn each<I: Isa, const N: usize>(x: [f32; N]) -> [f32; N] {
                        lane::Few(x).$few::<I>().0
                    }
                )?
                $(
                    const RARE: bool = true;
                    #[inline(always)]
                    fn is_rare(x: f32) -> bool {
                        // Written so that NaN is not rare.
                        x.abs() > $limit
                    }
                    fn at_rare(x: f32) -> f32 {
                        $double(f64::from(x)) as f32
                    }
                )?
            }

            impl Function<f64> for functions::$kind {
                const NS: f64 = $ns64;
                #[inline(always)]
                fn at<I: Isa>(x: f64) -> f64 {
                    at_double!(x, I, $double $(, $wide)?)
                }
            }

            impl Apply<functions::$kind> for f32 {
                fn apply(src: &[f32], dst: &mut [f32]) {
                    apply::<functions::$kind, f32>(src, dst);
                }
                fn apply_in_place(dst: &mut [f32]) {
                    apply_in_place::<functions::$kind, f32>(dst);
                }
            }

            impl Apply<functions::$kind> for f64 {
                fn apply(src: &[f64], dst: &mut [f64]) {
                    apply::<functions::$kind, f64>(src, dst);
                }
                fn apply_in_place(dst: &mut [f64]) {
                    apply_in_place::<functions::$kind, f64>(dst);
                }
            }

            impl Apply<functions::$kind> for f16 {
                fn apply(src: &[f16], dst: &mut [f16]) {
                    apply_narrow::<functions::$kind, f16>(src, dst);
                }
                fn apply_in_place(dst: &mut [f16]) {
                    apply_narrow_in_place::<functions::$kind, f16>(dst);
                }
            }

            impl Apply<functions::$kind> for bf16 {
                fn apply(src: &[bf16], dst: &mut [bf16]) {
                    apply_narrow::<functions::$kind, bf16>(src, dst);
                }
                fn apply_in_place(dst: &mut [bf16]) {
                    apply_narrow_in_place::<functions::$kind, bf16>(dst);
                }
            }
        )*

        /// Every function with its double form, for the tests.
        #[cfg(test)]
        const TABLE: &[tests::Row] = &[$((stringify!($name), $name::<f32>, in_place::$name::<f32>, |x| $double(x)),)*];
    };
}

functions! {
    /// `e^x`.
    exp Exp 0.6 1.5 f64::exp, wide exp, few exp;
    /// `e^x - 1`.
    expm1 Expm1 0.7 1.7 f64::exp_m1, wide expm1;
    /// The natural logarithm; -inf at zero, NaN below.
    log Log 0.7 2.0 f64::ln, wide log;
    /// `log(1 + x)`.
    log1p Log1p 0.9 2.5 f64::ln_1p, wide log1p;
    /// The square root.
    sqrt Sqrt 0.5 1.0 f64::sqrt;
    /// `1 / sqrt(x)`; -inf at -0.
    rsqrt Rsqrt 0.8 2.0 |x: f64| 1.0 / x.sqrt();
    /// `1 / x`.
    reciprocal Reciprocal 0.4 0.7 f64::recip;
    /// The sine.
    sin Sin 1.2 12.0 f64::sin, beyond lane::TRIG_LIMIT;
    /// The cosine.
    cos Cos 1.2 12.0 f64::cos, beyond lane::TRIG_LIMIT;
    /// The tangent.
    tan Tan 1.5 20.0 f64::tan, beyond lane::TRIG_LIMIT;
    /// The arc sine; NaN outside -1 to 1.
    asin Asin 1.0 12.0 f64::asin;
    /// The arc cosine; NaN outside -1 to 1.
    acos Acos 1.0 12.0 f64::acos;
    /// The arc tangent.
    atan Atan 0.9 12.0 f64::atan;
    /// The hyperbolic sine.
    sinh Sinh 1.2 15.0 f64::sinh;
    /// The hyperbolic cosine.
    cosh Cosh 1.0 15.0 f64::cosh;
    /// The hyperbolic tangent.
    tanh Tanh 0.8 2.0 f64::tanh, wide tanh, few tanh;
    /// The inverse hyperbolic sine.
    asinh Asinh 2.0 20.0 f64::asinh;
    /// The inverse hyperbolic cosine; NaN below 1.
    acosh Acosh 2.0 20.0 f64::acosh;
    /// The inverse hyperbolic tangent; NaN outside -1 to 1.
    atanh Atanh 1.5 20.0 f64::atanh;
    /// The error function.
    erf Erf 0.9 20.0 libm::erf;
    /// `1 - erf(x)`, accurate in its tail.
    erfc Erfc 1.5 25.0 libm::erfc;
    /// `1 / (1 + e^-x)`.
    sigmoid Sigmoid 0.7 2.0 double::sigmoid, wide sigmoid, few sigmoid;
    /// `x / (1 + e^-x)`, also called swish.
    silu Silu 0.8 8.0 double::silu, few silu;
    /// `x` times `x + 3` held between 0 and 6, divided by 6.
    hard_swish HardSwish 0.3 0.6 double::hard_swish, few hard_swish;
    /// `log(1 + e^x)`.
    softplus Softplus 1.5 4.0 double::softplus, wide softplus;
    /// `x / (1 + |x|)`.
    softsign Softsign 0.4 1.0 double::softsign;
    /// `x` above zero, else `e^x - 1`.
    elu Elu 0.7 1.7 double::elu, wide elu;
    /// The scaled exponential linear unit.
    selu Selu 0.7 1.7 double::selu, wide selu;
    /// `x` times the normal distribution function of `x`.
    gelu Gelu 1.0 20.0 double::gelu, few gelu;
    /// The approximation of [`gelu`] by a hyperbolic tangent.
    gelu_tanh GeluTanh 1.0 18.0 double::gelu_tanh, few gelu_tanh;
}

/// Activations in double precision.
pub(crate) mod double {
    use crate::gemm::Activation;
    use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI};

    pub fn activation(x: f64, activation: Activation) -> f64 {
        let clamp = |lo: f32, hi: f32| {
            let x = if x < f64::from(lo) { f64::from(lo) } else { x };
            if x > f64::from(hi) { f64::from(hi) } else { x }
        };
        match activation {
            Activation::Identity => x,
            Activation::Relu => clamp(0.0, f32::INFINITY),
            Activation::Relu6 => clamp(0.0, 6.0),
            Activation::Clip(lo, hi) => clamp(lo, hi),
            Activation::LeakyRelu(slope) => {
                if x < 0.0 {
                    x * f64::from(slope)
                } else {
                    x
                }
            }
            Activation::Elu => elu(x),
            Activation::Selu => selu(x),
            Activation::Tanh => x.tanh(),
            Activation::Sigmoid => sigmoid(x),
            Activation::Silu => silu(x),
            Activation::HardSwish => hard_swish(x),
            Activation::Softplus => softplus(x),
            Activation::Gelu => gelu(x),
            Activation::GeluTanh => gelu_tanh(x),
        }
    }

    pub fn sigmoid(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    pub fn silu(x: f64) -> f64 {
        x * sigmoid(x)
    }

    pub fn hard_swish(x: f64) -> f64 {
        let above = if x < -3.0 { 0.0 } else { x + 3.0 };
        x * (if above > 6.0 { 6.0 } else { above } / 6.0)
    }

    pub fn softplus(x: f64) -> f64 {
        (if x < 0.0 { 0.0 } else { x }) + (-x.abs()).exp().ln_1p()
    }

    pub fn softsign(x: f64) -> f64 {
        x / (1.0 + x.abs())
    }

    pub fn elu(x: f64) -> f64 {
        if x < 0.0 { x.exp() - 1.0 } else { x }
    }

    pub fn selu(x: f64) -> f64 {
        const SCALE: f64 = 1.050_700_987_355_480_5;
        const SCALE_ALPHA: f64 = 1.758_099_340_847_376_6;
        if x < 0.0 { SCALE_ALPHA * (x.exp() - 1.0) } else { SCALE * x }
    }

    pub fn gelu(x: f64) -> f64 {
        0.5 * x * (1.0 + libm::erf(x * FRAC_1_SQRT_2))
    }

    pub fn gelu_tanh(x: f64) -> f64 {
        0.5 * x * (1.0 + (FRAC_2_PI.sqrt() * (x + 0.044_715 * x * x * x)).tanh())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::testing::at_each_level;
    use crate::ulp::{floats, ulps};

    pub type Row = (&'static str, fn(&[f32], &mut [f32]), fn(&mut [f32]), fn(f64) -> f64);

    /// Allowed error in ulp, and an absolute error allowed besides.
    fn allowed(name: &str) -> (f64, f64) {
        match name {
            "sqrt" | "reciprocal" => (0.5, 0.0),
            "exp" | "log" | "log1p" | "rsqrt" | "acos" | "atan" | "softsign" => (1.5, 0.0),
            "silu" => (3.5, 4e-37),
            "gelu" | "gelu_tanh" => (4.0, 3e-7),
            // The difference to 1 of a number near 1.
            "elu" | "selu" => (2.5, 3e-7),
            "erfc" => (5.0, 0.0),
            "tan" | "tanh" | "sigmoid" | "softplus" | "asin" => (3.5, 0.0),
            _ => (2.5, 0.0),
        }
    }

    fn check(name: &str, x: f32, got: f32, want: f64) -> f64 {
        let (limit, absolute) = allowed(name);
        let error = ulps(got, want);
        let close = error <= limit || (f64::from(got) - want).abs() <= absolute;
        // A denormal result is all rounding.
        let tiny = want.abs() < 1.2e-38 && (f64::from(got) - want).abs() < 3e-39;
        assert!(close || tiny, "{name}({x:e}) = {got:e}, not {want:e} ({error:.2} ulp)");
        if (f64::from(got) - want).abs() <= absolute || tiny { 0.0 } else { error }
    }

    #[test]
    fn single_precision_is_within_the_stated_ulps() {
        let x = floats();
        at_each_level(|level| {
            for (name, f, f_in_place, double) in TABLE {
                let mut y = vec![0.0; x.len()];
                f(&x, &mut y);
                let mut z = x.clone();
                f_in_place(&mut z);
                let mut worst = (0.0, 0.0);
                for ((&x, &y), &z) in x.iter().zip(&y).zip(&z) {
                    assert!(y.to_bits() == z.to_bits() || y.is_nan() && z.is_nan(), "{name}({x}) in place");
                    let error = check(name, x, y, double(f64::from(x)));
                    if error > worst.0 {
                        worst = (error, x);
                    }
                }
                println!("{level:?} {name}: {:.2} ulp at {:e}", worst.0, worst.1);
            }
        });
    }

    #[test]
    fn zeros_keep_their_sign() {
        for (name, f, _, double) in TABLE {
            let mut y = [0.0; 2];
            f(&[0.0, -0.0], &mut y);
            for (y, x) in y.iter().zip([0.0, -0.0]) {
                let want = double(x);
                assert!(want.is_nan() || y.is_sign_negative() == want.is_sign_negative(), "{name}({x:?})");
            }
        }
    }

    #[test]
    fn denormals_are_flushed_on_request() {
        let _guard = crate::denormal::flush();
        let mut y = [1.0; 3];
        exp(&[-90.0, -87.0, 1e-40], &mut y);
        assert_eq!((y[0], y[2]), (0.0, 1.0));
        log(&[1e-40, 0.0, 1.0], &mut y);
        assert_eq!(y, [f32::NEG_INFINITY, f32::NEG_INFINITY, 0.0]);
        rsqrt(&[1e-40, -1e-40, 4.0], &mut y);
        assert_eq!(y, [f32::INFINITY, f32::NEG_INFINITY, 0.5]);
    }

    #[test]
    fn other_types_agree_with_double_precision() {
        let x: Vec<f64> = (-2000..2000).map(|i| f64::from(i) * 0.01).collect();
        let mut y = x.clone();
        atanh(&x, &mut y);
        assert!(x.iter().zip(&y).all(|(x, y)| x.atanh() == *y || x.abs() > 1.0 && y.is_nan()));
        let x: Vec<bf16> = x.into_iter().map(bf16::from_f64).collect();
        let mut y = x.clone();
        in_place::tanh(&mut y);
        assert!(x.iter().zip(&y).all(|(x, y)| bf16::from_f64(x.to_f64().tanh()) == *y));
    }
}
