//! Variables.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

use crate::Resource;

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
    /// Whether plans have been made that hold the value as a constant.
    frozen: AtomicBool,
    /// Whether it was written after that; then it is never frozen again.
    volatile: AtomicBool,
    /// What to count up when a frozen value is written.
    epoch: OnceLock<Arc<AtomicU64>>,
}

impl Variable {
    /// A variable without a value yet.
    pub fn new(name: impl Into<String>, dtype: DType, shape: PartialShape) -> Variable {
        Variable {
            name: name.into(),
            dtype,
            shape,
            value: RwLock::new(None),
            version: AtomicU64::new(0),
            frozen: AtomicBool::new(false),
            volatile: AtomicBool::new(false),
            epoch: OnceLock::new(),
        }
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

    /// The value, for a plan that takes it as a constant; `None` if there is none or the variable changes.
    ///
    /// The next write counts `epoch` up, which tells that such plans are out of date. A variable that was written after
    /// it was frozen is not frozen again: making plans anew costs more than reading it.
    pub fn freeze(&self, epoch: &Arc<AtomicU64>) -> Option<Tensor> {
        if self.volatile.load(Ordering::Acquire) {
            return None;
        }
        let known = self.epoch.get_or_init(|| Arc::clone(epoch));
        if !Arc::ptr_eq(known, epoch) {
            return None;
        }
        self.frozen.store(true, Ordering::SeqCst);
        self.get()
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
        self.written();
        Ok(())
    }

    /// Changes the value in place, or on a copy if somebody still holds what was read.
    ///
    /// `change` must check all it can before it writes: what it wrote before it failed stays.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` when there is no value yet; those of `change`.
    pub fn update(&self, change: impl FnOnce(&mut Tensor) -> Result<()>) -> Result<()> {
        let mut guard = self.value.write().unwrap_or_else(PoisonError::into_inner);
        let value = guard.as_mut().ok_or_else(|| self.uninitialized())?;
        let done = change(value);
        drop(guard);
        self.written();
        done
    }

    /// Takes the value away.
    pub fn clear(&self) {
        *self.value.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.written();
    }

    fn written(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
        if self.frozen.swap(false, Ordering::SeqCst) {
            self.volatile.store(true, Ordering::Release);
            if let Some(epoch) = self.epoch.get() {
                epoch.fetch_add(1, Ordering::SeqCst);
            }
        }
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

impl Resource for Variable {
    fn fork(&self) -> Option<Variable> {
        let copy = Variable::new(self.name.clone(), self.dtype, self.shape.clone());
        *copy.value.write().unwrap_or_else(PoisonError::into_inner) = self.get();
        Some(copy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_tells_whoever_froze_the_value() {
        let variable = Variable::new("v", DType::Int32, PartialShape::unknown());
        let epoch = Arc::new(AtomicU64::new(0));
        variable.assign(Tensor::scalar(1)).unwrap();
        assert_eq!(variable.freeze(&epoch).unwrap().to_scalar::<i32>(), Ok(1));
        assert_eq!(epoch.load(Ordering::SeqCst), 0);
        variable.assign(Tensor::scalar(2)).unwrap();
        variable.assign(Tensor::scalar(3)).unwrap();
        assert_eq!((epoch.load(Ordering::SeqCst), variable.version()), (1, 3));
        assert!(variable.freeze(&epoch).is_none());
    }
}
