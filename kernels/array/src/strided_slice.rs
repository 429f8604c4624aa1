//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext};
use savedmodel_tensor::{PartialShape, Result, Tensor, Unit, by_unit};

use crate::dtypes::POINTERS_Q3_F8;
use crate::slicing::{self, Masks, Slicing, Spec};
use crate::strided;

/// Takes a slice as Python's and NumPy's basic indexing does.
///
/// Bounds are clamped; an index (shrink axis) out of bounds is an error. Where several masks name a position,
/// the ellipsis wins over a new axis, and that over a shrunk one. Whole rows share the input's memory.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/StridedSlice>
pub const OP: Op = Op {
    name: "StridedSlice",
    inputs: &["input: T", "begin: Index", "end: Index", "strides: Index"],
    outputs: &["output: T"],
    attrs: &[
        "T: type",
        "Index: {int16, int32, int64}",
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
    Ok(vec![match Spec::known(ctx, 1) {
        Some(spec) => slicing::partial(&spec, &ctx.input(0))?,
        None => PartialShape::unknown(),
    }])
}

fn build(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let masks = Masks::of(node)?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let spec = Spec::of(ctx, 1, masks)?;
        let input = ctx.input(0);
        let slicing = Slicing::new(&spec, input.shape())?;
        let output = if slicing.is_whole(input.shape()) {
            ctx.take(0).reshape(slicing.shape)?
        } else if let Some((start, end)) = slicing.rows(input.shape()) {
            input.rows(start, end)?.reshape(slicing.shape)?
        } else {
            by_unit!(input.dtype(), U => copy::<U>(ctx, &slicing))?
        };
        ctx.set(0, output);
        Ok(())
    }))
}

fn copy<U: Unit>(ctx: &Context<'_>, slicing: &Slicing) -> Result<Tensor> {
    let input = ctx.input(0);
    let layout = slicing.layout(input.shape());
    let mut output = ctx.allocate(input.dtype(), &slicing.shape)?;
    strided::gather(output.units_mut::<U>()?, input.units()?, &layout);
    Ok(output)
}

#[cfg(test)]
mod tests {
    use savedmodel_op::testing::check_rows;

    #[test]
    fn ranges() {
        check_rows(
            crate::OPS,
            &[
                ("StridedSlice", "", "float[4] 1 2 3 4; int32[1] 1; int32[1] 3; int32[1] 1", "float[2] 2 3"),
                (
                    "StridedSlice",
                    "",
                    "float[4] 1 2 3 4; int32[1] -1; int32[1] -9; int32[1] -2",
                    "float[2] 4 2",
                ),
                (
                    "StridedSlice",
                    "begin_mask=1 end_mask=1",
                    "string[3] 'a' 'b' 'c'; int64[1] 0; int64[1] 0; int64[1] -1",
                    "string[3] 'c' 'b' 'a'",
                ),
                ("StridedSlice", "", "float[4] 1 2 3 4; int16[1] 3; int16[1] 1; int16[1] 1", "float[0]"),
                (
                    "StridedSlice",
                    "",
                    "float[2,3] 1 2 3 4 5 6; int32[2] 0 1; int32[2] 9 9; int32[2] 1 1",
                    "float[2,2] 2 3 5 6",
                ),
                (
                    "StridedSlice",
                    "",
                    "float[2,3] 1 2 3 4 5 6; int32[2] 1 2; int32[2] -9 -9; int32[2] -1 -2",
                    "float[2,2] 6 4 3 1",
                ),
                (
                    "StridedSlice",
                    "end_mask=1",
                    "float[5] 1 2 3 4 5; int32[1] 0; int32[1] 0; int32[1] 2",
                    "float[3] 1 3 5",
                ),
                (
                    "StridedSlice",
                    "",
                    "float[2,2] 1 2 3 4; int32[0]; int32[0]; int32[0]",
                    "float[2,2] 1 2 3 4",
                ),
                ("StridedSlice", "", "float[0,2]; int32[1] 0; int32[1] 5; int32[1] 1", "float[0,2]"),
                (
                    "StridedSlice",
                    "",
                    "float[2] 1 2; int64[1] -9223372036854775808; int64[1] 9223372036854775807; int64[1] 9223372036854775807",
                    "float[1] 1",
                ),
            ],
        );
    }

