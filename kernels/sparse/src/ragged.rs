//! Row splits: where the rows of a ragged tensor begin and end among its values.

use savedmodel_op::{Run, ShapeContext};
use savedmodel_tensor::{DType, Error, Result, Tensor};

use crate::coo::zeros;

/// Checks that what is known of the first `depth` inputs leaves them vectors of row splits.
///
/// # Errors
/// `INVALID_ARGUMENT` when one is known to be none.
pub fn check_splits_shapes(ctx: &ShapeContext<'_>, depth: usize) -> Result<()> {
    match (0..depth).find_map(|i| ctx.input(i).rank().filter(|&rank| rank != 1)) {
        Some(rank) => Err(Error::invalid_argument(format!("Shape must be rank 1 but is rank {rank}"))),
        None => Ok(()),
    }
}

/// A vector of row splits as a tensor of `int32` or `int64`.
///
/// # Errors
/// `INVALID_ARGUMENT` when a split does not fit.
pub(crate) fn to_tensor(splits: &[i64], dtype: DType) -> Result<Tensor> {
    if dtype == DType::Int64 {
        return Tensor::from_slice([splits.len()], splits);
    }
    let narrow = |&split: &i64| {
        i32::try_from(split)
            .map_err(|_| Error::invalid_argument(format!("row split {split} does not fit {dtype}")))
    };
    Tensor::from_vec([splits.len()], splits.iter().map(narrow).collect::<Result<_>>()?)
}

/// Row splits that cut `count` values, if that is known, into rows.
///
/// # Errors
/// `INVALID_ARGUMENT` when they do not start with zero, do not end with `count`, or decrease.
pub(crate) fn to_splits(tensor: &Tensor, count: Option<usize>) -> Result<Vec<i64>> {
    let refuse = |what: String| Err(Error::invalid_argument(format!("Invalid ragged splits: {what}")));
    if tensor.rank() != 1 {
        return refuse(format!("ragged splits must be rank 1 but is rank {}", tensor.rank()));
    }
    let splits = tensor.to_i64s()?;
    let (Some(&first), Some(&last)) = (splits.first(), splits.last()) else {
        return refuse("ragged splits must have at least one splits, but is empty".to_owned());
    };
    if first != 0 {
        return refuse(format!("first element of ragged splits  must be 0 but is {first}"));
    }
    if let Some(i) = (1..splits.len()).find(|&i| splits[i] < splits[i - 1]) {
        return refuse(format!(
            "ragged splits must be monotonically increasing, but ragged_splits[{i}]={} is smaller than \
             row_splits[{}]={}",
            splits[i],
            i - 1,
            splits[i - 1]
        ));
    }
    match count {
        Some(count) if last != count as i64 => refuse(format!(
            "last element of ragged splits must be the number of ragged values({count}) but is {last}"
        )),
        _ => Ok(splits),
    }
}

/// The splits of rows of equal length.
///
/// # Errors
/// `RESOURCE_EXHAUSTED` when there are too many for the limits of the session.
pub(crate) fn even(rows: usize, len: usize, run: &Run<'_>) -> Result<Vec<i64>> {
    let splits = zeros(rows.saturating_add(1), run)?.into_iter().enumerate();
    Ok(splits.map(|(row, zero)| zero as i64 + row.saturating_mul(len) as i64).collect())
}

/// The largest number of values in a row.
pub(crate) fn widest(splits: &[i64]) -> i64 {
    splits.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).fold(0, i64::max)
}

/// The first pair of neighbours that decreases.
pub(crate) fn decrease(splits: &[i64]) -> Option<(i64, i64)> {
    splits.windows(2).find(|pair| pair[1] < pair[0]).map(|pair| (pair[0], pair[1]))
}

/// The dtypes of the values that kernels for ragged tensors move.
pub(crate) const VALUES: &[DType] = &[
    DType::Float,
    DType::Double,
    DType::Half,
    DType::Bfloat16,
    DType::Int8,
    DType::Int16,
    DType::Int32,
    DType::Int64,
    DType::Uint8,
    DType::Uint16,
    DType::Uint32,
    DType::Uint64,
    DType::Bool,
    DType::Complex64,
    DType::Complex128,
    DType::String,
    DType::Qint8,
    DType::Quint8,
    DType::Qint16,
    DType::Quint16,
    DType::Qint32,
];
