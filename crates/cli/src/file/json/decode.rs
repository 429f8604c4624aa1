//! Requests.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use savedmodel_tensor::{
    Bytes, DType, Element, Error, Qint8, Qint16, Qint32, Quint8, Quint16, Result, Shape, Tensor, bf16, f16,
};

use super::value::Value;

/// A request: which signature, and values whose dtypes the signature tells.
#[derive(Debug)]
pub struct Body {
    /// The signature that it asks for.
    pub signature: Option<String>,
    /// How its values are written, and its reply's.
    pub form: Form,
    values: Value,
}

/// The two forms of requests and replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `instances` and `predictions`: a list with an entry for each example.
    Row,
    /// `inputs` and `outputs`: each tensor as a whole.
    Column,
}

/// The inputs of a signature: names and dtypes.
pub type Inputs<'s> = [(&'s str, Option<DType>)];

impl Body {
    /// The request in a text.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is no JSON, or no request.
    pub fn parse(text: &[u8]) -> Result<Body> {
        let mut body = Value::parse(text)?;
        let Value::Object(members) = &mut body else {
            return Err(Error::invalid_argument("Request must be a JSON object"));
        };
        let mut take = |key: &str| {
            let index = members.iter().position(|(name, _)| name == key)?;
            Some(members.swap_remove(index).1)
        };
        let signature = match take("signature_name") {
            None => None,
            Some(Value::String(name)) => Some(name),
            Some(_) => return Err(Error::invalid_argument("'signature_name' key must be a string value.")),
        };
        let (form, values) = match (take("instances"), take("inputs")) {
            (Some(Value::List(rows)), None) if !rows.is_empty() => (Form::Row, Value::List(rows)),
            (Some(_), None) => {
                return Err(Error::invalid_argument("Excepting 'instances' to be a list that is not empty"));
            }
            (None, Some(values)) => (Form::Column, values),
            (Some(_), Some(_)) => {
                return Err(Error::invalid_argument(
                    "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist.",
                ));
            }
            (None, None) => {
                return Err(Error::invalid_argument("Missing 'inputs' or 'instances' key"));
            }
        };
        Ok(Body { signature, form, values })
    }

    /// The tensors for the inputs of a signature.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when a value does not fit the dtype of its input, lists are ragged, or rows differ in their names;
    /// `UNIMPLEMENTED` for dtypes that JSON does not hold.
    pub fn tensors(&self, inputs: &Inputs<'_>) -> Result<Vec<(String, Tensor)>> {
        match (self.form, &self.values) {
            (Form::Row, Value::List(rows)) => row_tensors(rows, inputs),
            (_, values) => column_tensors(values, inputs),
        }
    }
}

fn row_tensors(rows: &[Value], inputs: &Inputs<'_>) -> Result<Vec<(String, Tensor)>> {
    let first = rows.first().ok_or_else(|| Error::invalid_argument("no instances"))?;
    let Value::Object(members) = first else { return lone(rows, inputs) };
    if is_base64(first) && inputs.len() == 1 {
        return lone(rows, inputs);
    }
    let mut tensors = Vec::with_capacity(members.len());
    for (name, _) in members {
        let column = rows.iter().enumerate().map(|(i, row)| match row {
            Value::Object(own) if own.len() == members.len() => row.get(name).ok_or_else(|| unlike(i, name)),
            _ => Err(unlike(i, name)),
        });
        let column: Vec<&Value> = column.collect::<Result<_>>()?;
        tensors.push((name.clone(), stacked(&column, dtype(name, inputs)?).map_err(|e| at(name, e))?));
    }
    Ok(tensors)
}

/// Rows that leave out the name of the only input.
fn lone(rows: &[Value], inputs: &Inputs<'_>) -> Result<Vec<(String, Tensor)>> {
    let (name, dtype) = only(inputs)?;
    let rows: Vec<&Value> = rows.iter().collect();
    Ok(vec![(name.to_owned(), stacked(&rows, dtype).map_err(|e| at(name, e))?)])
}

