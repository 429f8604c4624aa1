//! `Bincount`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Error, PartialShape, Result};

use super::{Count, Number};

/// How often each integer below `size` occurs in `arr`, or the sum of the `weights` where it does.
///
/// Larger integers are left out. See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/Bincount`.
pub const OP: Op = Op {
    name: "Bincount",
    inputs: &["arr: int32", "size: int32", "weights: T"],
    outputs: &["bins: T"],
    attrs: &[super::T],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64 i32 i64),
};

fn build<T: Number>(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let (values, weights) = (ctx.input(0).to_i64s()?, ctx.input(2).as_slice::<T>()?);
        let size = super::size(ctx.input(1))?;
        super::check_not_negative(&values, "Input arr must be non-negative!")?;
        if !weights.is_empty() && weights.len() != values.len() {
            return Err(Error::invalid_argument("Input indices and weights must have the same size."));
        }
        let count = Count { weights, binary: false };
        let mut bins = ctx.run().allocate(T::DTYPE, [size])?;
        let out = bins.as_mut_slice::<T>()?;
        values.iter().enumerate().for_each(|(i, &value)| count.add(out, value, i));
        ctx.set(0, bins);
        Ok(())
    }))
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![PartialShape::new([ctx.value(1).map(super::size).transpose()?])])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use savedmodel_tensor::{Element, Tensor};

    fn vector<T: Element>(v: &[T]) -> Tensor {
        Tensor::from_slice([v.len()], v).unwrap()
    }

    #[test]
    fn values() {
        let count = || op(&[OP], "Bincount");
        let (arr, three, none) = (vector(&[1, 1, 5, 2]), Tensor::scalar(3), vector::<f32>(&[]));
        check(count(), [arr.clone(), three.clone(), none.clone()], vector(&[0.0_f32, 2.0, 1.0]));
        check(count(), [arr.clone(), three.clone(), vector(&[1_i64, 2, 3, 4])], vector(&[0_i64, 3, 4]));
        let matrix = Tensor::from_slice([2, 1], &[0, 2]).unwrap();
        check(count(), [matrix, three.clone(), none.clone()], vector(&[1.0_f32, 0.0, 1.0]));
        error(count(), [vector(&[1, -1]), three.clone(), none.clone()], "Input arr must be non-negative!");
        error(count(), [arr.clone(), Tensor::scalar(-3), none], "size (-3) must be non-negative");
        error(
            count(),
            [arr, three, vector(&[1.0_f32])],
            "Input indices and weights must have the same size.",
        );
    }
}
