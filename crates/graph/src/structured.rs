//! Structured values: what functions take and give, and the Python values that they were traced with.

use std::collections::BTreeMap;
use std::fmt;

use savedmodel_tensor::{DType, PartialShape, Tensor};

/// A nest of values and of the types of tensors (struct.proto).
#[derive(Clone, Debug)]
pub enum StructuredValue {
    /// `None`.
    None,
    /// A `float`.
    Float(f64),
    /// An `int`.
    Int(i64),
    /// A `str`.
    String(String),
    /// A `bool`.
    Bool(bool),
    /// A `tf.TensorShape`.
    Shape(PartialShape),
    /// A `tf.DType`.
    DType(DType),
    /// A `tf.TensorSpec`, or a `BoundedTensorSpec`: a tensor stands here.
    TensorSpec(TensorSpec),
    /// Any other `tf.TypeSpec`: a value of several tensors stands here.
    TypeSpec(Box<TypeSpec>),
    /// A `list`.
    List(Vec<StructuredValue>),
    /// A `tuple`.
    Tuple(Vec<StructuredValue>),
    /// A `dict` by strings.
    Dict(BTreeMap<String, StructuredValue>),
    /// A named tuple: its name, then its fields in order.
    NamedTuple(String, Vec<(String, StructuredValue)>),
    /// A tensor or array.
    Tensor(Tensor),
}

/// The type of a tensor.
#[derive(Clone, Debug)]
pub struct TensorSpec {
    /// Its name; perhaps empty.
    pub name: String,
    /// Its dtype.
    pub dtype: DType,
    /// What is known of its shape.
    pub shape: PartialShape,
}

/// What kind of value a [`TypeSpec`] is the type of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeClass {
    /// `tf.SparseTensor`.
    Sparse,
    /// `tf.IndexedSlices`.
    IndexedSlices,
    /// `tf.RaggedTensor`.
    Ragged,
    /// A variable.
    Variable,
    /// A value of one tensor: dataset, iterator, optional, tensor array.
    Single,
    /// Any other, such as extension types.
    Other,
}

/// The type of a value of several tensors.
#[derive(Clone, Debug)]
pub struct TypeSpec {
    /// Its kind.
    pub class: TypeClass,
    /// The Python class's name.
    pub name: String,
    /// What the class makes itself of.
    pub state: StructuredValue,
    /// Number of tensors; 0 if the model does not say.
    pub components: usize,
}

impl TypeSpec {
    /// The dtype that the state tells.
    pub fn dtype(&self) -> Option<DType> {
        self.find(|value| match value {
            StructuredValue::DType(dtype) => Some(*dtype),
            _ => None,
        })
    }

    /// The shape that the state tells.
    pub fn shape(&self) -> PartialShape {
        let shape = self.find(|value| match value {
            StructuredValue::Shape(shape) => Some(shape.clone()),
            _ => None,
        });
        shape.unwrap_or_default()
    }

    /// How deep a ragged tensor is ragged.
    pub fn ragged_rank(&self) -> Option<usize> {
        self.find(|value| match value {
            StructuredValue::Int(rank) => usize::try_from(*rank).ok(),
            _ => None,
        })
    }

    /// The dtype of a ragged tensor's row splits.
    pub fn row_splits_dtype(&self) -> Option<DType> {
        let mut found = 0;
        self.find(|value| match value {
            StructuredValue::DType(dtype) => {
                found += 1;
                (found == 2).then_some(*dtype)
            }
            _ => None,
        })
    }

    /// What `pick` takes first among the fields of the state.
    fn find<T>(&self, mut pick: impl FnMut(&StructuredValue) -> Option<T>) -> Option<T> {
        match &self.state {
            StructuredValue::Tuple(items) | StructuredValue::List(items) => items.iter().find_map(pick),
            StructuredValue::NamedTuple(_, fields) => fields.iter().find_map(|(_, value)| pick(value)),
            StructuredValue::Dict(fields) => fields.values().find_map(pick),
            _ => None,
        }
    }
}

/// Written as Python writes it.
impl fmt::Display for StructuredValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, items: &[StructuredValue]| {
            for (i, item) in items.iter().enumerate() {
                write!(f, "{}{item}", if i == 0 { "" } else { ", " })?;
            }
            Ok(())
        };
        match self {
            StructuredValue::None => f.write_str("None"),
            StructuredValue::Float(v) => write!(f, "{v:?}"),
            StructuredValue::Int(v) => write!(f, "{v}"),
            StructuredValue::String(v) => write!(f, "'{v}'"),
            StructuredValue::Bool(v) => f.write_str(if *v { "True" } else { "False" }),
            StructuredValue::Shape(v) => write!(f, "TensorShape({v})"),
            StructuredValue::DType(v) => write!(f, "tf.{}", v.name()),
            StructuredValue::TensorSpec(v) => {
                write!(f, "TensorSpec(shape={}, dtype=tf.{}, name='{}')", v.shape, v.dtype.name(), v.name)
            }
            StructuredValue::TypeSpec(v) => write!(f, "{}{}", v.name, v.state),
            StructuredValue::List(items) => {
                f.write_str("[")?;
                list(f, items)?;
                f.write_str("]")
            }
            StructuredValue::Tuple(items) => {
                f.write_str("(")?;
                list(f, items)?;
                f.write_str(if items.len() == 1 { ",)" } else { ")" })
            }
            StructuredValue::Dict(fields) => {
                f.write_str("{")?;
                for (i, (name, value)) in fields.iter().enumerate() {
                    write!(f, "{}'{name}': {value}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
            StructuredValue::NamedTuple(name, fields) => {
                write!(f, "{name}(")?;
                for (i, (name, value)) in fields.iter().enumerate() {
                    write!(f, "{}{name}={value}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
            StructuredValue::Tensor(v) => f.write_str(&v.describe()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_as_in_python() {
        use StructuredValue::*;
        let spec = super::TensorSpec {
            name: "x".to_owned(),
            dtype: savedmodel_tensor::DType::Float,
            shape: PartialShape::of_rank(1),
        };
        let pair = NamedTuple("Pair".to_owned(), vec![("a".to_owned(), Int(1)), ("b".to_owned(), None)]);
        let dict = Dict([("k".to_owned(), List(vec![Bool(true), Float(2.0)]))].into());
        let text = Tuple(vec![TensorSpec(spec)]).to_string();
        assert!(
            text.starts_with("(TensorSpec(shape=") && text.ends_with("dtype=tf.float32, name='x'),)"),
            "{text}"
        );
        assert_eq!(Tuple(vec![pair, dict]).to_string(), "(Pair(a=1, b=None), {'k': [True, 2.0]})");
    }
}
