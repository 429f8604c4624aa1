//! Exponentials and logarithms in double precision, and what is made of them.

use super::poly64;
use crate::simd::Isa;

/// Adding it to a number below 2^51 rounds that number to an integer, which then stands in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// 2^52, above which the bits of a float count as an integer does.
const COUNT: f64 = 4_503_599_627_370_496.0;
/// log 2 in two parts; products of the first with an exponent are exact.
const LN2_HI: f64 = 0.693_147_180_369_123_8;
const LN2_LO: f64 = 1.908_214_929_270_587_7e-10;

/// (e^r - 1 - r) / r^2 for |r| up to log(2) / 2.
const EXP: [f64; 10] = [
    0.500_000_000_000_000_1,
    0.166_666_666_666_666_69,
    0.041_666_666_666_623_99,
    0.008_333_333_333_330_051,
    0.001_388_888_891_728_179_4,
    1.984_126_986_310_596_3e-4,
    2.480_152_119_021_773e-5,
    2.755_726_837_868_419_2e-6,
    2.762_013_871_973_399_4e-7,
    2.510_042_415_700_506_7e-8,
];

/// (log((1 + s) / (1 - s)) / s - 2) / s^2 as a polynomial in s^2, for (1 + s) / (1 - s) between the square roots of 1/2 and 2.
const LOG: [f64; 7] = [
    0.666_666_666_666_667,
    0.399_999_999_998_992_4,
    0.285_714_286_260_958_9,
    0.222_222_111_151_441_6,
    0.181_828_905_566_952,
    0.153_316_740_301_678_6,
    0.146_170_375_487_916_5,
];

#[inline(always)]
fn clamp(x: f64, lo: f64, hi: f64) -> f64 {
    let x = if x < lo { lo } else { x };
    if x > hi { hi } else { x }
}

