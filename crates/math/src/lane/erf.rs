//! The error function and its complement.

use super::few::Few;
use super::{exp, poly};
use crate::simd::Isa;

/// erf(x) / x - 1 as a polynomial in x^2, for |x| up to 1.
const ERF: [f32; 7] =
    [0.128_379_17, -0.376_126_26, 0.112_835_85, -0.026_853_813, 0.005_188_327_7, -8.010_194e-4, 7.853_86e-5];

/// log(erfc(x)) for x from 0.9 to 4.1.
const LOG_ERFC: [f32; 8] = [
    8.538_254e-5,
    -1.129_092_6,
    -0.634_178_6,
    -0.107_398_28,
    0.024_576_925,
    -0.003_977_843_5,
    3.976_557_3e-4,
    -1.820_794_2e-5,
];

/// log(erfc(x / sqrt(2))) / x for x from 0 to [`TAILS_END`], as exact as its exponential with x is absolutely.
const LOG_TAILS: [f32; 8] = [
    -0.797_885_3,
    -0.318_298_88,
    -0.036_387_578,
    0.004_895_99,
    -9.491_717e-5,
    -1.290_502_7e-4,
    2.729_453e-5,
    -1.965_011_3e-6,
];

/// From here on the tails are less than half a unit in the last place of 1.
const TAILS_END: f32 = 5.7;

/// (1 + 2x) e^(x^2) erfc(x) as a polynomial in (x - 2) / (x + 2), for x from 0 to 10.1.
const SCALED_ERFC: [f32; 12] = [
    1.276_978_4,
    -0.092_763_82,
    -0.166_030_52,
    0.164_051_05,
    -0.054_217_81,
    -0.008_030_957,
    0.008_708_94,
    0.001_252_953_5,
    -0.001_420_269_3,
    -4.008_635e-4,
    1.688_028e-4,
    7.916_25e-5,
];

/// The error function.
#[inline(always)]
pub fn erf<I: Isa>(x: f32) -> f32 {
    let a = x.abs();
    let small = I::fma(a, poly::<I, 7>(x * x, ERF), a);
    let bounded = if a > 4.1 { 4.1 } else { a };
    let large = 1.0 - Few([bounded]).poly::<I, 8>(LOG_ERFC).exp_bounded::<I>().0[0];
    (if a < 0.95 { small } else { large }).copysign(x)
}

impl<const N: usize> Few<N> {
    /// What the normal distribution has beyond `-a` and `a`, which is not below 0: `erfc(a / sqrt(2))` within 1e-7.
    #[inline(always)]
    pub(super) fn tails<I: Isa>(self) -> Self {
        let tails = (self * self.poly::<I, 8>(LOG_TAILS)).exp_in_range::<I>();
        self.zip(tails, |a, tails| if a > TAILS_END { 0.0 } else { tails })
    }
}

/// The complement `1 - erf(x)`, accurate in its tail.
#[inline(always)]
pub fn erfc<I: Isa>(x: f32) -> f32 {
    let a = x.abs();
    let a = if a > 12.0 { 12.0 } else { a };
    let square = a * a;
    // What rounding the square lost, from a splitting whose products are exact.
    let hi = f32::from_bits(a.to_bits() & 0xffff_f000);
    let lo = a - hi;
    let lost = (hi * hi - square) + 2.0 * hi * lo + lo * lo;
    let t = (a - 2.0) / (a + 2.0);
    let e = exp::<I>(-square);
    let y = I::fma(e, -lost, e) * (poly::<I, 12>(t, SCALED_ERFC) / (1.0 + 2.0 * a));
    if x < 0.0 { 2.0 - y } else { y }
}
