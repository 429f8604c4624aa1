//! Where updates of rows go.

use std::ops::Range;

use savedmodel_tensor::{Error, Result, Shape, Tensor};

/// The rows of a variable that the updates go to, in order, and the size of a row.
pub(crate) struct Rows {
    pub rows: Vec<usize>,
    pub size: usize,
    /// Whether a single update goes to every element.
    pub broadcast: bool,
}

impl Rows {
    /// Checks shapes and indices: `updates` is `indices.shape + variable.shape[1..]`, or a scalar.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when shapes don't match or an index is out of range.
    pub fn of(variable: &Shape, indices: &Tensor, updates: &Shape) -> Result<Rows> {
        let Some((&count, row)) = variable.split_first() else {
            return Err(Error::invalid_argument("the variable must be at least a vector to scatter into"));
        };
        let want: Shape = indices.shape().iter().chain(row).copied().collect();
        let broadcast = updates.rank() == 0;
        if !broadcast && *updates != want {
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
        Ok(Rows { rows: rows.collect::<Result<_>>()?, size: row.iter().product(), broadcast })
    }

    /// For each update, where it goes and where it comes from.
    pub fn pairs(&self) -> impl Iterator<Item = (Range<usize>, Range<usize>)> + '_ {
        let size = self.size;
        self.rows
            .iter()
            .enumerate()
            .map(move |(i, &row)| (row * size..(row + 1) * size, i * size..(i + 1) * size))
    }
}
