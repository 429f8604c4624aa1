//! Open addressing as in TensorFlow, whose bucket layout checkpoints and exports show.

use savedmodel_op::Run;
use savedmodel_tensor::{Bytes, DType, Error, Result, Shape, Tensor};

use super::Layout;
use super::rows::{self, Default, MISSING};

mod probe;

use probe::{Found, Key, Reserved};

/// Runs an expression with the memory unit of the key's dtype.
macro_rules! by_key {
    ($dtype:expr, $key:ident => $body:expr) => {
        match $dtype {
            DType::Int32 => {
                type $key = u32;
                $body
            }
            DType::Int64 => {
                type $key = u64;
                $body
            }
            _ => {
                type $key = Bytes;
                $body
            }
        }
    };
}

/// Buckets of keys and values.
#[derive(Clone, Debug)]
pub struct Dense {
    /// One key per row.
    keys: Tensor,
    /// One value per row.
    values: Tensor,
    entries: usize,
    empty: Tensor,
    deleted: Tensor,
    value_width: usize,
    max_load_factor: f32,
}

/// What makes a dense table.
#[derive(Debug)]
pub struct DenseOptions {
    /// The key of buckets that were never used: a scalar or a vector.
    pub empty_key: Tensor,
    /// The key of buckets whose entry was removed.
    pub deleted_key: Tensor,
    /// A power of two, at least four.
    pub initial_num_buckets: i64,
    /// The share of used buckets above which the table grows.
    pub max_load_factor: f32,
}

impl Dense {
    /// A table without entries.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for options that TensorFlow refuses, `RESOURCE_EXHAUSTED` when there is no memory,
    /// `UNIMPLEMENTED` for keys of other dtypes than `int32`, `int64` and `string`.
    pub fn new(run: &Run<'_>, layout: &Layout, options: DenseOptions) -> Result<Dense> {
        let DenseOptions { empty_key: empty, deleted_key: deleted, initial_num_buckets, max_load_factor } =
            options;
        if !matches!(layout.key_dtype, DType::Int32 | DType::Int64 | DType::String) {
            let dtype = layout.key_dtype;
            return Err(Error::unimplemented(format!("tables with {dtype} keys are not supported")));
        }
        if !(max_load_factor > 0.0 && max_load_factor < 1.0) {
            return Err(Error::invalid_argument(format!(
                "max_load_factor must be between 0 and 1, got: {max_load_factor}"
            )));
        }
        check_at_most_vector("Empty value", &layout.value_shape)?;
        check_at_most_vector("Empty key", empty.shape())?;
        if empty.shape() != deleted.shape() {
            return Err(Error::invalid_argument(format!(
                "Empty and deleted keys must have same shape, got shapes: {} and {}",
                empty.shape(),
                deleted.shape()
            )));
        }
        if by_key!(layout.key_dtype, K => empty.units::<K>()? == deleted.units::<K>()?) {
            return Err(Error::invalid_argument("Empty and deleted keys cannot be equal"));
        }
        let buckets = check_buckets(initial_num_buckets)?;
        let value_width = layout.value_shape.elements();
        let mut keys = run.allocate(layout.key_dtype, [buckets, empty.elements()])?;
        by_key!(layout.key_dtype, K => fill::<K>(&mut keys, &empty))?;
        let values = run.allocate(layout.value_dtype, [buckets, value_width])?;
        Ok(Dense { keys, values, entries: 0, empty, deleted, value_width, max_load_factor })
    }

