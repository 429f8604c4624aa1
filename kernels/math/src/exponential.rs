//! Exponentials and logarithms of one tensor.
//!
//! Single precision is within a few units in the last place of the exact value; 16-bit floats are computed in single
//! precision. See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/Exp` and the pages of the other names.

use half::{bf16, f16};
use savedmodel_math::packet;
use savedmodel_math::unary::{self, Apply, functions};
use savedmodel_op::Op;
use savedmodel_tensor::{Complex32, Complex64};

use crate::elementwise::denormal::{self, kept_in_packets, kept_in_rest};
use crate::elementwise::{map, map_kernels};
use crate::{complex, complex_packets};

/// The operators of this file.
pub const OPS: &[Op] = &[
    map::op(
        "Exp",
        &[T],
        map_kernels!("T", NS; slices [f32 f64 f16 bf16] unary::exp,
            slices [Complex32] complex_packets::exponentials,
            each [Complex64] complex::exp),
    ),
    map::op(
        "Expm1",
        &[T],
        map_kernels!("T", NS; slices [f16] unary::expm1,
            slices [f32] |x, out| kept_in_packets(unary::expm1, x, out),
            slices [f64] |x, out| kept_in_packets(unary::expm1, x, out),
            slices [bf16] |x, out| kept_in_packets(unary::expm1, x, out),
            each [Complex32 Complex64] complex::expm1),
    ),
    map::op(
        "Log",
        &[T],
        map_kernels!("T", NS; slices [f16] unary::log, slices [f32] log, slices [bf16] log,
            slices [f64] |x, out| {
                unary::log(x, out);
                packet::all(x, out, |_| f64::NEG_INFINITY);
            },
            each [Complex32 Complex64] complex::log),
    ),
    map::op(
        "Log1p",
        &[T],
        map_kernels!("T", NS; slices [f16] unary::log1p,
            slices [f32] |x, out| kept_in_rest(unary::log1p, x, out),
            slices [f64] |x, out| kept_in_rest(unary::log1p, x, out),
            slices [bf16] |x, out| kept_in_rest(unary::log1p, x, out),
            each [Complex32 Complex64] complex::log1p),
    ),
    map::op(
        "Sigmoid",
        &[T],
        map_kernels!("T", NS; slices [f32 f64 f16 bf16] unary::sigmoid,
            each [Complex32 Complex64] complex::sigmoid),
    ),
    map::op(
        "Tanh",
        &[T],
        map_kernels!("T", NS; slices [f32 f64 f16 bf16] unary::tanh,
            each [Complex32 Complex64] complex::tanh),
    ),
];

const NS: f64 = 1.0;

/// The logarithm, which only the rest of a tensor has of denormals.
fn log<T: packet::Float + num_traits::Float + Apply<functions::Log>>(x: &[T], out: &mut [T]) {
    unary::log(x, out);
    if !denormal::any(x) {
        return;
    }
    packet::head(x, out, |_| T::neg_infinity());
    packet::rest(x, out, |x| if x.is_sign_negative() { T::nan() } else { T::LOG_OF_DENORMAL });
}

const T: &str = "T: {bfloat16, half, float, double, complex64, complex128}";

#[cfg(test)]
mod tests {
    use std::f32::consts::FRAC_PI_4;

    use super::*;
    use crate::testing::{check, op};
    use savedmodel_tensor::{Element, Tensor};

    fn row<T: Element>(name: &str, x: &[T], want: &[T]) {
        let tensor = |v: &[T]| Tensor::from_slice([v.len()], v).unwrap();
        check(op(OPS, name), [tensor(x)], tensor(want));
    }

    #[test]
    fn values() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        row("Exp", &[0.0, 2.0, -inf, nan], &[1.0, 7.389_056, 0.0, nan]);
        row("Expm1", &[1e-3, -inf, 2.5], &[1.000_500_2e-3, -1.0, 11.182_494]);
        row("Log", &[0.0, -1.0, 2.5, inf], &[-inf, nan, 0.916_290_76, inf]);
        row("Log1p", &[-1.0, 1e-3, -2.5], &[-inf, 9.995_004e-4, nan]);
        row("Sigmoid", &[0.0, 2.5, -inf, inf], &[0.5, 0.924_141_8, 0.0, 1.0]);
        row("Tanh", &[-2.5, inf, 1e-3], &[-0.986_614_35, 1.0, 9.999_997e-4]);
        row("Exp", &[1.0_f64], &[std::f64::consts::E]);
        row("Exp", &[bf16::from_f32(2.0)], &[bf16::from_f32(7.389_056)]);
        row("Sigmoid", &[f16::from_f32(-2.0)], &[f16::from_f32(0.119_2)]);
        let c = Complex32::new;
        let x = [c(0.0, 1.0), c(1.0, 1.0), c(-2.5, 0.3)];
        row(
            "Exp",
            &x,
            &[c(0.540_302_3, 0.841_471), c(1.468_693_9, 2.287_355_2), c(0.078_418_8, 0.024_257_78)],
        );
        row("Expm1", &x[1..], &[c(0.468_693_85, 2.287_355_2), c(-0.921_581_2, 0.024_257_78)]);
        row("Log", &x[1..], &[c(0.346_573_6, FRAC_PI_4), c(0.923_439_3, 3.022_163_9)]);
        row("Log1p", &x[1..], &[c(0.804_719, 0.463_647_6), c(0.425_075_5, 2.944_197_4)]);
        row("Sigmoid", &x[1..], &[c(0.782_041_55, 0.201_948_23), c(0.073_185_4, 0.020_847_62)]);
        row("Tanh", &x[1..], &[c(1.083_923_2, 0.271_752_57), c(-0.988_911, 0.007_525_03)]);
    }
}
