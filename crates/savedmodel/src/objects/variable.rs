//! Variables of objects.

use std::fmt;
use std::sync::Arc;

use savedmodel_op::Variable;
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

/// A variable of a model, shared with all signatures and functions that use it.
#[derive(Clone)]
pub struct ObjectVariable {
    pub(super) variable: Arc<Variable>,
    /// A scalar that holds the handle.
    pub(super) handle: Tensor,
    pub(super) name: String,
    pub(super) shape: PartialShape,
    pub(super) trainable: bool,
}

impl ObjectVariable {
    /// The name that it was given in Python, without `:0`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The dtype of its values.
    pub fn dtype(&self) -> DType {
        self.variable.dtype()
    }

    /// What is known of the shape of its values.
    pub fn shape(&self) -> &PartialShape {
        &self.shape
    }

    /// Whether training changes it.
    pub fn trainable(&self) -> bool {
        self.trainable
    }

    /// The value as it is now.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` when it has none.
    pub fn value(&self) -> Result<Tensor> {
        self.variable.read()
    }

    /// Gives it another value, which all that use it see from now on.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when dtype or shape do not fit.
    pub fn assign(&self, value: Tensor) -> Result<()> {
        if !self.shape.accepts(value.shape()) {
            return Err(Error::invalid_argument(format!(
                "Cannot assign value to variable '{}': Shape mismatch. The variable shape {}, and the assigned value \
                 shape {} are incompatible.",
                self.name,
                self.shape,
                value.shape()
            )));
        }
        self.variable.assign(value)
    }

    /// The tensor that functions take for it.
    pub(super) fn handle(&self) -> Tensor {
        self.handle.clone()
    }
}

impl fmt::Debug for ObjectVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<variable '{}' {}{}>", self.name, self.dtype(), self.shape)
    }
}
