//! Tensors as text, as `Assert`, `Print` and `StringFormat` show them.

use savedmodel_tensor::{DType, Element, Error, Result, Tensor};
use savedmodel_text::numeral::{exact_f32, exact_f64};

/// Writes element `i`.
type Print<'a> = Box<dyn Fn(usize, &mut Vec<u8>) + 'a>;

/// The first `most` elements (all if negative), cut off with `...`: what `Assert` and `Print` show.
///
/// Brackets stand around inner dimensions only: `1 2 3...`, `[1 2][3...]...`.
///
/// # Errors
/// `UNIMPLEMENTED` for handles, variants and 8-bit floats.
pub fn first(tensor: &Tensor, most: i64) -> Result<Vec<u8>> {
    let total = tensor.elements();
    let limit = usize::try_from(most).unwrap_or(total).min(total);
    if is_unknown(tensor.dtype()) {
        return Ok(unknown(limit, total).into_bytes());
    }
    let print = printer(tensor, false)?;
    let (mut text, mut next) = (Vec::new(), 0);
    first_of_dim(&print, tensor.shape(), (limit, true), &mut next, &mut text);
    if total > limit {
        text.extend(b"...");
    }
    Ok(text)
}

fn first_of_dim(
    print: &Print<'_>,
    dims: &[usize],
    (limit, outermost): (usize, bool),
    next: &mut usize,
    text: &mut Vec<u8>,
) {
    if *next >= limit {
        return;
    }
    match dims {
        [] => {
            print(*next, text);
            *next += 1;
        }
        &[len] => {
            for i in 0..len {
                if *next >= limit {
                    text.extend(if outermost { &b""[..] } else { b"..." });
                    return;
                }
                text.extend(if i > 0 { &b" "[..] } else { b"" });
                print(*next, text);
                *next += 1;
            }
        }
        [len, inner @ ..] => {
            for _ in 0..*len {
                if *next >= limit {
                    return;
                }
                text.push(b'[');
                first_of_dim(print, inner, (limit, false), next, text);
                text.push(b']');
            }
        }
    }
}

/// The first and last `most` elements of each dimension (all if negative), in brackets, with `...` between them:
/// what `StringFormat` and `PrintV2` show. Strings stand in quotes.
///
/// # Errors
/// As [`first`].
pub fn ends(tensor: &Tensor, most: i64) -> Result<Vec<u8>> {
    let total = tensor.elements();
    let limit = usize::try_from(most).unwrap_or(total).min(total);
    if is_unknown(tensor.dtype()) {
        let marks = unknown(limit, total);
        return Ok(if tensor.rank() > 0 { format!("[{marks}]") } else { marks }.into_bytes());
    }
    let print = printer(tensor, true)?;
    let mut text = Vec::new();
    if limit == 0 && (tensor.rank() == 0 || tensor.dtype() == DType::Bool) {
        text.extend(if tensor.dtype() == DType::Bool { &b""[..] } else { b"..." });
        return Ok(text);
    }
    ends_of_dim(&print, (tensor.shape(), 0), limit, 0, &mut text);
    Ok(text)
}

fn ends_of_dim(
    print: &Print<'_>,
    (dims, depth): (&[usize], usize),
    limit: usize,
    at: usize,
    text: &mut Vec<u8>,
) {
    let Some(&len) = dims.get(depth) else { return print(at, text) };
    let step: usize = dims[depth + 1..].iter().product();
    text.push(b'[');
    let tail = limit.max(len.saturating_sub(limit));
    for i in (0..limit.min(len)).chain(tail..len) {
        if i > 0 && i != tail {
            space(dims.len(), depth, text);
        } else if i == tail && len > limit {
            if len > limit.saturating_mul(2) {
                space(dims.len(), depth, text);
                text.extend(b"...");
            }
            space(dims.len(), depth, text);
        }
        ends_of_dim(print, (dims, depth + 1), limit, at + i * step, text);
    }
    if limit == 0 && len > 0 {
        space(dims.len(), depth, text);
        text.extend(b"...");
    }
    text.push(b']');
}

/// Whether TensorFlow shows elements of this dtype as question marks.
fn is_unknown(dtype: DType) -> bool {
    dtype.is_complex() || dtype == DType::Qint32
}

fn unknown(limit: usize, total: usize) -> String {
    vec!["?"; limit].join(" ") + if limit < total { "..." } else { "" }
}

/// What stands between two elements of a dimension.
fn space(rank: usize, depth: usize, text: &mut Vec<u8>) {
    if depth + 1 < rank {
        text.extend(std::iter::repeat_n(b'\n', rank - depth - 1));
        text.extend(std::iter::repeat_n(b' ', depth));
    }
    text.push(b' ');
}

