//! Sums of two tensors of equal shape, for gradients that arrive in parts.

use savedmodel_tensor::{Complex32, Complex64, DType, Element, Error, Result, Tensor, bf16, f16};

/// `a + b`; integers wrap.
///
/// # Errors
/// `UNIMPLEMENTED` for dtypes that can't be added.
pub(crate) fn add(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    fn sum<T: Element>(a: &Tensor, b: &Tensor, plus: impl Fn(T, T) -> T) -> Result<Tensor> {
        let pairs = a.as_slice::<T>()?.iter().zip(b.as_slice::<T>()?);
        Tensor::from_vec(a.shape(), pairs.map(|(&a, &b)| plus(a, b)).collect())
    }
    match a.dtype() {
        DType::Float => sum::<f32>(a, b, |a, b| a + b),
        DType::Double => sum::<f64>(a, b, |a, b| a + b),
        DType::Half => sum(a, b, |a: f16, b: f16| f16::from_f32(a.to_f32() + b.to_f32())),
        DType::Bfloat16 => sum(a, b, |a: bf16, b: bf16| bf16::from_f32(a.to_f32() + b.to_f32())),
        DType::Complex64 => sum::<Complex32>(a, b, |a, b| a + b),
        DType::Complex128 => sum::<Complex64>(a, b, |a, b| a + b),
        DType::Int8 => sum(a, b, i8::wrapping_add),
        DType::Int16 => sum(a, b, i16::wrapping_add),
        DType::Int32 => sum(a, b, i32::wrapping_add),
        DType::Int64 => sum(a, b, i64::wrapping_add),
        DType::Uint8 => sum(a, b, u8::wrapping_add),
        DType::Uint16 => sum(a, b, u16::wrapping_add),
        DType::Uint32 => sum(a, b, u32::wrapping_add),
        DType::Uint64 => sum(a, b, u64::wrapping_add),
        other => Err(Error::unimplemented(format!("TensorArray can't add tensors of dtype {other}"))),
    }
}
