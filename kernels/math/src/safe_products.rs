//! Products and quotients that are zero where their first factor is.
//!
//! See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/Xlogy` and the pages of the other names.

use half::{bf16, f16};
use savedmodel_op::Op;
use savedmodel_tensor::{Complex32, Complex64};

use crate::elementwise::{zip, zip_kernels};
use crate::{complex, complex_packets};

/// The operators of this file: where `x` is zero they are zero, whatever `y`.
pub const OPS: &[Op] = &[
    zip::op(
        "Xdivy",
        &[T],
        zip_kernels!("T", 1.0;
        floats |x, y| if x == 0.0 { 0.0 } else { x / y },
        slices [Complex32 Complex64] complex_packets::xdivy),
    ),
    zip::op(
        "Xlogy",
        &[T],
        zip_kernels!("T", NS;
        each [f32 f64] |x, y| if x == 0.0 { 0.0 } else { x * y.ln() },
        each [f16] |x, y| if x == f16::ZERO { x } else { x * f16::from_f32(y.to_f32().ln()) },
        each [bf16] |x, y| if x == bf16::ZERO { x } else { x * bf16::from_f32(y.to_f32().ln()) },
        slices [Complex32 Complex64] complex_packets::xlogy),
    ),
    zip::op(
        "Xlog1py",
        &[T],
        zip_kernels!("T", NS;
        each [f32 f64] |x, y| if x == 0.0 { 0.0 } else { x * y.ln_1p() },
        each [f16] |x, y| if x == f16::ZERO { x } else { x * f16::from_f32(y.to_f32().ln_1p()) },
        each [bf16] |x, y| if x == bf16::ZERO { x } else { x * bf16::from_f32(y.to_f32().ln_1p()) },
        each [Complex32 Complex64] |x, y| {
            if x == Default::default() { Default::default() } else { complex::multiply(x, complex::log1p(y)) }
        }),
    ),
];

const NS: f64 = 8.0;

const T: &str = "T: {half, bfloat16, float, double, complex64, complex128}";

#[cfg(test)]
mod tests {
    use std::f32::consts::{FRAC_PI_2, LN_2};

    use super::*;
    use crate::testing::{check, op};
    use savedmodel_tensor::{Element, Tensor};

    fn row<T: Element>(name: &str, x: &[T], y: &[T], want: &[T]) {
        let tensor = |v: &[T]| Tensor::from_slice([v.len()], v).unwrap();
        check(op(OPS, name), [tensor(x), tensor(y)], tensor(want));
    }

    #[test]
    fn values() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        row("Xdivy", &[0.0, 0.0, 1.0, 0.0], &[0.0, nan, 2.0, inf], &[0.0, 0.0, 0.5, 0.0]);
        row("Xlogy", &[0.0, 0.0, 2.0, 2.0], &[0.0, nan, 2.0, 0.0], &[0.0, 0.0, 1.386_294_4, -inf]);
        row("Xlog1py", &[0.0, 0.0, 1.0, 2.0], &[-1.0, nan, 2.0, -1.0], &[0.0, 0.0, 1.098_612_3, -inf]);
        let half = f16::from_f32;
        row("Xlogy", &[half(0.0), half(3.0)], &[half(0.0), half(2.0)], &[half(0.0), half(2.08)]);
        let c = Complex32::new;
        row("Xdivy", &[c(0.0, 0.0), c(1.0, 1.0)], &[c(0.0, 0.0), c(0.0, 2.0)], &[c(0.0, 0.0), c(0.5, -0.5)]);
        row(
            "Xlogy",
            &[c(0.0, 0.0), c(2.0, 0.0)],
            &[c(0.0, 0.0), c(1.0, 1.0)],
            &[c(0.0, 0.0), c(LN_2, FRAC_PI_2)],
        );
    }
}
