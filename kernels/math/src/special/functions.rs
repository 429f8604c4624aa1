//! Special functions of one tensor.
//!
//! See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/Lgamma` and the pages of the other names.

use half::{bf16, f16};
use savedmodel_math::{packet, unary};
use savedmodel_op::Op;

use super::{bessel, gamma, integrals, inverse_error};
use crate::elementwise::{Map, loops, map, map_kernels};

/// A row: a name and the function in double precision, for `float` and `double`, or with `half` before it for that too.
macro_rules! row {
    ($name:literal, half $f:expr) => {
        row!($name, half $f, |x| $f(x.into()) as f32)
    };
    ($name:literal, half $f:expr, $single:expr) => {
        map::op(
            $name,
            &[T],
            map_kernels!("T", NS; each [f64] $f, each [f32] $single, narrow [f16] |x| $f(x.into()) as f32),
        )
    };
    ($name:literal, $f:expr) => {
        map::op($name, &[T], map_kernels!("T", NS; each [f64] $f, each [f32] |x| $f(x.into()) as f32))
    };
}

/// The operators of this file.
pub const OPS: &[Op] = &[
    map::op("Erf", &[T], map_kernels!("T", 1.0; slices [f32 f16 bf16] unary::erf, each [f64] erf)),
    map::op("Erfc", &[T], map_kernels!("T", 1.0; slices [f32 f64 f16 bf16] unary::erfc)),
    map::op(
        "Erfinv",
        &[T],
        map_kernels!("T", NS;
            // The sum gives zero its sign.
            each [f64] |x| inverse_error::ndtri(0.5 * x + 0.5) * std::f64::consts::FRAC_1_SQRT_2 + 0.0,
            each [f32] |x| inverse_error::ndtri_f32((0.5 * x + 0.5).into()) * std::f32::consts::FRAC_1_SQRT_2 + 0.0),
    ),
    map::op(
        "Ndtri",
        &[T],
        map_kernels!("T", NS; each [f64] inverse_error::ndtri, each [f32] |x| inverse_error::ndtri_f32(x.into())),
    ),
    map::op(
        "Lgamma",
        &[T],
        map_kernels!("T", NS;
            slices [f64] |x, out| log_gamma(|x, out| loops::map(x, out, gamma::log_gamma), x, out),
            slices [f32] |x, out| log_gamma(|x, out| loops::map(x, out, |x| gamma::log_gamma(x.into()) as f32), x, out),
            narrow [f16] |x| gamma::log_gamma(x.into()) as f32),
    ),
    row!("Digamma", half gamma::digamma),
    row!("BesselI0", half bessel::i0, |x| growing(bessel::i0, x)),
    row!("BesselI0e", half bessel::i0e),
    row!("BesselI1", half bessel::i1, |x| growing(bessel::i1, x)),
    row!("BesselI1e", half bessel::i1e),
    row!("BesselK0", half bessel::k0),
    row!("BesselK0e", half bessel::k0e),
    row!("BesselK1", half bessel::k1),
    row!("BesselK1e", half bessel::k1e),
    row!("BesselJ0", half bessel::j0),
    row!("BesselJ1", half bessel::j1),
    row!("BesselY0", half bessel::y0),
    map::op(
        "BesselY1",
        &[T],
        map_kernels!("T", NS; each [f64] bessel::y1, each [f32] |x| bessel::y1_single(x.into()) as f32,
            narrow [f16] |x| bessel::y1_single(x.into()) as f32),
    ),
    row!("Dawsn", integrals::dawson),
    map::op(
        "Expint",
        &[T],
        map_kernels!("T", NS; each [f64] integrals::expint, slices [f32] |x, out| {
            loops::map(x, out, exponential_integral);
            let log = 0.577_215_7 + <f32 as packet::Float>::LOG_OF_DENORMAL;
            packet::all(x, out, |x| if x.is_sign_positive() { log } else { f32::NAN });
        }),
    ),
    row!("FresnelCos", integrals::fresnel_cos),
    row!("FresnelSin", integrals::fresnel_sin),
    row!("Spence", integrals::spence),
];

/// Nanoseconds per element of a typical series.
const NS: f64 = 100.0;

const T: &str = "T: {bfloat16, half, float, double}";

/// The error function as a quotient of polynomials in the square, which may overflow.
fn erf(x: f64) -> f64 {
    if (x * x).is_finite() { libm::erf(x) } else { f64::NAN }
}

/// A function that is a product with `e^|x|` of single precision: infinite where that is.
fn growing(f: fn(f64) -> f64, x: f32) -> f32 {
    let y = f(x.into()) as f32;
    if y.is_finite() && x.abs().exp().is_infinite() { f32::INFINITY.copysign(y) } else { y }
}

/// NaN where the reciprocal is no normal number: it counts as zero, and its product with the exponential has no value.
fn exponential_integral(x: f32) -> f32 {
    if x.recip().abs() < f32::MIN_POSITIVE { f32::NAN } else { growing(integrals::expint, x) }
}

