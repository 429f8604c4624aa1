//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, dtypes};
use savedmodel_tensor::{Error, PartialShape, Result, Tensor, Unit, by_unit};

use crate::coo::{Coo, matrix, vector};
use crate::shapes;

/// Joins sparse tensors along a dimension; the result is in order.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseConcat>
pub const OP: Op = Op {
    name: "SparseConcat",
    inputs: &["indices: N * int64", "values: N * T", "shapes: N * int64"],
    outputs: &["output_indices: int64", "output_values: T", "output_shape: int64"],
    attrs: &["concat_dim: int", "N: int >= 2", "T: type"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", dtypes::POD_AND_POINTERS)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let n = ctx.inputs.len() / 3;
    let len = (0..n).try_fold(0, |sum, i| Some(sum + ctx.input(i).dim(0)?));
    let rank = (0..n).find_map(|i| ctx.input(i).dim(1).or_else(|| ctx.input(2 * n + i).dim(0)));
    Ok(shapes::sparse(len, rank).to_vec())
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let axis = node.int32("concat_dim")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let parts = parts(ctx)?;
        let rank = parts[0].rank();
        let at = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
        let at = at.and_then(|at| usize::try_from(at).ok()).filter(|&at| at < rank).ok_or_else(|| {
            Error::invalid_argument(format!(
                "Concat dimension must be in range [-{rank}, {rank}), got {axis}"
            ))
        })?;
        let sizes = joined(&parts, at)?;
        cells(&sizes)?;
        let indices = shifted(&parts, at);
        let all: Vec<&Tensor> = parts.iter().map(|part| part.values).collect();
        let len = all.iter().map(|values| values.elements()).sum();
        let mut values = ctx.allocate(all[0].dtype(), [len])?;
        by_unit!(values.dtype(), U => append::<U>(&mut values, &all))?;
        let all = Coo { indices: &indices, values: &values, sizes: &sizes };
        let order = all.order();
        let sorted = order.iter().flat_map(|&i| all.index(i)).copied().collect();
        let picked = crate::coo::pick(&values, &order, &ctx.run())?;
        ctx.set(0, matrix(len, rank, sorted)?);
        ctx.set(1, picked);
        ctx.set(2, vector(sizes)?);
        Ok(())
    }))
}

/// The sparse tensors, which have one rank.
fn parts<'a>(ctx: &'a Context<'_>) -> Result<Vec<Coo<'a>>> {
    let n = ctx.input_len() / 3;
    let mut parts: Vec<Coo<'a>> = Vec::with_capacity(n);
    for (list, (name, rank, kind)) in
        [("indices", 2, "matrix"), ("values", 1, "vector"), ("shapes", 1, "vector")].into_iter().enumerate()
    {
        for i in 0..n {
            let tensor = ctx.input(list * n + i);
            if tensor.rank() != rank {
                return Err(Error::invalid_argument(format!(
                    "Input {name} should be a {kind} but received shape {} at position {i}",
                    tensor.shape()
                )));
            }
            if name == "shapes" {
                cells(tensor.as_slice::<i64>()?)?;
            }
        }
    }
    for i in 0..n {
        let (indices, values, sizes) = (ctx.input(i), ctx.input(n + i), ctx.input(2 * n + i));
        let part = Coo::new(indices, values, sizes)?;
        if let Some(first) = parts.first().filter(|first| first.rank() != part.rank()) {
            return Err(Error::invalid_argument(format!(
                "Ranks of all input tensors must match: expected {} but got {} at position {i}",
                first.rank(),
                part.rank()
            )));
        }
        parts.push(part);
    }
    Ok(parts)
}

/// Refuses sizes whose product is no number of cells.
fn cells(sizes: &[i64]) -> Result<i64> {
    let whole = |cells: i64, &size: &i64| cells.checked_mul(size).filter(|cells| *cells >= 0);
    let cells = sizes.iter().try_fold(1, whole);
    cells.ok_or_else(|| Error::internal("Encountered overflow from large input shape."))
}

