//! The value that operators pass ragged tensors around in.

use savedmodel_tensor::{Error, Result, Tensor, Variant, VariantValue};

/// A ragged tensor in one value: its row splits, outermost first, and its values.
#[derive(Clone, Debug)]
pub struct RaggedTensorVariant {
    /// Row splits, one vector for each ragged dimension.
    pub splits: Vec<Tensor>,
    /// The values of all rows.
    pub values: Tensor,
}

impl VariantValue for RaggedTensorVariant {
    fn type_name(&self) -> &'static str {
        "RaggedTensorVariant"
    }

    fn zeros_like(&self) -> Result<Variant> {
        let values = Tensor::zeros(self.values.dtype(), self.values.shape())?;
        Ok(Variant::new(RaggedTensorVariant { splits: self.splits.clone(), values }))
    }
}

impl RaggedTensorVariant {
    /// The ragged tensor that element `i` of a tensor of variants holds.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it holds something else.
    pub fn of(variant: &Variant, i: usize) -> Result<&RaggedTensorVariant> {
        variant.get().ok_or_else(|| {
            Error::invalid_argument(format!(
                "Input Variant element at index {i} doesn't hold a RaggedTensorVariant: {variant:?}"
            ))
        })
    }
}
