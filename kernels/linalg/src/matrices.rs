//! Batches of matrices: the innermost two dimensions of tensors.

use savedmodel_math::par;
use savedmodel_op::{Context, ShapeContext};
use savedmodel_tensor::{Element, Error, PartialShape, Result, Shape, Tensor};

use crate::dense::{Matrix, Scalar};

/// The sizes of a batch of matrices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The dimensions before those of the matrices.
    pub outer: Vec<usize>,
    /// Rows of each matrix.
    pub rows: usize,
    /// Columns of each matrix.
    pub columns: usize,
}

impl Batch {
    /// That of input `i`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` below rank two.
    pub fn of(i: usize, shape: &Shape) -> Result<Batch> {
        match shape.dims() {
            [outer @ .., rows, columns] => {
                Ok(Batch { outer: outer.to_vec(), rows: *rows, columns: *columns })
            }
            _ => Err(Error::invalid_argument(format!(
                "Input tensor {i} must have rank >= 2, got {}",
                shape.rank()
            ))),
        }
    }

    /// That of input 0, of square matrices.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when they are not.
    pub fn square(shape: &Shape) -> Result<Batch> {
        let batch = Batch::of(0, shape)?;
        if batch.rows != batch.columns {
            return Err(Error::invalid_argument("Input matrix must be square."));
        }
        Ok(batch)
    }

    /// Those of a matrix (input 0) and right-hand sides (input 1).
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when they don't belong together, or the matrix is not square but must be.
    pub fn solver(ctx: &Context<'_>, square: bool) -> Result<(Batch, Batch)> {
        let matrix = Batch::of(0, ctx.input(0).shape())?;
        if ctx.input(1).rank() != matrix.outer.len() + 2 {
            return Err(Error::invalid_argument("All input tensors must have the same rank."));
        }
        let right = Batch::of(1, ctx.input(1).shape())?;
        if right.outer != matrix.outer {
            return Err(Error::invalid_argument("All input tensors must have the same outer dimensions."));
        }
        if square && matrix.rows != matrix.columns {
            return Err(Error::invalid_argument("First input (lhs) must be a square matrix."));
        }
        if matrix.rows != right.rows {
            return Err(Error::invalid_argument("Input matrix and rhs are incompatible."));
        }
        Ok((matrix, right))
    }

    /// Number of matrices.
    pub fn count(&self) -> usize {
        self.outer.iter().product()
    }

    /// The outer dimensions with others after them.
    pub fn with(&self, inner: &[usize]) -> Vec<usize> {
        [&self.outer, inner].concat()
    }

    /// Matrix `i` of the batch.
    pub fn matrix<T: Scalar>(&self, data: &[T], i: usize) -> Matrix<T> {
        let size = self.rows * self.columns;
        Matrix::of(self.rows, self.columns, &data[i * size..(i + 1) * size])
    }
}

/// The results of `f` for each index below `count`, where one takes about `flops` operations.
///
/// # Errors
/// The first of those of `f`.
pub fn each<R: Send>(count: usize, flops: usize, f: impl Fn(usize) -> Result<R> + Sync) -> Result<Vec<R>> {
    let chunks = par::map_chunks(count, par::grain(flops as f64), |indices| {
        indices.map(&f).collect::<Result<Vec<R>>>()
    });
    let mut results = Vec::with_capacity(count);
    for chunk in chunks {
        results.extend(chunk?);
    }
    Ok(results)
}

/// One matrix for each matrix of input 0, which are square.
///
/// # Errors
/// `INVALID_ARGUMENT` when they are not; those of `f`.
pub fn map_square<T: Scalar>(
    ctx: &mut Context<'_>,
    f: impl Fn(Matrix<T>) -> Result<Matrix<T>> + Sync,
) -> Result<()> {
    let batch = Batch::square(ctx.input(0).shape())?;
    let mut out = ctx.allocate(T::DTYPE, ctx.input(0).shape())?;
    if out.elements() > 0 {
        let data = ctx.input(0).as_slice::<T>()?;
        let results = each(batch.count(), cube(batch.rows), |i| f(batch.matrix(data, i)))?;
        fill(&mut out, results.iter().map(Matrix::data))?;
    }
    ctx.set(0, out);
    Ok(())
}

/// `n` to the third.
pub fn cube(n: usize) -> usize {
    n.saturating_mul(n).saturating_mul(n).max(1)
}

/// Writes slices of equal length into a tensor, one after the other.
///
/// # Errors
/// `INTERNAL` when the dtype is another.
pub fn fill<'a, T: Element>(out: &mut Tensor, parts: impl Iterator<Item = &'a [T]>) -> Result<()> {
    let mut rest = out.as_mut_slice::<T>()?;
    for part in parts {
        let (to, after) = rest.split_at_mut(part.len());
        to.copy_from_slice(part);
        rest = after;
    }
    Ok(())
}

/// Every output has the shape of the first input, which is of square matrices.
///
/// # Errors
/// `INVALID_ARGUMENT` when it can't be.
pub fn square_shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let input = ctx.input(0);
    let Some(dims) = input.dims() else { return Ok(vec![input; ctx.outputs]) };
    match dims {
        [outer @ .., rows, columns] => {
            if rows.zip(*columns).is_some_and(|(rows, columns)| rows != columns) {
                return Err(Error::invalid_argument("Input matrix must be square."));
            }
            let side = rows.or(*columns);
            Ok(vec![PartialShape::new(outer.iter().copied().chain([side, side])); ctx.outputs])
        }
        _ => Err(Error::invalid_argument(format!("Input tensor 0 must have rank >= 2, got {}", dims.len()))),
    }
}

/// What is known of rows and columns of input `i`, and of the dimensions before them; `None` if the rank is unknown.
///
/// # Errors
/// `INVALID_ARGUMENT` below rank two.
#[allow(clippy::type_complexity, reason = "three parts of one shape")]
pub fn partial(
    ctx: &ShapeContext<'_>,
    i: usize,
) -> Result<Option<(Vec<Option<usize>>, Option<usize>, Option<usize>)>> {
    let input = ctx.input(i);
    match input.dims() {
        None => Ok(None),
        Some([outer @ .., rows, columns]) => Ok(Some((outer.to_vec(), *rows, *columns))),
        Some(dims) => {
            Err(Error::invalid_argument(format!("Input tensor {i} must have rank >= 2, got {}", dims.len())))
        }
    }
}

/// The shape of the solutions of `A X = B`: as many rows as A has columns, as many columns as B.
///
/// # Errors
/// `INVALID_ARGUMENT` below rank two.
pub fn solver_shape(ctx: &ShapeContext<'_>) -> Result<Vec<PartialShape>> {
    let (Some((outer, _, rows)), Some((_, _, columns))) = (partial(ctx, 0)?, partial(ctx, 1)?) else {
        return Ok(vec![PartialShape::unknown()]);
    };
    Ok(vec![PartialShape::new(outer.into_iter().chain([rows, columns]))])
}
