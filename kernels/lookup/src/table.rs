//! The table resource, of every kind.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use savedmodel_op::{Resource, Run};
use savedmodel_tensor::{Code, DType, Error, Result, Shape, Tensor};

mod check;
mod dense;
mod entries;
mod rows;
mod scalar;

pub use check::{Argument, check_signature};
pub use dense::{Dense, DenseOptions};
use entries::Entries;

/// A table from keys to values: what a table handle points to.
///
/// A key is a scalar, or a vector in some dense tables; a value is a scalar or a vector.
#[derive(Debug)]
pub struct Table {
    name: String,
    key_dtype: DType,
    value_dtype: DType,
    key_shape: Shape,
    value_shape: Shape,
    contents: Contents,
}

#[derive(Debug)]
enum Contents {
    /// Filled once, then only read.
    Static(RwLock<Static>),
    /// Written at any time.
    Mutable(RwLock<Entries>),
    /// Written at any time, with the bucket layout that TensorFlow stores.
    Dense(Box<RwLock<Dense>>),
}

#[derive(Clone, Debug)]
struct Static {
    entries: Entries,
    initialized: bool,
}

/// The dtypes and value shape of a table.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Dtype of keys: `int32`, `int64` or `string`.
    pub key_dtype: DType,
    /// Dtype of values.
    pub value_dtype: DType,
    /// Shape of one value.
    pub value_shape: Shape,
}