fn column_tensors(values: &Value, inputs: &Inputs<'_>) -> Result<Vec<(String, Tensor)>> {
    match values {
        Value::Object(members) if !(is_base64(values) && inputs.len() == 1) => {
            let tensor = |(name, value): &(String, Value)| {
                let tensor = whole(value, dtype(name, inputs)?).map_err(|e| at(name, e))?;
                Ok((name.clone(), tensor))
            };
            members.iter().map(tensor).collect()
        }
        value => {
            let (name, dtype) = only(inputs)?;
            Ok(vec![(name.to_owned(), whole(value, dtype).map_err(|e| at(name, e))?)])
        }
    }
}

fn at(name: &str, error: Error) -> Error {
    error.at(format!("input '{name}'"))
}

fn unlike(row: usize, name: &str) -> Error {
    Error::invalid_argument(format!(
        "instance {row} does not have the inputs of the first one, such as '{name}'"
    ))
}

fn only<'s>(inputs: &Inputs<'s>) -> Result<(&'s str, Option<DType>)> {
    match inputs {
        [only] => Ok(*only),
        _ => {
            let names: Vec<&str> = inputs.iter().map(|(name, _)| *name).collect();
            Err(Error::invalid_argument(format!(
                "values must be objects with names, as the signature takes {} inputs: {}",
                names.len(),
                names.join(", ")
            )))
        }
    }
}

fn dtype(name: &str, inputs: &Inputs<'_>) -> Result<Option<DType>> {
    let found = inputs.iter().find(|(other, _)| *other == name);
    found.map(|(_, dtype)| *dtype).ok_or_else(|| {
        let names: Vec<String> = inputs.iter().map(|(name, _)| format!("'{name}'")).collect();
        Error::invalid_argument(format!(
            "there is no input '{name}'; the signature takes {}",
            names.join(", ")
        ))
    })
}

/// Whether this is `{"b64": "…"}`, which stands for bytes.
fn is_base64(value: &Value) -> bool {
    matches!(value, Value::Object(members) if matches!(&members[..], [(key, Value::String(_))] if key == "b64"))
}

/// A tensor as nested lists.
///
/// # Errors
/// As [`Body::tensors`].
pub(super) fn whole(value: &Value, dtype: Option<DType>) -> Result<Tensor> {
    let mut leaves = Vec::new();
    let shape = shape_of(value);
    flatten(value, &shape, 0, &mut leaves)?;
    tensor(shape, &leaves, dtype)
}

fn stacked(rows: &[&Value], dtype: Option<DType>) -> Result<Tensor> {
    let mut shape = vec![rows.len()];
    shape.extend(rows.first().map(|row| shape_of(row)).unwrap_or_default());
    let mut leaves = Vec::new();
    for row in rows {
        flatten(row, &shape, 1, &mut leaves)?;
    }
    tensor(shape, &leaves, dtype)
}

/// The shape that the first entry of each list makes one expect.
fn shape_of(value: &Value) -> Vec<usize> {
    let (mut shape, mut value) = (Vec::new(), value);
    while let Value::List(items) = value {
        shape.push(items.len());
        let Some(first) = items.first() else { break };
        value = first;
    }
    shape
}

fn flatten<'v>(value: &'v Value, shape: &[usize], depth: usize, leaves: &mut Vec<&'v Value>) -> Result<()> {
    match (value, shape.get(depth)) {
        (Value::List(items), Some(&size)) if items.len() == size => {
            items.iter().try_for_each(|item| flatten(item, shape, depth + 1, leaves))
        }
        (Value::List(items), Some(size)) => Err(Error::invalid_argument(format!(
            "Encountered list at unexpected size: {} at level: {depth} expected size: {size}",
            items.len()
        ))),
        (Value::List(_), None) => Err(Error::invalid_argument(format!(
            "Encountered list at unexpected level: {depth}, expected < {}",
            shape.len()
        ))),
        (value, Some(_)) => Err(Error::invalid_argument(format!(
            "JSON Value: {} found at level: {depth} where a list is expected",
            value.kind()
        ))),
        (value, None) => {
            leaves.push(value);
            Ok(())
        }
    }
}

