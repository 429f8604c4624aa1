//! Axes and sizes that arrive as tensors, and index tensors that are given back.

use savedmodel_op::ShapeContext;
use savedmodel_tensor::{DType, Error, PartialShape, Result, Shape, Tensor};

/// An index tensor of dtype `int32` or `int64`.
///
/// # Errors
/// `INVALID_ARGUMENT` when a value does not fit, or there are more or fewer values than the shape has elements.
pub(crate) fn tensor(dtype: DType, shape: impl Into<Shape>, values: &[i64]) -> Result<Tensor> {
    match dtype {
        DType::Int32 => {
            let narrow = |&v: &i64| {
                i32::try_from(v).map_err(|_| Error::invalid_argument(format!("{v} does not fit into int32")))
            };
            Tensor::from_vec(shape, values.iter().map(narrow).collect::<Result<Vec<i32>>>()?)
        }
        DType::Int64 => Tensor::from_slice(shape, values),
        other => Err(Error::unimplemented(format!("indices of dtype {other}"))),
    }
}

/// The axis that `axis` means in a tensor of `rank` dimensions, counted from the end when negative.
pub(crate) fn axis(axis: i64, rank: usize) -> Option<usize> {
    let from_front = if axis < 0 { axis.checked_add(rank as i64)? } else { axis };
    usize::try_from(from_front).ok().filter(|&axis| axis < rank)
}

/// The one integer of a tensor that must be a scalar; `refuse` makes the error.
pub(crate) fn scalar(t: &Tensor, refuse: impl FnOnce() -> Error) -> Result<i64> {
    if t.rank() != 0 {
        return Err(refuse());
    }
    t.to_i64s()?.first().copied().ok_or_else(|| Error::internal("a scalar without a value"))
}

/// The shape that the values of a tensor mean.
///
/// # Errors
/// `INVALID_ARGUMENT` for a negative dimension, too many dimensions or too many elements.
pub(crate) fn shape(dims: &[i64]) -> Result<Shape> {
    match dims.iter().find(|&&dim| dim < 0) {
        Some(dim) => Err(Error::invalid_argument(format!("Dimension {dim} must be >= 0"))),
        None => Shape::from_i64(dims),
    }
}

/// Refuses an input that is known to have another rank, as TensorFlow does while it builds a graph; its kernels may be lenient.
///
/// # Errors
/// `INVALID_ARGUMENT`.
pub(crate) fn of_rank(ctx: &ShapeContext<'_>, i: usize, rank: usize) -> Result<()> {
    match ctx.input(i).rank() {
        Some(found) if found != rank => {
            Err(Error::invalid_argument(format!("Shape must be rank {rank} but is rank {found}")))
        }
        _ => Ok(()),
    }
}

/// What is known of a shape that the value of input `i` tells.
///
/// # Errors
/// As [`shape`].
pub(crate) fn shape_of_value(ctx: &ShapeContext<'_>, i: usize) -> Result<PartialShape> {
    Ok(match (ctx.integers(i), ctx.input(i).dim(0)) {
        (Some(dims), _) => (&shape(&dims)?).into(),
        (None, Some(rank)) if rank <= Shape::MAX_RANK => PartialShape::of_rank(rank),
        _ => PartialShape::unknown(),
    })
}
