//! Lists of features.

use savedmodel_op::Run;
use savedmodel_tensor::{Bytes, DType, Error, Result, Shape, Tensor};

use super::context::{no_splits, write_values};
use super::{DenseFeature, Examples, Found, Keys, Wanted, one};
use crate::feature::{Values, tag};
use crate::merge;
use crate::wire::{Reader, delimited};

/// The tensors that lists become.
#[derive(Default)]
pub struct ParsedLists {
    /// Indices, values and shape of each sparse one.
    pub sparse: Vec<[Tensor; 3]>,
    /// Each dense one, and the lengths of its lists.
    pub dense: Vec<[Tensor; 2]>,
    /// Values, outer and inner splits of each ragged one.
    pub ragged: Vec<[Tensor; 3]>,
}

/// The values of the lists of one name.
struct Lists {
    values: Values,
    /// The number of values of each item of each list.
    lengths: Vec<Vec<usize>>,
}

/// Makes tensors of lists of features; `may_miss` tells of each dense one whether a missing list counts as empty.
///
/// # Errors
/// `INVALID_ARGUMENT` when a list is missing, or is not of the dtype and size that are asked for.
pub fn parse_lists(
    run: &Run<'_>,
    examples: &Examples<'_>,
    wanted: &Wanted,
    (keys, found): (&Keys, &Found<'_>),
    may_miss: &[bool],
) -> Result<ParsedLists> {
    let dtypes = wanted.dense.iter().map(|dense| dense.dtype).chain(wanted.sparse.iter().copied());
    let dtypes = dtypes.chain(wanted.ragged.iter().map(|ragged| ragged.0));
    let mut lists = Vec::new();
    for (feature, dtype) in dtypes.enumerate() {
        lists.push(read(examples, dtype, &keys.name(feature), &found[keys.number[feature]])?);
    }
    let mut lists = lists.into_iter();
    let mut parsed = ParsedLists::default();
    for (feature, (dense, &may_miss)) in wanted.dense.iter().zip(may_miss).enumerate() {
        let Some(list) = lists.next() else { break };
        let name = keys.name(feature);
        let missing = found[keys.number[feature]].iter().position(Option::is_none);
        if let Some(index) = missing.filter(|_| !may_miss) {
            return Err(required(examples, index, &name));
        }
        parsed.dense.push(dense_tensors(run, examples, (dense, &name), &list)?);
    }
    for list in lists.by_ref().take(wanted.sparse.len()) {
        parsed.sparse.push(sparse_tensors(examples, list)?);
    }
    for (list, &(_, splits)) in lists.zip(&wanted.ragged) {
        let rows: Vec<usize> = list.lengths.iter().map(Vec::len).collect();
        let inner: Vec<usize> = list.lengths.concat();
        let outer = if examples.is_batch { merge::splits(splits, &rows)? } else { no_splits(splits)? };
        parsed.ragged.push([merge::values(list.values)?, outer, merge::splits(splits, &inner)?]);
    }
    Ok(parsed)
}

#[cold]
fn required(examples: &Examples<'_>, index: usize, name: &str) -> Error {
    let label = examples.label(index);
    Error::invalid_argument(format!(
        "Name: {label}, Feature list '{name}' is required but could not be found.  Did you mean to include it in \
         feature_list_dense_missing_assumed_empty or feature_list_dense_defaults?"
    ))
}

fn read(examples: &Examples<'_>, dtype: DType, name: &str, found: &[Option<&[u8]>]) -> Result<Lists> {
    let mut lists = Lists { values: Values::new(dtype), lengths: Vec::new() };
    for (index, (list, owner)) in found.iter().zip(examples.examples).enumerate() {
        let mut lengths = Vec::new();
        let mut reader = Reader::new(list.unwrap_or_default());
        while !reader.is_at_end() {
            let len = item(&mut reader, dtype, owner, &mut lists.values).map_err(|fault| {
                let (label, item) = (examples.label(index), lengths.len());
                Error::invalid_argument(match fault {
                    Fault::Malformed => format!("Error in sequence feature {name} in example {label}"),
                    Fault::Mismatch => format!(
                        "Name: {label}, Feature list: {name}, Index: {item}.  Data types don't match. Expected type: \
                         {dtype}"
                    ),
                })
            })?;
            lengths.push(len);
        }
        lists.lengths.push(lengths);
    }
    Ok(lists)
}

enum Fault {
    Malformed,
    Mismatch,
}

/// Reads the next item of a list; how many values it has.
fn item(reader: &mut Reader<'_>, dtype: DType, owner: &Bytes, values: &mut Values) -> Result<usize, Fault> {
    reader.expect(delimited(1)).ok_or(Fault::Malformed)?;
    match reader.length().ok_or(Fault::Malformed)? {
        0 => Ok(0),
        1 => Err(Fault::Malformed),
        // A list of the dtype without values.
        2 => {
            let is_empty = reader.expect(tag(dtype)).and_then(|()| reader.length()) == Some(0);
            if is_empty { Ok(0) } else { Err(Fault::Mismatch) }
        }
        len => {
            let limit = reader.push_limit(len);
            let count = one::read(reader, dtype, owner, values).ok_or(Fault::Mismatch)?;
            reader.pop_limit(limit);
            Ok(count)
        }
    }
}

fn dense_tensors(
    run: &Run<'_>,
    examples: &Examples<'_>,
    (dense, name): (&DenseFeature, &str),
    lists: &Lists,
) -> Result<[Tensor; 2]> {
    let row = dense.shape.known().unwrap_or_default();
    let size = row.checked_elements()?;
    let most = lists.lengths.iter().map(|items| items.iter().sum::<usize>()).max().unwrap_or(0);
    if dense.shape.known().is_none() || size == 0 || most % size != 0 {
        let dims = row.iter().map(|dim| format!(",{dim}")).collect::<String>();
        return Err(Error::invalid_argument(format!(
            "Feature list '{name}' has an unexpected number of values.  Total values size: {most} is not consistent \
             with output shape: [?{dims}]"
        )));
    }
    let lead = examples.is_batch.then_some(lists.lengths.len());
    let shape: Shape = lead.into_iter().chain([most / size]).chain(row.iter().copied()).collect();
    let mut out = run.allocate(dense.dtype, shape)?;
    let mut start = 0;
    for (index, items) in lists.lengths.iter().enumerate() {
        if let Some((item, &count)) = items.iter().enumerate().find(|item| *item.1 != size) {
            let label = examples.label(index);
            return Err(Error::invalid_argument(format!(
                "Name: {label}, Key: {name}, Index: {item}.  Number of values != expected.  values size: {count} but \
                 output shape: {row}"
            )));
        }
        let end = start + items.len() * size;
        write_values(&mut out, index * most, &lists.values, start..end)?;
        clear(&mut out, index * most + end - start..(index + 1) * most)?;
        start = end;
    }
    let lengths: Vec<i64> = lists.lengths.iter().map(|items| items.len() as i64).collect();
    let lengths_shape: Shape = lead.into_iter().collect();
    Ok([out, Tensor::from_vec(lengths_shape, lengths)?])
}

fn clear(out: &mut Tensor, place: std::ops::Range<usize>) -> Result<()> {
    match out.dtype() {
        DType::Float => out.as_mut_slice::<f32>()?[place].fill(0.0),
        DType::Int64 => out.as_mut_slice::<i64>()?[place].fill(0),
        _ => out.units_mut::<Bytes>()?[place].fill(Bytes::new()),
    }
    Ok(())
}

fn sparse_tensors(examples: &Examples<'_>, lists: Lists) -> Result<[Tensor; 3]> {
    let width = if examples.is_batch { 3 } else { 2 };
    let mut indices: Vec<i64> = Vec::with_capacity(width * lists.values.len());
    for (example, items) in lists.lengths.iter().enumerate() {
        for (item, &count) in items.iter().enumerate() {
            for i in 0..count {
                let index = [example as i64, item as i64, i as i64];
                indices.extend(&index[3 - width..]);
            }
        }
    }
    let rows = lists.lengths.iter().map(Vec::len).max().unwrap_or(0);
    let columns = lists.lengths.iter().flatten().copied().max().unwrap_or(0);
    let shape = [lists.lengths.len(), rows, columns].map(|dim| dim as i64);
    let shape = Tensor::from_slice([width], &shape[3 - width..])?;
    Ok([Tensor::from_vec([indices.len() / width, width], indices)?, merge::values(lists.values)?, shape])
}