fn tensor(shape: Vec<usize>, leaves: &[&Value], dtype: Option<DType>) -> Result<Tensor> {
    let shape = Shape::from(shape);
    if shape.rank() > Shape::MAX_RANK {
        return Err(Error::invalid_argument(format!("a list of {} levels", shape.rank())));
    }
    let dtype = dtype.ok_or_else(|| Error::invalid_argument("the signature does not tell the dtype"))?;
    match dtype {
        DType::Float => fill(shape, leaves, |v| Some(float(v)? as f32)),
        DType::Double => fill(shape, leaves, float),
        DType::Half => fill(shape, leaves, |v| float(v).map(f16::from_f64)),
        DType::Bfloat16 => fill(shape, leaves, |v| float(v).map(bf16::from_f64)),
        DType::Int8 => fill(shape, leaves, |v| i8::try_from(integer(v)?).ok()),
        DType::Int16 => fill(shape, leaves, |v| i16::try_from(integer(v)?).ok()),
        DType::Int32 => fill(shape, leaves, |v| i32::try_from(integer(v)?).ok()),
        DType::Int64 => fill(shape, leaves, integer),
        DType::Uint8 => fill(shape, leaves, |v| u8::try_from(integer(v)?).ok()),
        DType::Uint16 => fill(shape, leaves, |v| u16::try_from(integer(v)?).ok()),
        DType::Uint32 => fill(shape, leaves, |v| u32::try_from(integer(v)?).ok()),
        DType::Uint64 => fill(shape, leaves, unsigned),
        DType::Qint8 => fill(shape, leaves, |v| i8::try_from(integer(v)?).ok().map(Qint8)),
        DType::Quint8 => fill(shape, leaves, |v| u8::try_from(integer(v)?).ok().map(Quint8)),
        DType::Qint16 => fill(shape, leaves, |v| i16::try_from(integer(v)?).ok().map(Qint16)),
        DType::Quint16 => fill(shape, leaves, |v| u16::try_from(integer(v)?).ok().map(Quint16)),
        DType::Qint32 => fill(shape, leaves, |v| i32::try_from(integer(v)?).ok().map(Qint32)),
        DType::Bool => fill(shape, leaves, |v| if let Value::Bool(b) = v { Some(*b) } else { None }),
        DType::String => {
            let strings = leaves.iter().map(|leaf| string(leaf)).collect::<Result<Vec<Bytes>>>()?;
            Tensor::from_strings(shape, strings)
        }
        other => {
            Err(Error::unimplemented(format!("JSON does not hold {} tensors; use .npz or .pb", other.name())))
        }
    }
}

fn fill<T: Element>(shape: Shape, leaves: &[&Value], convert: fn(&Value) -> Option<T>) -> Result<Tensor> {
    let values = leaves.iter().map(|leaf| convert(leaf).ok_or_else(|| mismatch(leaf, T::DTYPE)));
    Tensor::from_vec(shape, values.collect::<Result<_>>()?)
}

fn mismatch(value: &Value, dtype: DType) -> Error {
    let text = match value {
        Value::Integer(v) => v.to_string(),
        Value::Unsigned(v) => v.to_string(),
        Value::Float(v) => v.to_string(),
        Value::Bool(v) => v.to_string(),
        Value::String(v) => format!("{v:?}"),
        _ => String::new(),
    };
    let kind = value.kind();
    Error::invalid_argument(format!("JSON Value: {text} Type: {kind} is not of expected type: {dtype}"))
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Float(v) => Some(*v),
        Value::Integer(v) => Some(*v as f64),
        Value::Unsigned(v) => Some(*v as f64),
        _ => None,
    }
}

fn integer(value: &Value) -> Option<i64> {
    if let Value::Integer(v) = value { Some(*v) } else { None }
}

fn unsigned(value: &Value) -> Option<u64> {
    match value {
        Value::Integer(v) => u64::try_from(*v).ok(),
        Value::Unsigned(v) => Some(*v),
        _ => None,
    }
}

