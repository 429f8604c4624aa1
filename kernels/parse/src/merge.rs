//! Values of examples, put together to tensors.

use savedmodel_op::Run;
use savedmodel_tensor::{Bytes, DType, Result, Shape, Tensor};

use crate::feature::Values;
use crate::features::Dense;

/// The values of a feature in some examples, one after the other.
#[derive(Clone, Debug)]
pub struct Column {
    /// All values.
    pub values: Values,
    /// Where the values of each example end.
    pub ends: Vec<usize>,
}

impl Column {
    /// No examples yet.
    pub fn new(dtype: DType) -> Column {
        Column { values: Values::new(dtype), ends: Vec::new() }
    }

    /// The number of values of each example.
    fn lengths(&self) -> impl Iterator<Item = usize> {
        self.ends.iter().scan(0, |start, &end| Some(end - std::mem::replace(start, end)))
    }
}

/// The values of all columns as a vector.
fn vector(dtype: DType, columns: Vec<Column>) -> Result<Tensor> {
    let total = columns.iter().map(|column| column.values.len()).sum::<usize>();
    let mut out = Tensor::zeros(dtype, [total])?;
    let mut at = 0;
    for column in columns {
        let place = at..at + column.values.len();
        at = place.end;
        match column.values {
            Values::Float(values) => out.as_mut_slice::<f32>()?[place].copy_from_slice(&values),
            Values::Int64(values) => out.as_mut_slice::<i64>()?[place].copy_from_slice(&values),
            Values::String(values) => {
                out.units_mut::<Bytes>()?[place]
                    .iter_mut()
                    .zip(values)
                    .for_each(|(slot, value)| *slot = value);
            }
        }
    }
    Ok(out)
}

/// Values as a vector.
///
/// # Errors
/// `RESOURCE_EXHAUSTED` when there is no memory.
pub fn values(values: Values) -> Result<Tensor> {
    let n = values.len();
    match values {
        Values::Float(values) => Tensor::from_vec([n], values),
        Values::Int64(values) => Tensor::from_vec([n], values),
        Values::String(values) => Tensor::from_strings([n], values),
    }
}

/// Indices, values and shape of a sparse matrix of a row for each example.
///
/// # Errors
/// `RESOURCE_EXHAUSTED` when there is no memory.
pub fn sparse(dtype: DType, examples: usize, columns: Vec<Column>) -> Result<[Tensor; 3]> {
    let lengths: Vec<usize> = columns.iter().flat_map(Column::lengths).collect();
    let mut indices = Vec::with_capacity(2 * lengths.iter().sum::<usize>());
    for (row, &len) in lengths.iter().enumerate() {
        indices.extend((0..len).flat_map(|i| [row as i64, i as i64]));
    }
    let longest = lengths.iter().max().copied().unwrap_or(0);
    let shape = Tensor::from_slice([2], &[examples as i64, longest as i64])?;
    Ok([Tensor::from_vec([indices.len() / 2, 2], indices)?, vector(dtype, columns)?, shape])
}

/// Values and row splits of a ragged matrix of a row for each example.
///
/// # Errors
/// `RESOURCE_EXHAUSTED` when there is no memory.
pub fn ragged(dtype: DType, splits_dtype: DType, columns: Vec<Column>) -> Result<[Tensor; 2]> {
    let lengths: Vec<usize> = columns.iter().flat_map(Column::lengths).collect();
    Ok([vector(dtype, columns)?, splits(splits_dtype, &lengths)?])
}

/// The splits between rows of these lengths.
///
/// # Errors
/// `RESOURCE_EXHAUSTED` when there is no memory.
pub fn splits(dtype: DType, lengths: &[usize]) -> Result<Tensor> {
    let ends = lengths.iter().scan(0, |end, len| {
        *end += len;
        Some(*end)
    });
    let splits = std::iter::once(0).chain(ends);
    match dtype {
        DType::Int32 => Tensor::from_vec([lengths.len() + 1], splits.map(|split| split as i32).collect()),
        _ => Tensor::from_vec([lengths.len() + 1], splits.map(|split| split as i64).collect()),
    }
}

/// Rows of examples, padded with the default value to the length of the longest.
///
/// # Errors
/// `RESOURCE_EXHAUSTED` when there is no memory.
pub fn padded(
    run: &Run<'_>,
    feature: &Dense,
    default: &Tensor,
    examples: usize,
    columns: Vec<Column>,
) -> Result<Tensor> {
    let longest = columns.iter().flat_map(Column::lengths).max().unwrap_or(0);
    let rows = longest.checked_div(feature.stride).unwrap_or(0);
    let shape: Shape = [examples, rows].into_iter().chain(feature.inner()).collect();
    let mut out = run.allocate(feature.dtype, shape)?;
    let (row, mut at) = (rows * feature.stride, 0);
    for column in columns {
        let lengths: Vec<usize> = column.lengths().collect();
        let place = at..at + lengths.len() * row;
        at = place.end;
        match column.values {
            Values::Float(values) => {
                pad(
                    &mut out.as_mut_slice::<f32>()?[place],
                    &default.as_slice::<f32>()?[0],
                    &values,
                    &lengths,
                );
            }
            Values::Int64(values) => {
                pad(
                    &mut out.as_mut_slice::<i64>()?[place],
                    &default.as_slice::<i64>()?[0],
                    &values,
                    &lengths,
                );
            }
            Values::String(values) => {
                pad(&mut out.units_mut::<Bytes>()?[place], &default.strings()?[0], &values, &lengths);
            }
        }
    }
    Ok(out)
}

/// Writes values of these lengths to rows of equal length.
fn pad<T: Clone>(out: &mut [T], filler: &T, values: &[T], lengths: &[usize]) {
    let row = out.len() / lengths.len().max(1);
    let (mut rest, mut values) = (out, values);
    for &len in lengths {
        let (place, others) = rest.split_at_mut(row);
        let (found, more) = values.split_at(len);
        place[..len].clone_from_slice(found);
        place[len..].fill(filler.clone());
        (rest, values) = (others, more);
    }
}
