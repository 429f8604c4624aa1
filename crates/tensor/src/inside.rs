//! What `ZerosLike` and `AddN` make of the tensors inside variants.

use crate::{Complex32, Complex64, DType, Element, Error, Result, Shape, Tensor, Variant, bf16, f16};

/// The only element of a tensor of variants inside a variant.
fn only(tensor: &Tensor) -> Result<&Variant> {
    match tensor.variants()? {
        [variant] if tensor.rank() == 0 => Ok(variant),
        _ => Err(Error::invalid_argument(format!(
            "A non-scalar tensor of variants inside a variant is not supported; its shape is {}",
            tensor.shape()
        ))),
    }
}

/// Zeros in place of a tensor inside a variant.
///
/// # Errors
/// `INVALID_ARGUMENT` for dtypes without a zero; those of a variant inside.
pub fn zeros_inside(tensor: &Tensor) -> Result<Tensor> {
    use DType::*;
    match tensor.dtype() {
        Variant => Tensor::from_variants(Shape::scalar(), vec![only(tensor)?.zeros_like()?]),
        dtype @ (Float | Double | Half | Bfloat16 | Int8 | Int16 | Int32 | Int64 | Uint8 | Uint16
        | Uint32 | Uint64 | Complex64 | Complex128 | Bool) => Tensor::zeros(dtype, tensor.shape()),
        other => Err(Error::invalid_argument(format!(
            "Trying to compute zeros_like for unsupported dtype {other}"
        ))),
    }
}

/// The sum of two tensors inside variants, or of two gradients of one value; integers wrap.
///
/// # Errors
/// `INVALID_ARGUMENT` when dtypes or shapes differ, and for dtypes that can't be added; those of a variant inside.
pub fn sum_inside(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let refuse = |what: &str, a: &dyn std::fmt::Display, b: &dyn std::fmt::Display| {
        Err(Error::invalid_argument(format!(
            "Trying to add two tensors with incompatible element {what}. One is {a} and the other is {b}"
        )))
    };
    if a.dtype() != b.dtype() {
        return refuse("types", &a.dtype(), &b.dtype());
    }
    if a.shape() != b.shape() {
        return refuse("shapes", a.shape(), b.shape());
    }
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
        DType::Variant => Tensor::from_variants(Shape::scalar(), vec![only(a)?.sum(only(b)?)?]),
        other => Err(Error::invalid_argument(format!("Trying to add unsupported dtype {other}"))),
    }
}
