//! Sparse tensors as operators take them: indices, values and a dense shape.

use std::cmp::Ordering;

use savedmodel_op::{Context, Run};
use savedmodel_tensor::{Error, Result, Shape, Tensor, Unit, by_unit};

/// A sparse tensor: a matrix of indices, a vector of as many values, and the shape of the whole.
///
/// Indices may lie outside of the shape, may be out of order and may repeat, unless an operator asks for more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coo<'a> {
    /// All indices, row by row.
    pub indices: &'a [i64],
    /// The values.
    pub values: &'a Tensor,
    /// The sizes of the dimensions.
    pub sizes: &'a [i64],
}

impl<'a> Coo<'a> {
    /// The sparse tensor in three inputs, of which `first` is the first.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when their shapes do not fit together.
    pub fn of(ctx: &'a Context<'_>, first: usize) -> Result<Coo<'a>> {
        Coo::new(ctx.input(first), ctx.input(first + 1), ctx.input(first + 2))
    }

    /// The sparse tensor in three tensors.
    ///
    /// # Errors
    /// As [`Coo::of`].
    pub fn new(indices: &'a Tensor, values: &'a Tensor, shape: &'a Tensor) -> Result<Coo<'a>> {
        let parts = [("indices", indices, 2), ("values", values, 1), ("shape", shape, 1)];
        for (name, part, rank) in parts {
            if part.rank() != rank {
                return Err(Error::invalid_argument(format!(
                    "Sparse {name} must be rank {rank} but is rank {}",
                    part.rank()
                )));
            }
        }
        if indices.shape()[0] != values.elements() {
            return Err(Error::invalid_argument(format!(
                "Number of elements in indices ({}) and values ({}) do not match",
                indices.shape()[0],
                values.elements()
            )));
        }
        if indices.shape()[1] != shape.elements() {
            return Err(Error::invalid_argument(format!(
                "Index rank ({}) and shape rank ({}) do not match",
                indices.shape()[1],
                shape.elements()
            )));
        }
        Ok(Coo { indices: indices.as_slice()?, values, sizes: shape.as_slice()? })
    }

    /// The number of dimensions.
    pub fn rank(&self) -> usize {
        self.sizes.len()
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        self.values.elements()
    }

    /// The index of value `i`.
    pub fn index(&self, i: usize) -> &'a [i64] {
        let rank = self.rank();
        &self.indices[i * rank..(i + 1) * rank]
    }

    /// The dense shape.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a negative size or too many elements.
    pub fn shape(&self) -> Result<Shape> {
        to_shape(self.sizes)
    }

    /// Checks that every index lies within the shape.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for the first that does not.
    pub fn check_bounds(&self) -> Result<()> {
        let outside = |&i: &usize| {
            !self.index(i).iter().zip(self.sizes).all(|(&index, &size)| (0..size).contains(&index))
        };
        match (0..self.len()).find(outside) {
            None => Ok(()),
            Some(i) => Err(Error::invalid_argument(format!(
                "Sparse index tuple indices[{i}, :] = {} is out of bounds",
                show(self.index(i))
            ))),
        }
    }

    /// Checks that every index lies within the shape, and that indices increase.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for the first that does not.
    pub fn check(&self) -> Result<()> {
        let wrong = |i: usize, what: String| {
            Error::invalid_argument(format!("indices[{i}] = {} {what}", list(self.index(i))))
        };
        for i in 0..self.len() {
            let index = self.index(i);
            if !index.iter().zip(self.sizes).all(|(&index, &size)| (0..size).contains(&index)) {
                return Err(wrong(i, format!("is out of bounds: need 0 <= index < {}", list(self.sizes))));
            }
            match i.checked_sub(1).map(|before| self.index(before).cmp(index)) {
                Some(Ordering::Equal) => return Err(wrong(i, "is repeated".to_owned())),
                Some(Ordering::Greater) => {
                    return Err(wrong(
                        i,
                        "is out of order. Many sparse ops require sorted indices.\n    Use `tf.sparse.reorder` to \
                         create a correctly ordered copy."
                            .to_owned(),
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether the indices are in order; equal ones may follow each other.
    pub fn is_sorted(&self) -> bool {
        (1..self.len()).all(|i| self.index(i - 1) <= self.index(i))
    }

    /// The numbers of the values in the order of their indices; those of equal indices stay in order.
    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.len()).collect();
        if !self.is_sorted() {
            order.sort_by(|&a, &b| self.index(a).cmp(self.index(b)));
        }
        order
    }
}

/// `[1, 2]`.
pub(crate) fn show(index: &[i64]) -> String {
    format!("{index:?}")
}

/// `[1,2]`.
pub(crate) fn list(index: &[i64]) -> String {
    format!("[{}]", index.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
}

/// The shape that sizes mean.
///
/// # Errors
/// `INVALID_ARGUMENT` for a negative size or too many elements.
pub(crate) fn to_shape(sizes: &[i64]) -> Result<Shape> {
    match sizes.iter().find(|&&size| size < 0) {
        Some(size) => {
            Err(Error::invalid_argument(format!("Expected shape dimensions to be non-negative, got {size}")))
        }
        None => Shape::from_i64(sizes),
    }
}

/// An index matrix of `rank` columns.
pub(crate) fn matrix(rows: usize, rank: usize, indices: Vec<i64>) -> Result<Tensor> {
    Tensor::from_vec([rows, rank], indices)
}

/// A vector of `int64`s, such as a dense shape.
pub(crate) fn vector(values: Vec<i64>) -> Result<Tensor> {
    Tensor::from_vec([values.len()], values)
}

/// As many zeros, if they fit into the limits of the session.
///
/// # Errors
/// `RESOURCE_EXHAUSTED` when they don't.
pub(crate) fn zeros(len: usize, run: &Run<'_>) -> Result<Vec<usize>> {
    let mut zeros = Vec::new();
    if len > run.limits.tensor_bytes / size_of::<usize>() || zeros.try_reserve_exact(len).is_err() {
        return Err(Error::resource_exhausted(format!("OOM when counting {len} rows")));
    }
    zeros.resize(len, 0);
    Ok(zeros)
}

/// The elements of a vector at some places.
pub(crate) fn pick(values: &Tensor, places: &[usize], run: &Run<'_>) -> Result<Tensor> {
    fn copy<U: Unit>(out: &mut Tensor, values: &Tensor, places: &[usize]) -> Result<()> {
        let from = values.units::<U>()?;
        for (to, &place) in out.units_mut::<U>()?.iter_mut().zip(places) {
            to.clone_from(&from[place]);
        }
        Ok(())
    }
    let mut out = run.allocate(values.dtype(), [places.len()])?;
    by_unit!(values.dtype(), U => copy::<U>(&mut out, values, places))?;
    Ok(out)
}
