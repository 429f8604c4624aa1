//! Replies.

use std::fmt::Write as _;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use savedmodel_tensor::{
    DType, Element, Error, Qint8, Qint16, Qint32, Quint8, Quint16, Result, Tensor, bf16, f16,
};

use super::Form;

/// Outputs whose names end so are written as base64.
const BYTES: &str = "_bytes";

/// The reply with some outputs. The name of a single output is left out.
///
/// Strings that are no UTF-8 are written as `{"b64": …}`, as those of outputs named `…_bytes` always are.
///
/// # Errors
/// `INVALID_ARGUMENT` when outputs have no common first dimension and the form is [`Form::Row`]; `UNIMPLEMENTED` for dtypes that
/// JSON does not hold.
pub fn reply(outputs: &[(String, Tensor)], form: Form) -> Result<String> {
    let mut out = String::new();
    match form {
        Form::Row => rows(outputs, &mut out)?,
        Form::Column => columns(outputs, &mut out)?,
    }
    Ok(out)
}

fn columns(outputs: &[(String, Tensor)], out: &mut String) -> Result<()> {
    out.push_str("{\n\"outputs\": ");
    match outputs {
        [(name, tensor)] => list(&leaves(name, tensor)?, tensor, 0..tensor.elements(), 0, out),
        _ => {
            for (i, (name, tensor)) in outputs.iter().enumerate() {
                out.push_str(if i == 0 { "{\n" } else { ",\n" });
                string(name, out);
                out.push_str(": ");
                list(&leaves(name, tensor)?, tensor, 0..tensor.elements(), 0, out);
            }
            out.push_str(if outputs.is_empty() { "{}" } else { "\n}" });
        }
    }
    out.push_str("\n}\n");
    Ok(())
}

fn rows(outputs: &[(String, Tensor)], out: &mut String) -> Result<()> {
    let batch = batch(outputs)?;
    let leaves: Vec<Leaves<'_>> = outputs.iter().map(|(name, t)| leaves(name, t)).collect::<Result<_>>()?;
    out.push_str("{\n\"predictions\": [");
    for row in 0..batch {
        out.push_str(if row == 0 { "\n" } else { ",\n" });
        for (i, ((name, tensor), leaves)) in outputs.iter().zip(&leaves).enumerate() {
            if outputs.len() > 1 {
                out.push_str(if i == 0 { "{" } else { ", " });
                string(name, out);
                out.push_str(": ");
            }
            let size = tensor.elements() / batch;
            list(leaves, tensor, row * size..(row + 1) * size, 1, out);
        }
        out.push_str(if outputs.len() > 1 { "}" } else { "" });
    }
    out.push_str("\n]\n}\n");
    Ok(())
}

fn batch(outputs: &[(String, Tensor)]) -> Result<usize> {
    let hint = "; ask with 'inputs' instead of 'instances'";
    let mut batch = None;
    for (name, tensor) in outputs {
        let Some(&size) = tensor.shape().first() else {
            return Err(Error::invalid_argument(format!("Tensor name: {name} has no batch dimension{hint}")));
        };
        if *batch.get_or_insert(size) != size {
            return Err(Error::invalid_argument(format!(
                "Tensor name: {name} has inconsistent batch size: {size} expecting: {}{hint}",
                batch.unwrap_or(0)
            )));
        }
    }
    Ok(batch.unwrap_or(0))
}

/// Writes element number so-and-so.
type Leaves<'t> = Box<dyn Fn(usize, &mut String) + 't>;

fn list(leaves: &Leaves<'_>, tensor: &Tensor, range: std::ops::Range<usize>, axis: usize, out: &mut String) {
    let Some(&dim) = tensor.shape().get(axis) else { return leaves(range.start, out) };
    let size = range.len().checked_div(dim).unwrap_or(0);
    out.push('[');
    for i in 0..dim {
        if i > 0 {
            out.push_str(", ");
        }
        let start = range.start + i * size;
        list(leaves, tensor, start..start + size, axis + 1, out);
    }
    out.push(']');
}

fn leaves<'t>(name: &str, tensor: &'t Tensor) -> Result<Leaves<'t>> {
    match tensor.dtype() {
        DType::Float => numbers(tensor, |v: f32, out| float(v.into(), format_args!("{v:?}"), out)),
        DType::Double => numbers(tensor, |v: f64, out| float(v, format_args!("{v:?}"), out)),
        DType::Half => numbers(tensor, |v: f16, out| float(v.into(), format_args!("{:?}", v.to_f32()), out)),
        DType::Bfloat16 => {
            numbers(tensor, |v: bf16, out| float(v.into(), format_args!("{:?}", v.to_f32()), out))
        }
        DType::Int8 => numbers(tensor, |v: i8, out| integer(v, out)),
        DType::Int16 => numbers(tensor, |v: i16, out| integer(v, out)),
        DType::Int32 => numbers(tensor, |v: i32, out| integer(v, out)),
        DType::Int64 => numbers(tensor, |v: i64, out| integer(v, out)),
        DType::Uint8 => numbers(tensor, |v: u8, out| integer(v, out)),
        DType::Uint16 => numbers(tensor, |v: u16, out| integer(v, out)),
        DType::Uint32 => numbers(tensor, |v: u32, out| integer(v, out)),
        DType::Uint64 => numbers(tensor, |v: u64, out| integer(v, out)),
        DType::Qint8 => numbers(tensor, |v: Qint8, out| integer(v.0, out)),
        DType::Quint8 => numbers(tensor, |v: Quint8, out| integer(v.0, out)),
        DType::Qint16 => numbers(tensor, |v: Qint16, out| integer(v.0, out)),
        DType::Quint16 => numbers(tensor, |v: Quint16, out| integer(v.0, out)),
        DType::Qint32 => numbers(tensor, |v: Qint32, out| integer(v.0, out)),
        DType::Bool => numbers(tensor, |v: bool, out| out.push_str(if v { "true" } else { "false" })),
        DType::String => {
            let (strings, as_bytes) = (tensor.strings()?, name.ends_with(BYTES));
            Ok(Box::new(move |i, out| match std::str::from_utf8(&strings[i]) {
                Ok(text) if !as_bytes => string(text, out),
                _ => {
                    let encoded = BASE64_STANDARD.encode(&strings[i]);
                    out.push_str(&format!("{{\"b64\": \"{encoded}\"}}"));
                }
            }))
        }
        other => {
            Err(Error::unimplemented(format!("JSON does not hold {} tensors; use .npz or .pb", other.name()))
                .at(format!("output '{name}'")))
        }
    }
}

