//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Op, ShapeContext};
use savedmodel_tensor::{DType, Error, PartialShape, Result};

use crate::sets::{Member, check_group, group_shape, groups, member_kernels, sparse, to_set};

/// The number of different values in each row of a sparse tensor.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SetSize>
pub const OP: Op = Op {
    name: "SetSize",
    inputs: &["set_indices: int64", "set_values: T", "set_shape: int64"],
    outputs: &["size: int32"],
    attrs: &["validate_indices: bool = true", "T: {int8, int16, int32, int64, uint8, uint16, string}"],
    effect: Effect::Pure,
    shape: |ctx: &ShapeContext<'_>| {
        let set = crate::shapes::value(ctx, 2);
        Ok(vec![match set.dims() {
            Some([outer @ .., _]) => PartialShape::new(outer.iter().copied()),
            _ => PartialShape::unknown(),
        }])
    },
    kernels: member_kernels!(build),
};

fn build<T: Member>(node: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    let validate: bool = node.attr("validate_indices")?;
    Ok(Box::new(move |ctx: &mut Context<'_>| {
        let set = sparse(ctx, 0, validate)?;
        let shape = group_shape(set.sizes, set.sizes)?;
        let values = T::all(set.values)?;
        let mut output = ctx.allocate(DType::Int32, shape.clone())?;
        let sizes = output.as_mut_slice::<i32>()?;
        sizes.fill(0);
        for group in groups(&set) {
            check_group(&set, &group)?;
            let index = set.index(group.start);
            let place = shape
                .iter()
                .zip(index)
                .try_fold(0, |place, (&size, &own)| usize::try_from(own).ok().map(|own| place * size + own));
            let outside = || Error::invalid_argument(format!("Index out of range, {index:?} vs {shape}"));
            sizes[place.ok_or_else(outside)?] = to_set(&values[group]).len() as i32;
        }
        ctx.set(0, output);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let (op, loose) = ("SetSize", "validate_indices=false");
        check_rows(
            OPS,
            &[
                (op, "", "int64[3,2] 0 0 0 1 2 0; int32[3] 1 1 2; int64[2] 3 2", "int32[3] 1 0 1"),
                (op, "", "int64[2,3] 0 1 0 0 1 1; string[2] 'a' 'b'; int64[3] 1 2 2", "int32[1,2] 0 2"),
                (op, loose, "int64[3,2] 2 0 0 1 2 1; int32[3] 1 1 2; int64[2] 3 2", "int32[3] 1 0 1"),
                (op, loose, "int64[1,2] 0 -1; uint8[1] 1; int64[2] 3 2", "int32[3] 1 0 0"),
                (op, "", "int64[0,2]; int32[0]; int64[2] 3 0", "int32[3] 0 0 0"),
                (
                    op,
                    "",
                    "int64[2,2] 2 0 0 1; int32[2] 1 1; int64[2] 3 2",
                    "INVALID_ARGUMENT: indices[1] = [0,1] is out of order.",
                ),
                (
                    op,
                    loose,
                    "int64[1,2] 5 0; int32[1] 1; int64[2] 3 2",
                    "INTERNAL: indices[0, 0] expected < 3, got 5.",
                ),
                (op, loose, "int64[1,2] 0 0; int32[1] 1; int64[2] 3 0", "INTERNAL: Invalid dim_size[1] = 0."),
                (
                    op,
                    loose,
                    "int64[1,2] -1 0; int32[1] 1; int64[2] 3 2",
                    "INVALID_ARGUMENT: Index out of range",
                ),
                (op, "", "int64[1,1] 0; int32[1] 1; int64[1] 3", "INVALID_ARGUMENT: Invalid rank 1."),
                (
                    op,
                    "",
                    "int64[1,2] 0 0; int32[1] 1; int64[] 3",
                    "INVALID_ARGUMENT: Shape must be a 1D tensor.",
                ),
                (
                    op,
                    "",
                    "int64[1,2] 0 0; int32[1] 1; int64[2] 3 -2",
                    "INVALID_ARGUMENT: Expected shape dimensions to be non-negative, got -2",
                ),
                (
                    op,
                    "",
                    "int64[2,2] 0 0 0 1; int32[1] 1; int64[2] 3 2",
                    "INVALID_ARGUMENT: indices and values rows (indexing dimension) must match.",
                ),
                (
                    op,
                    "",
                    "int64[1,3] 0 0 0; int32[1] 1; int64[2] 3 2",
                    "INVALID_ARGUMENT: Order length must be SparseTensor rank.",
                ),
                (
                    op,
                    "",
                    "int64[1,2] 0 0; int32[1] 1; int64[2] 1152921504606846976 1",
                    "RESOURCE_EXHAUSTED: OOM when allocating tensor",
                ),
            ],
        );
    }
}
