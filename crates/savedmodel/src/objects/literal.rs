//! Python values as tensors.

use savedmodel_tensor::{Bytes, Complex32, Complex64, DType, Element, Shape, Tensor, bf16, f16};

use super::Value;
use crate::operator;

/// How deep lists may be nested to become a tensor: TensorFlow's limit on the rank.
const MOST_DIMS: usize = 254;

/// The two ways in which TensorFlow makes a tensor of what is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conversion {
    /// Where the wanted dtype is a hint, in the search for a trace: arrays keep theirs.
    Hint,
    /// Where the dtype is demanded: arrays are cast, and `True` is no number of some dtypes.
    Demand,
}

/// The tensor that TensorFlow makes of a value where one of `dtype` is wanted; a tensor stays what it is.
///
/// Integers wrap and become any number, floating-point numbers no integer; lists that hold tensors are packed, and what
/// they hold is cast. `None` if the value becomes no such tensor.
pub(crate) fn tensor(value: &Value, dtype: DType, how: Conversion) -> Option<Tensor> {
    match value {
        Value::Tensor(tensor) => return Some(tensor.clone()),
        Value::Variable(variable) => return variable.value().ok(),
        Value::Array(array) if how == Conversion::Hint => return Some(array.clone()),
        Value::Array(array) => return operator::cast(array.clone(), dtype).ok(),
        Value::Shape(shape) if matches!(dtype, DType::Int32 | DType::Int64) => {
            let dims = (0..shape.rank()?).map(|i| shape.dim(i).and_then(|dim| i64::try_from(dim).ok()));
            let dims = Value::List(dims.map(|dim| dim.map(Value::Int)).collect::<Option<_>>()?);
            return tensor(&dims, dtype, how);
        }
        _ if holds_tensors(value) => return packed(value, dtype, how),
        _ => {}
    }
    let (mut dims, mut leaves) = (Vec::new(), Vec::new());
    flatten(value, 0, &mut dims, &mut leaves)?;
    if how == Conversion::Demand && !takes_bools(dtype) && leaves.iter().any(|v| matches!(v, Value::Bool(_)))
    {
        return None;
    }
    plain(Shape::from(&dims[..]), &leaves, dtype, how)
}

fn plain(shape: Shape, leaves: &[&Value], dtype: DType, how: Conversion) -> Option<Tensor> {
    match dtype {
        DType::Float => all(shape, leaves, |v| Some(float(v)? as f32)),
        DType::Double => all(shape, leaves, float),
        DType::Half => all(shape, leaves, |v| Some(f16::from_f64(float(v)?))),
        DType::Bfloat16 => all(shape, leaves, |v| Some(bf16::from_f64(float(v)?))),
        DType::Complex64 => all(shape, leaves, |v| Some(Complex32::new(float(v)? as f32, 0.0))),
        DType::Complex128 => all(shape, leaves, |v| Some(Complex64::new(float(v)?, 0.0))),
        DType::Int8 => all(shape, leaves, |v| Some(integer(v)? as i8)),
        DType::Int16 => all(shape, leaves, |v| Some(integer(v)? as i16)),
        DType::Int32 => all(shape, leaves, |v| Some(integer(v)? as i32)),
        DType::Int64 => all(shape, leaves, integer),
        DType::Uint8 => all(shape, leaves, |v| Some(integer(v)? as u8)),
        DType::Uint16 => all(shape, leaves, |v| Some(integer(v)? as u16)),
        DType::Uint32 => all(shape, leaves, |v| Some(integer(v)? as u32)),
        DType::Uint64 => {
            let fits = |v: &i64| how == Conversion::Hint || *v >= 0;
            all(shape, leaves, |v| integer(v).filter(fits).map(|v| v as u64))
        }
        DType::Bool => all(shape, leaves, |v| match v {
            Value::Bool(v) => Some(*v),
            _ => None,
        }),
        DType::String => {
            let string = |v: &&Value| match v {
                Value::String(v) => Some(Bytes::copy_from_slice(v.as_bytes())),
                Value::Bytes(v) => Some(v.clone()),
                _ => None,
            };
            Tensor::from_strings(shape, leaves.iter().map(string).collect::<Option<Vec<_>>>()?).ok()
        }
        _ => None,
    }
}

fn all<T: Element>(shape: Shape, leaves: &[&Value], convert: impl Fn(&Value) -> Option<T>) -> Option<Tensor> {
    let values = leaves.iter().map(|leaf| convert(leaf)).collect::<Option<Vec<T>>>()?;
    Tensor::from_vec(shape, values).ok()
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Float(v) => Some(*v),
        _ => integer(value).map(|v| v as f64),
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(v) => Some(*v),
        Value::Bool(v) => Some(i64::from(*v)),
        _ => None,
    }
}

