//! Variables of objects.

use std::fmt;
use std::sync::Arc;

use savedmodel_graph::AttrValue;
use savedmodel_loader::{GraphVariable, VariableSlice};
use savedmodel_op::Variable;
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

use crate::{SavedModel, load, operator};

/// A variable of a model, shared with all signatures and functions that use it.
#[derive(Clone)]
pub struct ObjectVariable {
    pub(super) variable: Arc<Variable>,
    /// A scalar that holds the handle.
    pub(super) handle: Tensor,
    pub(super) name: String,
    pub(super) shape: PartialShape,
    pub(super) trainable: bool,
    pub(super) slice: Option<VariableSlice>,
}

impl ObjectVariable {
    /// A variable of a graph.
    pub(crate) fn of_graph(model: &SavedModel, def: &GraphVariable) -> Result<ObjectVariable> {
        let (handle, variable) = load::variable(model.session(), model.graph(), def.node)?;
        Ok(ObjectVariable {
            handle: Tensor::from_handles([], vec![handle])?,
            name: def.name.clone(),
            shape: variable.shape().clone(),
            trainable: def.trainable,
            slice: def.slice.clone(),
            variable,
        })
    }

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

    /// Which part of a partitioned variable it is, if it is one.
    pub fn slice(&self) -> Option<&VariableSlice> {
        self.slice.as_ref()
    }

    /// Whether it has a value.
    pub fn is_initialized(&self) -> bool {
        self.variable.is_initialized()
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
        self.check(&value)?;
        self.variable.assign(value)
    }

    /// Adds to its value, in one step for all that look on.
    ///
    /// ```
    /// # use savedmodel::{SavedModel, Tensor};
    /// # let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/cases/objects/checkpoint_tutorial");
    /// let model = SavedModel::load(dir)?;
    /// let v = model.root()?.variable("v")?;
    /// v.assign_add(Tensor::scalar(1.5_f32))?;
    /// assert_eq!(v.value()?.to_scalar::<f32>()?, 4.5);
    /// # Ok::<(), savedmodel::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`ObjectVariable::assign`]; `FAILED_PRECONDITION` when it has no value; `UNIMPLEMENTED` when its dtype can't be
    /// added.
    pub fn assign_add(&self, delta: Tensor) -> Result<()> {
        self.change("AddV2", delta)
    }

    /// Subtracts from its value, in one step for all that look on.
    ///
    /// # Errors
    /// As [`ObjectVariable::assign_add`].
    pub fn assign_sub(&self, delta: Tensor) -> Result<()> {
        self.change("Sub", delta)
    }

    fn change(&self, op: &str, delta: Tensor) -> Result<()> {
        self.check(&delta)?;
        let dtype = self.dtype();
        if delta.dtype() != dtype {
            let text = format!("variable '{}' is {dtype}, got {}", self.name, delta.describe());
            return Err(Error::invalid_argument(text));
        }
        self.variable.update(|value| {
            if value.shape() != delta.shape() {
                return Err(self.mismatch(&delta));
            }
            *value = operator::run(op, &[("T", AttrValue::Type(dtype))], vec![value.clone(), delta])?;
            Ok(())
        })
    }

    fn check(&self, value: &Tensor) -> Result<()> {
        if self.shape.accepts(value.shape()) { Ok(()) } else { Err(self.mismatch(value)) }
    }

    fn mismatch(&self, value: &Tensor) -> Error {
        Error::invalid_argument(format!(
            "Cannot assign value to variable '{}': Shape mismatch. The variable shape {}, and the assigned value \
             shape {} are incompatible.",
            self.name,
            self.shape,
            value.shape()
        ))
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
