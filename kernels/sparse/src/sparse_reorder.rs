//! See [`OP`].

use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, ShapeContext, dtypes};
use savedmodel_tensor::{PartialShape, Result};

use crate::coo::{Coo, matrix, pick};
use crate::shapes;

/// Puts the values of a sparse tensor into the order of their indices.
///
/// Values at the same index stay in order. Indices are not held against the shape.
///
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/SparseReorder>
pub const OP: Op = Op {
    name: "SparseReorder",
    inputs: &["input_indices: int64", "input_values: T", "input_shape: int64"],
    outputs: &["output_indices: int64", "output_values: T"],
    attrs: &["T: type"],
    effect: Effect::Pure,
    shape,
    kernels: Kernels::All(&[("T", dtypes::POD_AND_POINTERS)], build),
};

fn shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let [indices, values, _] = shapes::sparse(shapes::len(ctx, 0), shapes::rank(ctx, 0));
    Ok(vec![indices, values])
}

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let coo = Coo::of(ctx, 0)?;
        if coo.is_sorted() {
            let (indices, values) = (ctx.take(0), ctx.take(1));
            ctx.set(0, indices);
            ctx.set(1, values);
            return Ok(());
        }
        let order = coo.order();
        let sorted = order.iter().flat_map(|&i| coo.index(i)).copied().collect();
        let indices = matrix(coo.len(), coo.rank(), sorted)?;
        let values = pick(coo.values, &order, &ctx.run())?;
        ctx.set(0, indices);
        ctx.set(1, values);
        Ok(())
    }))
}

#[cfg(test)]
mod tests {
    use crate::OPS;
    use savedmodel_op::testing::check_rows;

    #[test]
    fn table() {
        let op = "SparseReorder";
        check_rows(
            OPS,
            &[
                (
                    op,
                    "",
                    "int64[3,2] 2 0 0 3 0 1; float[3] 1 2 3; int64[2] 3 4",
                    "int64[3,2] 0 1 0 3 2 0; float[3] 3 2 1",
                ),
                (
                    op,
                    "",
                    "int64[3,2] 1 0 0 1 0 1; string[3] 'a' 'b' 'c'; int64[2] 3 4",
                    "int64[3,2] 0 1 0 1 1 0; string[3] 'b' 'c' 'a'",
                ),
                (op, "", "int64[2,1] 9 -3; int8[2] 1 2; int64[1] 3", "int64[2,1] -3 9; int8[2] 2 1"),
                (op, "", "int64[0,2]; bool[0]; int64[2] 3 4", "int64[0,2]; bool[0]"),
                (
                    op,
                    "",
                    "int64[3] 1 2 3; float[3] 1 2 3; int64[2] 3 4",
                    "INVALID_ARGUMENT: Sparse indices must be rank 2 but is rank 1",
                ),
                (
                    op,
                    "",
                    "int64[1,2] 0 1; float[2] 1 2; int64[2] 3 4",
                    "INVALID_ARGUMENT: Number of elements in indices (1) and values (2) do not match",
                ),
                (
                    op,
                    "",
                    "int64[1,2] 0 1; float[1] 1; int64[1] 3",
                    "INVALID_ARGUMENT: Index rank (2) and shape rank (1) do not match",
                ),
            ],
        );
    }
}
