//! Entries of tables whose layout nobody sees: keys in the order of insertion, values in rows beside them.

use std::hash::Hash;

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;
use savedmodel_math::par;
use savedmodel_tensor::{Bytes, DType, Error, Result, Shape, Tensor};

use super::rows::{self, Default, MISSING};
use super::{Layout, scalar};

/// Time of one look-up, in nanoseconds.
const FIND_NS: f64 = 40.0;

type Set<K> = IndexSet<K, FxBuildHasher>;

/// Keys, in the order of insertion.
#[derive(Clone, Debug)]
enum Keys {
    Int32(Set<i32>),
    Int64(Set<i64>),
    String(Set<Bytes>),
}

/// Runs an expression for keys of each dtype, with the set and the slice of a tensor's keys.
macro_rules! by_key {
    ($keys:expr, $tensor:expr, |$set:ident, $slice:ident| $body:expr) => {
        match $keys {
            Keys::Int32($set) => {
                let $slice = $tensor.as_slice::<i32>()?;
                $body
            }
            Keys::Int64($set) => {
                let $slice = $tensor.as_slice::<i64>()?;
                $body
            }
            Keys::String($set) => {
                let $slice = $tensor.strings()?;
                $body
            }
        }
    };
}

/// Keys with a row of values for each.
#[derive(Clone, Debug)]
pub struct Entries {
    keys: Keys,
    /// Row `i` is the value of key `i`; rows behind the last key are room to grow.
    values: Tensor,
    width: usize,
}

impl Entries {
    /// No entries.
    ///
    /// # Errors
    /// `UNIMPLEMENTED` for keys of other dtypes than `int32`, `int64` and `string`.
    pub fn new(layout: &Layout) -> Result<Entries> {
        let keys = match layout.key_dtype {
            DType::Int32 => Keys::Int32(Set::default()),
            DType::Int64 => Keys::Int64(Set::default()),
            DType::String => Keys::String(Set::default()),
            other => return Err(Error::unimplemented(format!("tables with {other} keys are not supported"))),
        };
        let width = layout.value_shape.checked_elements()?;
        Ok(Entries { keys, values: Tensor::zeros(layout.value_dtype, [0, width])?, width })
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        match &self.keys {
            Keys::Int32(set) => set.len(),
            Keys::Int64(set) => set.len(),
            Keys::String(set) => set.len(),
        }
    }

    /// Forgets all entries.
    pub fn clear(&mut self) {
        match &mut self.keys {
            Keys::Int32(set) => set.clear(),
            Keys::Int64(set) => set.clear(),
            Keys::String(set) => set.clear(),
        }
    }

    /// Writes the values of keys to `out`, one row each.
    ///
    /// # Errors
    /// `INTERNAL` for keys of another dtype.
    pub fn find(&self, keys: &Tensor, default: &Tensor, one_each: bool, out: &mut Tensor) -> Result<()> {
        let mut found = vec![MISSING; keys.elements()];
        by_key!(&self.keys, keys, |set, slice| find_all(set, slice, &mut found));
        rows::gather(&self.values, &found, Default { rows: default, one_each }, out)
    }

    /// Adds entries or replaces their values; the last of equal keys wins.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` when there is no memory.
    pub fn insert(&mut self, keys: &Tensor, values: &Tensor) -> Result<()> {
        self.reserve(keys.elements())?;
        let found = by_key!(&mut self.keys, keys, |set, slice| insert_all(set, slice));
        let all: Vec<usize> = (0..found.len()).collect();
        rows::copy((values, &all), (&mut self.values, &found), self.width)
    }

    /// Takes entries out.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` when the values are shared and there is no memory for a copy.
    pub fn remove(&mut self, keys: &Tensor) -> Result<()> {
        by_key!(&mut self.keys, keys, |set, slice| {
            for key in slice {
                if let Some((row, _)) = set.swap_remove_full(key) {
                    rows::copy_within(&mut self.values, set.len(), row, self.width)?;
                }
            }
            Ok(())
        })
    }

