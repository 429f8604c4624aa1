//! `SparseBincount`.

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext, by_dtype};
use savedmodel_tensor::{Error, PartialShape, Result, Shape};

use super::{Count, Number};

/// How often each integer below `size` occurs in a sparse vector, or in each row of a sparse matrix; or the sum of the
/// `weights`.
///
/// Other integers are left out. With `binary_output`, an integer that occurs counts one.
/// See `https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseBincount`.
pub const OP: Op = Op {
    name: "SparseBincount",
    inputs: &["indices: int64", "values: Tidx", "dense_shape: int64", "size: Tidx", "weights: T"],
    outputs: &["output: T"],
    attrs: &["Tidx: {int32, int64}", super::T, "binary_output: bool = false"],
    effect: Effect::Pure,
    shape,
    kernels: by_dtype!("T"; build: f32 f64 i32 i64),
};

fn build<T: Number>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let binary: bool = node.attr("binary_output")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let size = super::size(ctx.input(3))?;
        let (indices, dense) = sparse(ctx)?;
        let (values, weights) = (ctx.input(1).to_i64s()?, ctx.input(4));
        // Of sparse values the number alone must agree, and there may be more weights, or fewer if nobody needs them.
        let counts = |value: i64| usize::try_from(value).is_ok_and(|value| value < size);
        let needed = values.iter().rposition(|&value| counts(value)).map_or(0, |last| last + 1);
        if !binary && weights.elements() < needed {
            super::check_weights(ctx.input(1), weights)?;
        }
        let mut shape = Shape::scalar();
        if let [rows, _, ..] = dense[..] {
            // Dimensions below zero were refused with the indices, or there are none.
            shape.push(usize::try_from(rows).unwrap_or(0));
        }
        shape.push(size);
        let count = Count { weights: weights.as_slice::<T>()?, binary };
        let mut output = ctx.run().allocate(T::DTYPE, shape)?;
        let out = output.as_mut_slice::<T>()?;
        for (i, &value) in values.iter().enumerate() {
            let row = if dense.len() > 1 { indices[i * dense.len()] as usize } else { 0 };
            count.add(&mut out[row * size..][..size], value, i);
        }
        ctx.set(0, output);
        Ok(())
    }))
}

/// The indices, all inside of the dense shape, and that.
fn sparse(ctx: &Context<'_>) -> Result<(Vec<i64>, Vec<i64>)> {
    let wrong = |text: String| Err(Error::invalid_argument(text));
    for (i, what, rank) in [(0, "indices", 2), (1, "values", 1), (2, "shape", 1)] {
        if ctx.input(i).rank() != rank {
            return wrong(format!("Sparse {what} must be rank {rank} but is rank {}", ctx.input(i).rank()));
        }
    }
    let (shape, values, rank) = (ctx.input(0).shape(), ctx.input(1).elements(), ctx.input(2).elements());
    if shape[0] != values {
        return wrong(format!(
            "Number of elements in indices ({}) and values ({values}) do not match",
            shape[0]
        ));
    }
    if shape[1] != rank {
        return wrong(format!("Index rank ({}) and shape rank ({rank}) do not match", shape[1]));
    }
    let (indices, dense) = (ctx.input(0).to_i64s()?, ctx.input(2).to_i64s()?);
    let tuples = if rank == 0 { [].chunks_exact(1) } else { indices.chunks_exact(rank) };
    for (i, tuple) in tuples.enumerate() {
        if !tuple.iter().zip(&dense).all(|(index, size)| (0..*size).contains(index)) {
            return wrong(format!("Sparse index tuple indices[{i}, :] = {tuple:?} is out of bounds"));
        }
    }
    Ok((indices, dense))
}

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let size = ctx.value(3).map(super::size).transpose()?;
    let rows = ctx.integers(2).and_then(|dense| dense.first().and_then(|&rows| usize::try_from(rows).ok()));
    Ok(vec![match ctx.input(2).dim(0) {
        None => PartialShape::unknown(),
        Some(0 | 1) => PartialShape::new([size]),
        Some(_) => PartialShape::new([rows, size]),
    }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, error, op};
    use savedmodel_tensor::Tensor;

    fn inputs(indices: &[i64], values: &[i32], dense: &[i64], weights: &[f32]) -> [Tensor; 5] {
        [
            Tensor::from_slice([indices.len() / dense.len(), dense.len()], indices).unwrap(),
            Tensor::from_slice([values.len()], values).unwrap(),
            Tensor::from_slice([dense.len()], dense).unwrap(),
            Tensor::scalar(3),
            Tensor::from_slice([weights.len()], weights).unwrap(),
        ]
    }

    #[test]
    fn values() {
        let count = |binary: bool| op(&[OP], "SparseBincount").attr("binary_output", binary);
        let vector = |v: &[f32]| Tensor::from_slice([v.len()], v).unwrap();
        let matrix = |v: &[f32]| Tensor::from_slice([v.len() / 3, 3], v).unwrap();
        let places = [0, 0, 0, 3, 1, 1];
        let plain = inputs(&places, &[1, 1, 2], &[2, 4], &[]);
        check(count(false), plain.clone(), matrix(&[0.0, 2.0, 0.0, 0.0, 0.0, 1.0]));
        check(count(true), plain, matrix(&[0.0, 1.0, 0.0, 0.0, 0.0, 1.0]));
        let weighed = inputs(&[0, 3, 4], &[1, 1, 2], &[5], &[1.0, 2.0, 3.0]);
        check(count(false), weighed, vector(&[0.0, 3.0, 3.0]));
        let odd = inputs(&places, &[-1, 1, 9], &[2, 4], &[]);
        check(count(false), odd, matrix(&[0.0, 1.0, 0.0, 0.0, 0.0, 0.0]));
        check(count(false), inputs(&[], &[], &[2, 4], &[]), matrix(&[0.0; 6]));
        let outside = inputs(&[0, 0, 0, 3, 2, 1], &[1, 1, 2], &[2, 4], &[]);
        error(count(false), outside, "Sparse index tuple indices[2, :] = [2, 1] is out of bounds");
        let few = inputs(&[0, 0], &[1, 1], &[2, 4], &[]);
        error(count(false), few, "Number of elements in indices (1) and values (2) do not match");
    }
}
