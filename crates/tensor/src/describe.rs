//! Tensors as text, for messages.

use std::fmt;

use crate::{DType, Tensor};

impl Tensor {
    /// `dtype[shape]`, as error messages show tensors.
    pub fn describe(&self) -> String {
        format!("{}{}", self.dtype(), self.shape())
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.describe())?;
        match self.dtype() {
            DType::Float => write!(f, " {:?}", self.as_slice::<f32>()),
            DType::Double => write!(f, " {:?}", self.as_slice::<f64>()),
            DType::Int32 => write!(f, " {:?}", self.as_slice::<i32>()),
            DType::Int64 => write!(f, " {:?}", self.as_slice::<i64>()),
            DType::Bool => write!(f, " {:?}", self.as_slice::<bool>()),
            DType::String => write!(f, " {:?}", self.strings()),
            DType::Resource => write!(f, " {:?}", self.handles()),
            DType::Variant => write!(f, " {:?}", self.variants()),
            _ => Ok(()),
        }
    }
}
