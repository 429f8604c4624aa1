//! Tensors as text, as TensorFlow shows them in messages.

use savedmodel_tensor::{Bytes, DType, Element, Tensor};

/// The elements of a tensor in brackets by dimension, at most `most` of them (all if negative).
///
/// TensorFlow's `Tensor::SummarizeValue`: a scalar is bare, `[1 2 3...]` was cut, strings are bare.
pub fn summarize(tensor: &Tensor, most: i64) -> String {
    let n = tensor.elements();
    let most = usize::try_from(most).unwrap_or(n).min(n);
    let items = texts(tensor, most);
    if tensor.rank() == 0 {
        return items.into_iter().next().unwrap_or_default();
    }
    let mut text = String::new();
    nested(&items, tensor.shape(), n, &mut 0, &mut text);
    text
}

fn nested(items: &[String], dims: &[usize], total: usize, at: &mut usize, text: &mut String) {
    let Some((&dim, inner)) = dims.split_first() else { return };
    text.push('[');
    for i in 0..dim {
        if *at >= items.len() {
            if *at < total && i < dim {
                text.push_str("...");
            }
            break;
        }
        if inner.is_empty() {
            text.push_str(if i > 0 { " " } else { "" });
            text.push_str(&items[*at]);
            *at += 1;
        } else {
            nested(items, inner, total, at, text);
        }
    }
    text.push(']');
}

fn texts(tensor: &Tensor, most: usize) -> Vec<String> {
    fn plain<T: Element + std::fmt::Display>(tensor: &Tensor, most: usize) -> Vec<String> {
        let values = tensor.as_slice::<T>().unwrap_or_default();
        values.iter().take(most).map(ToString::to_string).collect()
    }
    fn floats(values: impl Iterator<Item = f64>) -> Vec<String> {
        values.map(float).collect()
    }
    match tensor.dtype() {
        DType::Float => {
            floats(tensor.as_slice::<f32>().unwrap_or_default().iter().take(most).map(|&v| v.into()))
        }
        DType::Double => floats(tensor.as_slice::<f64>().unwrap_or_default().iter().take(most).copied()),
        DType::Int32 => plain::<i32>(tensor, most),
        DType::Int64 => plain::<i64>(tensor, most),
        DType::Int16 => plain::<i16>(tensor, most),
        DType::Int8 => plain::<i8>(tensor, most),
        DType::Uint8 => plain::<u8>(tensor, most),
        DType::Uint16 => plain::<u16>(tensor, most),
        DType::Uint32 => plain::<u32>(tensor, most),
        DType::Uint64 => plain::<u64>(tensor, most),
        DType::Bool => {
            let values = tensor.as_slice::<bool>().unwrap_or_default();
            values.iter().take(most).map(|&v| u8::from(v).to_string()).collect()
        }
        DType::String => {
            let text = |value: &Bytes| String::from_utf8_lossy(value).into_owned();
            tensor.strings().unwrap_or_default().iter().take(most).map(text).collect()
        }
        _ => vec!["?".to_owned(); most],
    }
}

/// Six significant digits, as C's `%g`.
fn float(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        let text = format!("{value}").to_lowercase();
        return text;
    }
    let text = format!("{value:.5e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |text: &str| {
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text.to_owned()
        }
    };
    if (-4..6).contains(&exponent) {
        let places = (5 - exponent).max(0) as usize;
        return trim(&format!("{value:.places$}"));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trim(digits), exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_tensorflow_shows_them() {
        let check = |tensor: Tensor, most: i64, want: &str| assert_eq!(summarize(&tensor, most), want);
        check(Tensor::scalar(1.5_f32), 3, "1.5");
        check(Tensor::from_vec([4], vec![1_i32, 2, 3, 4]).unwrap(), 3, "[1 2 3...]");
        check(Tensor::from_vec([2, 2], vec![1_i32, 2, 3, 4]).unwrap(), -1, "[[1 2][3 4]]");
        check(Tensor::from_vec([2, 2], vec![1_i32, 2, 3, 4]).unwrap(), 3, "[[1 2][3...]]");
        check(Tensor::from_vec([2], vec![1e10_f32, 1e-7]).unwrap(), 3, "[1e+10 1e-07]");
        check(Tensor::from_strings([1], ["x"]).unwrap(), 3, "[x]");
        check(Tensor::from_vec([0], Vec::<f32>::new()).unwrap(), 3, "[]");
    }
}
