//! Attributes of nodes.

use std::fmt;

use bytes::Bytes;
use indexmap::IndexMap;
use savedmodel_tensor::{DType, PartialShape, Tensor};

/// The attributes of a node, in the order in which they were written.
pub type Attrs = IndexMap<String, AttrValue>;

/// A function that an attribute names, with values for the attributes of its signature.
#[derive(Clone, Debug, Default)]
pub struct FunctionRef {
    /// The function's name in the library.
    pub name: String,
    /// Values for the function's own attributes; empty for all that TensorFlow 2 writes.
    pub attrs: Attrs,
}

/// The value of an attribute (attr_value.proto).
#[derive(Clone, Debug)]
pub enum AttrValue {
    /// `string`: any bytes.
    Bytes(Bytes),
    /// `int`.
    Int(i64),
    /// `float`.
    Float(f32),
    /// `bool`.
    Bool(bool),
    /// `type`.
    Type(DType),
    /// `shape`.
    Shape(PartialShape),
    /// `tensor`.
    Tensor(Tensor),
    /// `func`.
    Function(FunctionRef),
    /// `list(…)` of any one of the others; an empty list fits every list type.
    List(Vec<AttrValue>),
    /// The name of an attribute of the enclosing function, whose value is put here on instantiation.
    Placeholder(String),
}

impl fmt::Display for AttrValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AttrValue::Bytes(v) => write!(f, "{:?}", String::from_utf8_lossy(v)),
            AttrValue::Int(v) => write!(f, "{v}"),
            AttrValue::Float(v) => write!(f, "{v}"),
            AttrValue::Bool(v) => write!(f, "{v}"),
            AttrValue::Type(v) => write!(f, "{v}"),
            AttrValue::Shape(v) => write!(f, "{v}"),
            AttrValue::Tensor(v) => write!(f, "{}", v.describe()),
            AttrValue::Function(v) => write!(f, "{}", v.name),
            AttrValue::Placeholder(v) => write!(f, "${v}"),
            AttrValue::List(v) => {
                f.write_str("[")?;
                for (i, item) in v.iter().enumerate() {
                    write!(f, "{}{item}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
        }
    }
}
