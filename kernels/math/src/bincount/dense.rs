//! `DenseBincount`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Error, PartialShape, Result, Shape};

use super::{Count, Number};

/// How often each integer below `size` occurs in a vector, or in each row of a matrix; or the sum of the `weights`.
///
/// Larger integers are left out. With `binary_output`, an integer that occurs counts one.
/// See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/DenseBincount`.
pub const OP: Op = Op {
    name: "DenseBincount",
    inputs: &["input: Tidx", "size: Tidx", "weights: T"],
    outputs: &["output: T"],
    attrs: &["Tidx: {int32, int64}", super::T, "binary_output: bool = false"],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64 i32 i64),
};

fn build<T: Number>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let binary: bool = node.attr("binary_output")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let (input, weights) = (ctx.input(0), ctx.input(2));
        if input.rank() > 2 {
            let text = format!("Shape must be at most rank 2 but is rank {}", input.rank());
            return Err(Error::invalid_argument(text));
        }
        let size = super::size(ctx.input(1))?;
        super::check_weights(input, weights)?;
        let values = input.to_i64s()?;
        super::check_not_negative(&values, "Input arr must be non-negative!")?;
        let mut shape = Shape::scalar();
        if let &[rows, _] = input.shape().dims() {
            shape.push(rows);
        }
        shape.push(size);
        let count = Count { weights: weights.as_slice::<T>()?, binary };
        let columns = if input.rank() == 2 { input.shape()[1] } else { values.len() };
        let mut output = ctx.run().allocate(T::DTYPE, shape)?;
        let out = output.as_mut_slice::<T>()?;
        for (i, &value) in values.iter().enumerate() {
            count.add(&mut out[i / columns * size..][..size], value, i);
        }
        ctx.set(0, output);
        Ok(())
    }))
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let size = ctx.value(1).map(super::size).transpose()?;
    Ok(vec![match ctx.input(0).dims() {
        None => PartialShape::unknown(),
        Some([rows, _]) => PartialShape::new([*rows, size]),
        Some(_) => PartialShape::new([size]),
    }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use savedmodel_tensor::{Element, Tensor};

    fn vector<T: Element>(v: &[T]) -> Tensor {
        Tensor::from_slice([v.len()], v).unwrap()
    }

    fn matrix<T: Element>(v: &[T]) -> Tensor {
        Tensor::from_slice([2, v.len() / 2], v).unwrap()
    }

    #[test]
    fn values() {
        let count = |binary: bool| op(&[OP], "DenseBincount").attr("binary_output", binary);
        let (arr, three, none) = (vector(&[1, 1, 5, 2]), Tensor::scalar(3), vector::<f32>(&[]));
        let rows = matrix(&[1, 1, 0, 2]);
        check(count(false), [arr.clone(), three.clone(), none.clone()], vector(&[0.0_f32, 2.0, 1.0]));
        check(
            count(true),
            [arr.clone(), three.clone(), vector(&[1.0_f32, 2.0, 3.0, 4.0])],
            vector(&[0.0_f32, 1.0, 1.0]),
        );
        check(
            count(false),
            [rows.clone(), three.clone(), matrix(&[1, 2, 3, 4])],
            matrix(&[0, 3, 0, 3, 0, 4]),
        );
        check(
            count(true),
            [rows.clone(), three.clone(), none.clone()],
            matrix(&[0.0_f32, 1.0, 0.0, 1.0, 0.0, 1.0]),
        );
        check(count(false), [Tensor::scalar(1), three.clone(), none.clone()], vector(&[0.0_f32, 1.0, 0.0]));
        check(
            count(false),
            [vector(&[0_i64; 0]), Tensor::scalar(2_i64), none.clone()],
            vector(&[0.0_f32, 0.0]),
        );
        error(count(false), [vector(&[-1]), three.clone(), none.clone()], "Input arr must be non-negative!");
        error(count(false), [arr.clone(), Tensor::scalar(-1), none], "size (-1) must be non-negative");
        error(
            count(false),
            [rows, three, vector(&[1, 2, 3, 4])],
            "acts as all weights equal to 1. Received [4]",
        );
    }
}