/// The shape of the tensors one after the other.
fn joined(parts: &[Coo<'_>], at: usize) -> Result<Vec<i64>> {
    let mut sizes = parts[0].sizes.to_vec();
    for (i, part) in parts.iter().enumerate().skip(1) {
        for (axis, (size, &other)) in sizes.iter_mut().zip(part.sizes).enumerate() {
            if axis == at {
                *size = size
                    .checked_add(other)
                    .ok_or_else(|| Error::internal("Encountered overflow from large input shape."))?;
            } else if *size != other {
                return Err(Error::invalid_argument(format!(
                    "Input shapes must match: expected {size} for dimension {axis} but got {other} at position {i}"
                )));
            }
        }
    }
    Ok(sizes)
}

/// All indices, moved along the dimension.
fn shifted(parts: &[Coo<'_>], at: usize) -> Vec<i64> {
    let mut offset = 0_i64;
    let mut indices = Vec::with_capacity(parts.iter().map(|part| part.indices.len()).sum());
    for part in parts {
        let start = indices.len();
        indices.extend_from_slice(part.indices);
        let column = indices[start..].iter_mut().skip(at).step_by(part.rank());
        column.for_each(|index| *index = index.wrapping_add(offset));
        offset = offset.wrapping_add(part.sizes[at]);
    }
    indices
}

fn append<U: Unit>(output: &mut Tensor, all: &[&Tensor]) -> Result<()> {
    let mut rest = output.units_mut::<U>()?;
    for values in all {
        let (place, after) = rest.split_at_mut(values.elements());
        place.clone_from_slice(values.units()?);
        rest = after;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let op = "SparseConcat";
        let a = "int64[3,2] 0 1 0 3 2 0";
        let join = |second: &str, sizes: &str| -> &'static str {
            format!("{a}; {second}; float[3] 1 2 3; float[3] 4 5 6; int64[2] 3 4; {sizes}").leak()
        };
        check_rows(
            OPS,
            &[
                (
                    op,
                    "N=2 concat_dim=0",
                    join(a, "int64[2] 3 4"),
                    "int64[6,2] 0 1 0 3 2 0 3 1 3 3 5 0; float[6] 1 2 3 4 5 6; int64[2] 6 4",
                ),
                (
                    op,
                    "N=2 concat_dim=-1",
                    join(a, "int64[2] 3 7"),
                    "int64[6,2] 0 1 0 3 0 5 0 7 2 0 2 4; float[6] 1 2 4 5 3 6; int64[2] 3 11",
                ),
                (
                    op,
                    "N=2 concat_dim=0",
                    join("int64[3,2] 2 0 0 3 0 1", "int64[2] 3 4"),
                    "int64[6,2] 0 1 0 3 2 0 3 1 3 3 5 0; float[6] 1 2 3 6 5 4; int64[2] 6 4",
                ),
                (
                    op,
                    "N=2 concat_dim=0",
                    join(a, "int64[2] 3 5"),
                    "INVALID_ARGUMENT: Input shapes must match: expected 4 for dimension 1 but got 5 at position 1",
                ),
                (
                    op,
                    "N=2 concat_dim=2",
                    join(a, "int64[2] 3 4"),
                    "INVALID_ARGUMENT: Concat dimension must be in range [-2, 2), got 2",
                ),
                (
                    op,
                    "N=2 concat_dim=0",
                    join("int64[3,1] 0 1 2", "int64[1] 3"),
                    "INVALID_ARGUMENT: Ranks of all input tensors must match: expected 2 but got 1 at position 1",
                ),
                (
                    op,
                    "N=2 concat_dim=0",
                    join("int64[3] 0 1 2", "int64[1] 3"),
                    "INVALID_ARGUMENT: Input indices should be a matrix but received shape [3] at position 1",
                ),
                (
                    op,
                    "N=2 concat_dim=0",
                    "int64[0,1]; int64[0,1]; int8[0]; int8[0]; int64[1] 9223372036854775807; int64[1] 1",
                    "INTERNAL: Encountered overflow from large input shape.",
                ),
            ],
        );
    }
}
