//! What a builder sees of a node.

use std::sync::Arc;

use savedmodel_graph::{AttrValue, Attrs, FunctionRef};
use savedmodel_tensor::{Bytes, DType, Error, PartialShape, Result, Tensor};

use crate::{Callable, Functions, ResourceManager};

/// The attribute of products that may round; see [`Construction::rounds`].
pub const ROUNDS: &str = "_rounds";

/// The attribute of convolutions whose filter is to be scaled; see [`Construction::factors`].
pub const FACTORS: &str = "_channel_factors";

/// A node for which a kernel is to be made (TensorFlow's OpKernelConstruction).
///
/// Attributes are complete (defaults filled in) and checked against the declaration.
pub struct Construction<'a> {
    /// The node's name.
    pub name: &'a str,
    /// The operator.
    pub op: &'a str,
    /// The attributes.
    pub attrs: &'a Attrs,
    /// The dtypes of the inputs.
    pub inputs: &'a [DType],
    /// The dtypes of the outputs.
    pub outputs: &'a [DType],
    /// What is known of the inputs' shapes; as long as `inputs`.
    pub shapes: &'a [PartialShape],
    /// The inputs that never change while the plan lives, such as weights to pack; as long as `inputs`.
    pub constants: &'a [Option<Tensor>],
    /// Where state lives that lasts from run to run.
    pub resources: &'a ResourceManager,
    /// The functions that attributes may name.
    pub functions: &'a dyn Functions,
}

impl<'a> Construction<'a> {
    /// The operator's name.
    pub fn op(&self) -> &'a str {
        self.op
    }

    /// The attributes, for those that [`Construction::attr`] can't give.
    pub fn attrs(&self) -> &'a Attrs {
        self.attrs
    }

    /// The value of an attribute.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is missing or of another type.
    pub fn attr<T: FromAttr>(&self, name: &str) -> Result<T> {
        self.attrs.get(name).and_then(T::from_attr).ok_or_else(|| self.unusable(name))
    }

    /// Apart, so that it is compiled once and not for every type.
    #[cold]
    fn unusable(&self, name: &str) -> Error {
        let found = self.attrs.get(name).map_or_else(|| "nothing".to_owned(), ToString::to_string);
        Error::invalid_argument(format!("Op {}: attr '{name}' has unusable value {found}", self.op))
    }

    /// Whether products may be of numbers rounded to bfloat16: the session was told so.
    pub fn rounds(&self) -> bool {
        matches!(self.attrs.get(ROUNDS), Some(AttrValue::Bool(true)))
    }

    /// What each output channel of a convolution's filter is multiplied by while it is made ready, if an optimiser said so: a
    /// filter that was scaled in the graph would be a second copy of what the file holds.
    pub fn factors(&self) -> Option<&'a Tensor> {
        match self.attrs.get(FACTORS) {
            Some(AttrValue::Tensor(factors)) => Some(factors),
            _ => None,
        }
    }

    /// Input `i`, if it never changes while the plan lives.
    pub fn constant(&self, i: usize) -> Option<&'a Tensor> {
        self.constants.get(i)?.as_ref()
    }

    /// The function that an attribute names, compiled.
    ///
    /// # Errors
    /// When the attribute is no function, or there is none of that name, or it does not compile.
    pub fn function(&self, attr: &str) -> Result<Arc<dyn Callable>> {
        self.functions.callable(&self.attr::<FunctionRef>(attr)?)
    }

    /// The value of an attribute that TensorFlow's kernel reads as 32 bits.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is missing, of another type or larger.
    pub fn int32(&self, name: &str) -> Result<i64> {
        match self.attr::<i64>(name)? {
            value if i32::try_from(value).is_ok() => Ok(value),
            value => Err(Error::invalid_argument(format!(
                "Attr {name} has value {value} out of range for an int32"
            ))),
        }
    }

    /// An error for an attribute value that no kernel of TensorFlow's takes, with its code.
    pub fn no_kernel(&self, attr: &str) -> Error {
        let found = self.attrs.get(attr).map_or_else(|| "nothing".to_owned(), ToString::to_string);
        no_kernel(self.op, attr, &found)
    }

    /// An error for an attribute value that TensorFlow has a kernel for.
    pub fn unimplemented(&self, attr: &str) -> Error {
        let found = self.attrs.get(attr).map_or_else(|| "nothing".to_owned(), ToString::to_string);
        Error::unimplemented(format!("operator {} has no kernel for attr {attr} = {found}", self.op))
    }
}

/// The error for an attribute value that neither TensorFlow nor this project has a kernel for.
pub(crate) fn no_kernel(op: &str, attr: &str, value: &str) -> Error {
    Error::invalid_argument(format!("operator {op} has no kernel for attr {attr} = {value}"))
}

/// Types that attributes can be read as.
pub trait FromAttr: Sized {
    /// The value; `None` if it is of another type.
    fn from_attr(value: &AttrValue) -> Option<Self>;
}

macro_rules! from_attr {
    ($($type:ty: $pattern:pat => $value:expr;)*) => {
        $(impl FromAttr for $type {
            fn from_attr(value: &AttrValue) -> Option<$type> {
                match value { $pattern => $value, _ => None }
            }
        })*
    };
}

from_attr! {
    i64: AttrValue::Int(v) => Some(*v);
    usize: AttrValue::Int(v) => usize::try_from(*v).ok();
    f32: AttrValue::Float(v) => Some(*v);
    bool: AttrValue::Bool(v) => Some(*v);
    DType: AttrValue::Type(v) => Some(*v);
    PartialShape: AttrValue::Shape(v) => Some(v.clone());
    Tensor: AttrValue::Tensor(v) => Some(v.clone());
    Bytes: AttrValue::Bytes(v) => Some(v.clone());
    String: AttrValue::Bytes(v) => String::from_utf8(v.to_vec()).ok();
    FunctionRef: AttrValue::Function(v) => Some(v.clone());
}

impl<T: FromAttr> FromAttr for Vec<T> {
    fn from_attr(value: &AttrValue) -> Option<Vec<T>> {
        match value {
            AttrValue::List(items) => items.iter().map(T::from_attr).collect(),
            _ => None,
        }
    }
}
