//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Run, ShapeContext, dtypes};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor, Unit, by_unit};

use crate::ragged::{VALUES, even, to_tensor};

/// Rows of a ragged tensor, chosen by index.
///
/// All dimensions of `indices` but the last become ragged ones of the output, with rows of equal length.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/RaggedGather>
pub const OP: Op = Op {
    name: "RaggedGather",
    inputs: &[
        "params_nested_splits: PARAMS_RAGGED_RANK * Tsplits",
        "params_dense_values: Tvalues",
        "indices: Tindices",
    ],
    outputs: &["output_nested_splits: OUTPUT_RAGGED_RANK * Tsplits", "output_dense_values: Tvalues"],
    attrs: &[
        "Tvalues: type",
        "Tindices: {int32, int64}",
        "Tsplits: {int32, int64} = DT_INT64",
        "PARAMS_RAGGED_RANK: int >= 1",
        "OUTPUT_RAGGED_RANK: int >= 0",
    ],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("Tvalues", VALUES), ("Tindices", dtypes::INDICES)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let depth = ctx.inputs.len() - 2;
    crate::ragged::check_splits_shapes(ctx, depth)?;
    let mut shapes = vec![PartialShape::of_rank(1); ctx.outputs - 1];
    shapes.push(match ctx.input(depth).dims() {
        Some(dims) => PartialShape::new(std::iter::once(None).chain(dims.iter().skip(1).copied())),
        None => PartialShape::unknown(),
    });
    Ok(shapes)
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let dtype: DType = node.attr("Tsplits")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let depth = ctx.input_len() - 2;
        let splits: Vec<Vec<i64>> = ctx.inputs(0).take(depth).map(Tensor::to_i64s).collect::<Result<_>>()?;
        let (values, indices) = (ctx.input(depth), ctx.input(depth + 1));
        if indices.rank() + depth != ctx.output_len() {
            return Err(Error::invalid_argument(format!(
                "OUTPUT_RAGGED_RANK must be {} for indices of shape {}",
                indices.rank() as i64 - 1 + depth as i64,
                indices.shape()
            )));
        }
        // Of splits that are no vector the first dimension counts.
        let rows = ctx.input(0).shape().first().map_or(1, |&rows| rows as i64);
        let chosen = choose(&indices.to_i64s()?, indices.shape(), rows - 1)?;
        let Some((&count, inner)) = values.shape().split_first() else {
            return Err(Error::invalid_argument("params.rank must be nonzero"));
        };
        check(&splits, count)?;
        let (lower, ranges, total) = gather(&splits, &chosen, &ctx.run())?;
        let output: Shape = std::iter::once(total).chain(inner.iter().copied()).collect();
        let mut gathered = ctx.allocate(values.dtype(), output)?;
        let size = inner.iter().product();
        by_unit!(values.dtype(), U => copy::<U>(&mut gathered, values, &ranges, size))?;
        let upper = upper(indices.shape(), &ctx.run())?;
        // A scalar index takes the outermost dimension away.
        let lower = &lower[usize::from(indices.rank() == 0)..];
        let outputs: Vec<Tensor> =
            upper.iter().chain(lower).map(|splits| to_tensor(splits, dtype)).collect::<Result<_>>()?;
        let last = outputs.len();
        outputs.into_iter().enumerate().for_each(|(i, splits)| ctx.set(i, splits));
        ctx.set(last, gathered);
        Ok(())
    }))
}

fn choose(indices: &[i64], shape: &Shape, rows: i64) -> Result<Vec<usize>> {
    let place = |flat: usize| {
        let mut rest = flat;
        let mut at: Vec<usize> = shape.iter().rev().map(|&size| (rest % size, rest /= size).0).collect();
        at.reverse();
        at.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    };
    let check = |(i, &index): (usize, &i64)| match (0..rows).contains(&index) {
        true => Ok(index as usize),
        false => Err(Error::invalid_argument(format!(
            "indices{} = {index} is not in [0, {rows})",
            if shape.rank() == 0 { String::new() } else { format!("[{}]", place(i)) }
        ))),
    };
    indices.iter().enumerate().map(check).collect()
}

/// Checks what TensorFlow checks: splits may point one past the rows below, as long as these are not asked for.
fn check(splits: &[Vec<i64>], values: usize) -> Result<()> {
    for (i, row) in splits.iter().enumerate() {
        let fault = match (row.first(), row.last()) {
            (Some(&first), _) if first < 0 => "Ragged splits must be non-negative",
            (Some(_), Some(&last)) if last > splits.get(i + 1).map_or(values as i64, |s| s.len() as i64) => {
                "Ragged splits must not point past values"
            }
            (Some(_), _) if crate::ragged::decrease(row).is_some() => "Ragged splits must be sorted",
            (Some(_), _) => continue,
            (None, _) => "Ragged splits may not be empty",
        };
        return Err(Error::invalid_argument(fault));
    }
    Ok(())
}

/// The row splits that come from the dimensions of the indices.
fn upper(indices: &Shape, run: &Run<'_>) -> Result<Vec<Vec<i64>>> {
    let mut rows = 1_usize;
    let mut all = Vec::with_capacity(indices.rank());
    for (&size, &len) in indices.iter().zip(indices.iter().skip(1)) {
        rows = rows.saturating_mul(size);
        all.push(even(rows, len, run)?);
    }
    Ok(all)
}

type Gathered = (Vec<Vec<i64>>, Vec<(usize, usize)>, usize);