    /// Adds entries of scalar values; a key that is there must come with the value that it has.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` when it comes with another; entries before it stay.
    pub fn add_new(&mut self, keys: &Tensor, values: &Tensor) -> Result<()> {
        self.reserve(keys.elements())?;
        let start = self.len();
        let mut conflict = None;
        let sources = by_key!(&mut self.keys, keys, |set, slice| {
            add_until(set, slice, |i, row, sources: &[usize]| {
                let (old, at) =
                    if row < start { (&self.values, row) } else { (values, sources[row - start]) };
                let same = scalar::same((old, at), (values, i))?;
                if !same {
                    conflict = Some(conflicting((keys, i), (old, at), (values, i))?);
                }
                Ok(same)
            })?
        });
        let rows: Vec<usize> = (start..start + sources.len()).collect();
        rows::copy((values, &sources), (&mut self.values, &rows), self.width)?;
        conflict.map_or(Ok(()), Err)
    }

    /// All keys and their values.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` when there is no memory.
    pub fn export(&self, value_shape: &Shape) -> Result<(Tensor, Tensor)> {
        let n = self.len();
        let keys = match &self.keys {
            Keys::Int32(set) => Tensor::from_vec([n], set.iter().copied().collect()),
            Keys::Int64(set) => Tensor::from_vec([n], set.iter().copied().collect()),
            Keys::String(set) => Tensor::from_strings([n], set.iter().cloned()),
        };
        let shape: Shape = std::iter::once(n).chain(value_shape.iter().copied()).collect();
        Ok((keys?, self.values.rows(0, n)?.reshape(shape)?))
    }

    /// Makes room for the rows of as many more keys.
    fn reserve(&mut self, more: usize) -> Result<()> {
        let (rows, used) = (self.values.shape()[0], self.len());
        let wanted = used.saturating_add(more);
        if wanted <= rows {
            return Ok(());
        }
        let mut values =
            Tensor::zeros(self.values.dtype(), [wanted.max(rows.saturating_mul(2)), self.width])?;
        let all: Vec<usize> = (0..used).collect();
        rows::copy((&self.values, &all), (&mut values, &all), self.width)?;
        self.values = values;
        Ok(())
    }
}

fn find_all<K: Hash + Eq + Sync>(set: &Set<K>, keys: &[K], found: &mut [usize]) {
    par::for_zip(found, keys, par::grain(FIND_NS), |found, keys| {
        for (found, key) in found.iter_mut().zip(keys) {
            *found = set.get_index_of(key).unwrap_or(MISSING);
        }
    });
}

/// Inserts keys that are not there; the row of each.
fn insert_all<K: Hash + Eq + Clone>(set: &mut Set<K>, keys: &[K]) -> Vec<usize> {
    let row = |key: &K| set.get_index_of(key).unwrap_or_else(|| set.insert_full(key.clone()).0);
    keys.iter().map(row).collect()
}

/// Inserts keys in order until one that is there, in a row, is refused by `accept(number, row, added)`.
///
/// Gives the numbers of those that were added.
fn add_until<K: Hash + Eq + Clone>(
    set: &mut Set<K>,
    keys: &[K],
    mut accept: impl FnMut(usize, usize, &[usize]) -> Result<bool>,
) -> Result<Vec<usize>> {
    let mut added = Vec::with_capacity(keys.len());
    set.reserve(keys.len());
    for (i, key) in keys.iter().enumerate() {
        match set.insert_full(key.clone()) {
            (_, true) => added.push(i),
            (row, false) if accept(i, row, &added)? => {}
            _ => break,
        }
    }
    Ok(added)
}

fn conflicting(key: (&Tensor, usize), old: (&Tensor, usize), new: (&Tensor, usize)) -> Result<Error> {
    let [key, old, new] = [scalar::show(key)?, scalar::show(old)?, scalar::show(new)?];
    Ok(Error::failed_precondition(format!(
        "HashTable has different value for same key. Key {key} has {old} and trying to add value {new}"
    )))
}
