//! Circular and hyperbolic functions of one tensor and their inverses.
//!
//! See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/Sin` and the pages of the other names.

use half::{bf16, f16};
use savedmodel_math::unary;
use savedmodel_op::Op;
use savedmodel_tensor::{Complex32, Complex64};

use crate::complex;
use crate::elementwise::denormal::{kept, kept_in_rest};
use crate::elementwise::{loops, map, map_kernels};

/// A row: a name, the function of a complex number, the loops over floats.
macro_rules! row {
    ($name:literal, $complex:path, $($floats:tt)+) => {
        map::op(
            $name,
            &["T: {bfloat16, half, float, double, complex64, complex128}"],
            map_kernels!("T", NS; $($floats)+, each [Complex32 Complex64] $complex),
        )
    };
}

/// The operators of this file.
pub const OPS: &[Op] = &[
    row!("Sin", complex::sin, slices [f64 f16] unary::sin,
        slices [f32] |x, out| kept_in_rest(unary::sin, x, out), slices [bf16] |x, out| kept_in_rest(unary::sin, x, out)),
    row!("Cos", complex::cos, slices [f32 f64 f16 bf16] unary::cos),
    row!("Tan", complex::tan, slices [f32 f64 f16 bf16] unary::tan),
    row!("Asin", complex::asin, slices [f64 f16 bf16] unary::asin,
        slices [f32] |x, out| kept_in_rest(unary::asin, x, out)),
    row!("Acos", complex::acos, slices [f32 f64 f16 bf16] unary::acos),
    row!("Atan", complex::atan, slices [f16 bf16] unary::atan,
        slices [f32] |x, out| kept_in_rest(unary::atan, x, out), slices [f64] |x, out| kept_in_rest(unary::atan, x, out)),
    row!("Sinh", complex::sinh, slices [f64 f16 bf16] unary::sinh, slices [f32] |x, out| kept(unary::sinh, x, out)),
    row!("Cosh", complex::cosh, slices [f32 f64 f16 bf16] unary::cosh),
    row!("Asinh", complex::asinh, slices [f16 bf16] unary::asinh, each [f64] libm::asinh,
        slices [f32] |x, out| kept(unary::asinh, x, out)),
    row!("Acosh", complex::acosh, slices [f32 f16 bf16] unary::acosh, each [f64] |x: f64| {
        // `libm` takes the logarithm of what is far below one, too.
        if x < 1.0 { f64::NAN } else { libm::acosh(x) }
    }),
    row!("Atanh", complex::atanh, slices [f16 bf16] unary::atanh,
        slices [f32] |x, out| kept_in_rest(unary::atanh, x, out),
        slices [f64] |x, out| kept_in_rest(|x, out| loops::map(x, out, libm::atanh), x, out)),
];

const NS: f64 = 2.0;

#[cfg(test)]
mod tests {
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
        row("Sin", &[1.0, inf], &[0.841_471, nan]);
        row("Cos", &[1.0_f32, 1e8], &[0.540_302_3, -0.363_385]);
        row("Tan", &[1.0_f32], &[1.557_407_7]);
        row("Asin", &[0.25_f32, 2.0], &[0.252_680_25, nan]);
        row("Acos", &[0.25_f32, -0.25], &[1.318_116_1, 1.823_476_6]);
        row("Atan", &[-2.5_f32, inf], &[-1.190_289_9, 1.570_796_4]);
        row("Sinh", &[1.0_f32, -inf], &[1.175_201_2, -inf]);
        row("Cosh", &[1.0, -inf], &[1.543_080_6, inf]);
        row("Asinh", &[2.5, -inf], &[1.647_231_2, -inf]);
        row("Acosh", &[2.5_f32, 0.5], &[1.566_799_3, nan]);
        row("Atanh", &[0.5, 1.0, -2.0], &[0.549_306_15, inf, nan]);
        row("Sin", &[1.0_f64], &[0.841_470_984_807_896_5]);
        row("Atanh", &[bf16::from_f32(0.5)], &[bf16::from_f32(0.549_306_15)]);
    }

    #[test]
    fn complex_values() {
        let c = Complex32::new;
        let x = [c(1.0, 1.0), c(-2.5, 0.3)];
        row("Tan", &x, &[c(0.271_752_57, 1.083_923_2), c(0.652_716_9, 0.433_354_97)]);
        row("Asin", &x, &[c(0.666_239_44, 1.061_275_1), c(-1.440_811_6, 1.576_035_5)]);
        row("Acos", &x, &[c(0.904_556_9, -1.061_275_1), c(3.011_608, -1.576_035_5)]);
        row("Atan", &x, &[c(1.017_221_9, 0.402_359_5), c(-1.194_532_4, 0.040_963_34)]);
        row("Sinh", &x, &[c(0.634_963_87, 1.298_457_5), c(-5.779_981_6, 1.812_215_4)]);
        row("Cosh", &x, &[c(0.833_729_9, 0.988_897_7), c(5.858_4, -1.787_957_8)]);
        row("Asinh", &x, &[c(1.061_275_1, 0.666_239_44), c(-1.652_970_8, 0.111_052_89)]);
        row("Acosh", &x, &[c(1.061_275_1, 0.904_556_9), c(1.576_035_5, 3.011_608)]);
        row("Atanh", &x, &[c(0.402_359_5, 1.017_221_9), c(-0.415_673_8, 1.514_851_2)]);
    }
}
