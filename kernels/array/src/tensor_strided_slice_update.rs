//! See [`OP`] and [`StridedAssignment`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Error, Result, Shape, Tensor, Unit, by_unit};

use crate::dtypes::POINTERS_Q3_F8;
use crate::layout::Layout;
use crate::slicing::{Masks, Slicing, Spec};
use crate::strided;

/// Replaces a strided slice of a tensor by a value, which broadcasts to the slice's shape; dimensions of size 1 that it
/// has more are left out.
///
/// Writes into the input's memory when nobody else needs it.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/TensorStridedSliceUpdate>
pub const OP: Op = Op {
    name: "TensorStridedSliceUpdate",
    inputs: &["input: T", "begin: Index", "end: Index", "strides: Index", "value: T"],
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
    shape: shape::unchanged,
    kernels: Kernels::All(&[("T", POINTERS_Q3_F8)], build),
};

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let assignment = StridedAssignment::of(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let mut output = ctx.take(0);
        assignment.apply(ctx, &mut output)?;
        ctx.set(0, output);
        Ok(())
    }))
}

/// Writing into a strided slice, for all operators that do: input 1 to 3 are begin, end and strides, input 4 the value.
#[derive(Clone, Copy)]
pub struct StridedAssignment(Masks);

impl StridedAssignment {
    /// Reads the masks of a node.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for several ellipses.
    pub fn of(node: &Construction<'_>) -> Result<StridedAssignment> {
        Masks::of(node).map(StridedAssignment)
    }

    /// Replaces the slice of a tensor.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for bounds that make no slice and for a value that does not broadcast to it.
    pub fn apply(&self, ctx: &Context<'_>, tensor: &mut Tensor) -> Result<()> {
        let slicing = Slicing::new(&Spec::of(ctx, 1, self.0)?, tensor.shape())?;
        if slicing.shape.elements() > 0 {
            by_unit!(tensor.dtype(), U => replace::<U>(tensor, ctx.input(4), &slicing))?;
        }
        Ok(())
    }
}

fn replace<U: Unit>(output: &mut Tensor, value: &Tensor, slicing: &Slicing) -> Result<()> {
    let layout = slicing.layout(output.shape());
    if value.shape() == &slicing.shape {
        strided::scatter(output.units_mut::<U>()?, value.units()?, &layout);
        return Ok(());
    }
    let more = value.rank().saturating_sub(slicing.shape.rank());
    let ones = value.shape().iter().take(more).take_while(|&&size| size == 1).count();
    let shape = Shape::from(&value.shape()[ones..]);
    if Shape::broadcast(&shape, &slicing.shape).as_ref() != Some(&slicing.shape) {
        return Err(Error::invalid_argument(format!(
            "Cannot broadcast input shape {} into final shape {}",
            value.shape(),
            slicing.shape
        )));
    }
    let mut spread = vec![U::default(); layout.len];
    strided::gather(&mut spread, value.units::<U>()?, &Layout::broadcast(&shape, &slicing.shape));
    strided::scatter(output.units_mut::<U>()?, &spread, &layout);
    Ok(())
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::{Row, check_rows};

    const TABLE: &[Row] = &[
        (
            "TensorStridedSliceUpdate",
            "",
            "float[4] 1 2 3 4; int32[1] 1; int32[1] 3; int32[1] 1; float[2] 8 9",
            "float[4] 1 8 9 4",
        ),
        (
            "TensorStridedSliceUpdate",
            "",
            "float[4] 1 2 3 4; int32[1] -1; int32[1] -9; int32[1] -2; float[2] 8 9",
            "float[4] 1 9 3 8",
        ),
        (
            "TensorStridedSliceUpdate",
            "",
            "float[4] 1 2 3 4; int32[1] 1; int32[1] 3; int32[1] 1; float[1,2] 8 9",
            "float[4] 1 8 9 4",
        ),
        (
            "TensorStridedSliceUpdate",
            "",
            "float[4] 1 2 3 4; int32[1] 1; int32[1] 3; int32[1] 1; float[2,1] 8 9",
            "INVALID_ARGUMENT: Cannot broadcast input shape [2,1] into final shape [2]",
        ),
        (
            "TensorStridedSliceUpdate",
            "shrink_axis_mask=1",
            "string[2,2] 'a' 'b' 'c' 'd'; int64[1] 1; int64[1] 2; int64[1] 1; string[2] 'x' 'y'",
            "string[2,2] 'a' 'b' 'x' 'y'",
        ),
        (
            "TensorStridedSliceUpdate",
            "shrink_axis_mask=3",
            "float[2,2] 1 2 3 4; int32[2] 1 0; int32[2] 2 1; int32[2] 1 1; float[] 9",
            "float[2,2] 1 2 9 4",
        ),
        (
            "TensorStridedSliceUpdate",
            "",
            "float[2,2] 1 2 3 4; int32[2] 0 0; int32[2] 2 2; int32[2] 1 1; float[] 9",
            "float[2,2] 9 9 9 9",
        ),
        (
            "TensorStridedSliceUpdate",
            "",
            "float[2,2] 1 2 3 4; int32[2] 0 0; int32[2] 2 2; int32[2] 1 1; float[2] 8 9",
            "float[2,2] 8 9 8 9",
        ),
        (
            "TensorStridedSliceUpdate",
            "",
            "float[2,2] 1 2 3 4; int32[2] 0 0; int32[2] 2 2; int32[2] 1 1; float[2,1] 8 9",
            "float[2,2] 8 8 9 9",
        ),
        (
            "TensorStridedSliceUpdate",
            "",
            "float[2] 1 2; int32[1] 1; int32[1] 1; int32[1] 1; float[3] 1 2 3",
            "float[2] 1 2",
        ),
        (
            "TensorStridedSliceUpdate",
            "",
            "float[2] 1 2; int32[1] 0; int32[1] 2; int32[1] 1; float[3] 1 2 3",
            "INVALID_ARGUMENT: Cannot broadcast input shape [3] into final shape [2]",
        ),
        (
            "TensorStridedSliceUpdate",
            "",
            "float[2] 1 2; int32[1] 0; int32[1] 2; int32[1] 0; float[2] 1 2",
            "INVALID_ARGUMENT: strides[0] must be non-zero",
        ),
    ];

    #[test]
    fn table() {
        check_rows(crate::OPS, TABLE);
    }
}