/// A loop over [`gamma::log_gamma`] that does not flush denormals.
fn log_gamma<T: packet::Float + std::ops::Neg<Output = T>>(f: Map<T, T>, x: &[T], out: &mut [T]) {
    f(x, out);
    packet::all(x, out, |_| -T::LOG_OF_DENORMAL);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use savedmodel_tensor::Tensor;

    #[test]
    fn values() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        let x = [0.0, 1.0, -1.0, inf, -inf, nan, 2.5, -2.5, 1e-3];
        let rows: [(&str, [f32; 9]); 23] = [
            (
                "Erf",
                [0.0, 0.842_700_8, -0.842_700_8, 1.0, -1.0, nan, 0.999_593_1, -0.999_593_1, 1.128_378_8e-3],
            ),
            ("Erfc", [1.0, 0.157_299_22, 1.842_700_7, 0.0, 2.0, nan, 4.069_520_2e-4, 1.999_593, 0.998_871_6]),
            ("Erfinv", [0.0, inf, -inf, nan, nan, nan, nan, nan, 8.862_685e-4]),
            ("Ndtri", [-inf, inf, nan, nan, nan, nan, nan, nan, -3.090_232_3]),
            ("Lgamma", [inf, 0.0, inf, inf, inf, nan, 0.284_682_87, -0.056_243_72, 6.907_179]),
            ("Digamma", [nan, -0.577_215_7, nan, inf, nan, nan, 0.703_156_65, 1.103_156_6, -1_000.575_6]),
            (
                "BesselI0",
                [1.0, 1.266_065_8, 1.266_065_8, nan, nan, nan, 3.289_839_2, 3.289_839_2, 1.000_000_3],
            ),
            (
                "BesselI0e",
                [1.0, 0.465_759_6, 0.465_759_6, 0.0, 0.0, nan, 0.270_046_44, 0.270_046_44, 0.999_000_7],
            ),
            (
                "BesselI1",
                [0.0, 0.565_159_1, -0.565_159_1, nan, nan, nan, 2.516_716_2, -2.516_716_2, 5.000_001e-4],
            ),
            (
                "BesselI1e",
                [0.0, 0.207_910_42, -0.207_910_42, 0.0, 0.0, nan, 0.206_584_65, -0.206_584_65, 4.995_003e-4],
            ),
            ("BesselK0", [inf, 0.421_024_44, inf, 0.0, inf, nan, 0.062_347_55, inf, 7.023_689]),
            ("BesselK0e", [inf, 1.144_463_1, inf, 0.0, inf, nan, 0.759_548_7, inf, 7.030_716]),
            ("BesselK1", [inf, 0.601_907_2, inf, 0.0, inf, nan, 0.073_890_81, inf, 999.996_2]),
            ("BesselK1e", [inf, 1.636_153_6, inf, 0.0, inf, nan, 0.900_174_4, inf, 1_000.996_7]),
            (
                "BesselJ0",
                [1.0, 0.765_197_7, 0.765_197_7, nan, nan, nan, -0.048_383_776, -0.048_383_776, 0.999_999_76],
            ),
            ("BesselJ1", [0.0, 0.440_050_6, -0.440_050_6, nan, nan, nan, 0.497_094_1, -0.497_094_1, 5e-4]),
            ("BesselY0", [-inf, 0.088_256_96, -inf, nan, -inf, nan, 0.498_070_36, -inf, -4.471_416_5]),
            ("BesselY1", [nan, -0.781_212_8, -inf, nan, -inf, nan, 0.145_918_14, -inf, -636.622_16]),
            (
                "Dawsn",
                [0.0, 0.538_079_5, -0.538_079_5, 0.0, 0.0, nan, 0.223_083_69, -0.223_083_69, 9.999_993e-4],
            ),
            ("Expint", [-inf, 1.895_117_8, nan, nan, nan, nan, 7.073_765_8, nan, -6.329_539_3]),
            ("FresnelCos", [0.0, 0.779_893_4, -0.779_893_4, 0.5, -0.5, nan, 0.457_413, -0.457_413, 0.001]),
            (
                "FresnelSin",
                [
                    0.0,
                    0.438_259_15,
                    -0.438_259_15,
                    0.5,
                    -0.5,
                    nan,
                    0.619_181_75,
                    -0.619_181_75,
                    5.235_988e-10,
                ],
            ),
            ("Spence", [1.644_934, 0.0, nan, nan, nan, nan, -1.147_380_6, nan, 1.637_022_6]),
        ];
        for (name, want) in rows {
            let vector = |v: [f32; 9]| Tensor::from_slice([9], &v).unwrap();
            check(op(OPS, name), [vector(x)], vector(want));
        }
    }

    #[test]
    fn dtypes() {
        let half = |v: f32| Tensor::scalar(f16::from_f32(v));
        check(op(OPS, "Lgamma"), [half(5.0)], half(3.178));
        check(op(OPS, "BesselY1"), [half(2.5)], half(0.1459));
        check(
            op(OPS, "FresnelCos"),
            [Tensor::scalar(100.0_f64)],
            Tensor::scalar(0.499_999_898_678_817_9_f64),
        );
        check(op(OPS, "Expint"), [Tensor::scalar(50.0_f64)], Tensor::scalar(1.058_563_689_713_169e20_f64));
        check(op(OPS, "Spence"), [Tensor::scalar(100.0_f64)], Tensor::scalar(-12.192_421_669_033_171_f64));
        check(
            op(OPS, "BesselK0"),
            [Tensor::scalar(100.0_f64)],
            Tensor::scalar(4.656_628_229_175_902e-45_f64),
        );
        error(op(OPS, "Erfinv"), [half(0.5)], "operator Erfinv has no kernel for attr T = half");
    }
}
