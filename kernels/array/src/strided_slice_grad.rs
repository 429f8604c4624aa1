//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{Error, PartialShape, Result, Shape, Tensor, Unit, by_unit};

use crate::dtypes::POINTERS_Q3_F8;
use crate::slicing::{Masks, Slicing, Spec};
use crate::{index, strided};

/// Puts a tensor where a strided slice would be taken, and zeros all around.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StridedSliceGrad>
pub const OP: Op = Op {
    name: "StridedSliceGrad",
    inputs: &["shape: Index", "begin: Index", "end: Index", "strides: Index", "dy: T"],
    outputs: &["output: T"],
    attrs: &[
        "T: type",
        "Index: {int32, int64}",
        "begin_mask: int = 0",
        "end_mask: int = 0",
        "ellipsis_mask: int = 0",
        "new_axis_mask: int = 0",
        "shrink_axis_mask: int = 0",
    ],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", POINTERS_Q3_F8)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(vec![index::shape_of_value(ctx, 0)?])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let masks = Masks::of(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let dims = ctx.input(0);
        if dims.rank() != 1 {
            let text = format!("shape must be 1-D, got shape.shape = {}", dims.shape());
            return Err(Error::invalid_argument(text));
        }
        let shape = index::shape(&dims.to_i64s()?)?;
        let slicing = Slicing::new(&Spec::of(ctx, 1, masks)?, &shape)?;
        let dy = ctx.input(4);
        if *dy.shape() != slicing.shape {
            let text = format!("shape of dy was {} instead of {}", dy.shape(), slicing.shape);
            return Err(Error::invalid_argument(text));
        }
        let output = by_unit!(dy.dtype(), U => place::<U>(ctx, &slicing, shape))?;
        ctx.set(0, output);
        Ok(())
    }))
}

fn place<U: Unit>(ctx: &Context<'_>, slicing: &Slicing, shape: Shape) -> Result<Tensor> {
    let dy = ctx.input(4);
    let layout = slicing.layout(&shape);
    let mut output = ctx.run().allocate(dy.dtype(), shape)?;
    strided::scatter(output.units_mut::<U>()?, dy.units()?, &layout);
    Ok(output)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        check_rows(
            crate::OPS,
            &[
                (
                    "StridedSliceGrad",
                    "",
                    "int32[1] 4; int32[1] 1; int32[1] 3; int32[1] 1; float[2] 8 9",
                    "float[4] 0 8 9 0",
                ),
                (
                    "StridedSliceGrad",
                    "begin_mask=1",
                    "int32[2] 2 3; int32[2] 0 0; int32[2] 2 3; int32[2] 1 2; float[2,2] 1 2 3 4",
                    "float[2,3] 1 0 2 3 0 4",
                ),
                (
                    "StridedSliceGrad",
                    "shrink_axis_mask=1",
                    "int64[2] 2 2; int64[1] 1; int64[1] 2; int64[1] 1; string[2] 'a' 'b'",
                    "string[2,2] '' '' 'a' 'b'",
                ),
                (
                    "StridedSliceGrad",
                    "",
                    "int32[1] 3; int32[1] -1; int32[1] -9; int32[1] -2; int32[2] 1 2",
                    "int32[3] 2 0 1",
                ),
                (
                    "StridedSliceGrad",
                    "",
                    "int32[1] 0; int32[1] 0; int32[1] 0; int32[1] 1; int32[0]",
                    "int32[0]",
                ),
                (
                    "StridedSliceGrad",
                    "",
                    "int32[1] 4; int32[1] 1; int32[1] 3; int32[1] 1; float[3] 8 9 7",
                    "INVALID_ARGUMENT: shape of dy was [3] instead of [2]",
                ),
                (
                    "StridedSliceGrad",
                    "",
                    "int32[1] -4; int32[1] 1; int32[1] 3; int32[1] 1; float[3] 8 9 7",
                    "INVALID_ARGUMENT: Dimension -4 must be >= 0",
                ),
                (
                    "StridedSliceGrad",
                    "",
                    "int32[] 4; int32[1] 1; int32[1] 3; int32[1] 1; float[2] 8 9",
                    "INVALID_ARGUMENT: shape must be 1-D, got shape.shape = []",
                ),
            ],
        );
    }
}
