//! All combinations of one feature of each column, row by row.

use savedmodel_op::Run;
use savedmodel_tensor::{Bytes, DType, Error, Result, Tensor};
use savedmodel_text::hash::fingerprint64;

use crate::coo::zeros;

/// The features of a column.
#[derive(Clone, Copy)]
pub(crate) enum Features<'a> {
    Strings(&'a [Bytes]),
    Numbers(&'a [i64]),
}

/// A column of features, several (or none) in each row.
pub(crate) struct Column<'a> {
    features: Features<'a>,
    /// Where the features of each row begin, and where the last ones end.
    splits: Vec<usize>,
    /// Whether the column is a dense tensor.
    pub is_dense: bool,
}

impl<'a> Column<'a> {
    /// The rows of a matrix.
    pub fn dense(tensor: &'a Tensor) -> Result<Column<'a>> {
        let width = tensor.shape()[1];
        let splits = (0..=tensor.shape()[0]).map(|row| row * width).collect();
        Ok(Column { features: features(tensor)?, splits, is_dense: true })
    }

    /// Rows told by row splits, which fit the values.
    pub fn ragged(values: &'a Tensor, splits: &[i64]) -> Result<Column<'a>> {
        let splits = splits.iter().map(|&split| split as usize).collect();
        Ok(Column { features: features(values)?, splits, is_dense: false })
    }

    /// Rows told by the first column of a matrix of indices; `is_in` tells whether the next value is still in a row.
    pub fn sparse(
        indices: &Tensor,
        values: &'a Tensor,
        rows: usize,
        is_in: fn(i64, i64) -> bool,
        run: &Run<'_>,
    ) -> Result<Column<'a>> {
        let rank = indices.shape()[1];
        let indices = indices.as_slice::<i64>()?;
        let mut splits = zeros(rows + 1, run)?;
        let mut next = 0;
        for (row, split) in splits[1..].iter_mut().enumerate() {
            while next < values.elements() && is_in(indices[next * rank], row as i64) {
                next += 1;
            }
            *split = next;
        }
        Ok(Column { features: features(values)?, splits, is_dense: false })
    }

    fn len(&self, row: usize) -> usize {
        self.splits[row + 1] - self.splits[row]
    }

    /// A hash of each feature; numbers are their own.
    pub fn fingerprints(&self) -> Vec<u64> {
        self.hashes(fingerprint64, |number| number as u64)
    }

    /// A hash of each feature by two functions.
    pub fn hashes(&self, string: impl Fn(&[u8]) -> u64, number: impl Fn(i64) -> u64) -> Vec<u64> {
        match self.features {
            Features::Strings(values) => values.iter().map(|value| string(value)).collect(),
            Features::Numbers(values) => values.iter().map(|&value| number(value)).collect(),
        }
    }

    /// Each feature as text.
    fn texts(&self) -> Vec<Bytes> {
        match self.features {
            Features::Strings(values) => values.to_vec(),
            Features::Numbers(values) => values.iter().map(|value| value.to_string().into()).collect(),
        }
    }
}

fn features(tensor: &Tensor) -> Result<Features<'_>> {
    match tensor.dtype() {
        DType::String => tensor.strings().map(Features::Strings),
        _ => tensor.as_slice().map(Features::Numbers),
    }
}

/// The number of combinations in each row.
///
/// # Errors
/// `RESOURCE_EXHAUSTED` when there are too many.
pub(crate) fn counts(columns: &[Column<'_>], rows: usize, run: &Run<'_>) -> Result<Vec<usize>> {
    let mut counts = zeros(rows, run)?;
    let mut total = 0_usize;
    for (row, count) in counts.iter_mut().enumerate() {
        let lens = || columns.iter().map(|column| column.len(row));
        let product = match lens().any(|len| len == 0) {
            true => Some(0),
            false => lens().try_fold(1_usize, usize::checked_mul),
        };
        let sum = product.and_then(|product| (total.checked_add(product)).map(|sum| (product, sum)));
        match sum {
            Some((product, sum)) if sum <= run.limits.tensor_bytes / (2 * size_of::<i64>()) => {
                (*count, total) = (product, sum);
            }
            _ => return Err(Error::resource_exhausted("OOM when crossing features: too many combinations")),
        }
    }
    Ok(counts)
}

/// Calls `take` with the feature of each column, for each combination of each row, the last column first.
fn each(columns: &[Column<'_>], counts: &[usize], mut take: impl FnMut(&[usize])) {
    let mut chosen = vec![0; columns.len()];
    for (row, &count) in counts.iter().enumerate() {
        chosen.iter_mut().zip(columns).for_each(|(chosen, column)| *chosen = column.splits[row]);
        for _ in 0..count {
            take(&chosen);
            for (chosen, column) in chosen.iter_mut().zip(columns).rev() {
                *chosen += 1;
                if *chosen < column.splits[row + 1] {
                    break;
                }
                *chosen = column.splits[row];
            }
        }
    }
}

/// All combinations, as the texts of their features joined by `separator`.
pub(crate) fn join(columns: &[Column<'_>], counts: &[usize], separator: &[u8]) -> Result<Tensor> {
    let texts: Vec<Vec<Bytes>> = columns.iter().map(Column::texts).collect();
    let mut joined = Vec::with_capacity(counts.iter().sum());
    each(columns, counts, |chosen| {
        let parts: Vec<&[u8]> = texts.iter().zip(chosen).map(|(texts, &i)| &texts[i][..]).collect();
        joined.push(Bytes::from(parts.join(separator)));
    });
    Tensor::from_strings([joined.len()], joined)
}

/// The fingerprint of two things in order, from the fingerprints of both (TensorFlow's `FingerprintCat64`).
fn concatenate(a: u64, b: u64) -> u64 {
    const M: u64 = 0xc6a4_a793_5bd1_e995;
    let mix = |value: u64| value ^ (value >> 47);
    let hash = (a ^ M ^ mix(b.wrapping_mul(M)).wrapping_mul(M)).wrapping_mul(M);
    mix(mix(hash).wrapping_mul(M))
}

/// All combinations, as the hashes of their features combined, from `start` on if there is one, in buckets.
///
/// Without buckets the hash is taken modulo the largest `int64`.
pub(crate) fn hash(
    columns: &[Column<'_>],
    counts: &[usize],
    hashes: &[Vec<u64>],
    start: Option<u64>,
    buckets: i64,
) -> Result<Tensor> {
    let modulus = if buckets > 0 { buckets } else { i64::MAX } as u64;
    let mut crossed = Vec::with_capacity(counts.iter().sum());
    each(columns, counts, |chosen| {
        let own = hashes.iter().zip(chosen).map(|(hashes, &i)| hashes[i]);
        let hash = start.into_iter().chain(own).reduce(concatenate).unwrap_or(0);
        crossed.push((hash % modulus) as i64);
    });
    Tensor::from_vec([crossed.len()], crossed)
}