fn string(value: &Value) -> Result<Bytes> {
    match value {
        Value::String(text) => Ok(Bytes::copy_from_slice(text.as_bytes())),
        Value::Object(_) if is_base64(value) => {
            let text = if let Some(Value::String(text)) = value.get("b64") { text.as_str() } else { "" };
            let bytes = BASE64_STANDARD.decode(text);
            bytes
                .map(Bytes::from)
                .map_err(|e| Error::invalid_argument(format!("Unable to base64 decode string ({e})")))
        }
        other => Err(mismatch(other, DType::String)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: &Inputs<'static> = &[("x", Some(DType::Float))];
    const TWO: &Inputs<'static> = &[("x", Some(DType::Float)), ("n", Some(DType::Int8))];
    const S: &Inputs<'static> = &[("s", Some(DType::String))];

    fn tensors(text: &str, inputs: &Inputs<'_>) -> Result<Vec<(String, Tensor)>> {
        Body::parse(text.as_bytes())?.tensors(inputs)
    }

    fn check(text: &str, inputs: &Inputs<'_>, want: &str) {
        let got = tensors(text, inputs).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(format!("{got:?}"), want, "{text}");
    }

    #[test]
    fn rows_and_columns() {
        check(r#"{"instances": [1, 2.5]}"#, X, r#"[("x", float[2] Ok([1.0, 2.5]))]"#);
        check(r#"{"inputs": [[1], [2]]}"#, X, r#"[("x", float[2,1] Ok([1.0, 2.0]))]"#);
        check(r#"{"inputs": NaN}"#, X, r#"[("x", float[] Ok([NaN]))]"#);
        check(r#"{"inputs": []}"#, X, r#"[("x", float[0] Ok([]))]"#);
        check(
            r#"{"instances": [{"x": [1]}, {"x": [-Infinity]}]}"#,
            X,
            r#"[("x", float[2,1] Ok([1.0, -inf]))]"#,
        );
        check(r#"{"inputs": {"n": 3, "x": 1}}"#, TWO, r#"[("n", int8[]), ("x", float[] Ok([1.0]))]"#);
        check(r#"{"instances": [{"n": 3, "x": 1}]}"#, TWO, r#"[("n", int8[1]), ("x", float[1] Ok([1.0]))]"#);
    }

    #[test]
    fn bytes_are_base64() {
        check(
            r#"{"instances": [{"b64": "AP8="}, "ü"]}"#,
            S,
            r#"[("s", string[2] Ok([b"\0\xff", b"\xc3\xbc"]))]"#,
        );
        check(r#"{"instances": [{"s": {"b64": "YQ=="}}]}"#, S, r#"[("s", string[1] Ok([b"a"]))]"#);
        check(r#"{"inputs": {"b64": "YQ=="}}"#, S, r#"[("s", string[] Ok([b"a"]))]"#);
        check(r#"{"inputs": {"s": ["a"]}}"#, S, r#"[("s", string[1] Ok([b"a"]))]"#);
        assert!(tensors(r#"{"inputs": {"b64": "Y"}}"#, S).is_err());
    }

    #[test]
    fn what_does_not_fit() {
        let cases: &[(&str, &Inputs<'_>, &str)] = &[
            ("[]", X, "must be a JSON object"),
            ("{}", X, "Missing 'inputs' or 'instances'"),
            (r#"{"inputs": 1, "instances": [1]}"#, X, "only one of"),
            (r#"{"instances": []}"#, X, "'instances'"),
            (r#"{"instances": {"x": 1}}"#, X, "'instances'"),
            (r#"{"inputs": 1, "signature_name": 2}"#, X, "'signature_name'"),
            (r#"{"inputs": [[1, 2], [3]]}"#, X, "unexpected size: 1 at level: 1 expected size: 2"),
            (r#"{"inputs": [1, [3]]}"#, X, "unexpected level: 1"),
            (r#"{"inputs": [[1], 3]}"#, X, "where a list is expected"),
            (r#"{"inputs": ["1"]}"#, X, r#"JSON Value: "1" Type: String is not of expected type: float"#),
            (r#"{"inputs": {"y": 1}}"#, X, "there is no input 'y'"),
            (r#"{"inputs": {"n": 300, "x": 1}}"#, TWO, "300 Type: Number is not of expected type: int8"),
            (r#"{"inputs": {"n": 1.5, "x": 1}}"#, TWO, "expected type: int8"),
            (r#"{"inputs": 1}"#, TWO, "takes 2 inputs: x, n"),
            (r#"{"instances": [{"n": 1, "x": 1}, {"n": 1}]}"#, TWO, "instance 1"),
        ];
        for (text, inputs, want) in cases {
            let error = tensors(text, inputs).unwrap_err();
            assert!(error.message().contains(want), "{text}: {error}");
        }
    }
}
