//! See [`OP`].

use savedmodel_op::dtypes::INDICES;
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result};

/// Puts a dimension of length one into the shape.
///
/// A negative place counts from behind the last dimension: -1 adds an innermost one.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/ExpandDims>
pub const OP: Op = Op {
    name: "ExpandDims",
    inputs: &["input: T", "dim: Tdim"],
    outputs: &["output: T"],
    attrs: &["T: type", "Tdim: {int32, int64} = DT_INT32"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("Tdim", INDICES)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    let Some(dims) = input.dims() else { return Ok(vec![PartialShape::unknown()]) };
    Ok(vec![match ctx.integers(1).as_deref() {
        Some(&[at]) => {
            let mut dims = dims.to_vec();
            dims.insert(place(at, dims.len())?, Some(1));
            PartialShape::new(dims)
        }
        _ => PartialShape::of_rank(dims.len() + 1),
    }])
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let &[at] = ctx.input(1).to_i64s()?.as_slice() else {
            return Err(Error::invalid_argument("'dim' must be a tensor with a single value"));
        };
        let mut shape = ctx.input(0).shape().clone();
        shape.insert(place(at, shape.rank())?, 1);
        let output = ctx.take(0).reshape(shape)?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn place(at: i64, rank: usize) -> Result<usize> {
    let last = rank as i64;
    if !(-1 - last..=last).contains(&at) {
        return Err(Error::invalid_argument(format!(
            "Tried to expand dim index {at} for tensor with {rank} dimensions."
        )));
    }
    Ok(if at < 0 { at + last + 1 } else { at } as usize)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("ExpandDims", "", "float[2] 1 2; int32[] 0", "float[1,2] 1 2"),
                ("ExpandDims", "", "float[2] 1 2; int32[] -1", "float[2,1] 1 2"),
                ("ExpandDims", "", "string[2,1] 'a' 'b'; int64[1] 1", "string[2,1,1] 'a' 'b'"),
                ("ExpandDims", "", "float[] 1; int32[] -1", "float[1] 1"),
                ("ExpandDims", "", "float[0,2]; int32[] -3", "float[1,0,2]"),
                (
                    "ExpandDims",
                    "",
                    "float[2] 1 2; int32[] 2",
                    "INVALID_ARGUMENT: Tried to expand dim index 2 for tensor with 1 dimensions.",
                ),
                (
                    "ExpandDims",
                    "",
                    "float[2] 1 2; int32[] -3",
                    "INVALID_ARGUMENT: Tried to expand dim index -3 for tensor with 1 dimensions.",
                ),
                (
                    "ExpandDims",
                    "",
                    "float[2] 1 2; int32[2] 0 1",
                    "INVALID_ARGUMENT: 'dim' must be a tensor with a single value",
                ),
            ],
        );
    }
}
