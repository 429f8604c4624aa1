//! Calls of table operators, with results as text.

use savedmodel_op::testing::{OpTest, TestAttr};
use savedmodel_op::{Op, ResourceManager};
use savedmodel_tensor::{DType, Result, Tensor};

use crate::OPS;

fn op(name: &str) -> &'static Op {
    OPS.iter().copied().flatten().find(|op| op.name == name).unwrap_or_else(|| panic!("no operator {name}"))
}

/// A handle to a new table.
pub fn table(
    resources: &ResourceManager,
    name: &str,
    attrs: Vec<(&str, TestAttr)>,
    keys: &[Tensor],
) -> Result<Tensor> {
    let test = OpTest::new(op(name)).resources(resources);
    let test = attrs.into_iter().fold(test, |test, (attr, value)| test.attr(attr, value));
    let test = keys.iter().cloned().fold(test, OpTest::input);
    Ok(test.run()?.remove(0))
}

/// The attributes of a table with these dtypes.
pub fn dtypes(key: DType, value: DType) -> Vec<(&'static str, TestAttr)> {
    vec![("key_dtype", key.into()), ("value_dtype", value.into())]
}

/// Runs an operator on a table and shows what it gives, or its error.
pub fn call(name: &str, handle: &Tensor, attrs: Vec<(&str, TestAttr)>, inputs: &[Tensor]) -> String {
    let test = OpTest::new(op(name)).input(handle.clone());
    let test = attrs.into_iter().fold(test, |test, (attr, value)| test.attr(attr, value));
    match inputs.iter().cloned().fold(test, OpTest::input).run() {
        Ok(outputs) => outputs.iter().map(show).collect::<Vec<_>>().join(" "),
        Err(error) => error.to_string(),
    }
}

fn show(tensor: &Tensor) -> String {
    let values = match tensor.dtype() {
        DType::Int64 => format!("{:?}", tensor.as_slice::<i64>().unwrap()),
        DType::Float => format!("{:?}", tensor.as_slice::<f32>().unwrap()),
        DType::Int32 => format!("{:?}", tensor.as_slice::<i32>().unwrap()),
        DType::String => {
            let strings = tensor.strings().unwrap().iter();
            format!("[{}]", strings.map(|s| String::from_utf8_lossy(s)).collect::<Vec<_>>().join(", "))
        }
        other => format!("{other}"),
    };
    format!("{}{values}", tensor.shape())
}

/// A tensor of strings.
pub fn strings<const R: usize>(shape: [usize; R], values: &[&'static str]) -> Tensor {
    Tensor::from_strings(shape, values.iter().copied()).unwrap()
}

/// A tensor of integers.
pub fn ints<const R: usize>(shape: [usize; R], values: &[i64]) -> Tensor {
    Tensor::from_slice(shape, values).unwrap()
}

/// A tensor of floats.
pub fn floats<const R: usize>(shape: [usize; R], values: &[f32]) -> Tensor {
    Tensor::from_slice(shape, values).unwrap()
}
