//! Numbers of any dtype as `f64`, as summaries keep them.

use savedmodel_tensor::{DType, Error, Result, Tensor, bf16, f16};

/// All elements of a tensor of real numbers.
///
/// # Errors
/// `UNIMPLEMENTED` for any other.
pub fn numbers(tensor: &Tensor) -> Result<Vec<f64>> {
    Ok(match tensor.dtype() {
        DType::Float => tensor.as_slice::<f32>()?.iter().map(|&v| v.into()).collect(),
        DType::Double => tensor.as_slice::<f64>()?.to_vec(),
        DType::Half => tensor.as_slice::<f16>()?.iter().map(|v| v.to_f64()).collect(),
        DType::Bfloat16 => tensor.as_slice::<bf16>()?.iter().map(|v| v.to_f64()).collect(),
        DType::Uint32 => tensor.as_slice::<u32>()?.iter().map(|&v| v.into()).collect(),
        DType::Uint64 => tensor.as_slice::<u64>()?.iter().map(|&v| v as f64).collect(),
        dtype if dtype.is_floating() || dtype.is_complex() || dtype == DType::Bool => {
            return Err(Error::unimplemented(format!("a summary of {dtype}")));
        }
        _ => tensor.to_i64s()?.iter().map(|&v| v as f64).collect(),
    })
}
