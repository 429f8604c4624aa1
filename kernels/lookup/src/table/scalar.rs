//! Single elements of tensors, compared and shown.

use savedmodel_tensor::{DType, Error, Result, Tensor};
use savedmodel_text::numeral::shortest6;

/// An element of a tensor.
type At<'a> = (&'a Tensor, usize);

/// Whether two elements of the same dtype are equal; NaN equals nothing.
///
/// # Errors
/// `UNIMPLEMENTED` for dtypes that no table of constant values holds.
pub fn same((a, i): At<'_>, (b, j): At<'_>) -> Result<bool> {
    Ok(match a.dtype() {
        DType::Float => a.as_slice::<f32>()?[i] == b.as_slice::<f32>()?[j],
        DType::Double => a.as_slice::<f64>()?[i] == b.as_slice::<f64>()?[j],
        DType::Int32 => a.as_slice::<i32>()?[i] == b.as_slice::<i32>()?[j],
        DType::Int64 => a.as_slice::<i64>()?[i] == b.as_slice::<i64>()?[j],
        DType::Bool => a.as_slice::<bool>()?[i] == b.as_slice::<bool>()?[j],
        DType::String => a.strings()?[i] == b.strings()?[j],
        other => return Err(unsupported(other)),
    })
}

/// An element as TensorFlow's messages show it.
///
/// # Errors
/// As [`same`].
pub fn show((tensor, i): At<'_>) -> Result<String> {
    Ok(match tensor.dtype() {
        DType::Float => shortest6(tensor.as_slice::<f32>()?[i].into()),
        DType::Double => shortest6(tensor.as_slice::<f64>()?[i]),
        DType::Int32 => tensor.as_slice::<i32>()?[i].to_string(),
        DType::Int64 => tensor.as_slice::<i64>()?[i].to_string(),
        DType::Bool => u8::from(tensor.as_slice::<bool>()?[i]).to_string(),
        DType::String => String::from_utf8_lossy(&tensor.strings()?[i]).into_owned(),
        other => return Err(unsupported(other)),
    })
}

#[cold]
fn unsupported(dtype: DType) -> Error {
    Error::unimplemented(format!("hash tables with {dtype} values are not supported"))
}