/// The row splits that come from the rows, the ranges of values to copy, and the number of these values.
fn gather(splits: &[Vec<i64>], chosen: &[usize], run: &Run<'_>) -> Result<Gathered> {
    let mut output = vec![vec![0_i64]; splits.len()];
    let (mut ranges, mut total) = (Vec::with_capacity(chosen.len()), 0_usize);
    for &row in chosen {
        let (mut start, mut limit) = (row, row + 1);
        for (output, splits) in output.iter_mut().zip(splits) {
            let more = limit - start;
            let fits = output.len() + more <= run.limits.tensor_bytes / size_of::<i64>();
            if !fits || output.try_reserve(more).is_err() {
                return Err(Error::resource_exhausted("OOM when gathering ragged rows"));
            }
            if limit >= splits.len() {
                return Err(Error::invalid_argument("Ragged splits must not point past values"));
            }
            let delta = output[output.len() - 1] - splits[start];
            output.extend(splits[start + 1..=limit].iter().map(|split| split + delta));
            (start, limit) = (splits[start] as usize, splits[limit] as usize);
        }
        if start < limit {
            ranges.push((start, limit));
            total += limit - start;
        }
    }
    Ok((output, ranges, total))
}

fn copy<U: Unit>(to: &mut Tensor, from: &Tensor, ranges: &[(usize, usize)], size: usize) -> Result<()> {
    let (mut to, from) = (to.units_mut::<U>()?, from.units::<U>()?);
    for &(start, limit) in ranges {
        let (place, rest) = to.split_at_mut((limit - start) * size);
        place.clone_from_slice(&from[start * size..limit * size]);
        to = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let (op, one) = ("RaggedGather", "OUTPUT_RAGGED_RANK=1 PARAMS_RAGGED_RANK=1");
        let two = "OUTPUT_RAGGED_RANK=2 PARAMS_RAGGED_RANK=2";
        check_rows(
            OPS,
            &[
                (
                    op,
                    one,
                    "int64[4] 0 2 2 5; float[5] 1 2 3 4 5; int32[3] 2 0 1",
                    "int64[4] 0 3 5 5; float[5] 3 4 5 1 2",
                ),
                (
                    op,
                    "OUTPUT_RAGGED_RANK=2 PARAMS_RAGGED_RANK=1",
                    "int32[3] 0 1 3; string[3,1] 'a' 'b' 'c'; int64[2,1] 1 0",
                    "int32[3] 0 1 2; int32[3] 0 2 3; string[3,1] 'b' 'c' 'a'",
                ),
                (
                    op,
                    two,
                    "int64[3] 0 1 3; int64[4] 0 2 2 5; float[5] 1 2 3 4 5; int32[2] 1 1",
                    "int64[3] 0 2 4; int64[5] 0 0 3 3 6; float[6] 3 4 5 3 4 5",
                ),
                (
                    op,
                    "OUTPUT_RAGGED_RANK=1 PARAMS_RAGGED_RANK=2",
                    "int64[3] 0 1 3; int64[4] 0 2 2 5; float[5] 1 2 3 4 5; int32[] 1",
                    "int64[3] 0 0 3; float[3] 3 4 5",
                ),
                (
                    op,
                    "OUTPUT_RAGGED_RANK=0 PARAMS_RAGGED_RANK=1",
                    "int64[3] 0 1 3; float[3] 1 2 3; int32[] 1",
                    "float[2] 2 3",
                ),
                (op, one, "int64[3] 0 1 3; float[3,0]; int32[0]", "int64[1] 0; float[0,0]"),
                (
                    op,
                    one,
                    "int64[3] 0 1 3; float[3] 1 2 3; int32[2] 0 2",
                    "INVALID_ARGUMENT: indices[1] = 2 is not in [0, 2)",
                ),
                (
                    op,
                    one,
                    "int64[3] 0 1 4; float[3] 1 2 3; int32[1] 0",
                    "INVALID_ARGUMENT: Ragged splits must not point past values",
                ),
                (
                    op,
                    two,
                    "int64[2] 0 3; int64[3] 0 1 3; float[3] 1 2 3; int32[1] 0",
                    "INVALID_ARGUMENT: Ragged splits must not point past values",
                ),
                (
                    op,
                    two,
                    "int64[2] 0 2; int64[2] 0 3; float[3] 1 2 3; int32[1] 0",
                    "INVALID_ARGUMENT: Ragged splits must not point past values",
                ),
                (
                    op,
                    two,
                    "int64[2] 0 2; int64[2] 0 3; float[3] 1 2 3; int32[0]",
                    "int64[1] 0; int64[1] 0; float[0]",
                ),
                (
                    op,
                    one,
                    "int64[4] 0 2 1 3; float[3] 1 2 3; int32[1] 0",
                    "INVALID_ARGUMENT: Ragged splits must be sorted",
                ),
                (
                    op,
                    one,
                    "int64[2] -1 3; float[3] 1 2 3; int32[1] 0",
                    "INVALID_ARGUMENT: Ragged splits must be non-negative",
                ),
                (
                    op,
                    one,
                    "int64[0]; float[3] 1 2 3; int32[1] 0",
                    "INVALID_ARGUMENT: indices[0] = 0 is not in [0, -1)",
                ),
                (
                    op,
                    one,
                    "int64[2] 0 1; float[] 1; int32[1] 0",
                    "INVALID_ARGUMENT: params.rank must be nonzero",
                ),
            ],
        );
    }
}
