//! Complex numbers from their parts, and their parts.
//!
//! See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/Complex` and the pages of the other names.

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Complex32, Complex64, DType, Element, Error, Result};

use crate::elementwise::{CHEAP, Map, loops, map, zip};

const COMPLEX: &str = "T: {complex64, complex128} = DT_COMPLEX64";

/// A row of `Real` and its like: a name, its arguments, the function of a number.
macro_rules! part {
    ($name:literal, $input:literal, $output:literal, $f:expr) => {
        Op {
            name: $name,
            inputs: &[$input],
            outputs: &[$output],
            attrs: &[COMPLEX, "Tout: {float, double} = DT_FLOAT"],
            effect: Effect::Pure,
            shape: shape::unchanged,
            kernels: Kernels::ByDType(
                "T",
                &[
                    (Complex32::DTYPE, |node| part::<Complex32, f32>(node, |x, out| loops::map(x, out, $f))),
                    (Complex64::DTYPE, |node| part::<Complex64, f64>(node, |x, out| loops::map(x, out, $f))),
                ],
            ),
        }
    };
}

/// The parts must have the precision of the whole.
fn check_parts(node: &Construction<'_>, dtype: DType) -> Result<()> {
    if node.inputs[0] == dtype { Ok(()) } else { Err(node.no_kernel("Tout")) }
}

/// The operators of this file.
pub const OPS: &[Op] = &[
    Op {
        name: "Complex",
        inputs: &["real: T", "imag: T"],
        outputs: &["out: Tout"],
        attrs: &["T: {float, double} = DT_FLOAT", "Tout: {complex64, complex128} = DT_COMPLEX64"],
        effect: Effect::Pure,
        shape: shape::broadcast,
        kernels: Kernels::ByDType(
            "Tout",
            &[
                (Complex32::DTYPE, |node| {
                    check_parts(node, DType::Float)?;
                    zip::convert(CHEAP, |a, b, out| {
                        loops::zip(a, b, out, |re: f32, im| Complex32::new(re, im))
                    })
                }),
                (Complex64::DTYPE, |node| {
                    check_parts(node, DType::Double)?;
                    zip::convert(CHEAP, |a, b, out| {
                        loops::zip(a, b, out, |re: f64, im| Complex64::new(re, im))
                    })
                }),
            ],
        ),
    },
    part!("Real", "input: T", "output: Tout", |x| x.re),
    part!("Imag", "input: T", "output: Tout", |x| x.im),
    part!("ComplexAbs", "x: T", "y: Tout", |x| x.re.hypot(x.im)),
    part!("Angle", "input: T", "output: Tout", |x| x.im.atan2(x.re)),
    Op {
        name: "Conj",
        inputs: &["input: T"],
        outputs: &["output: T"],
        attrs: &["T: {complex64, complex128, variant} = DT_COMPLEX64"],
        effect: Effect::Pure,
        shape: shape::unchanged,
        kernels: Kernels::ByDType(
            "T",
            &[
                (Complex32::DTYPE, |_| {
                    map::kernel(CHEAP, |x, out| loops::map(x, out, |x: Complex32| x.conj()))
                }),
                (Complex64::DTYPE, |_| {
                    map::kernel(CHEAP, |x, out| loops::map(x, out, |x: Complex64| x.conj()))
                }),
                (DType::Variant, |_| {
                    Ok(Box::new(|ctx: &mut Context<'_>| match ctx.input(0).variants()? {
                        [variant] if ctx.input(0).rank() == 0 => Err(variant.no_conjugate()),
                        _ => Err(Error::invalid_argument("Non-scalar variants are not supported.")),
                    }))
                }),
            ],
        ),
    },
];

type Built = Result<Box<dyn Kernel>>;

fn part<C: Element, R: Element>(node: &Construction<'_>, run: Map<C, R>) -> Built {
    if node.outputs != [R::DTYPE] {
        return Err(node.no_kernel("Tout"));
    }
    map::convert(2.0 * CHEAP, run)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use savedmodel_tensor::{DType, Tensor};

    #[test]
    fn values() {
        let x = || Tensor::scalar(Complex32::new(3.0, -4.0));
        for (name, want) in [("Real", 3.0_f32), ("Imag", -4.0), ("ComplexAbs", 5.0), ("Angle", -0.927_295_2)]
        {
            check(op(OPS, name), [x()], Tensor::scalar(want));
            let wide = Tensor::scalar(Complex64::new(3.0, -4.0));
            let got = op(OPS, name).attr("Tout", DType::Double).input(wide).run().unwrap().remove(0);
            assert!((got.to_scalar::<f64>().unwrap() - f64::from(want)).abs() < 1e-6, "{name}");
            error(op(OPS, name).attr("Tout", DType::Double), [x()], "has no kernel for attr Tout = double");
        }
        check(op(OPS, "Conj"), [x()], Tensor::scalar(Complex32::new(3.0, 4.0)));
        let real = Tensor::from_slice([2], &[1.0_f32, 2.0]).unwrap();
        let want = Tensor::from_slice([2], &[Complex32::new(1.0, 3.0), Complex32::new(2.0, 3.0)]).unwrap();
        check(op(OPS, "Complex"), [real, Tensor::scalar(3.0_f32)], want);
    }
}