/// Whether `True` is 1 where this dtype is demanded.
fn takes_bools(dtype: DType) -> bool {
    use DType::{Bool, Complex128, Double, Float, Half, Int32, Int64, Uint64};
    matches!(dtype, Bool | Int32 | Int64 | Uint64 | Half | Float | Double | Complex128)
}

fn holds_tensors(value: &Value) -> bool {
    match value {
        Value::List(items) | Value::Tuple(items) => items.iter().any(holds_tensors),
        Value::Tensor(_) | Value::Variable(_) | Value::Array(_) => true,
        _ => false,
    }
}

fn packed(value: &Value, dtype: DType, how: Conversion) -> Option<Tensor> {
    match value {
        Value::List(items) | Value::Tuple(items) if holds_tensors(value) => {
            let parts = items.iter().map(|item| packed(item, dtype, how)).collect::<Option<Vec<_>>>()?;
            operator::pack(parts, dtype).ok()
        }
        other => operator::cast(tensor(other, dtype, how)?, dtype).ok(),
    }
}

/// The numbers and strings of a nest of lists that are as long as each other.
fn flatten<'v>(
    value: &'v Value,
    depth: usize,
    dims: &mut Vec<usize>,
    leaves: &mut Vec<&'v Value>,
) -> Option<()> {
    let (Value::List(items) | Value::Tuple(items)) = value else {
        leaves.push(value);
        // All leaves lie equally deep.
        return (depth == dims.len()).then_some(());
    };
    if depth >= MOST_DIMS {
        return None;
    }
    if depth == dims.len() {
        if !leaves.is_empty() {
            return None;
        }
        dims.push(items.len());
    }
    if dims[depth] != items.len() {
        return None;
    }
    items.iter().try_for_each(|item| flatten(item, depth + 1, dims, leaves))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_tensorflow_converts() {
        use Conversion::{Demand, Hint};
        let list = |items: &[Value]| Value::List(items.to_vec());
        let row = list(&[1.into(), 2.5.into()]);
        let number = |v: i32| Value::from(Tensor::scalar(v));
        let array = Value::Array(Tensor::scalar(-2.7_f64));
        for (value, dtype, how, expected) in [
            (3.into(), DType::Float, Hint, Some("float[] 3")),
            (2.5.into(), DType::Int32, Hint, None),
            (300.into(), DType::Uint8, Hint, Some("uint8[] 44")),
            ((1_i64 << 40).into(), DType::Int32, Demand, Some("int32[] 0")),
            ((-1).into(), DType::Uint64, Demand, None),
            ((-1).into(), DType::Uint16, Demand, Some("uint16[] 65535")),
            (true.into(), DType::Int32, Hint, Some("int32[] 1")),
            (true.into(), DType::Uint8, Hint, Some("uint8[] 1")),
            (true.into(), DType::Uint8, Demand, None),
            (list(&[true.into(), 2.into()]), DType::Float, Demand, Some("float[2] 1 2")),
            (1.into(), DType::Bool, Demand, None),
            ("a".into(), DType::String, Hint, Some("string[]")),
            (1.into(), DType::String, Hint, None),
            (list(&[row.clone(), row.clone()]), DType::Double, Hint, Some("double[2,2] 1 2.5 1 2.5")),
            (list(&[row.clone(), 1.into()]), DType::Double, Hint, None),
            (list(&[1.into(), row]), DType::Double, Hint, None),
            (list(&[]), DType::Float, Hint, Some("float[0]")),
            (list(&[number(1), 2.5.into()]), DType::Float, Hint, Some("float[2] 1 2.5")),
            (list(&[number(1), 2.5.into()]), DType::Int32, Hint, None),
            (list(&[list(&[number(4)]), list(&[5.into()])]), DType::Int64, Demand, Some("int64[2,1] 4 5")),
            (array.clone(), DType::Int32, Demand, Some("int32[] -2")),
            (array, DType::Int32, Hint, Some("double[] -2.7")),
            (Value::None, DType::Float, Hint, None),
        ] {
            let got = tensor(&value, dtype, how).map(|tensor| {
                let numbers = operator::cast(tensor.clone(), DType::Double);
                let numbers = numbers.and_then(|numbers| Ok(numbers.as_slice::<f64>()?.to_vec()));
                let shown = numbers.unwrap_or_default().iter().fold(String::new(), |s, v| format!("{s} {v}"));
                tensor.describe().replace(' ', "") + &shown
            });
            assert_eq!(got.as_deref(), expected, "{value} as {dtype}");
        }
    }
}
