//! Gradients of functions of one tensor, in terms of their results.
//!
//! `y` is the result of the function and `dy` the gradient with respect to it. 16-bit floats are rounded after each
//! step. See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/SigmoidGrad` and the pages of the other names.

use half::{bf16, f16};
use num_traits::{Num, One};
use savedmodel_math::par;
use savedmodel_op::{Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Complex32, Complex64, Element, Error, PartialShape, Result};

use crate::elementwise::{CHEAP, Zip, loops, tasks};

/// A row: a name and the gradient of any number.
macro_rules! row {
    ($name:literal, $f:expr) => {
        op(
            $name,
            Kernels::ByDType(
                "T",
                &[
                    (f32::DTYPE, |_| kernel::<f32>(|y, dy, out| loops::zip_hot(y, dy, out, $f))),
                    (f64::DTYPE, |_| kernel::<f64>(|y, dy, out| loops::zip(y, dy, out, $f))),
                    (f16::DTYPE, |_| kernel::<f16>(|y, dy, out| loops::zip(y, dy, out, $f))),
                    (bf16::DTYPE, |_| kernel::<bf16>(|y, dy, out| loops::zip(y, dy, out, $f))),
                    (Complex32::DTYPE, |_| kernel::<Complex32>(|y, dy, out| loops::zip(y, dy, out, $f))),
                    (Complex64::DTYPE, |_| kernel::<Complex64>(|y, dy, out| loops::zip(y, dy, out, $f))),
                ],
            ),
        )
    };
}

/// The operators of this file. Those of roots and reciprocals take the conjugate of a complex `y`.
pub const OPS: &[Op] = &[
    row!("SigmoidGrad", |y, dy| dy * y * (one(y) - y)),
    row!("TanhGrad", |y, dy| dy * (one(y) - y * y)),
    row!("SqrtGrad", |y, dy| half(y) * dy / y.conjugate()),
    row!("RsqrtGrad", |y, dy| -half(y) * (dy * y.conjugate()) * (y.conjugate() * y.conjugate())),
    row!("ReciprocalGrad", |y, dy| -y.conjugate() * y.conjugate() * dy),
    row!("InvGrad", |y, dy| -y.conjugate() * y.conjugate() * dy),
];

const fn op(name: &'static str, kernels: Kernels) -> Op {
    Op {
        name,
        inputs: &["y: T", "dy: T"],
        outputs: &["z: T"],
        attrs: &["T: {bfloat16, half, float, double, complex64, complex128}"],
        effect: Effect::Pure,
        shape,
        kernels,
    }
}

/// One, of the type of `y`.
fn one<T: One>(_: T) -> T {
    T::one()
}

/// A half, of the type of `y`.
fn half<T: Num>(_: T) -> T {
    T::one() / (T::one() + T::one())
}

/// Real numbers are their own conjugates.
trait Conjugate {
    fn conjugate(self) -> Self;
}

macro_rules! conjugate {
    ($($t:ty: |$x:ident| $value:expr;)*) => {
        $(impl Conjugate for $t {
            #[inline(always)]
            fn conjugate(self) -> $t {
                let $x = self;
                $value
            }
        })*
    };
}

conjugate! {
    f32: |x| x; f64: |x| x; f16: |x| x; bf16: |x| x; Complex32: |x| x.conj(); Complex64: |x| x.conj();
}

fn kernel<T: Element>(run: Zip<T, T>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (y, dy) = (ctx.input(0), ctx.input(1));
        if y.elements() != dy.elements() {
            return Err(Error::invalid_argument(format!(
                "The two arguments to a cwise op must have same number of elements, got {} and {}",
                y.elements(),
                dy.elements()
            )));
        }
        let mut out = ctx.allocate(T::DTYPE, y.shape())?;
        let (y, dy) = (y.as_slice::<T>()?, dy.as_slice::<T>()?);
        tasks::for_chunks(out.as_mut_slice()?, par::grain(CHEAP), &|start, out| {
            let range = start..start + out.len();
            run(&y[range.clone()], &dy[range], out);
        });
        ctx.set(0, out);
        Ok(())
    }))
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let (y, dy) = (ctx.input(0), ctx.input(1));
    Ok(vec![y.merge(&dy).unwrap_or(y)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use savedmodel_tensor::Tensor;

    #[test]
    fn values() {
        let c = Complex32::new;
        let rows: [(&str, [f32; 3], Complex32); 6] = [
            ("SigmoidGrad", [0.75, -2.0, -4.0], c(3.75, -1.25)),
            ("TanhGrad", [2.25, -3.0, 0.0], c(4.25, -4.75)),
            ("SqrtGrad", [3.0, 0.25, -1.0], c(1.0, 1.0)),
            ("RsqrtGrad", [-0.1875, -4.0, 1.0], c(1.9375, -1.0625)),
            ("ReciprocalGrad", [-0.75, -4.0, -2.0], c(3.25, 2.25)),
            ("InvGrad", [-0.75, -4.0, -2.0], c(3.25, 2.25)),
        ];
        for (name, want, complex) in rows {
            let vector = |v: [f32; 3]| Tensor::from_slice([3], &v).unwrap();
            check(op(OPS, name), [vector([0.5, 2.0, -1.0]), vector([3.0, 1.0, 2.0])], vector(want));
            check(op(OPS, name), [c(0.5, 1.0), c(3.0, -1.0)].map(Tensor::scalar), Tensor::scalar(complex));
            let few = Tensor::from_slice([2], &[1.0_f32, 2.0]).unwrap();
            error(op(OPS, name), [few, vector([1.0; 3])], "same number of elements, got 2 and 3");
        }
    }
}
