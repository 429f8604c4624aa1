//! `ApproximateEqual`.

use num_traits::Float;
use savedmodel_math::par;
use savedmodel_op::{Construction, Context, Effect, Kernel, Op, by_dtype, shape};
use savedmodel_tensor::{DType, Element, Error, Result};

use crate::elementwise::{CHEAP, loops, tasks};

/// Whether elements are not farther from each other than `tolerance`.
///
/// Shapes must be equal. Neither NaN nor equal infinities are close.
/// See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/ApproximateEqual`.
pub const OP: Op = Op {
    name: "ApproximateEqual",
    inputs: &["x: T", "y: T"],
    outputs: &["z: bool"],
    attrs: &[
        "T: {float, double, int32, uint8, int16, int8, complex64, int64, qint8, quint8, qint32, bfloat16, qint16, \
         quint16, uint16, complex128, half, uint32, uint64}",
        "tolerance: float = 1e-05",
    ],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: by_dtype!("T"; build: f32 f64),
};

fn build<T: Element + Float + From<f32>>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let tolerance: T = node.attr::<f32>("tolerance")?.into();
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (x, y) = (ctx.input(0), ctx.input(1));
        if x.shape() != y.shape() {
            return Err(Error::invalid_argument(format!(
                "x and y must be of the same shape. x shape: {}. y shape: {}",
                x.shape(),
                y.shape()
            )));
        }
        let mut z = ctx.allocate(DType::Bool, x.shape())?;
        let (x, y) = (x.as_slice::<T>()?, y.as_slice::<T>()?);
        tasks::for_chunks(z.as_mut_slice::<bool>()?, par::grain(CHEAP), &|start, z| {
            let range = start..start + z.len();
            loops::zip(&x[range.clone()], &y[range], z, |x, y| (x - y).abs() <= tolerance);
        });
        ctx.set(0, z);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use savedmodel_tensor::Tensor;

    #[test]
    fn values() {
        let vector = |v: &[f32]| Tensor::from_slice([v.len()], v).unwrap();
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        let (x, y) = (vector(&[1.0, nan, inf, 2.0]), vector(&[1.000_01, nan, inf, 2.000_002]));
        let want = |v: [bool; 4]| Tensor::from_slice([4], &v).unwrap();
        check(op(&[OP], "ApproximateEqual"), [x.clone(), y.clone()], want([false, false, false, true]));
        let lenient = op(&[OP], "ApproximateEqual").attr("tolerance", 0.1_f32);
        check(lenient, [x.clone(), y], want([true, false, false, true]));
        error(op(&[OP], "ApproximateEqual"), [x, vector(&[1.0])], "x shape: [4]. y shape: [1]");
    }
}
