//! `RaggedBincount`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Error, PartialShape, Result};

use super::{Count, Number};

/// How often each integer below `size` occurs in each row of a ragged matrix, or the sum of the `weights` where it does.
///
/// Larger integers are left out. With `binary_output`, an integer that occurs counts one.
/// See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/RaggedBincount`.
pub const OP: Op = Op {
    name: "RaggedBincount",
    inputs: &["splits: int64", "values: Tidx", "size: Tidx", "weights: T"],
    outputs: &["output: T"],
    attrs: &["Tidx: {int32, int64}", super::T, "binary_output: bool = false"],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64 i32 i64),
};

fn build<T: Number>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let binary: bool = node.attr("binary_output")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (splits, values) = (ctx.input(0).to_i64s()?, ctx.input(1).to_i64s()?);
        let size = super::size(ctx.input(2))?;
        check_splits(&splits, values.len())?;
        super::check_not_negative(&values, "Input must be non-negative")?;
        // Of ragged values the number alone must agree, and there may be more weights.
        if ctx.input(3).elements() < values.len() {
            super::check_weights(ctx.input(1), ctx.input(3))?;
        }
        let count = Count { weights: ctx.input(3).as_slice::<T>()?, binary };
        let mut output = ctx.run().allocate(T::DTYPE, [splits.len() - 1, size])?;
        let out = output.as_mut_slice::<T>()?;
        let mut row = 0;
        for (i, &value) in values.iter().enumerate() {
            // The last split is the number of values, so that there always is a row to go to.
            while i as i64 >= splits[row + 1] {
                row += 1;
            }
            count.add(&mut out[row * size..][..size], value, i);
        }
        ctx.set(0, output);
        Ok(())
    }))
}

fn check_splits(splits: &[i64], values: usize) -> Result<()> {
    let wrong = |text: String| Err(Error::invalid_argument(text));
    match (splits.first(), splits.last()) {
        (Some(0), Some(&last)) if last == values as i64 => Ok(()),
        (Some(0), Some(last)) => {
            wrong(format!("Splits must end with the number of values, got {last} instead of {values}"))
        }
        (Some(first), _) => wrong(format!("Splits must start with 0, not with {first}")),
        (None, _) => wrong("Splits must be non-empty".to_owned()),
    }
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let rows = ctx.input(0).known().and_then(|splits| splits.elements().checked_sub(1));
    Ok(vec![PartialShape::new([rows, ctx.value(2).map(super::size).transpose()?])])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use savedmodel_tensor::{Element, Tensor};

    fn vector<T: Element>(v: &[T]) -> Tensor {
        Tensor::from_slice([v.len()], v).unwrap()
    }

    fn inputs(splits: &[i64], values: &[i32], weights: &[f32]) -> [Tensor; 4] {
        [vector(splits), vector(values), Tensor::scalar(3), vector(weights)]
    }

    #[test]
    fn values() {
        let count = |binary: bool| op(&[OP], "RaggedBincount").attr("binary_output", binary);
        let want = |v: &[f32]| Tensor::from_slice([v.len() / 3, 3], v).unwrap();
        check(count(false), inputs(&[0, 2, 3], &[1, 1, 2], &[]), want(&[0.0, 2.0, 0.0, 0.0, 0.0, 1.0]));
        check(count(true), inputs(&[0, 2, 3], &[1, 1, 5], &[]), want(&[0.0, 1.0, 0.0, 0.0, 0.0, 0.0]));
        let weighed = inputs(&[0, 2, 2, 3], &[1, 1, 2], &[1.0, 2.0, 3.0]);
        check(count(false), weighed, want(&[0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0]));
        let odd = inputs(&[0, 2, 1, 3], &[1, 1, 2], &[]);
        check(count(false), odd, want(&[0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]));
        error(
            count(false),
            inputs(&[0, 2], &[1, 1, 2], &[]),
            "must end with the number of values, got 2 instead of 3",
        );
        error(count(false), inputs(&[1, 3], &[1, 1, 2], &[]), "Splits must start with 0, not with 1");
        error(count(false), inputs(&[], &[1, 1, 2], &[]), "Splits must be non-empty");
        error(count(false), inputs(&[0, 1], &[-1], &[]), "Input must be non-negative");
    }
}
