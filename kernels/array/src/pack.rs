//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Tensor, by_unit};

use crate::concat::join;
use crate::dtypes::POINTERS_Q5_F8;
use crate::index;

/// Stacks tensors of one shape along a new axis.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Pack>
pub const OP: Op = Op {
    name: "Pack",
    inputs: &["values: N * T"],
    outputs: &["output: T"],
    attrs: &["N: int >= 1", "T: type", "axis: int = 0"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", POINTERS_Q5_F8)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let mut each = PartialShape::unknown();
    for (i, input) in ctx.inputs.iter().enumerate() {
        each = each.merge(input).ok_or_else(|| different(0, &ctx.input(0), i, input))?;
    }
    let Some(dims) = each.dims() else { return Ok(vec![each]) };
    let at = place(ctx.attr("axis").unwrap_or(0), dims.len())?;
    let mut dims = dims.to_vec();
    dims.insert(at, Some(ctx.inputs.len()));
    Ok(vec![PartialShape::new(dims)])
}

fn different(i: usize, a: &dyn std::fmt::Display, j: usize, b: &dyn std::fmt::Display) -> Error {
    Error::invalid_argument(format!(
        "Shapes of all inputs must match: values[{i}].shape = {a} != values[{j}].shape = {b}"
    ))
}

fn place(axis: i64, rank: usize) -> Result<usize> {
    let places = rank + 1;
    index::axis(axis, places).ok_or_else(|| {
        Error::invalid_argument(format!("axis = {axis} not in [{}, {places})", -(places as i64)))
    })
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let axis: i64 = node.attr("axis")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let first = ctx.input(0);
        let (dtype, mut shape) = (first.dtype(), first.shape().clone());
        let at = place(axis, shape.rank())?;
        if let Some(i) = (1..ctx.input_len()).find(|&i| ctx.input(i).shape() != first.shape()) {
            return Err(different(0, first.shape(), i, ctx.input(i).shape()));
        }
        shape.insert(at, ctx.input_len());
        let output = if ctx.input_len() == 1 {
            ctx.take(0).reshape(shape)?
        } else {
            let values: Vec<&Tensor> = ctx.inputs(0).collect();
            let mut output = ctx.allocate(dtype, shape)?;
            by_unit!(dtype, U => join::<U>(&mut output, &values, at))?;
            output
        };
        ctx.set(0, output);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                ("Pack", "", "float[] 1; float[] 2; float[] 3", "float[3] 1 2 3"),
                ("Pack", "axis=1", "float[2] 1 2; float[2] 3 4", "float[2,2] 1 3 2 4"),
                ("Pack", "axis=-2", "string[2] 'a' 'b'; string[2] 'c' 'd'", "string[2,2] 'a' 'b' 'c' 'd'"),
                ("Pack", "axis=-1", "int16[1,2] 1 2; int16[1,2] 3 4", "int16[1,2,2] 1 3 2 4"),
                ("Pack", "", "quint16[1] 7", "quint16[1,1] 7"),
                ("Pack", "axis=1", "float[0]; float[0]", "float[0,2]"),
                ("Pack", "axis=2", "float[2] 1 2; float[2] 3 4", "INVALID_ARGUMENT: axis = 2 not in [-2, 2)"),
                (
                    "Pack",
                    "",
                    "float[2] 1 2; float[1] 3",
                    "INVALID_ARGUMENT: Shapes of all inputs must match: values[0].shape = [2] != values[1].shape = [1]",
                ),
            ],
        );
    }
}