    /// The shape of one key.
    pub fn key_shape(&self) -> &Shape {
        self.empty.shape()
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Writes the values of keys to `out`, the first row of `default` for keys that are not there.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for reserved keys and keys of another shape, `INTERNAL` when imported buckets have a
    /// layout in which the search can't end.
    pub fn find(&self, keys: &Tensor, default: &Tensor, out: &mut Tensor) -> Result<()> {
        self.check_keys(keys)?;
        let rows = by_key!(keys.dtype(), K => self.find_rows::<K>(keys))?;
        rows::gather(&self.values, &rows, Default { rows: default, one_each: false }, out)
    }

    fn find_rows<K: Key>(&self, keys: &Tensor) -> Result<Vec<usize>> {
        let reserved = Reserved::<K> { empty: self.empty.units()?, deleted: self.deleted.units()? };
        let buckets = self.keys.units::<K>()?;
        let keys = keys.units::<K>()?.chunks_exact(reserved.empty.len());
        let find = |key: &[K]| {
            reserved.check(key)?;
            match reserved.search(buckets, key, false) {
                Found::Key(bucket) => Ok(bucket),
                Found::Free(_) => Ok(MISSING),
                Found::Nowhere => Err(lost("lookup")),
            }
        };
        keys.map(find).collect()
    }

    /// Adds entries or replaces their values; grows first, as if all keys were new.
    ///
    /// # Errors
    /// As [`Dense::find`]; what comes before a reserved key is added. `RESOURCE_EXHAUSTED` when there is no memory.
    pub fn insert(&mut self, keys: &Tensor, values: &Tensor) -> Result<()> {
        self.check_keys(keys)?;
        let pending = self.entries.saturating_add(keys.elements() / self.empty.elements());
        let too_full = |buckets: i64| pending as f32 > buckets as f32 * self.max_load_factor;
        let now = self.keys.shape()[0] as i64;
        if too_full(now) {
            let mut buckets = now.max(1) * 2;
            while too_full(buckets) {
                buckets = buckets.checked_mul(2).ok_or_else(|| lost("insert"))?;
            }
            self.rebucket(check_buckets(buckets)?)?;
        }
        by_key!(keys.dtype(), K => self.add::<K>(keys, values, false))
    }

    /// Moves all entries, in order, to new buckets.
    fn rebucket(&mut self, buckets: usize) -> Result<()> {
        let mut keys = Tensor::zeros(self.keys.dtype(), [buckets, self.empty.elements()])?;
        by_key!(keys.dtype(), K => fill::<K>(&mut keys, &self.empty))?;
        let values = Tensor::zeros(self.values.dtype(), [buckets, self.value_width])?;
        let old_keys = std::mem::replace(&mut self.keys, keys);
        let old_values = std::mem::replace(&mut self.values, values);
        self.entries = 0;
        by_key!(old_keys.dtype(), K => self.add::<K>(&old_keys, &old_values, true))
    }

    /// Puts entries in their buckets; reserved keys are skipped or end it.
    fn add<K: Key>(&mut self, keys: &Tensor, values: &Tensor, skip_reserved: bool) -> Result<()> {
        let reserved = Reserved::<K> { empty: self.empty.units()?, deleted: self.deleted.units()? };
        let width = reserved.empty.len();
        let buckets = self.keys.units_mut::<K>()?;
        let (mut from, mut to, mut result) = (Vec::new(), Vec::new(), Ok(()));
        for (i, key) in keys.units::<K>()?.chunks_exact(width).enumerate() {
            if skip_reserved && reserved.contains(key) {
                continue;
            }
            result = reserved.check(key);
            if result.is_err() {
                break;
            }
            let bucket = match reserved.search(buckets, key, true) {
                Found::Key(bucket) => bucket,
                Found::Free(bucket) => {
                    self.entries += 1;
                    buckets[bucket * width..][..width].clone_from_slice(key);
                    bucket
                }
                Found::Nowhere => {
                    result = Err(lost("insert"));
                    break;
                }
            };
            from.push(i);
            to.push(bucket);
        }
        rows::copy((values, &from), (&mut self.values, &to), self.value_width)?;
        result
    }

    /// Takes entries out.
    ///
    /// # Errors
    /// As [`Dense::find`].
    pub fn remove(&mut self, keys: &Tensor) -> Result<()> {
        self.check_keys(keys)?;
        by_key!(keys.dtype(), K => self.remove_rows::<K>(keys))
    }

    fn remove_rows<K: Key>(&mut self, keys: &Tensor) -> Result<()> {
        let reserved = Reserved::<K> { empty: self.empty.units()?, deleted: self.deleted.units()? };
        let width = reserved.empty.len();
        let buckets = self.keys.units_mut::<K>()?;
        for key in keys.units::<K>()?.chunks_exact(width) {
            reserved.check(key)?;
            match reserved.search(buckets, key, false) {
                Found::Key(bucket) => {
                    buckets[bucket * width..][..width].clone_from_slice(reserved.deleted);
                    self.entries -= 1;
                }
                Found::Free(_) => {}
                Found::Nowhere => return Err(lost("remove")),
            }
        }
        Ok(())
    }

    /// Takes buckets as they were exported.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for shapes that are no buckets of this table.
    pub fn import(&mut self, keys: &Tensor, values: &Tensor) -> Result<()> {
        let lead = keys.rank().saturating_sub(1);
        let mut wanted = Shape::from(&keys.shape()[..lead]);
        wanted.push(self.value_width);
        if *values.shape() != wanted {
            let got = values.shape();
            return Err(Error::invalid_argument(format!("Expected shape {wanted} for value, got {got}")));
        }
        if keys.rank() != 2 || keys.shape()[1] != self.empty.elements() {
            let (got, width) = (keys.shape(), self.empty.elements());
            return Err(Error::invalid_argument(format!("Expected keys of shape [?,{width}], got {got}")));
        }
        self.entries = by_key!(keys.dtype(), K => self.count::<K>(keys))?;
        (self.keys, self.values) = (keys.clone(), values.clone());
        Ok(())
    }

    fn count<K: Key>(&self, keys: &Tensor) -> Result<usize> {
        let reserved = Reserved::<K> { empty: self.empty.units()?, deleted: self.deleted.units()? };
        let rows = keys.units::<K>()?.chunks_exact(reserved.empty.len());
        Ok(rows.filter(|key| !reserved.contains(key)).count())
    }

    /// All buckets.
    pub fn export(&self) -> (Tensor, Tensor) {
        (self.keys.clone(), self.values.clone())
    }

    fn check_keys(&self, keys: &Tensor) -> Result<()> {
        let n = keys.shape().first().copied().unwrap_or(1);
        if Some(keys.elements()) == n.checked_mul(self.empty.elements()) {
            return Ok(());
        }
        let wanted: Shape = std::iter::once(n).chain(self.key_shape().iter().copied()).collect();
        Err(Error::invalid_argument(format!("Expected key shape {wanted} got {}", keys.shape())))
    }
}

/// Writes the key of empty buckets to every row.
fn fill<K: Key>(keys: &mut Tensor, empty: &Tensor) -> Result<()> {
    let empty = empty.units::<K>()?;
    keys.units_mut::<K>()?.chunks_exact_mut(empty.len()).for_each(|row| row.clone_from_slice(empty));
    Ok(())
}

fn check_at_most_vector(what: &str, shape: &Shape) -> Result<()> {
    if shape.rank() <= 1 {
        return Ok(());
    }
    Err(Error::invalid_argument(format!("{what} must be a scalar or a vector, got shape {shape}")))
}

fn check_buckets(buckets: i64) -> Result<usize> {
    match usize::try_from(buckets) {
        Ok(n) if n >= 4 && n.is_power_of_two() => Ok(n),
        _ => Err(Error::invalid_argument(format!(
            "Number of buckets must be at least 4 and a power of 2, got: {buckets}"
        ))),
    }
}

#[cold]
fn lost(what: &str) -> Error {
    Error::internal(format!("Internal error in MutableDenseHashTable {what}"))
}
