//! What is known of sparse tensors before anything runs.

use savedmodel_op::ShapeContext;
use savedmodel_tensor::{PartialShape, Result};

/// Indices, values and dense shape of a sparse tensor of `len` values and `rank` dimensions.
pub(crate) fn sparse(len: Option<usize>, rank: Option<usize>) -> [PartialShape; 3] {
    [PartialShape::new([len, rank]), PartialShape::new([len]), PartialShape::new([rank])]
}

/// The number of values that indices at input `i` and the input after it belong to.
pub(crate) fn len(ctx: &ShapeContext<'_>, i: usize) -> Option<usize> {
    ctx.input(i).dim(0).or_else(|| ctx.input(i + 1).dim(0))
}

/// The number of dimensions that indices at input `i` and the shape two inputs on tell.
pub(crate) fn rank(ctx: &ShapeContext<'_>, i: usize) -> Option<usize> {
    ctx.input(i).dim(1).or_else(|| ctx.input(i + 2).dim(0))
}

/// The three outputs are a sparse tensor of which only the rank is known, that of the first three inputs.
pub(crate) fn sparse_of_rank(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    Ok(sparse(None, rank(ctx, 0)).to_vec())
}

/// What a vector of sizes at input `i` tells.
pub(crate) fn value(ctx: &ShapeContext<'_>, i: usize) -> PartialShape {
    let sizes = ctx.integers(i).and_then(|sizes| crate::coo::to_shape(&sizes).ok());
    match (sizes, ctx.input(i).dim(0)) {
        (Some(shape), _) => (&shape).into(),
        (None, Some(rank)) if rank <= savedmodel_tensor::Shape::MAX_RANK => PartialShape::of_rank(rank),
        _ => PartialShape::unknown(),
    }
}
