//! Tensors as arrays.

use std::io::Write;

use savedmodel_tensor::{DType, Error, Result, Tensor, bf16};

/// The most bytes that strings may take when the longest says how long each is.
const MOST_STRING_BYTES: usize = 1 << 32;

/// Writes a tensor.
///
/// Quantised and narrow integers are written as the integers that hold them, `bfloat16` as `float32`, floats of eight
/// bits and less as `V1`.
///
/// # Errors
/// Those of the output; `UNIMPLEMENTED` for resources, variants, and strings that NumPy can't hold.
pub fn write(output: &mut impl Write, tensor: &Tensor) -> Result<()> {
    match tensor.dtype() {
        DType::String => strings(output, tensor),
        DType::Bfloat16 => {
            let wide: Vec<f32> = tensor.as_slice::<bf16>()?.iter().map(|v| v.to_f32()).collect();
            write(output, &Tensor::from_vec(tensor.shape(), wide)?)
        }
        dtype => {
            let descr = descr(dtype).ok_or_else(|| {
                Error::unimplemented(format!("a {} tensor can't be written as an array", dtype.name()))
            })?;
            header(output, descr, tensor)?;
            Ok(output.write_all(tensor.bytes().unwrap_or_default())?)
        }
    }
}

fn strings(output: &mut impl Write, tensor: &Tensor) -> Result<()> {
    let values = tensor.strings()?;
    if values.iter().any(|value| value.last() == Some(&0)) {
        return Err(Error::unimplemented(
            "NumPy's strings can't end in a zero byte; write .pb or .json instead",
        ));
    }
    // NumPy has no strings of width 0.
    let width = values.iter().map(|value| value.len()).max().unwrap_or(0).max(1);
    if width.checked_mul(values.len()).is_none_or(|bytes| bytes > MOST_STRING_BYTES) {
        return Err(Error::resource_exhausted(format!(
            "{} strings, padded to the {width} bytes of the longest; write .pb or .json instead",
            values.len()
        )));
    }
    header(output, &format!("|S{width}"), tensor)?;
    let mut padded = Vec::with_capacity(width);
    for value in values {
        padded.clear();
        padded.extend_from_slice(value);
        padded.resize(width, 0);
        output.write_all(&padded)?;
    }
    Ok(())
}

fn header(output: &mut impl Write, descr: &str, tensor: &Tensor) -> Result<()> {
    let order = if cfg!(target_endian = "big") { ">" } else { "<" };
    let descr = descr.replace('=', order);
    let dims: String = tensor.shape().iter().map(|dim| format!("{dim}, ")).collect();
    let shape = match tensor.rank() {
        1 => dims.trim_end().to_owned(),
        _ => dims.trim_end_matches(", ").to_owned(),
    };
    let dictionary = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    // The array begins at a multiple of 64 bytes; 254 dimensions fit the two bytes of the length.
    let before = 10;
    let length = (before + dictionary.len() + 1).next_multiple_of(64) - before;
    output.write_all(b"\x93NUMPY\x01\x00")?;
    output.write_all(&(length as u16).to_le_bytes())?;
    Ok(writeln!(output, "{dictionary:<width$}", width = length - 1)?)
}

/// NumPy's name for a dtype, with `=` for this machine's byte order.
fn descr(dtype: DType) -> Option<&'static str> {
    Some(match dtype {
        DType::Bool => "|b1",
        DType::Int8 | DType::Qint8 | DType::Int4 | DType::Int2 => "|i1",
        DType::Uint8 | DType::Quint8 | DType::Uint4 | DType::Uint2 => "|u1",
        DType::Int16 | DType::Qint16 => "=i2",
        DType::Uint16 | DType::Quint16 => "=u2",
        DType::Int32 | DType::Qint32 => "=i4",
        DType::Uint32 => "=u4",
        DType::Int64 => "=i8",
        DType::Uint64 => "=u8",
        DType::Half => "=f2",
        DType::Float => "=f4",
        DType::Double => "=f8",
        DType::Complex64 => "=c8",
        DType::Complex128 => "=c16",
        DType::Float8E5m2
        | DType::Float8E4m3fn
        | DType::Float8E4m3fnuz
        | DType::Float8E4m3b11fnuz
        | DType::Float8E5m2fnuz
        | DType::Float4E2m1fn => "|V1",
        DType::Bfloat16 | DType::String | DType::Resource | DType::Variant => return None,
    })
}
