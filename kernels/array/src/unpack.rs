//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, by_unit};

use crate::dtypes::POINTERS_F8;
use crate::index;
use crate::split::cut;

/// Cuts a tensor into its slices along an axis, which goes.
///
/// Slices along the outermost axis share the input's memory.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/Unpack>
pub const OP: Op = Op {
    name: "Unpack",
    inputs: &["value: T"],
    outputs: &["output: num * T"],
    attrs: &["num: int >= 0", "T: type", "axis: int = 0"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", POINTERS_F8)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let value = ctx.input(0);
    let Some(dims) = value.dims() else { return Ok(vec![value; ctx.outputs]) };
    let axis = place(ctx.attr("axis").unwrap_or(0), dims.len())?;
    let mut dims = dims.to_vec();
    let size = dims.remove(axis);
    if size.is_some_and(|size| size != ctx.outputs) {
        return Err(wrong_size(axis, ctx.outputs, &value));
    }
    Ok(vec![PartialShape::new(dims); ctx.outputs])
}

fn place(axis: i64, rank: usize) -> Result<usize> {
    index::axis(axis, rank)
        .ok_or_else(|| Error::invalid_argument(format!("axis = {axis} not in [{}, {rank})", -(rank as i64))))
}

fn wrong_size(axis: usize, count: usize, shape: &dyn std::fmt::Display) -> Error {
    Error::invalid_argument(format!("Input shape axis {axis} must equal {count}, got shape {shape}"))
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let axis: i64 = node.attr("axis")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let value = ctx.take(0);
        let axis = place(axis, value.rank())?;
        let mut shape = value.shape().clone();
        if shape.remove(axis) != ctx.output_len() {
            return Err(wrong_size(axis, ctx.output_len(), value.shape()));
        }
        for i in 0..ctx.output_len() {
            let slice = by_unit!(value.dtype(), U => cut::<U>(ctx, &value, axis, i, 1))?;
            ctx.set(i, slice.reshape(&shape)?);
        }
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
                ("Unpack", "num=2", "float[2,2] 1 2 3 4", "float[2] 1 2; float[2] 3 4"),
                (
                    "Unpack",
                    "num=2 axis=1",
                    "string[2,2] 'a' 'b' 'c' 'd'",
                    "string[2] 'a' 'c'; string[2] 'b' 'd'",
                ),
                (
                    "Unpack",
                    "num=3 axis=-1",
                    "int64[1,2,3] 1 2 3 4 5 6",
                    "int64[1,2] 1 4; int64[1,2] 2 5; int64[1,2] 3 6",
                ),
                ("Unpack", "num=1", "bool[1] true", "bool[] true"),
                ("Unpack", "num=2", "float[2,0]", "float[0]; float[0]"),
                (
                    "Unpack",
                    "num=3",
                    "float[2,2] 1 2 3 4",
                    "INVALID_ARGUMENT: Input shape axis 0 must equal 3, got shape [2,2]",
                ),
                ("Unpack", "num=1 axis=1", "float[1] 1", "INVALID_ARGUMENT: axis = 1 not in [-1, 1)"),
                ("Unpack", "num=1", "float[] 1", "INVALID_ARGUMENT: axis = 0 not in [0, 0)"),
            ],
        );
    }
}
