//! What restored functions take and give.

use std::collections::BTreeMap;
use std::fmt;

use savedmodel_graph::StructuredValue;
use savedmodel_tensor::{Bytes, DType, Error, PartialShape, Result, Tensor};

use super::ObjectVariable;

/// An argument or a result of a restored function: tensors, Python values, and nests of them.
///
/// ```
/// use savedmodel::{Tensor, Value};
/// let nest = Value::Tuple(vec![Tensor::scalar(1.0_f32).into(), true.into(), "text".into()]);
/// assert_eq!(nest.items()?.len(), 3);
/// # Ok::<(), savedmodel::Error>(())
/// ```
#[derive(Clone, Debug)]
pub enum Value {
    /// `None`.
    None,
    /// A `bool`.
    Bool(bool),
    /// An `int`.
    Int(i64),
    /// A `float`.
    Float(f64),
    /// A `str`.
    String(String),
    /// A `bytes`.
    Bytes(Bytes),
    /// A `tf.TensorShape`.
    Shape(PartialShape),
    /// A `tf.DType`.
    DType(DType),
    /// A tensor.
    Tensor(Tensor),
    /// A NumPy array: a tensor that may be cast to the dtype that a signature declares.
    Array(Tensor),
    /// A ragged tensor.
    Ragged {
        /// The values of the innermost rows.
        values: Tensor,
        /// Where rows start and end, outermost dimension first.
        row_splits: Vec<Tensor>,
    },
    /// A sparse tensor.
    Sparse {
        /// `int64[n, rank]`.
        indices: Tensor,
        /// `[n]`.
        values: Tensor,
        /// `int64[rank]`.
        dense_shape: Tensor,
    },
    /// Any other value of several tensors, such as indexed slices or extension types, by its tensors in order.
    Composite(Vec<Tensor>),
    /// A variable.
    Variable(ObjectVariable),
    /// A `list`.
    List(Vec<Value>),
    /// A `tuple`.
    Tuple(Vec<Value>),
    /// A `dict`.
    Dict(BTreeMap<String, Value>),
    /// A named tuple: its name, then its fields in order.
    NamedTuple(String, Vec<(String, Value)>),
}

impl Value {
    /// The tensor.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when this is something else.
    pub fn tensor(&self) -> Result<&Tensor> {
        match self {
            Value::Tensor(tensor) => Ok(tensor),
            other => Err(Error::invalid_argument(format!("expected a tensor, got {other}"))),
        }
    }

    /// The items of a list, tuple or named tuple.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when this is something else.
    pub fn items(&self) -> Result<Vec<&Value>> {
        match self {
            Value::List(items) | Value::Tuple(items) => Ok(items.iter().collect()),
            Value::NamedTuple(_, fields) => Ok(fields.iter().map(|(_, value)| value).collect()),
            other => Err(Error::invalid_argument(format!("expected a list or tuple, got {other}"))),
        }
    }

    /// The value of a dict's key or a named tuple's field.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is none of that name.
    pub fn get(&self, name: &str) -> Result<&Value> {
        let found = match self {
            Value::Dict(fields) => fields.get(name),
            Value::NamedTuple(_, fields) => {
                fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
            }
            _ => None,
        };
        found.ok_or_else(|| Error::not_found(format!("there is no '{name}' in {self}")))
    }
}

impl From<StructuredValue> for Value {
    /// A value that was saved; the type of a tensor is no value and becomes `None`.
    fn from(saved: StructuredValue) -> Value {
        let all = |items: Vec<StructuredValue>| items.into_iter().map(Value::from).collect();
        match saved {
            StructuredValue::None | StructuredValue::TensorSpec(_) | StructuredValue::TypeSpec(_) => {
                Value::None
            }
            StructuredValue::Float(v) => Value::Float(v),
            StructuredValue::Int(v) => Value::Int(v),
            StructuredValue::String(v) => Value::String(v),
            StructuredValue::Bool(v) => Value::Bool(v),
            StructuredValue::Shape(v) => Value::Shape(v),
            StructuredValue::DType(v) => Value::DType(v),
            StructuredValue::Tensor(v) => Value::Tensor(v),
            StructuredValue::List(v) => Value::List(all(v)),
            StructuredValue::Tuple(v) => Value::Tuple(all(v)),
            StructuredValue::Dict(v) => Value::Dict(v.into_iter().map(|(k, v)| (k, v.into())).collect()),
            StructuredValue::NamedTuple(name, v) => {
                Value::NamedTuple(name, v.into_iter().map(|(k, v)| (k, v.into())).collect())
            }
        }
    }
}

macro_rules! from {
    ($($type:ty => $variant:ident;)*) => {
        $(impl From<$type> for Value {
            fn from(value: $type) -> Value {
                Value::$variant(value.into())
            }
        })*
    };
}

from! {
    Tensor => Tensor; bool => Bool; i32 => Int; i64 => Int; f64 => Float; &str => String; String => String;
    Bytes => Bytes; ObjectVariable => Variable; Vec<Value> => List;
}

/// Written as in Python, with dtype and shape in place of a tensor's values.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, open: &str, items: &[Value], close: &str| {
            f.write_str(open)?;
            for (i, item) in items.iter().enumerate() {
                write!(f, "{}{item}", if i == 0 { "" } else { ", " })?;
            }
            f.write_str(close)
        };
        match self {
            Value::None => f.write_str("None"),
            Value::Bool(v) => f.write_str(if *v { "True" } else { "False" }),
            Value::Int(v) => write!(f, "{v}"),
            Value::Float(v) => write!(f, "{v:?}"),
            Value::String(v) => write!(f, "'{v}'"),
            Value::Bytes(v) => write!(f, "{:?}", String::from_utf8_lossy(v)),
            Value::Shape(v) => write!(f, "TensorShape({v})"),
            Value::DType(v) => write!(f, "tf.{}", v.name()),
            Value::Array(v) => write!(f, "<array {}>", v.describe()),
            Value::Tensor(v) => write!(f, "<tensor {}>", v.describe()),
            Value::Ragged { values, row_splits } => {
                write!(f, "<ragged tensor of {}, {} ragged dimensions>", values.describe(), row_splits.len())
            }
            Value::Sparse { values, .. } => write!(f, "<sparse tensor of {}>", values.describe()),
            Value::Composite(v) => write!(f, "<{} tensors>", v.len()),
            Value::Variable(v) => write!(f, "<variable '{}' {}{}>", v.name(), v.dtype(), v.shape()),
            Value::List(v) => list(f, "[", v, "]"),
            Value::Tuple(v) => list(f, "(", v, if v.len() == 1 { ",)" } else { ")" }),
            Value::Dict(v) => {
                f.write_str("{")?;
                for (i, (name, value)) in v.iter().enumerate() {
                    write!(f, "{}'{name}': {value}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
            Value::NamedTuple(name, v) => {
                write!(f, "{name}(")?;
                for (i, (name, value)) in v.iter().enumerate() {
                    write!(f, "{}{name}={value}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
        }
    }
}
