//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::DType::{Int8, Int32, Int64};
use savedmodel_tensor::{Error, PartialShape, Result, Tensor, by_unit};

use crate::index;
use crate::split::{DTYPES, cut, place};

/// Cuts a tensor into parts of given sizes along an axis; one of several sizes may be -1 and takes the rest.
///
/// Parts along the outermost axis share the input's memory.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SplitV>
pub const OP: Op = Op {
    name: "SplitV",
    inputs: &["value: T", "size_splits: Tlen", "split_dim: int32"],
    outputs: &["output: num_split * T"],
    attrs: &["num_split: int >= 1", "T: type", "Tlen: {int8, int32, int64} = DT_INT64"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", DTYPES), ("Tlen", &[Int8, Int32, Int64])], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    index::of_rank(ctx, 2, 0)?;
    let value = ctx.input(0);
    let Some(dims) = value.dims() else { return Ok(vec![value; ctx.outputs]) };
    let Some(&[axis]) = ctx.integers(2).as_deref() else {
        return Ok(vec![PartialShape::of_rank(dims.len()); ctx.outputs]);
    };
    let axis = place(axis, dims.len())?;
    let sizes = ctx.integers(1).filter(|sizes| sizes.len() == ctx.outputs);
    let sizes = match (sizes, dims[axis]) {
        (Some(sizes), Some(whole)) => resolved(sizes, whole)?.into_iter().map(Some).collect(),
        (Some(sizes), None) => sizes.into_iter().map(|size| usize::try_from(size).ok()).collect(),
        (None, _) => vec![None; ctx.outputs],
    };
    let part = |size| {
        let mut dims = dims.to_vec();
        dims[axis] = size;
        PartialShape::new(dims)
    };
    Ok(sizes.into_iter().map(part).collect())
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let axis = axis(ctx)?;
        let sizes = sizes(ctx.input(1), ctx.output_len(), ctx.input(0).shape()[axis])?;
        let value = ctx.take(0);
        let mut begin = 0;
        for (i, size) in sizes.into_iter().enumerate() {
            let output = by_unit!(value.dtype(), U => cut::<U>(ctx, &value, axis, begin, size))?;
            ctx.set(i, output);
            begin += size;
        }
        Ok(())
    }))
}

fn axis(ctx: &Context<'_>) -> Result<usize> {
    match ctx.input(2).to_i64s()?.as_slice() {
        &[axis] => place(axis, ctx.input(0).rank()),
        _ => Err(Error::invalid_argument("split_dim_tensor must have exactly one element.")),
    }
}

fn sizes(sizes: &Tensor, count: usize, whole: usize) -> Result<Vec<usize>> {
    if sizes.rank() != 1 || sizes.elements() != count {
        return Err(Error::invalid_argument(format!(
            "size of the split_tensor must be 1-D and have the same elements as outputs got {} -D and {} elements",
            sizes.rank(),
            sizes.elements()
        )));
    }
    resolved(sizes.to_i64s()?, whole)
}

/// The sizes, of which one may be -1, as parts of `whole`.
fn resolved(mut sizes: Vec<i64>, whole: usize) -> Result<Vec<usize>> {
    if let [only] = sizes[..]
        && only != whole as i64
    {
        return Err(Error::invalid_argument(format!(
            "If there is only one output, it must have the same size as the input. Input size: {whole} output size: \
             {only}"
        )));
    }
    let mut sum = 0_i64;
    let mut free = None;
    for (i, &size) in sizes.iter().enumerate() {
        match (size, free) {
            (-1, None) => free = Some(i),
            (-1, Some(_)) => {
                return Err(Error::invalid_argument("There can only be one -1 in the input."));
            }
            _ => sum = sum.saturating_add(size),
        }
    }
    let fits = match free {
        Some(_) => sum <= whole as i64,
        None => sum == whole as i64,
    };
    if !fits {
        return Err(Error::invalid_argument(format!(
            "Determined shape must either match input shape along split_dim exactly if fully specified, or be less \
             than the size of the input along split_dim if not fully specified.  Got: {sum}"
        )));
    }
    if let Some(free) = free {
        sizes[free] = whole as i64 - sum;
    }
    let size = |(i, &size): (usize, &i64)| {
        let fits = usize::try_from(size).ok().filter(|&size| size <= whole);
        fits.ok_or_else(|| {
            Error::invalid_argument(format!("Split size at index {i} must be >= 0. Got: {size}"))
        })
    };
    sizes.iter().enumerate().map(size).collect()
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::{Row, check_rows};

    const TABLE: &[Row] = &[
        ("SplitV", "num_split=2", "float[3] 1 2 3; int64[2] 1 2; int32[] 0", "float[1] 1; float[2] 2 3"),
        (
            "SplitV",
            "num_split=3",
            "string[1,4] 'a' 'b' 'c' 'd'; int32[3] 1 -1 0; int32[] -1",
            "string[1,1] 'a'; string[1,3] 'b' 'c' 'd'; string[1,0]",
        ),
        (
            "SplitV",
            "num_split=1",
            "float[3] 1 2 3; int8[1] -1; int32[1] 0",
            "INVALID_ARGUMENT: If there is only one output, it must have the same size as the input. Input size: 3 output size: -1",
        ),
        ("SplitV", "num_split=2", "float[0,2]; int64[2] 0 0; int32[] 0", "float[0,2]; float[0,2]"),
        (
            "SplitV",
            "num_split=2",
            "float[3] 1 2 3; int64[2] 1 1; int32[] 0",
            "INVALID_ARGUMENT: Determined shape must either match input shape along split_dim exactly if fully specified, or be less than the size of the input along split_dim if not fully specified.  Got: 2",
        ),
        (
            "SplitV",
            "num_split=2",
            "float[3] 1 2 3; int64[2] -1 -1; int32[] 0",
            "INVALID_ARGUMENT: There can only be one -1 in the input.",
        ),
        (
            "SplitV",
            "num_split=2",
            "float[3] 1 2 3; int64[2] -1 4; int32[] 0",
            "INVALID_ARGUMENT: Determined shape must either match input shape along split_dim exactly if fully specified, or be less than the size of the input along split_dim if not fully specified.  Got: 4",
        ),
        (
            "SplitV",
            "num_split=2",
            "float[3] 1 2 3; int64[2] -2 5; int32[] 0",
            "INVALID_ARGUMENT: Split size at index 0 must be >= 0. Got: -2",
        ),
        (
            "SplitV",
            "num_split=2",
            "float[3] 1 2 3; int64[3] 1 1 1; int32[] 0",
            "INVALID_ARGUMENT: size of the split_tensor must be 1-D and have the same elements as outputs got 1 -D and 3 elements",
        ),
        (
            "SplitV",
            "num_split=1",
            "float[3] 1 2 3; int64[1] 3; int32[] 1",
            "INVALID_ARGUMENT: -input rank(-1) <= split_dim < input rank (1), but got 1",
        ),
        (
            "SplitV",
            "num_split=1",
            "float[3] 1 2 3; int64[1] 2; int32[] 0",
            "INVALID_ARGUMENT: If there is only one output, it must have the same size as the input. Input size: 3 output size: 2",
        ),
    ];

    #[test]
    fn table() {
        check_rows(crate::OPS, TABLE);
    }
}