impl Resource for Table {
    fn fork(&self) -> Option<Table> {
        let contents = match &self.contents {
            Contents::Static(lock) => Contents::Static(RwLock::new(read(lock).clone())),
            Contents::Mutable(lock) => Contents::Mutable(RwLock::new(read(lock).clone())),
            Contents::Dense(lock) => Contents::Dense(Box::new(RwLock::new(read(lock).clone()))),
        };
        let Table { key_dtype, value_dtype, .. } = *self;
        let (name, key_shape, value_shape) =
            (self.name.clone(), self.key_shape.clone(), self.value_shape.clone());
        Some(Table { name, key_dtype, value_dtype, key_shape, value_shape, contents })
    }
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl Table {
    /// A table that is filled once (`HashTable`).
    ///
    /// # Errors
    /// `UNIMPLEMENTED` for keys of other dtypes than `int32`, `int64` and `string`.
    pub fn fixed(name: &str, layout: Layout) -> Result<Table> {
        let entries = Entries::new(&layout)?;
        let contents = Contents::Static(RwLock::new(Static { entries, initialized: false }));
        Ok(Table::new(name, layout, Shape::scalar(), contents))
    }

    /// A table that is written at any time (`MutableHashTable`, `MutableHashTableOfTensors`).
    ///
    /// # Errors
    /// As [`Table::fixed`].
    pub fn mutable(name: &str, layout: Layout) -> Result<Table> {
        let contents = Contents::Mutable(RwLock::new(Entries::new(&layout)?));
        Ok(Table::new(name, layout, Shape::scalar(), contents))
    }

    /// A table with TensorFlow's bucket layout (`MutableDenseHashTable`), for keys of the shape of `dense`'s.
    pub fn dense(name: &str, layout: Layout, dense: Dense) -> Table {
        let key_shape = dense.key_shape().clone();
        Table::new(name, layout, key_shape, Contents::Dense(Box::new(RwLock::new(dense))))
    }

    fn new(name: &str, layout: Layout, key_shape: Shape, contents: Contents) -> Table {
        let Layout { key_dtype, value_dtype, value_shape } = layout;
        Table { name: name.to_owned(), key_dtype, value_dtype, key_shape, value_shape, contents }
    }

    /// The name that it is shared by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The dtype of keys.
    pub fn key_dtype(&self) -> DType {
        self.key_dtype
    }

    /// The dtype of values.
    pub fn value_dtype(&self) -> DType {
        self.value_dtype
    }

    /// The number of entries; none before a [`Table::fixed`] one is initialised.
    pub fn size(&self) -> usize {
        match &self.contents {
            Contents::Static(lock) => {
                Some(read(lock)).filter(|t| t.initialized).map_or(0, |t| t.entries.len())
            }
            Contents::Mutable(lock) => read(lock).len(),
            Contents::Dense(lock) => read(lock).len(),
        }
    }

    /// The values of keys, and `default` (one value, or one for each key) for keys that are not there.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for wrong shapes and for the reserved keys of a dense table; `FAILED_PRECONDITION`
    /// before a fixed table is initialised.
    pub fn find(&self, run: &Run<'_>, keys: &Tensor, default: &Tensor) -> Result<Tensor> {
        self.check_key_shape(keys.shape())?;
        let shape = self.shape_of_values(keys.shape());
        if *default.shape() != self.value_shape && *default.shape() != shape {
            return Err(Error::invalid_argument(format!(
                "Expected shape {} or {shape} for default value, got {}",
                self.value_shape,
                default.shape()
            )));
        }
        let mut out = run.allocate(self.value_dtype, shape)?;
        match &self.contents {
            Contents::Static(lock) => {
                let table = read(lock);
                if !table.initialized {
                    return Err(Error::failed_precondition("Table not initialized."));
                }
                table.entries.find(keys, default, false, &mut out)?;
            }
            Contents::Mutable(lock) => {
                let one_each = default.elements() == out.elements();
                read(lock).find(keys, default, one_each, &mut out)?;
            }
            Contents::Dense(lock) => read(lock).find(keys, default, &mut out)?,
        }
        Ok(out)
    }

    /// Adds entries, or replaces the values of keys that are there; of equal keys the last wins.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for wrong shapes and reserved keys, `UNIMPLEMENTED` for a fixed table,
    /// `RESOURCE_EXHAUSTED` when there is no memory.
    pub fn insert(&self, keys: &Tensor, values: &Tensor) -> Result<()> {
        self.check_values(keys, values)?;
        match &self.contents {
            Contents::Static(_) => Err(unsupported("Insert")),
            Contents::Mutable(lock) => write(lock).insert(keys, values),
            Contents::Dense(lock) => write(lock).insert(keys, values),
        }
    }

    /// Takes entries out; keys that are not there are ignored.
    ///
    /// # Errors
    /// As [`Table::insert`].
    pub fn remove(&self, keys: &Tensor) -> Result<()> {
        self.check_key_shape(keys.shape())?;
        match &self.contents {
            Contents::Static(_) => Err(unsupported("Remove")),
            Contents::Mutable(lock) => write(lock).remove(keys),
            Contents::Dense(lock) => write(lock).remove(keys),
        }
    }

    /// Replaces all entries; a fixed table is initialised.
    ///
    /// # Errors
    /// As [`Table::insert`] and [`Table::initialize`].
    pub fn import(&self, keys: &Tensor, values: &Tensor) -> Result<()> {
        match &self.contents {
            Contents::Static(_) => {
                self.check_values(keys, values)?;
                self.initialize(keys, values)
            }
            Contents::Mutable(lock) => {
                self.check_values(keys, values)?;
                let mut entries = write(lock);
                entries.clear();
                entries.insert(keys, values)
            }
            Contents::Dense(lock) => {
                self.check_key_shape(keys.shape())?;
                write(lock).import(keys, values)
            }
        }
    }

    /// All keys and all values; of a dense table all its buckets, used or not.
    ///
    /// # Errors
    /// `ABORTED` before a fixed table is initialised.
    pub fn export(&self) -> Result<(Tensor, Tensor)> {
        match &self.contents {
            Contents::Static(lock) => {
                let table = read(lock);
                if !table.initialized {
                    return Err(Error::new(Code::Aborted, "HashTable is not initialized."));
                }
                table.entries.export(&self.value_shape)
            }
            Contents::Mutable(lock) => read(lock).export(&self.value_shape),
            Contents::Dense(lock) => Ok(read(lock).export()),
        }
    }

    /// Whether the table is one that is filled once.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is not.
    pub fn check_initializable(&self) -> Result<()> {
        if matches!(self.contents, Contents::Static(_)) {
            return Ok(());
        }
        Err(Error::invalid_argument(format!("Table localhost {} is not initializable", self.name)))
    }

    /// Whether nothing can be added any more.
    pub fn is_initialized(&self) -> bool {
        matches!(&self.contents, Contents::Static(lock) if read(lock).initialized)
    }

    /// Fills a table that is filled once. When it was filled before, only the number of entries is compared.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` when it was filled with another number of entries or when one key comes with two values;
    /// `INVALID_ARGUMENT` when there are no entries.
    pub fn initialize(&self, keys: &Tensor, values: &Tensor) -> Result<()> {
        self.check_initializable()?;
        if keys.elements() == 0 {
            return Err(Error::invalid_argument("keys and values cannot be empty tensors."));
        }
        self.check_values(keys, values)?;
        self.initialize_from(keys.elements(), || Ok((keys.clone(), values.clone(), None)))
    }

    /// As [`Table::initialize`], from `read`, which is called unless the table is filled; `total` is how many
    /// entries it has. An error beside the entries is given after they are added.
    ///
    /// # Errors
    /// As [`Table::initialize`], and those of `read`.
    pub fn initialize_from(
        &self,
        total: usize,
        entries: impl FnOnce() -> Result<(Tensor, Tensor, Option<Error>)>,
    ) -> Result<()> {
        let Contents::Static(lock) = &self.contents else { return self.check_initializable() };
        let mut table = write(lock);
        if table.initialized {
            if table.entries.len() == total {
                return Ok(());
            }
            return Err(Error::failed_precondition("Table was already initialized with different data."));
        }
        let (keys, values, error) = entries()?;
        table.entries.add_new(&keys, &values)?;
        table.initialized = error.is_none();
        error.map_or(Ok(()), Err)
    }

    fn check_key_shape(&self, keys: &Shape) -> Result<()> {
        if keys.ends_with(&self.key_shape) {
            return Ok(());
        }
        Err(Error::invalid_argument(format!(
            "Input key shape {keys} must end with the table's key shape {}",
            self.key_shape
        )))
    }

    /// The shape of the values of keys of a shape that was checked.
    fn shape_of_values(&self, keys: &Shape) -> Shape {
        let lead = &keys[..keys.rank() - self.key_shape.rank()];
        lead.iter().chain(self.value_shape.iter()).copied().collect()
    }

    fn check_values(&self, keys: &Tensor, values: &Tensor) -> Result<()> {
        self.check_key_shape(keys.shape())?;
        let wanted = self.shape_of_values(keys.shape());
        if *values.shape() == wanted {
            return Ok(());
        }
        let got = values.shape();
        Err(Error::invalid_argument(format!("Expected shape {wanted} for value, got {got}")))
    }
}

#[cold]
fn unsupported(what: &str) -> Error {
    Error::unimplemented(format!("{what} not supported by InitializableLookupTable implementations"))
}