fn numbers<T: Element>(tensor: &Tensor, write: fn(T, &mut String)) -> Result<Leaves<'_>> {
    let values = tensor.as_slice::<T>()?;
    Ok(Box::new(move |i, out| write(values[i], out)))
}

fn integer(value: impl std::fmt::Display, out: &mut String) {
    // Writing to a string does not fail.
    let _ = write!(out, "{value}");
}

/// The shortest decimal that is read as the same number.
pub(super) fn float(value: f64, shortest: std::fmt::Arguments<'_>, out: &mut String) {
    if value.is_finite() {
        // Writing to a string does not fail.
        let _ = out.write_fmt(shortest);
    } else if value.is_nan() {
        out.push_str("NaN");
    } else {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    }
}

/// A string in quotes.
pub(super) fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use savedmodel_tensor::{Bytes, Shape};

    use super::*;
    use crate::file::json::value::Value;

    fn check(outputs: &[(&str, Tensor)], form: Form, want: &str) {
        let outputs: Vec<_> = outputs.iter().map(|(name, t)| ((*name).to_owned(), t.clone())).collect();
        let text = reply(&outputs, form).unwrap();
        assert_eq!(text.split('\n').collect::<String>(), want);
        assert!(Value::parse(text.as_bytes()).is_ok(), "{text}");
    }

    fn floats(shape: impl Into<Shape>, values: &[f32]) -> Tensor {
        Tensor::from_slice(shape, values).unwrap()
    }

    #[test]
    fn rows_and_columns() {
        let y = floats([2, 2], &[1.0, f32::NAN, 1e-7, -f32::INFINITY]);
        let n = Tensor::from_slice([2], &[-1_i64, 2]).unwrap();
        check(&[("y", y.clone())], Form::Row, r#"{"predictions": [[1.0, NaN],[1e-7, -Infinity]]}"#);
        check(&[("y", y.clone())], Form::Column, r#"{"outputs": [[1.0, NaN], [1e-7, -Infinity]]}"#);
        let both = [("n", n.clone()), ("y", y.clone())];
        check(
            &both,
            Form::Row,
            r#"{"predictions": [{"n": -1, "y": [1.0, NaN]},{"n": 2, "y": [1e-7, -Infinity]}]}"#,
        );
        check(&both, Form::Column, r#"{"outputs": {"n": [-1, 2],"y": [[1.0, NaN], [1e-7, -Infinity]]}}"#);
        check(&[("y", floats([], &[0.1]))], Form::Column, r#"{"outputs": 0.1}"#);
        check(&[("y", floats([2, 0], &[]))], Form::Row, r#"{"predictions": [[],[]]}"#);
        check(&[("y", floats([0, 2], &[]))], Form::Row, r#"{"predictions": []}"#);
        check(&[], Form::Column, r#"{"outputs": {}}"#);
    }

    #[test]
    fn strings() {
        let s =
            Tensor::from_strings([3], [Bytes::from("a\"\n\u{1}"), Bytes::from_static(b"\xff"), "ü".into()])
                .unwrap();
        check(&[("s", s)], Form::Column, r#"{"outputs": ["a\"\n\u0001", {"b64": "/w=="}, "ü"]}"#);
        let b = Tensor::from_strings([1], ["a"]).unwrap();
        check(&[("s_bytes", b)], Form::Row, r#"{"predictions": [{"b64": "YQ=="}]}"#);
    }

    #[test]
    fn what_has_no_rows() {
        let error = |tensors: &[Tensor]| {
            let named: Vec<_> = tensors.iter().map(|t| ("y".to_owned(), t.clone())).collect();
            reply(&named, Form::Row).unwrap_err().code().name()
        };
        assert_eq!(error(&[floats([], &[1.0])]), "INVALID_ARGUMENT");
        assert_eq!(error(&[floats([1], &[1.0]), floats([2], &[1.0, 2.0])]), "INVALID_ARGUMENT");
        assert_eq!(error(&[Tensor::zeros(DType::Complex64, [1]).unwrap()]), "UNIMPLEMENTED");
    }
}