/// The integer `n` nearest to `x / log 2`, and `e^r - 1` for `r = x - n log 2`.
#[inline(always)]
fn reduce<I: Isa>(x: f64) -> (i64, f64) {
    let shifted = I::fma64(x, std::f64::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = I::fma64(n, -LN2_LO, I::fma64(n, -LN2_HI, x));
    let exponent = (shifted.to_bits() as i64).wrapping_sub(ROUND.to_bits() as i64);
    (exponent, I::fma64(poly64::<I, 10>(r, EXP), r * r, r))
}

/// 2 to the power of `n`, for `n` from -1022 to 1023.
#[inline(always)]
fn power_of_two(n: i64) -> f64 {
    f64::from_bits((n.wrapping_add(1023) as u64) << 52)
}

/// `e^x`.
#[inline(always)]
pub fn exp<I: Isa>(x: f64) -> f64 {
    let (n, tail) = reduce::<I>(clamp(x, -746.0, 710.0));
    // Halved above zero: AVX2 shifts no negative numbers of 64 bits.
    let half = ((n.wrapping_add(2048) as u64) >> 1) as i64 - 1024;
    (1.0 + tail) * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// `e^x - 1`.
#[inline(always)]
pub fn expm1<I: Isa>(x: f64) -> f64 {
    let (n, tail) = reduce::<I>(clamp(x, -50.0, 710.0));
    // Half the result, because 2^1024 is no number.
    let scale = power_of_two(n.wrapping_sub(1));
    let y = (2.0 * I::fma64(scale, tail, scale - 0.5)).copysign(x);
    // Half of the least normal number would be flushed to zero.
    if x.abs() < 1e-100 { x } else { y }
}

/// `log(x) + tail` for a positive normal `x` and a `tail` far smaller than one, with `exponent` twos taken out before.
#[inline(always)]
fn log_normal<I: Isa>(x: f64, exponent: f64, tail: f64) -> f64 {
    const BIAS: i64 = 1024;
    let bits = x.to_bits() as i64;
    let above = bits.wrapping_sub(std::f64::consts::FRAC_1_SQRT_2.to_bits() as i64).wrapping_add(BIAS << 52);
    let count = (above as u64) >> 52;
    let m = f64::from_bits(bits.wrapping_sub((count as i64 - BIAS) << 52) as u64);
    let n = f64::from_bits(count | COUNT.to_bits()) - (COUNT + BIAS as f64) + exponent;
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let square = s * s;
    let half = 0.5 * f * f;
    let rest = I::fma64(s, I::fma64(square, poly64::<I, 7>(square, LOG), half), I::fma64(n, LN2_LO, tail));
    I::fma64(n, LN2_HI, f - (half - rest))
}

/// The natural logarithm.
#[inline(always)]
pub fn log<I: Isa>(x: f64) -> f64 {
    let tiny = x < f64::MIN_POSITIVE;
    let scaled = if tiny { x * 18_014_398_509_481_984.0 } else { x };
    let y = log_normal::<I>(scaled, if tiny { -54.0 } else { 0.0 }, 0.0);
    let y = if x < f64::INFINITY { y } else { x };
    let y = if x < 0.0 { f64::NAN } else { y };
    // Tested after the scaling, which flushes denormals where the thread asks for it.
    if scaled == 0.0 { f64::NEG_INFINITY } else { y }
}

/// `log(1 + x)`.
#[inline(always)]
pub fn log1p<I: Isa>(x: f64) -> f64 {
    let u = 1.0 + x;
    // What rounding `u` lost; the larger of the two operands leaves first.
    let lost = if x < 1.0 { x - (u - 1.0) } else { 1.0 - (u - x) };
    let y = log_normal::<I>(u, 0.0, lost / u);
    let y = if x < f64::INFINITY { y } else { x };
    let y = if x < -1.0 { f64::NAN } else { y };
    let y = if x == -1.0 { f64::NEG_INFINITY } else { y };
    y.copysign(x)
}

/// The hyperbolic tangent.
#[inline(always)]
pub fn tanh<I: Isa>(x: f64) -> f64 {
    let a = x.abs();
    let a = if a > 20.0 { 20.0 } else { a };
    let (n, tail) = reduce::<I>(-2.0 * a);
    let scale = power_of_two(n);
    let t = I::fma64(scale, tail, scale - 1.0);
    (-t / (2.0 + t)).copysign(x)
}

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub fn sigmoid<I: Isa>(x: f64) -> f64 {
    1.0 / (1.0 + exp::<I>(-x))
}

/// `log(1 + e^x)`.
#[inline(always)]
pub fn softplus<I: Isa>(x: f64) -> f64 {
    let positive = if x < 0.0 { 0.0 } else { x };
    positive + log1p::<I>(exp::<I>(-x.abs()))
}

/// `x` above zero, else `e^x - 1`.
#[inline(always)]
pub fn elu<I: Isa>(x: f64) -> f64 {
    if x < 0.0 { exp::<I>(x) - 1.0 } else { x }
}

/// The scaled exponential linear unit, with the constants of its paper.
#[inline(always)]
pub fn selu<I: Isa>(x: f64) -> f64 {
    const SCALE: f64 = 1.050_700_987_355_480_5;
    const SCALE_ALPHA: f64 = 1.758_099_340_847_376_6;
    if x < 0.0 { SCALE_ALPHA * (exp::<I>(x) - 1.0) } else { SCALE * x }
}

#[cfg(test)]
mod tests {
    use crate::simd::testing::at_each_level;
    use crate::unary::{self, double};

    type Row = (&'static str, fn(&[f64], &mut [f64]), fn(f64) -> f64);
    const TABLE: [Row; 9] = [
        ("exp", unary::exp, f64::exp),
        ("expm1", unary::expm1, f64::exp_m1),
        ("log", unary::log, f64::ln),
        ("log1p", unary::log1p, f64::ln_1p),
        ("tanh", unary::tanh, f64::tanh),
        ("sigmoid", unary::sigmoid, double::sigmoid),
        ("softplus", unary::softplus, double::softplus),
        ("elu", unary::elu, double::elu),
        ("selu", unary::selu, double::selu),
    ];

    /// Doubles of every sign and exponent, and special ones.
    fn doubles() -> Vec<f64> {
        let special =
            [0.0, 1.0, 709.782_7, 709.782_8, 710.5, 745.2, 1e-310, f64::MIN_POSITIVE, f64::INFINITY];
        let special = special.into_iter().flat_map(|x: f64| [x, -x, x.next_up(), x.next_down()]);
        let spread = (0..1 << 18).map(|i| f64::from_bits(i * 70_368_744_177_701));
        let middle = (-60_000..60_000).map(|i| f64::from(i) * 0.012_34);
        let near_one = (-60_000..60_000).map(|i| 1.0 + f64::from(i) * 1.7e-5);
        special.chain(spread).chain(middle).chain(near_one).collect()
    }

    /// The error in units of the last place.
    fn error(got: f64, want: f64) -> f64 {
        if got.is_nan() && want.is_nan() || got == want {
            return 0.0;
        }
        let unit = want.abs().max(f64::MIN_POSITIVE);
        (got - want).abs() / (unit.next_up() - unit)
    }

    #[test]
    fn errors_are_a_few_units_in_the_last_place() {
        let x = doubles();
        at_each_level(|level| {
            for (name, f, oracle) in TABLE {
                let mut y = vec![0.0; x.len()];
                f(&x, &mut y);
                let mut worst = (0.0, 0.0);
                for (&x, &got) in x.iter().zip(&y) {
                    let want = oracle(x);
                    let error = error(got, want);
                    // The difference to 1 of a number near 1.
                    let cancels = matches!(name, "elu" | "selu") && (got - want).abs() < 5e-16;
                    assert!(error <= 4.0 || cancels, "{level:?} {name}({x:e}) = {got:e}, not {want:e}");
                    if error > worst.0 && !cancels {
                        worst = (error, x);
                    }
                }
                println!("{level:?} {name}: {:.2} ulp at {:e}", worst.0, worst.1);
            }
        });
    }
}
