//! Python values as tensors.

use savedmodel_tensor::{Bytes, Complex32, Complex64, DType, Element, Shape, Tensor, bf16, f16};

use super::Value;

/// How deep lists may be nested to become a tensor: TensorFlow's limit on the rank.
const MOST_DIMS: usize = 254;

/// The tensor that TensorFlow makes of numbers, strings and lists of them where one of `dtype` is wanted.
///
/// Integers become any number, floating-point numbers no integer, `True` and `False` only `bool`; `None` if the value
/// becomes no such tensor.
pub(super) fn tensor(value: &Value, dtype: DType) -> Option<Tensor> {
    let (mut dims, mut leaves) = (Vec::new(), Vec::new());
    flatten(value, 0, &mut dims, &mut leaves)?;
    let shape = Shape::from(&dims[..]);
    match dtype {
        DType::Float => all(shape, &leaves, |v| Some(float(v)? as f32)),
        DType::Double => all(shape, &leaves, float),
        DType::Half => all(shape, &leaves, |v| Some(f16::from_f64(float(v)?))),
        DType::Bfloat16 => all(shape, &leaves, |v| Some(bf16::from_f64(float(v)?))),
        DType::Complex64 => all(shape, &leaves, |v| Some(Complex32::new(float(v)? as f32, 0.0))),
        DType::Complex128 => all(shape, &leaves, |v| Some(Complex64::new(float(v)?, 0.0))),
        DType::Int8 => all(shape, &leaves, integer::<i8>),
        DType::Int16 => all(shape, &leaves, integer::<i16>),
        DType::Int32 => all(shape, &leaves, integer::<i32>),
        DType::Int64 => all(shape, &leaves, integer::<i64>),
        DType::Uint8 => all(shape, &leaves, integer::<u8>),
        DType::Uint16 => all(shape, &leaves, integer::<u16>),
        DType::Uint32 => all(shape, &leaves, integer::<u32>),
        DType::Uint64 => all(shape, &leaves, integer::<u64>),
        DType::Bool => all(shape, &leaves, |v| match v {
            Value::Bool(v) => Some(*v),
            _ => None,
        }),
        DType::String => {
            let string = |v: &&Value| match v {
                Value::String(v) => Some(Bytes::copy_from_slice(v.as_bytes())),
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
        Value::Int(v) => Some(*v as f64),
        _ => None,
    }
}

fn integer<T: TryFrom<i64>>(value: &Value) -> Option<T> {
    match value {
        Value::Int(v) => T::try_from(*v).ok(),
        _ => None,
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
        let list = |items: &[Value]| Value::List(items.to_vec());
        let row = list(&[1.into(), 2.5.into()]);
        for (value, dtype, expected) in [
            (3.into(), DType::Float, Some("float[]")),
            (2.5.into(), DType::Int32, None),
            (300.into(), DType::Uint8, None),
            (true.into(), DType::Int32, None),
            ("a".into(), DType::String, Some("string[]")),
            (list(&[row.clone(), row.clone()]), DType::Double, Some("double[2,2]")),
            (list(&[row.clone(), 1.into()]), DType::Double, None),
            (list(&[1.into(), row]), DType::Double, None),
            (list(&[]), DType::Float, Some("float[0]")),
            (Value::None, DType::Float, None),
        ] {
            let got = tensor(&value, dtype).map(|tensor| tensor.describe().replace(' ', ""));
            assert_eq!(got.as_deref(), expected, "{value}");
        }
    }
}
