//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, Run, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor, by_unit};

use crate::dtypes::{POINTERS_Q3_F8, SMALL_INDICES};
use crate::gather::{Picks, position};
use crate::scatter_nd::ignores_bad_indices;

/// Takes slices whose places stand in the rows of the indices, one number for each leading dimension.
///
/// A place outside of the tensor is an error, or zeros with `bad_indices_policy` IGNORE.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/GatherNd>
pub const OP: Op = Op {
    name: "GatherNd",
    inputs: &["params: Tparams", "indices: Tindices"],
    outputs: &["output: Tparams"],
    attrs: &["Tparams: type", "Tindices: {int16, int32, int64}", "bad_indices_policy: string = ''"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("Tparams", POINTERS_Q3_F8), ("Tindices", SMALL_INDICES)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let (params, indices) = (ctx.input(0), ctx.input(1));
    let (Some(params), Some(indices)) = (params.dims(), indices.dims()) else {
        return Ok(vec![PartialShape::unknown()]);
    };
    let Some((&depth, places)) = indices.split_last() else {
        return Err(Error::invalid_argument("indices must be at least a vector"));
    };
    let Some(depth) = depth else { return Ok(vec![PartialShape::unknown()]) };
    if depth > params.len() {
        return Err(too_deep(depth, params.len()));
    }
    Ok(vec![PartialShape::new(places.iter().chain(&params[depth..]).copied())])
}

fn too_deep(depth: usize, rank: usize) -> Error {
    Error::invalid_argument(format!(
        "index innermost dimension length must be <= params rank; saw: {depth} vs. {rank}"
    ))
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let ignore = ignores_bad_indices(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let output = gather_nd(ctx.run(), ctx.input(0), ctx.input(1), ignore)?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// What `GatherNd` gives for these inputs, also for operators that gather from variables.
///
/// # Errors
/// `INVALID_ARGUMENT` when the indices have too many columns or, unless they are to be ignored, lie outside.
pub fn gather_nd(run: Run<'_>, params: &Tensor, indices: &Tensor, ignore: bool) -> Result<Tensor> {
    let (from, by) = (params.shape().dims(), indices.shape().dims());
    if from.is_empty() {
        return Err(Error::invalid_argument("params must be at least a vector"));
    }
    let Some((&depth, places)) = by.split_last() else {
        return Err(Error::invalid_argument("indices must be at least a vector"));
    };
    if depth > from.len() {
        return Err(too_deep(depth, from.len()));
    }
    let shape: Shape = places.iter().chain(&from[depth..]).copied().collect();
    let elements = shape.checked_elements()?;
    if elements == 0 && (params.elements() > 0 || places.contains(&0)) {
        return run.allocate(params.dtype(), shape);
    }
    if params.elements() == 0 {
        return Err(Error::invalid_argument(format!(
            "Requested more than 0 entries, but params is empty.  Params shape: {}",
            params.shape()
        )));
    }
    let row = from[depth..].iter().product();
    let count = elements / row;
    let mut numbers = flat(indices, &from[..depth], count)?;
    if let Some(at) = numbers.iter().position(|&number| number == OUTSIDE).filter(|_| !ignore) {
        let values = &indices.to_i64s()?[at * depth..][..depth];
        let shown: Vec<String> = values.iter().map(ToString::to_string).collect();
        return Err(Error::invalid_argument(format!(
            "indices{} = [{}] does not index into param shape {}",
            position(&Shape::from(places), at),
            shown.join(", "),
            params.shape()
        )));
    }
    if depth == 0 {
        numbers.fill(0);
    }
    let picks = Picks { outer: 1, dim: from[..depth].iter().product(), count, row };
    let mut output = run.allocate(params.dtype(), shape)?;
    by_unit!(params.dtype(), U => picks.copy::<U>(output.units_mut()?, params.units()?, &numbers));
    Ok(output)
}

/// The mark of a place outside of the tensor.
pub(crate) const OUTSIDE: usize = usize::MAX;

/// The number of the slice that each of `count` rows of the indices means, in row-major order over `dims`.
pub(crate) fn flat(indices: &Tensor, dims: &[usize], count: usize) -> Result<Vec<usize>> {
    if dims.is_empty() {
        return Ok(vec![0; count]);
    }
    let place = |row: &[i64]| {
        let number = row.iter().zip(dims).try_fold(0, |number, (&i, &dim)| {
            usize::try_from(i).ok().filter(|&i| i < dim).map(|i| number * dim + i)
        });
        number.unwrap_or(OUTSIDE)
    };
    Ok(indices.to_i64s()?.chunks_exact(dims.len()).map(place).collect())
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("GatherNd", "", "float[2,2] 1 2 3 4; int32[2,2] 0 1 1 0", "float[2] 2 3"),
                ("GatherNd", "", "float[2,2] 1 2 3 4; int64[1,1] 1", "float[1,2] 3 4"),
                ("GatherNd", "", "string[3] 'a' 'b' 'c'; int16[2,1,1] 2 0", "string[2,1] 'c' 'a'"),
                ("GatherNd", "", "float[2] 1 2; int32[3,0]", "float[3,2] 1 2 1 2 1 2"),
                ("GatherNd", "", "float[2,2] 1 2 3 4; int32[2] 1 1", "float[] 4"),
                ("GatherNd", "", "float[0,2]; int32[0,1]", "float[0,2]"),
                (
                    "GatherNd",
                    "bad_indices_policy=IGNORE",
                    "float[2,2] 1 2 3 4; int32[3,1] 1 2 -1",
                    "float[3,2] 3 4 0 0 0 0",
                ),
                (
                    "GatherNd",
                    "",
                    "float[2,2] 1 2 3 4; int32[2,2] 0 1 1 2",
                    "INVALID_ARGUMENT: indices[1] = [1, 2] does not index into param shape [2,2]",
                ),
                (
                    "GatherNd",
                    "",
                    "float[2,2] 1 2 3 4; int32[1,3] 0 0 0",
                    "INVALID_ARGUMENT: index innermost dimension length must be <= params rank; saw: 3 vs. 2",
                ),
                (
                    "GatherNd",
                    "",
                    "float[2,2] 1 2 3 4; int32[] 0",
                    "INVALID_ARGUMENT: indices must be at least a vector",
                ),
                (
                    "GatherNd",
                    "",
                    "float[] 1; int32[1] 0",
                    "INVALID_ARGUMENT: params must be at least a vector",
                ),
                (
                    "GatherNd",
                    "",
                    "float[0,2]; int32[1,1] 0",
                    "INVALID_ARGUMENT: Requested more than 0 entries, but params is empty.  Params shape: [0,2]",
                ),
            ],
        );
    }
}