    #[test]
    fn masks() {
        check_rows(
            crate::OPS,
            &[
                (
                    "StridedSlice",
                    "shrink_axis_mask=1",
                    "float[2,2] 1 2 3 4; int32[1] -1; int32[1] 0; int32[1] 1",
                    "float[2] 3 4",
                ),
                (
                    "StridedSlice",
                    "shrink_axis_mask=2 begin_mask=1 end_mask=1",
                    "float[2,2] 1 2 3 4; int32[2] 0 1; int32[2] 0 2; int32[2] 1 1",
                    "float[2] 2 4",
                ),
                (
                    "StridedSlice",
                    "begin_mask=1 shrink_axis_mask=1",
                    "float[3] 1 2 3; int32[1] 1; int32[1] 2; int32[1] 1",
                    "float[] 2",
                ),
                (
                    "StridedSlice",
                    "ellipsis_mask=1 shrink_axis_mask=2",
                    "float[2,2] 1 2 3 4; int32[2] 0 1; int32[2] 0 2; int32[2] 1 1",
                    "float[2] 2 4",
                ),
                (
                    "StridedSlice",
                    "new_axis_mask=5 ellipsis_mask=2",
                    "float[2] 1 2; int32[3] 0 0 0; int32[3] 0 0 0; int32[3] 1 1 1",
                    "float[1,2,1] 1 2",
                ),
                (
                    "StridedSlice",
                    "new_axis_mask=1 shrink_axis_mask=1",
                    "float[2] 1 2; int32[1] 0; int32[1] 1; int32[1] 1",
                    "float[1,2] 1 2",
                ),
                (
                    "StridedSlice",
                    "ellipsis_mask=1 new_axis_mask=1 shrink_axis_mask=1",
                    "float[2] 1 2; int32[1] 0; int32[1] 1; int32[1] 1",
                    "float[2] 1 2",
                ),
                (
                    "StridedSlice",
                    "ellipsis_mask=3",
                    "float[2] 1 2; int32[2] 0 0; int32[2] 1 1; int32[2] 1 1",
                    "INVALID_ARGUMENT: Multiple ellipses in slice spec not allowed",
                ),
                (
                    "StridedSlice",
                    "ellipsis_mask=4 begin_mask=2 end_mask=8",
                    "int32[2,2,2,3] 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24; int32[4] 1 1 0 1; int32[4] 2 1 0 1; int32[4] 1 1 1 1",
                    "int32[1,1,2,2] 14 15 17 18",
                ),
            ],
        );
    }

    #[test]
    fn errors() {
        check_rows(
            crate::OPS,
            &[
                (
                    "StridedSlice",
                    "shrink_axis_mask=1",
                    "float[2] 1 2; int32[1] 2; int32[1] 3; int32[1] 1",
                    "INVALID_ARGUMENT: slice index 2 of dimension 0 out of bounds.",
                ),
                (
                    "StridedSlice",
                    "shrink_axis_mask=1",
                    "float[2] 1 2; int32[1] -3; int32[1] 3; int32[1] 1",
                    "INVALID_ARGUMENT: slice index -1 of dimension 0 out of bounds.",
                ),
                (
                    "StridedSlice",
                    "shrink_axis_mask=1",
                    "float[2] 1 2; int32[1] 0; int32[1] 1; int32[1] -1",
                    "INVALID_ARGUMENT: only stride 1 allowed on non-range indexing.",
                ),
                (
                    "StridedSlice",
                    "shrink_axis_mask=1",
                    "float[2] 1 2; int32[1] 0; int32[1] 1; int32[1] 2",
                    "float[] 1",
                ),
                (
                    "StridedSlice",
                    "",
                    "float[2] 1 2; int32[1] 0; int32[1] 1; int32[1] 0",
                    "INVALID_ARGUMENT: strides[0] must be non-zero",
                ),
                (
                    "StridedSlice",
                    "",
                    "float[2] 1 2; int32[2] 0 0; int32[2] 1 1; int32[2] 1 1",
                    "INVALID_ARGUMENT: Index out of range using input dim 1; input has only 1 dims",
                ),
                (
                    "StridedSlice",
                    "",
                    "float[2] 1 2; int32[2] 0 0; int32[1] 1; int32[2] 1 1",
                    "INVALID_ARGUMENT: Expected begin, end, and strides to be 1D equal size tensors, but got shapes [2], [1], and [2] instead.",
                ),
                (
                    "StridedSlice",
                    "",
                    "float[2] 1 2; int32[] 0; int32[] 1; int32[] 1",
                    "INVALID_ARGUMENT: Expected begin, end, and strides to be 1D equal size tensors, but got shapes [], [], and [] instead.",
                ),
            ],
        );
    }
}
