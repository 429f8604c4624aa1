//! Where updates of rows go.

use std::ops::Range;

use savedmodel_tensor::{Error, Result, Shape, Tensor};

/// The rows of a variable that the updates go to, in order, and the size of a row.
pub(crate) struct Rows {
    pub rows: Vec<usize>,
    pub size: usize,
    /// The distance of the updates of two rows.
    pub step: usize,
    /// Whether a single update goes to every element.
    pub broadcast: bool,
}

impl Rows {
    /// Checks shapes and indices: `updates` is `indices.shape + variable.shape[1..]`, or a scalar.
    ///
    /// With `loose`, as TensorFlow has it for variables that are resources, what follows the shape of the indices may be any
    /// shape of as many elements as a row or more; the first ones are taken.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when shapes don't match or an index is out of range.
    pub fn of(variable: &Shape, indices: &Tensor, updates: &Shape, loose: bool) -> Result<Rows> {
        let Some((&count, row)) = variable.split_first() else {
            return Err(Error::invalid_argument("the variable must be at least a vector to scatter into"));
        };
        let want: Shape = indices.shape().iter().chain(row).copied().collect();
        let broadcast = updates.rank() == 0;
        let size: usize = row.iter().product();
        let step = if broadcast { 0 } else { updates.elements() / indices.elements().max(1) };
        let fits = loose && updates.starts_with(indices.shape()) && step >= size;
        if !broadcast && *updates != want && !fits {
            return Err(Error::invalid_argument(format!(
                "Must have updates.shape = indices.shape + params.shape[1:] or updates.shape = [], got updates.shape \
                 {updates}, indices.shape {}, params.shape {variable}",
                indices.shape()
            )));
        }
        let rows = indices.to_i64s()?.into_iter().enumerate().map(|(i, index)| {
            usize::try_from(index).ok().filter(|&index| index < count).ok_or_else(|| {
                Error::invalid_argument(format!("indices[{i}] = {index} is not in [0, {count})"))
            })
        });
        Ok(Rows { rows: rows.collect::<Result<_>>()?, size, step, broadcast })
    }

    /// For each update, where it goes and where it comes from.
    pub fn pairs(&self) -> impl Iterator<Item = (Range<usize>, Range<usize>)> + '_ {
        let (size, step) = (self.size, self.step);
        self.rows
            .iter()
            .enumerate()
            .map(move |(i, &row)| (row * size..(row + 1) * size, i * step..i * step + size))
    }
}
