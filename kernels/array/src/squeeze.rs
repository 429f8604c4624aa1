//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Shape};

use crate::index;

/// Takes dimensions of length one out of the shape: all, or those that are named.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Squeeze>
pub const OP: Op = Op {
    name: "Squeeze",
    inputs: &["input: T"],
    outputs: &["output: T"],
    attrs: &["T: type", "squeeze_dims: list(int) >= 0 = []"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::one(build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let (input, named) = (ctx.input(0), ctx.attr::<Vec<i64>>("squeeze_dims").unwrap_or_default());
    let Some(dims) = input.dims() else { return Ok(vec![PartialShape::unknown()]) };
    if named.is_empty() && dims.contains(&None) {
        return Ok(vec![PartialShape::unknown()]);
    }
    let drop = dropped(dims, &named)?;
    let left = dims.iter().zip(drop).filter(|(_, drop)| !drop).map(|(&dim, _)| dim);
    Ok(vec![PartialShape::new(left)])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let named: Vec<i64> = node.attr("squeeze_dims")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let dims: Vec<_> = ctx.input(0).shape().iter().map(|&dim| Some(dim)).collect();
        let drop = dropped(&dims, &named)?;
        let left: Shape =
            dims.iter().zip(drop).filter(|(_, drop)| !drop).filter_map(|(&dim, _)| dim).collect();
        let output = ctx.take(0).reshape(left)?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// Which dimensions go.
fn dropped(dims: &[Option<usize>], named: &[i64]) -> Result<Vec<bool>> {
    if named.is_empty() {
        return Ok(dims.iter().map(|&dim| dim == Some(1)).collect());
    }
    let mut drop = vec![false; dims.len()];
    for &dim in named {
        let i = index::axis(dim, dims.len()).ok_or_else(|| {
            Error::invalid_argument(format!(
                "Tried to squeeze dim index {dim} for tensor with {} dimensions.",
                dims.len()
            ))
        })?;
        if let Some(size) = dims[i].filter(|&size| size != 1) {
            return Err(Error::invalid_argument(format!(
                "Can not squeeze dim[{i}], expected a dimension of 1, got {size}"
            )));
        }
        drop[i] = true;
    }
    Ok(drop)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("Squeeze", "", "float[1,2,1] 1 2", "float[2] 1 2"),
                ("Squeeze", "squeeze_dims=[0]", "float[1,2,1] 1 2", "float[2,1] 1 2"),
                ("Squeeze", "squeeze_dims=[-1,0,2]", "string[1,2,1] 'a' 'b'", "string[2] 'a' 'b'"),
                ("Squeeze", "", "float[1,1] 3", "float[] 3"),
                ("Squeeze", "", "float[0,1]", "float[0]"),
                (
                    "Squeeze",
                    "squeeze_dims=[1]",
                    "float[1,2,1] 1 2",
                    "INVALID_ARGUMENT: Can not squeeze dim[1], expected a dimension of 1, got 2",
                ),
                (
                    "Squeeze",
                    "squeeze_dims=[3]",
                    "float[1,2,1] 1 2",
                    "INVALID_ARGUMENT: Tried to squeeze dim index 3 for tensor with 3 dimensions.",
                ),
                (
                    "Squeeze",
                    "squeeze_dims=[-4]",
                    "float[1,2,1] 1 2",
                    "INVALID_ARGUMENT: Tried to squeeze dim index -4 for tensor with 3 dimensions.",
                ),
            ],
        );
    }
}
