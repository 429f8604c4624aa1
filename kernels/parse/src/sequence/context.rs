//! Features of whole sequences.

use savedmodel_op::Run;
use savedmodel_tensor::{Bytes, DType, Error, Result, Shape, Tensor};

use super::{DenseFeature, Examples, Found, Keys, Wanted, one};
use crate::batch::Parsed;
use crate::feature::Values;
use crate::merge::{self, Column};
use crate::wire::Reader;

/// Makes tensors of the features of whole sequences.
///
/// # Errors
/// `INVALID_ARGUMENT` when a feature is missing, or is not of the dtype and size that are asked for.
pub fn parse_context(
    run: &Run<'_>,
    examples: &Examples<'_>,
    wanted: &Wanted,
    (keys, found): (&Keys, &Found<'_>),
    defaults: &[&Tensor],
) -> Result<Parsed> {
    let dtypes = wanted.dense.iter().map(|dense| dense.dtype).chain(wanted.sparse.iter().copied());
    let dtypes = dtypes.chain(wanted.ragged.iter().map(|ragged| ragged.0));
    let mut columns = Vec::new();
    for (feature, dtype) in dtypes.enumerate() {
        let found = &found[keys.number[feature]];
        columns.push(column(examples, dtype, &keys.name(feature), found)?);
    }
    let mut columns = columns.into_iter();
    let mut parsed = Parsed::default();
    for (feature, dense) in wanted.dense.iter().enumerate() {
        let Some(column) = columns.next() else { break };
        let (name, found) = (keys.name(feature), &found[keys.number[feature]]);
        parsed.dense.push(dense_tensor(run, examples, (dense, &name, defaults[feature]), found, &column)?);
    }
    for (&dtype, column) in wanted.sparse.iter().zip(columns.by_ref()) {
        let [indices, values, shape] = merge::sparse(dtype, examples.examples.len(), vec![column])?;
        parsed.sparse.push(if examples.is_batch {
            [indices, values, shape]
        } else {
            let shape = Tensor::from_slice([1], &shape.as_slice::<i64>()?[1..])?;
            [inner_column(&indices)?, values, shape]
        });
    }
    for (&(dtype, splits), column) in wanted.ragged.iter().zip(columns) {
        let [values, row_splits] = merge::ragged(dtype, splits, vec![column])?;
        parsed.ragged.push([values, if examples.is_batch { row_splits } else { no_splits(splits)? }]);
    }
    Ok(parsed)
}

/// What stands for splits where there is no dimension for the examples.
///
/// # Errors
/// None in practice.
pub fn no_splits(dtype: DType) -> Result<Tensor> {
    Tensor::zeros(dtype, Shape::scalar())
}

/// Indices without the number of the example.
fn inner_column(indices: &Tensor) -> Result<Tensor> {
    let inner: Vec<i64> = indices.as_slice::<i64>()?.chunks_exact(2).map(|index| index[1]).collect();
    Tensor::from_vec([inner.len(), 1], inner)
}

/// The values of a feature in all examples.
fn column(examples: &Examples<'_>, dtype: DType, name: &str, found: &[Option<&[u8]>]) -> Result<Column> {
    let mut column = Column::new(dtype);
    for (index, (feature, owner)) in found.iter().zip(examples.examples).enumerate() {
        if let Some(feature) = feature.filter(|feature| !feature.is_empty()) {
            one::read(&mut Reader::new(feature), dtype, owner, &mut column.values).ok_or_else(|| {
                let label = examples.label(index);
                Error::invalid_argument(format!(
                    "Name: {label}, Context feature: {name}.  Data types don't match. Expected type: {dtype}"
                ))
            })?;
        }
        column.ends.push(column.values.len());
    }
    Ok(column)
}

fn dense_tensor(
    run: &Run<'_>,
    examples: &Examples<'_>,
    (dense, name, default): (&DenseFeature, &str, &Tensor),
    found: &[Option<&[u8]>],
    column: &Column,
) -> Result<Tensor> {
    let starts = || std::iter::once(0).chain(column.ends.iter().copied());
    let lengths: Vec<usize> = column.ends.iter().zip(starts()).map(|(end, start)| end - start).collect();
    let longest = lengths.iter().copied().max().unwrap_or(0).max(default.elements());
    let size = dense.shape.known().and_then(|shape| shape.checked_elements().ok());
    let Some(size) = size.filter(|&size| size == longest) else {
        let expected = size.map_or_else(|| dense.shape.to_string(), |size| size.to_string());
        return Err(Error::invalid_argument(format!(
            "Inconsistent max number of elements for feature {name}: expected {expected}, but found {longest}"
        )));
    };
    let lead = examples.is_batch.then_some(examples.examples.len());
    let inner = dense.shape.known().unwrap_or_default();
    let shape: Shape = lead.into_iter().chain(inner.iter().copied()).collect();
    let mut out = run.allocate(dense.dtype, shape)?;
    for (index, (start, &len)) in starts().zip(&lengths).enumerate() {
        if found[index].is_none() {
            if default.elements() == 0 {
                return Err(Error::invalid_argument(format!(
                    "Feature: {name} (data type: {}) is required but could not be found.",
                    dense.dtype
                )));
            }
            write(&mut out, index * size, default)?;
            continue;
        }
        if len != size {
            let label = examples.label(index);
            return Err(Error::invalid_argument(format!("Unexpected number of elements in example {label}")));
        }
        write_values(&mut out, index * size, &column.values, start..start + len)?;
    }
    Ok(out)
}

fn write(out: &mut Tensor, at: usize, values: &Tensor) -> Result<()> {
    let place = at..at + values.elements();
    match values.dtype() {
        DType::Float => out.as_mut_slice::<f32>()?[place].copy_from_slice(values.as_slice()?),
        DType::Int64 => out.as_mut_slice::<i64>()?[place].copy_from_slice(values.as_slice()?),
        _ => out.units_mut::<Bytes>()?[place].clone_from_slice(values.strings()?),
    }
    Ok(())
}

/// Writes some of the values, from `at` on.
///
/// # Errors
/// `INTERNAL` when the dtypes differ.
pub fn write_values(
    out: &mut Tensor,
    at: usize,
    values: &Values,
    range: std::ops::Range<usize>,
) -> Result<()> {
    let place = at..at + range.len();
    match values {
        Values::Float(values) => out.as_mut_slice::<f32>()?[place].copy_from_slice(&values[range]),
        Values::Int64(values) => out.as_mut_slice::<i64>()?[place].copy_from_slice(&values[range]),
        Values::String(values) => out.units_mut::<Bytes>()?[place].clone_from_slice(&values[range]),
    }
    Ok(())
}
