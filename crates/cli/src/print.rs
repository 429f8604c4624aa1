//! Tables, and tensors in a few lines.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use savedmodel_tensor::{DType, Result, Tensor, bf16, f16};

/// A table with this header.
pub fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header);
    table
}

/// Writes to standard output. Who closes it early has seen enough.
///
/// # Errors
/// Those of the output, but for a closed pipe.
pub fn out(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Tensors by name, as a table.
pub fn tensors<'t>(tensors: impl IntoIterator<Item = (&'t str, &'t Tensor)>) -> Table {
    let mut table = table(["name", "dtype", "shape", "value"]);
    for (name, tensor) in tensors {
        table.add_row([name, tensor.dtype().name(), &tensor.shape().to_string(), &value(tensor)]);
    }
    table
}

/// How many entries of a dimension are shown at each end: of most, and of the outer ones of three and more.
const EDGES: [usize; 2] = [3, 1];
/// How many characters of a string are shown.
const LONGEST: usize = 60;

/// The elements of a tensor, with the middle of long dimensions left out.
pub fn value(tensor: &Tensor) -> String {
    let mut text = String::new();
    write_axis(tensor, 0, 0, &mut text);
    text
}

fn write_axis(tensor: &Tensor, axis: usize, start: usize, out: &mut String) {
    let Some(&dim) = tensor.shape().get(axis) else { return out.push_str(&element(tensor, start)) };
    let size: usize = tensor.shape()[axis + 1..].iter().product();
    let inner = tensor.rank() - axis - 1;
    let edge = EDGES[usize::from(tensor.rank() > 2 && inner > 0)];
    let separator = if inner == 0 { " ".to_owned() } else { format!("\n{}", " ".repeat(axis + 1)) };
    let few = dim <= 2 * edge + 1;
    out.push('[');
    for i in (0..dim).filter(|&i| few || i <= edge || i >= dim - edge) {
        if i > 0 {
            out.push_str(&separator);
        }
        if !few && i == edge {
            out.push('…');
        } else {
            write_axis(tensor, axis + 1, start + i * size, out);
        }
    }
    out.push(']');
}

fn element(tensor: &Tensor, i: usize) -> String {
    fn at<T: savedmodel_tensor::Element>(tensor: &Tensor, i: usize) -> String {
        tensor.as_slice::<T>().map_or_else(|e| e.to_string(), |values| format!("{:?}", values[i]))
    }
    match tensor.dtype() {
        DType::Float => at::<f32>(tensor, i),
        DType::Double => at::<f64>(tensor, i),
        DType::Half => at::<f16>(tensor, i),
        DType::Bfloat16 => at::<bf16>(tensor, i),
        DType::Complex64 => {
            complex(tensor.as_slice::<savedmodel_tensor::Complex32>().map(|v| v[i].to_string()))
        }
        DType::Complex128 => {
            complex(tensor.as_slice::<savedmodel_tensor::Complex64>().map(|v| v[i].to_string()))
        }
        DType::Int8 => at::<i8>(tensor, i),
        DType::Int16 => at::<i16>(tensor, i),
        DType::Int32 => at::<i32>(tensor, i),
        DType::Int64 => at::<i64>(tensor, i),
        DType::Uint8 => at::<u8>(tensor, i),
        DType::Uint16 => at::<u16>(tensor, i),
        DType::Uint32 => at::<u32>(tensor, i),
        DType::Uint64 => at::<u64>(tensor, i),
        DType::Bool => at::<bool>(tensor, i),
        DType::String => tensor.strings().map_or_else(|e| e.to_string(), |values| string(&values[i])),
        DType::Resource => {
            tensor.handles().map_or_else(|e| e.to_string(), |values| format!("{:?}", values[i]))
        }
        DType::Variant => {
            tensor.variants().map_or_else(|e| e.to_string(), |values| format!("{:?}", values[i]))
        }
        dtype => bits(tensor, i, dtype),
    }
}

fn complex(text: Result<String>) -> String {
    text.unwrap_or_else(|e| e.to_string())
}

/// Quantised and narrow elements, as the integers or bits that they are.
fn bits(tensor: &Tensor, i: usize, dtype: DType) -> String {
    let size = dtype.size().unwrap_or(1);
    let bytes = &tensor.bytes().unwrap_or_default()[i * size..(i + 1) * size];
    match (dtype, bytes) {
        (DType::Qint32, &[a, b, c, d]) => i32::from_ne_bytes([a, b, c, d]).to_string(),
        (DType::Qint16, &[a, b]) => i16::from_ne_bytes([a, b]).to_string(),
        (DType::Quint16, &[a, b]) => u16::from_ne_bytes([a, b]).to_string(),
        (DType::Qint8 | DType::Int4 | DType::Int2, &[a]) => (a as i8).to_string(),
        (DType::Quint8 | DType::Uint4 | DType::Uint2, &[a]) => a.to_string(),
        _ => bytes.iter().rev().fold("0x".to_owned(), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        }),
    }
}

/// A string in quotes, cut where it is long; bytes that are no UTF-8 are escaped.
pub fn string(bytes: &[u8]) -> String {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => format!("{text:?}"),
        Err(_) => format!("\"{}\"", bytes.escape_ascii()),
    };
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…\"", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_in_a_few_lines() {
        let check = |tensor: Tensor, want: &str| assert_eq!(value(&tensor), want);
        check(Tensor::scalar(1.5_f32), "1.5");
        check(Tensor::from_vec([0, 2], Vec::<f32>::new()).unwrap(), "[]");
        check(Tensor::from_vec([2, 2], vec![1_i8, -2, 3, 4]).unwrap(), "[[1 -2]\n [3 4]]");
        check(Tensor::from_vec([9], (0..9).collect::<Vec<i64>>()).unwrap(), "[0 1 2 … 6 7 8]");
        let cube = Tensor::from_vec([4, 1, 1], vec![1_u8, 2, 3, 4]).unwrap();
        check(cube, "[[[1]]\n …\n [[4]]]");
        check(Tensor::from_vec([2, 1, 1], vec![true, false]).unwrap(), "[[[true]]\n [[false]]]");
        check(Tensor::from_strings([2], [&b"a\n\"\xc3\xbc"[..], b"\xff"]).unwrap(), r#"["a\n\"ü" "\xff"]"#);
        check(Tensor::from_vec([1], vec![savedmodel_tensor::Qint8(-3)]).unwrap(), "[-3]");
        assert!(value(&Tensor::from_strings([], ["x".repeat(1000)]).unwrap()).chars().count() < 70);
        for &dtype in DType::ALL {
            assert!(!value(&Tensor::zeros(dtype, [2, 8]).unwrap()).is_empty());
        }
    }
}
