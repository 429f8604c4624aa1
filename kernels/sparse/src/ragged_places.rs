//! Where the values of a ragged tensor go in a dense one.

use savedmodel_op::Run;
use savedmodel_tensor::{Error, Result};

use crate::coo::zeros;
use crate::ragged::widest;

/// How one dimension of a ragged tensor is split into rows.
pub(crate) enum Partition {
    /// Row splits.
    Splits(Vec<i64>),
    /// The row of each value.
    RowIds(Vec<i64>),
}

/// The place of something that lies outside of the output.
pub(crate) const NOWHERE: usize = usize::MAX;

/// The places of the values (or rows) of one depth, in units of values.
pub(crate) struct Places {
    places: Vec<usize>,
    /// How many there are; those that `places` does not tell are nowhere.
    count: usize,
}

impl Places {
    /// The places of `count` rows of `size` values, of which `most` fit into the output.
    pub fn outermost(count: usize, most: usize, size: usize, run: &Run<'_>) -> Result<Places> {
        let mut places = zeros(count.min(most), run)?;
        places.iter_mut().enumerate().for_each(|(i, place)| *place = i * size);
        Ok(Places { places, count })
    }

    /// The places of what lies in these rows: `size` values each, `width` of them in a row.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the partition names rows that there are not, or is not in order.
    pub fn within(&self, rows: &Partition, size: usize, width: usize, run: &Run<'_>) -> Result<Places> {
        match rows {
            Partition::Splits(splits) => self.split(splits, size, width, run),
            Partition::RowIds(ids) => self.assigned(ids, size, width),
        }
    }

    /// All places.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.count).map(|i| self.at(i))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    fn at(&self, i: usize) -> usize {
        self.places.get(i).copied().unwrap_or(NOWHERE)
    }

    fn split(&self, splits: &[i64], size: usize, width: usize, run: &Run<'_>) -> Result<Places> {
        let rows = splits.len().saturating_sub(1);
        if rows > self.count {
            return Err(Error::invalid_argument(format!(
                "Row partition size is greater than output size: {rows} > {}",
                self.count
            )));
        }
        let len = |pair: &[i64]| pair[1].checked_sub(pair[0]).map(|len| len.max(0));
        let total = splits.windows(2).try_fold(0_i64, |total, pair| total.checked_add(len(pair)?));
        let total = match (total, splits.last()) {
            (Some(total), Some(&last)) if total == last => total as usize,
            (Some(_), None) => 0,
            _ => return Err(Error::invalid_argument("Invalid row split size.")),
        };
        let mut places = zeros(total, run)?;
        let mut rest = &mut places[..];
        for (row, pair) in splits.windows(2).enumerate() {
            let (own, after) = rest.split_at_mut(len(pair).unwrap_or(0) as usize);
            let start = self.at(row);
            let fits = if start == NOWHERE { 0 } else { width };
            for (column, place) in own.iter_mut().enumerate() {
                *place = if column < fits { start + column * size } else { NOWHERE };
            }
            rest = after;
        }
        Ok(Places { places, count: total })
    }

    fn assigned(&self, ids: &[i64], size: usize, width: usize) -> Result<Places> {
        let mut places = Vec::with_capacity(ids.len());
        let (mut current, mut column, mut start) = (None, 0, NOWHERE);
        for &id in ids {
            if current != Some(id) {
                let row = usize::try_from(id).ok().filter(|&row| row < self.count).ok_or_else(|| {
                    let which = if current.is_none() { "current" } else { "next" };
                    let rows = self.count;
                    Error::invalid_argument(format!(
                        "Got {which}_value_rowid={id} which is not less than {rows}"
                    ))
                })?;
                (current, column, start) = (Some(id), 0, self.at(row));
            } else {
                column += 1;
            }
            // The first of a row goes to the row's place even if rows have no width.
            let is_inside = start != NOWHERE && (column == 0 || column < width);
            places.push(if is_inside { start + column * size } else { NOWHERE });
        }
        Ok(Places { count: places.len(), places })
    }
}

/// The number of values in the longest row.
pub(crate) fn width(rows: &Partition) -> usize {
    match rows {
        Partition::Splits(splits) => widest(splits) as usize,
        Partition::RowIds(ids) => ids.chunk_by(|a, b| a == b).map(<[i64]>::len).max().unwrap_or(0),
    }
}
