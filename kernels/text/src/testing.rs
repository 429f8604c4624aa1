//! Calls of operators, with results as text.

use savedmodel_op::Op;
use savedmodel_op::testing::{OpTest, TestAttr};
use savedmodel_tensor::{DType, Element, Tensor};

/// Attributes of a call.
pub type Attrs<'a> = Vec<(&'a str, TestAttr)>;

/// What an operator gives, or its error: strings joined by `|`, numbers by spaces, outputs by ` / `.
pub fn run(op: &'static Op, attrs: Attrs<'_>, inputs: &[Tensor]) -> String {
    match outputs(op, attrs, inputs) {
        Ok(outputs) => outputs.iter().map(show).collect::<Vec<_>>().join(" / "),
        Err(error) => error.to_string(),
    }
}

/// What an operator gives.
pub fn outputs(
    op: &'static Op,
    attrs: Attrs<'_>,
    inputs: &[Tensor],
) -> savedmodel_tensor::Result<Vec<Tensor>> {
    let test = attrs.into_iter().fold(OpTest::new(op), |test, (name, value)| test.attr(name, value));
    inputs.iter().cloned().fold(test, OpTest::input).run()
}

fn show(tensor: &Tensor) -> String {
    fn join<T: Element>(tensor: &Tensor) -> String {
        let values = tensor.as_slice::<T>().unwrap().iter();
        values.map(|v| format!("{v:?}")).collect::<Vec<_>>().join(" ")
    }
    match tensor.dtype() {
        DType::String => {
            let strings = tensor.strings().unwrap().iter();
            let text = |s: &[u8]| match std::str::from_utf8(s) {
                Ok(text) => text.to_owned(),
                Err(_) => s.escape_ascii().to_string(),
            };
            strings.map(|s| text(s)).collect::<Vec<_>>().join("|")
        }
        DType::Bool => join::<bool>(tensor),
        DType::Int32 => join::<i32>(tensor),
        DType::Int64 => join::<i64>(tensor),
        DType::Uint32 => join::<u32>(tensor),
        DType::Uint64 => join::<u64>(tensor),
        DType::Double => join::<f64>(tensor),
        _ => join::<f32>(tensor),
    }
}

/// A vector.
pub fn vector<T: Element>(values: &[T]) -> Tensor {
    Tensor::from_slice([values.len()], values).unwrap()
}

/// A vector of strings.
pub fn strings(values: &[&str]) -> Tensor {
    bytes(&values.iter().map(|s| s.as_bytes()).collect::<Vec<_>>())
}

/// A vector of strings that need not be text.
pub fn bytes(values: &[&[u8]]) -> Tensor {
    Tensor::from_strings([values.len()], values.iter().map(|s| s.to_vec())).unwrap()
}

/// A scalar string.
pub fn string(value: &str) -> Tensor {
    Tensor::from_strings([], [value.as_bytes().to_vec()]).unwrap()
}
