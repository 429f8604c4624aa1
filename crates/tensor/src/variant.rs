//! Variants: values of kinds that are no dtype of their own, such as tensor lists.

use std::any::Any;
use std::fmt::{self, Debug};
use std::sync::Arc;

use crate::{Error, Result};

/// What a type needs to travel in `variant` tensors.
pub trait VariantValue: Any + Debug + Send + Sync {
    /// The name that TensorFlow registers for the type, such as `tensorflow::TensorList`.
    fn type_name(&self) -> &'static str;

    /// What `ZerosLike` makes of the value.
    ///
    /// # Errors
    /// `INTERNAL` for types that do not say.
    fn zeros_like(&self) -> Result<Variant> {
        Err(no_function("unary_op", "ZEROS_LIKE", self.type_name()))
    }

    /// What `AddN` makes of the value and another of its type.
    ///
    /// # Errors
    /// `INTERNAL` for types that do not say.
    fn sum(&self, _: &Variant) -> Result<Variant> {
        Err(no_function("binary_op", "ADD", self.type_name()))
    }
}

/// The element of `variant` tensors: an immutable, shared value; `Variant::default()` is empty.
///
/// Writers use [`Variant::make_mut`], which copies the value unless it is theirs alone.
#[derive(Clone, Default)]
pub struct Variant(Option<Arc<dyn VariantValue>>);

impl Variant {
    /// A variant that holds `value`.
    pub fn new(value: impl VariantValue) -> Variant {
        Variant(Some(Arc::new(value)))
    }

    /// Whether this is the empty variant.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The registered name of the value's type; empty for the empty variant.
    pub fn type_name(&self) -> &'static str {
        self.0.as_ref().map_or("", |value| value.type_name())
    }

    /// What `ZerosLike` makes of the value.
    ///
    /// # Errors
    /// Those of the type.
    pub fn zeros_like(&self) -> Result<Variant> {
        self.0.as_ref().map_or(Ok(Variant::default()), |value| value.zeros_like())
    }

    /// What `AddN` makes of the value and another.
    ///
    /// # Errors
    /// `INTERNAL` when the types differ; those of the type.
    pub fn sum(&self, other: &Variant) -> Result<Variant> {
        let types = (self.type_name(), other.type_name());
        match &self.0 {
            _ if types.0 != types.1 => Err(Error::internal(format!(
                "Variants a and b have different type ids.  Type names: '{}' vs. '{}'",
                types.0, types.1
            ))),
            Some(value) => value.sum(other),
            None => Ok(Variant::default()),
        }
    }

    /// The error for the only function of a variant that TensorFlow has an operator for and no type has a function.
    pub fn no_conjugate(&self) -> Error {
        no_function("unary_op", "CONJ", self.type_name())
    }

    /// The value, if it is a `T`.
    pub fn get<T: VariantValue>(&self) -> Option<&T> {
        let value: &dyn Any = self.0.as_deref()?;
        value.downcast_ref()
    }

    /// The value to write to, if it is a `T`; it is cloned first if it is shared.
    pub fn make_mut<T: VariantValue + Clone>(&mut self) -> Option<&mut T> {
        if Arc::get_mut(self.0.as_mut()?).is_none() {
            let copy = self.get::<T>()?.clone();
            *self = Variant::new(copy);
        }
        let value: &mut dyn Any = Arc::get_mut(self.0.as_mut()?)?;
        value.downcast_mut()
    }
}

fn no_function(kind: &str, function: &str, type_name: &str) -> Error {
    Error::internal(format!(
        "No unary variant {kind} function found for op {function} Variant type_name: {type_name} for device type: CPU"
    ))
}

impl Debug for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => Debug::fmt(value, f),
            None => f.write_str("<empty variant>"),
        }
    }
}
