//! The value that operators pass ragged tensors around in.

use savedmodel_tensor::{Error, Result, Tensor, Variant, VariantValue, sum_inside, zeros_inside};

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
        let values = zeros_inside(&self.values)?;
        Ok(Variant::new(RaggedTensorVariant { splits: self.splits.clone(), values }))
    }

    /// The sums of the values; the rows must be the same.
    fn sum(&self, other: &Variant) -> Result<Variant> {
        let other = RaggedTensorVariant::of(other, 0)?;
        let refuse = |what: &str| {
            Err(Error::invalid_argument(format!(
                "Can't add RaggedTensorVariants {what}: {self:?}, {other:?}"
            )))
        };
        if self.values.dtype() != other.values.dtype() {
            return refuse("of different dtypes");
        }
        if self.splits.len() != other.splits.len() {
            return refuse("of different ragged rank");
        }
        let same = |(a, b): (&Tensor, &Tensor)| a.dtype() == b.dtype() && a.bytes() == b.bytes();
        if !self.splits.iter().zip(&other.splits).all(same) {
            return refuse("with different row_splits");
        }
        let values = sum_inside(&self.values, &other.values)?;
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
