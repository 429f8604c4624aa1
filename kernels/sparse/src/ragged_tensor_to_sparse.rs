//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, dtypes};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor};

use crate::coo::vector;
use crate::ragged::{decrease, widest};

/// The sparse tensor that has the values of a ragged one, in the same order.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RaggedTensorToSparse>
pub const OP: Op = Op {
    name: "RaggedTensorToSparse",
    inputs: &["rt_nested_splits: RAGGED_RANK * Tsplits", "rt_dense_values: T"],
    outputs: &["sparse_indices: int64", "sparse_values: T", "sparse_dense_shape: int64"],
    attrs: &["RAGGED_RANK: int >= 1", "T: type", "Tsplits: {int32, int64} = DT_INT64"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("Tsplits", dtypes::INDICES)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let depth = ctx.inputs.len() - 1;
    crate::ragged::check_splits_shapes(ctx, depth)?;
    let values = ctx.input(depth);
    let count = values.known().map(|shape| shape.elements());
    Ok(crate::shapes::sparse(count, values.rank().map(|rank| rank + depth)).to_vec())
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let depth = ctx.input_len() - 1;
        let splits: Vec<Vec<i64>> = ctx.inputs(0).take(depth).map(Tensor::to_i64s).collect::<Result<_>>()?;
        let values = ctx.input(depth).shape().clone();
        check(ctx, &splits, &values)?;
        // Of splits that are no vector the first dimension counts.
        let rows = ctx.input(0).shape().first().map_or(1, |&rows| rows as i64);
        let sizes: Vec<i64> = std::iter::once(rows - 1)
            .chain(splits.iter().map(|splits| widest(splits)))
            .chain(values[1..].iter().map(|&size| size as i64))
            .collect();
        let mut indices = ctx.allocate(DType::Int64, [values.elements(), sizes.len()])?;
        fill(indices.as_mut_slice()?, &splits, &values[1..]);
        let flat = ctx.take(depth).reshape([values.elements()])?;
        ctx.set(0, indices);
        ctx.set(1, flat);
        ctx.set(2, vector(sizes)?);
        Ok(())
    }))
}

fn check(ctx: &Context<'_>, splits: &[Vec<i64>], values: &Shape) -> Result<()> {
    let refuse = |text: String| Err(Error::invalid_argument(text));
    if let Some(wrong) = ctx.inputs(0).take(splits.len()).find(|splits| splits.rank() == 0) {
        return refuse(format!("Shape must be rank 1 but is rank {}", wrong.rank()));
    }
    let Some(&count) = values.first() else {
        return refuse("Shape must be at least rank 1 but is rank 0".to_owned());
    };
    for (i, row) in splits.iter().enumerate() {
        let Some((&first, &last)) = row.first().zip(row.last()) else {
            return refuse("ragged splits may not be empty.".to_owned());
        };
        if first != 0 {
            return refuse("First value of ragged splits must be 0.".to_owned());
        }
        if let Some((a, b)) = decrease(row) {
            return refuse(format!("Ragged splits should be non decreasing, but we got {a} followed by {b}"));
        }
        let below = splits.get(i + 1).map_or(count as i64, |next| next.len() as i64 - 1);
        if last != below {
            return refuse(
                "Final value of ragged splits must match the length the corresponding ragged values."
                    .to_owned(),
            );
        }
    }
    Ok(())
}

/// Writes the index of each element of each value: its row at each depth, then its place within the value.
fn fill(mut indices: &mut [i64], splits: &[Vec<i64>], value: &[usize]) {
    let (depth, per_value) = (splits.len(), value.iter().product::<usize>());
    if indices.is_empty() {
        return;
    }
    let rank = depth + 1 + value.len();
    // The row that the next value is in, at each depth; rows of the outermost depth are not in another.
    let mut rows = vec![0_usize; depth];
    let count = splits[depth - 1][splits[depth - 1].len() - 1];
    for i in 0..count {
        let mut below = i;
        for (row, splits) in rows.iter_mut().zip(splits).rev() {
            while splits[*row + 1] <= below {
                *row += 1;
            }
            below = *row as i64;
        }
        let mut within = vec![0_i64; value.len()];
        for _ in 0..per_value {
            let (index, rest) = indices.split_at_mut(rank);
            index[0] = rows[0] as i64;
            for depth in 0..depth {
                let child = rows.get(depth + 1).map_or(i, |&row| row as i64);
                index[depth + 1] = child - splits[depth][rows[depth]];
            }
            index[depth + 1..].copy_from_slice(&within);
            for (place, &size) in within.iter_mut().zip(value).rev() {
                *place += 1;
                if (*place as usize) < size {
                    break;
                }
                *place = 0;
            }
            indices = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let op = "RaggedTensorToSparse";
        check_rows(
            OPS,
            &[
                (
                    op,
                    "",
                    "int64[4] 0 2 2 3; string[3] 'a' 'b' 'c'",
                    "int64[3,2] 0 0 0 1 2 0; string[3] 'a' 'b' 'c'; int64[2] 3 2",
                ),
                (
                    op,
                    "",
                    "int32[3] 0 1 3; int32[4] 0 2 2 3; float[3,2] 1 2 3 4 5 6",
                    "int64[6,4] 0 0 0 0 0 0 0 1 0 0 1 0 0 0 1 1 1 1 0 0 1 1 0 1; float[6] 1 2 3 4 5 6; \
                     int64[4] 2 2 2 2",
                ),
                (op, "", "int64[1] 0; float[0]", "int64[0,2]; float[0]; int64[2] 0 0"),
                (op, "", "int64[2] 0 2; float[2,0]", "int64[0,3]; float[0]; int64[3] 1 2 0"),
                (op, "", "int64[0]; float[2] 1 2", "INVALID_ARGUMENT: ragged splits may not be empty."),
                (
                    op,
                    "",
                    "int64[2] 1 2; float[2] 1 2",
                    "INVALID_ARGUMENT: First value of ragged splits must be 0.",
                ),
                (
                    op,
                    "",
                    "int64[4] 0 2 1 2; float[2] 1 2",
                    "INVALID_ARGUMENT: Ragged splits should be non decreasing, but we got 2 followed by 1",
                ),
                (
                    op,
                    "",
                    "int64[2] 0 3; float[2] 1 2",
                    "INVALID_ARGUMENT: Final value of ragged splits must match",
                ),
                (
                    op,
                    "",
                    "int64[2] 0 2; int64[2] 0 2; float[2] 1 2",
                    "INVALID_ARGUMENT: Final value of ragged splits must match",
                ),
                (
                    op,
                    "",
                    "int64[2] 0 1; float[] 1",
                    "INVALID_ARGUMENT: Shape must be at least rank 1 but is rank 0",
                ),
                (op, "", "int64[] 0; float[1] 1", "INVALID_ARGUMENT: Shape must be rank 1 but is rank 0"),
            ],
        );
    }
}