fn printer(tensor: &Tensor, quoted: bool) -> Result<Print<'_>> {
    fn plain<'a, T: Element>(tensor: &'a Tensor, show: impl Fn(T) -> String + 'a) -> Result<Print<'a>> {
        let values = tensor.as_slice::<T>()?;
        Ok(Box::new(move |i, text| text.extend(show(values[i]).into_bytes())))
    }
    use savedmodel_tensor as t;
    match tensor.dtype() {
        DType::Float => plain(tensor, exact_f32),
        DType::Double => plain(tensor, exact_f64),
        DType::Half => plain(tensor, |v: t::f16| exact_f32(v.to_f32())),
        DType::Bfloat16 => plain(tensor, |v: t::bf16| exact_f32(v.to_f32())),
        DType::Int8 => plain(tensor, |v: i8| v.to_string()),
        DType::Int16 => plain(tensor, |v: i16| v.to_string()),
        DType::Int32 => plain(tensor, |v: i32| v.to_string()),
        DType::Int64 => plain(tensor, |v: i64| v.to_string()),
        DType::Uint8 => plain(tensor, |v: u8| v.to_string()),
        DType::Uint16 => plain(tensor, |v: u16| v.to_string()),
        DType::Uint32 => plain(tensor, |v: u32| v.to_string()),
        DType::Uint64 => plain(tensor, |v: u64| v.to_string()),
        DType::Qint8 => plain(tensor, |v: t::Qint8| v.0.to_string()),
        DType::Quint8 => plain(tensor, |v: t::Quint8| v.0.to_string()),
        DType::Qint16 => plain(tensor, |v: t::Qint16| v.0.to_string()),
        DType::Quint16 => plain(tensor, |v: t::Quint16| v.0.to_string()),
        DType::Int4 => plain(tensor, |v: t::Int4| v.0.to_string()),
        DType::Uint4 => plain(tensor, |v: t::Uint4| v.0.to_string()),
        DType::Int2 => plain(tensor, |v: t::Int2| v.0.to_string()),
        DType::Uint2 => plain(tensor, |v: t::Uint2| v.0.to_string()),
        DType::Bool => plain(tensor, |v: bool| u8::from(v).to_string()),
        DType::String => {
            let values = tensor.strings()?;
            let quote: &[u8] = if quoted { b"\"" } else { b"" };
            Ok(Box::new(move |i, text| {
                text.extend(quote);
                escape(&values[i], text);
                text.extend(quote);
            }))
        }
        other => Err(Error::unimplemented(format!("{other} tensors can't be shown as text"))),
    }
}

/// Bytes with C's escapes; those of UTF-8 beyond ASCII stay as they are.
fn escape(bytes: &[u8], text: &mut Vec<u8>) {
    for &byte in bytes {
        match byte {
            b'\n' => text.extend(b"\\n"),
            b'\r' => text.extend(b"\\r"),
            b'\t' => text.extend(b"\\t"),
            b'"' | b'\'' | b'\\' => text.extend([b'\\', byte]),
            0..b' ' | 0x7f => text.extend(format!("\\{byte:03o}").into_bytes()),
            _ => text.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers<const R: usize>(shape: [usize; R]) -> Tensor {
        let n = shape.iter().product::<usize>() as i32;
        Tensor::from_vec(shape, (0..n).collect()).unwrap()
    }

    #[test]
    fn both_ends() {
        let check = |tensor: Tensor, most: i64, want: &str| {
            assert_eq!(String::from_utf8(ends(&tensor, most).unwrap()).unwrap(), want);
        };
        check(numbers([]), 3, "0");
        check(numbers([7]), 3, "[0 1 2 ... 4 5 6]");
        check(numbers([6]), 3, "[0 1 2 3 4 5]");
        check(numbers([5]), 3, "[0 1 2 3 4]");
        check(
            numbers([2, 3, 4]),
            1,
            "[[[0 ... 3]\n  ...\n  [8 ... 11]]\n\n [[12 ... 15]\n  ...\n  [20 ... 23]]]",
        );
        check(numbers([1, 2, 1, 2]), 3, "[[[[0 1]]\n\n  [[2 3]]]]");
        check(numbers([3, 2]), -1, "[[0 1]\n [2 3]\n [4 5]]");
        check(numbers([3, 4, 5]), 0, "[\n\n ...]");
        check(numbers([2, 0]), 3, "[\n ...]");
        check(numbers([0, 3]), 3, "[]");
        check(Tensor::from_vec([2], vec![1.0_f32 / 3.0, 1e6]).unwrap(), 3, "[0.333333343 1e+06]");
        check(Tensor::from_vec([1], vec![savedmodel_tensor::f16::from_f32(1.1)]).unwrap(), 3, "[1.09960938]");
        check(Tensor::from_vec([2], vec![true, false]).unwrap(), 3, "[1 0]");
        check(
            Tensor::from_strings([2], ["b\"c\n", "\0\x7f\u{e9}"]).unwrap(),
            3,
            "[\"b\\\"c\\n\" \"\\000\\177\u{e9}\"]",
        );
        check(Tensor::zeros(DType::Complex64, [2]).unwrap(), 1, "[?...]");
        assert!(ends(&Tensor::zeros(DType::Variant, [1]).unwrap(), 3).is_err());
    }

    #[test]
    fn the_first() {
        let check = |tensor: Tensor, most: i64, want: &str| {
            assert_eq!(String::from_utf8(first(&tensor, most).unwrap()).unwrap(), want);
        };
        check(numbers([]), 3, "0");
        check(numbers([]), 0, "...");
        check(numbers([4]), 3, "0 1 2...");
        check(numbers([3]), 3, "0 1 2");
        check(numbers([2, 2]), 3, "[0 1][2...]...");
        check(numbers([2, 2]), 2, "[0 1]...");
        check(numbers([2, 2, 2]), -1, "[[0 1][2 3]][[4 5][6 7]]");
        check(numbers([2, 2, 2]), 5, "[[0 1][2 3]][[4...]]...");
        check(Tensor::from_strings([1], ["x'"]).unwrap(), 3, "x\\'");
        check(Tensor::zeros(DType::Complex64, [1, 2]).unwrap(), 1, "?...");
    }
}
