//! Pairs of matrices from two batches that broadcast.

use savedmodel_op::Context;
use savedmodel_tensor::{Error, Result, Shape};

use crate::dense::{Matrix, Scalar};

/// The sizes of two batches of matrices, inputs 0 and 1, and of what they broadcast to.
pub struct Pairs {
    /// Rows and columns of the matrices of input 0.
    pub left: [usize; 2],
    /// Rows and columns of the matrices of input 1.
    pub right: [usize; 2],
    outer: Shape,
    batches: [Vec<usize>; 2],
}

impl Pairs {
    /// Those of the inputs.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` below rank two and for batches that don't broadcast.
    pub fn of(ctx: &Context<'_>) -> Result<Pairs> {
        let shapes = [ctx.input(0).shape(), ctx.input(1).shape()];
        for (i, shape) in shapes.iter().enumerate() {
            if shape.rank() < 2 {
                return Err(Error::invalid_argument(format!("In[{i}] ndims must be >= 2: {}", shape.rank())));
            }
        }
        let [batches, sizes] = [0, 1].map(|part| {
            shapes.map(|shape| {
                let (outer, inner) = shape.dims().split_at(shape.rank() - 2);
                if part == 0 { outer.to_vec() } else { inner.to_vec() }
            })
        });
        let [a, b] = batches.each_ref().map(|dims| Shape::from(dims.clone()));
        let Some(outer) = Shape::broadcast(&a, &b) else {
            return Err(Error::invalid_argument(format!(
                "In[0] and In[1] must have compatible batch dimensions: {} vs. {}",
                shapes[0], shapes[1]
            )));
        };
        let [left, right] = sizes.map(|sizes| [sizes[0], sizes[1]]);
        Ok(Pairs { left, right, outer, batches })
    }

    /// Checks that right-hand sides have as many rows as there are unknowns.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when they have not.
    pub fn check(&self, ctx: &Context<'_>, unknowns: usize, lower: bool, adjoint: bool) -> Result<()> {
        if unknowns == self.right[0] {
            return Ok(());
        }
        Err(Error::invalid_argument(format!(
            "In[0] mismatch In[1] shape: {unknowns} vs. {}: {} {} {} {}",
            self.right[0],
            ctx.input(0).shape(),
            ctx.input(1).shape(),
            u8::from(lower),
            u8::from(adjoint)
        )))
    }

    /// Number of pairs.
    pub fn count(&self) -> usize {
        self.outer.elements()
    }

    /// The dimensions of the batch with others after them.
    pub fn with(&self, inner: &[usize]) -> Vec<usize> {
        [self.outer.dims(), inner].concat()
    }

    /// The matrices of pair `i`.
    pub fn matrices<T: Scalar>(&self, left: &[T], right: &[T], i: usize) -> (Matrix<T>, Matrix<T>) {
        let matrix = |data: &[T], [rows, columns]: [usize; 2], batch: &[usize]| {
            let start = self.place(batch, i) * rows * columns;
            Matrix::of(rows, columns, &data[start..start + rows * columns])
        };
        (matrix(left, self.left, &self.batches[0]), matrix(right, self.right, &self.batches[1]))
    }

    /// The number of the matrix of a batch that stands for pair `i`.
    fn place(&self, batch: &[usize], i: usize) -> usize {
        let (mut rest, mut place, mut stride) = (i, 0, 1);
        for (axis, &size) in self.outer.dims().iter().enumerate().rev() {
            let (at, lead) = (rest % size, self.outer.rank() - batch.len());
            rest /= size;
            if axis >= lead {
                let own = batch[axis - lead];
                place += if own == 1 { 0 } else { at * stride };
                stride *= own;
            }
        }
        place
    }
}
