//! Variables.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

/// A variable, reference or resource: a tensor that can be replaced and updated.
///
/// Reading gives the value as it is at that moment; later writes never change a tensor that was read.
#[derive(Debug)]
pub struct Variable {
    name: String,
    dtype: DType,
    shape: PartialShape,
    value: RwLock<Option<Tensor>>,
    version: AtomicU64,
}

impl Variable {
    /// A variable without a value yet.
    pub fn new(name: impl Into<String>, dtype: DType, shape: PartialShape) -> Variable {
        Variable { name: name.into(), dtype, shape, value: RwLock::new(None), version: AtomicU64::new(0) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The dtype of its values.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// What is known of the shape of its values.
    pub fn shape(&self) -> &PartialShape {
        &self.shape
    }

    /// Whether it has a value.
    pub fn is_initialized(&self) -> bool {
        self.value.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// A number that grows with every write.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The value, if there is one.
    pub fn get(&self) -> Option<Tensor> {
        self.value.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The value.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` when there is none yet.
    pub fn read(&self) -> Result<Tensor> {
        self.get().ok_or_else(|| self.uninitialized())
    }

    /// Replaces the value.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the dtype is another.
    pub fn assign(&self, value: Tensor) -> Result<()> {
        if value.dtype() != self.dtype {
            return Err(Error::invalid_argument(format!(
                "Trying to assign variable with wrong dtype. Expected {} got {}",
                self.dtype,
                value.dtype()
            )));
        }
        *self.value.write().unwrap_or_else(PoisonError::into_inner) = Some(value);
        self.version.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Changes the value in place, or on a copy if somebody still holds what was read.
    ///
    /// `change` must check all it can before it writes: what it wrote before it failed stays.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` when there is no value yet; those of `change`.
    pub fn update(&self, change: impl FnOnce(&mut Tensor) -> Result<()>) -> Result<()> {
        let mut value = self.value.write().unwrap_or_else(PoisonError::into_inner);
        let value = value.as_mut().ok_or_else(|| self.uninitialized())?;
        self.version.fetch_add(1, Ordering::Release);
        change(value)
    }

    /// Takes the value away.
    pub fn clear(&self) {
        *self.value.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.version.fetch_add(1, Ordering::Release);
    }

    #[cold]
    fn uninitialized(&self) -> Error {
        Error::failed_precondition(format!(
            "Attempting to use uninitialized value: Could not find variable {}. This could mean that the variable \
             has been deleted or was never initialized.",
            self.name
        ))
    }
}
