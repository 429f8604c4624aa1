//! Declarations, parsed: TensorFlow's OpDef.

use savedmodel_graph::{AttrValue, Attrs};
use savedmodel_tensor::{Bytes, DType, Error, PartialShape, Result};

use crate::Op;

mod notation;

/// What an operator takes, gives and is set by (op_def.proto).
#[derive(Clone, Debug, Default)]
pub struct OpDef {
    /// The operator's name.
    pub name: String,
    /// Inputs, in order.
    pub inputs: Vec<ArgDef>,
    /// Outputs, in order.
    pub outputs: Vec<ArgDef>,
    /// Attributes, in order.
    pub attrs: Vec<AttrDef>,
}

/// An input or output, which may stand for several tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgDef {
    /// Its name.
    pub name: String,
    /// The dtype of its tensors.
    pub dtype: TypeOf,
    /// How many tensors it stands for.
    pub count: Count,
    /// Whether it is a reference to a variable's buffer.
    pub is_ref: bool,
}

/// Where the dtype of an argument comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeOf {
    /// It is always this.
    Fixed(DType),
    /// A `type` attribute holds it.
    Attr(String),
    /// A `list(type)` attribute holds one for each tensor.
    ListAttr(String),
}

/// How many tensors an argument stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Count {
    /// One.
    One,
    /// As many as an `int` attribute says.
    Attr(String),
    /// As many as the `list(type)` attribute is long.
    ListAttr,
}

/// An attribute's declaration.
#[derive(Clone, Debug)]
pub struct AttrDef {
    /// Its name.
    pub name: String,
    /// The type of its value.
    pub kind: AttrType,
    /// Whether the value is a list of that type.
    pub is_list: bool,
    /// The value if a node does not give one.
    pub default: Option<AttrValue>,
    /// The only values it may have, if they are restricted.
    pub allowed: Option<Vec<AttrValue>>,
    /// The least value of an `int`, or length of a list.
    pub minimum: Option<i64>,
}

/// The types of attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttrType {
    /// Any bytes.
    String,
    /// A signed integer.
    Int,
    /// A float.
    Float,
    /// True or false.
    Bool,
    /// A dtype.
    Type,
    /// A partial shape.
    Shape,
    /// A tensor.
    Tensor,
    /// A function.
    Func,
}

impl OpDef {
    /// The declaration of an operator of ours.
    ///
    /// # Errors
    /// `INTERNAL` when the declaration is not in TensorFlow's notation.
    pub fn of(op: &Op) -> Result<OpDef> {
        let broken = |text: &str| Error::internal(format!("operator {}: cannot read {text:?}", op.name));
        let attrs: Vec<AttrDef> = op
            .attrs
            .iter()
            .map(|text| notation::attr(text).ok_or_else(|| broken(text)))
            .collect::<Result<_>>()?;
        let args = |texts: &[&str]| -> Result<Vec<ArgDef>> {
            texts.iter().map(|text| notation::arg(text, &attrs).ok_or_else(|| broken(text))).collect()
        };
        Ok(OpDef { name: op.name.to_owned(), inputs: args(op.inputs)?, outputs: args(op.outputs)?, attrs })
    }

    /// The declaration of an attribute.
    pub fn attr(&self, name: &str) -> Option<&AttrDef> {
        self.attrs.iter().find(|attr| attr.name == name)
    }

    /// Fills in defaults and checks all values against the declaration.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when an attribute is missing or has a value that is not allowed.
    pub fn complete(&self, attrs: &mut Attrs) -> Result<()> {
        for def in &self.attrs {
            match (attrs.get(&def.name), &def.default) {
                (Some(value), _) => def.check(value, &self.name)?,
                (None, Some(default)) => {
                    attrs.insert(def.name.clone(), default.clone());
                }
                (None, None) => {
                    return Err(Error::invalid_argument(format!(
                        "Op {} has no value for attr '{}', which has no default",
                        self.name, def.name
                    )));
                }
            }
        }
        Ok(())
    }

    /// The dtypes of a node's inputs, one for each tensor.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when an attribute that tells number or dtype is missing or out of range.
    pub fn input_dtypes(&self, attrs: &Attrs) -> Result<Vec<DType>> {
        Ok(self.tensors(&self.inputs, attrs)?.into_iter().map(|(_, dtype)| dtype).collect())
    }

    /// The dtypes of a node's outputs, one for each tensor.
    ///
    /// # Errors
    /// As [`OpDef::input_dtypes`].
    pub fn output_dtypes(&self, attrs: &Attrs) -> Result<Vec<DType>> {
        Ok(self.tensors(&self.outputs, attrs)?.into_iter().map(|(_, dtype)| dtype).collect())
    }

    /// For each output argument, the number of its first tensor and how many there are.
    ///
    /// # Errors
    /// As [`OpDef::input_dtypes`].
    pub fn output_ranges(&self, attrs: &Attrs) -> Result<Vec<(&str, usize, usize)>> {
        let mut start = 0;
        let mut ranges = Vec::with_capacity(self.outputs.len());
        for arg in &self.outputs {
            let n = self.arg_dtypes(arg, attrs)?.len();
            ranges.push((arg.name.as_str(), start, n));
            start += n;
        }
        Ok(ranges)
    }

    /// Which of a node's inputs are references.
    ///
    /// # Errors
    /// As [`OpDef::input_dtypes`].
    pub fn input_refs(&self, attrs: &Attrs) -> Result<Vec<bool>> {
        Ok(self.tensors(&self.inputs, attrs)?.into_iter().map(|(arg, _)| arg.is_ref).collect())
    }

    /// Which of a node's outputs are references.
    ///
    /// # Errors
    /// As [`OpDef::input_dtypes`].
    pub fn output_refs(&self, attrs: &Attrs) -> Result<Vec<bool>> {
        Ok(self.tensors(&self.outputs, attrs)?.into_iter().map(|(arg, _)| arg.is_ref).collect())
    }

    fn tensors<'d>(&self, args: &'d [ArgDef], attrs: &Attrs) -> Result<Vec<(&'d ArgDef, DType)>> {
        let mut tensors = Vec::with_capacity(args.len());
        for arg in args {
            tensors.extend(self.arg_dtypes(arg, attrs)?.into_iter().map(|dtype| (arg, dtype)));
        }
        Ok(tensors)
    }

    fn arg_dtypes(&self, arg: &ArgDef, attrs: &Attrs) -> Result<Vec<DType>> {
        const MOST: i64 = 1 << 20;
        let bad = |name: &str| {
            Error::invalid_argument(format!("Op {}: attr '{name}' has no usable value", self.name))
        };
        let count = match &arg.count {
            Count::Attr(name) => match attrs.get(name) {
                Some(&AttrValue::Int(n @ 0..=MOST)) => n as usize,
                _ => return Err(bad(name)),
            },
            Count::One | Count::ListAttr => 1,
        };
        match &arg.dtype {
            TypeOf::Fixed(dtype) => Ok(vec![*dtype; count]),
            TypeOf::Attr(name) => match attrs.get(name) {
                Some(AttrValue::Type(dtype)) => Ok(vec![*dtype; count]),
                _ => Err(bad(name)),
            },
            TypeOf::ListAttr(name) => match attrs.get(name) {
                Some(AttrValue::List(items)) => items
                    .iter()
                    .map(|item| match item {
                        AttrValue::Type(dtype) => Ok(*dtype),
                        _ => Err(bad(name)),
                    })
                    .collect(),
                _ => Err(bad(name)),
            },
        }
    }
}

impl AttrDef {
    /// Checks a value against type, minimum and allowed values.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it does not fit.
    pub fn check(&self, value: &AttrValue, op: &str) -> Result<()> {
        let refuse = |why: String| {
            Err(Error::invalid_argument(format!("Op {op}: value {value} for attr '{}' {why}", self.name)))
        };
        let items = match value {
            AttrValue::Placeholder(_) => return Ok(()),
            AttrValue::List(items) if self.is_list => items.as_slice(),
            single if !self.is_list => std::slice::from_ref(single),
            _ => return refuse("is not a list".to_owned()),
        };
        if let Some(item) = items.iter().find(|item| !self.kind.fits(item)) {
            return refuse(format!("is {item}, which is no {:?}", self.kind));
        }
        if let Some(minimum) = self.minimum {
            match value {
                AttrValue::Int(n) if *n < minimum => {
                    return refuse(format!("must be at least minimum {minimum}"));
                }
                AttrValue::List(items) if (items.len() as i64) < minimum => {
                    return refuse(format!("has fewer than {minimum} items"));
                }
                _ => {}
            }
        }
        match &self.allowed {
            Some(allowed) if items.iter().any(|item| !allowed.iter().any(|a| same(a, item))) => {
                let list: Vec<String> = allowed.iter().map(ToString::to_string).collect();
                refuse(format!("is not in the list of allowed values: {}", list.join(", ")))
            }
            _ => Ok(()),
        }
    }
}

fn same(a: &AttrValue, b: &AttrValue) -> bool {
    match (a, b) {
        (AttrValue::Type(a), AttrValue::Type(b)) => a == b,
        (AttrValue::Bytes(a), AttrValue::Bytes(b)) => a == b,
        _ => false,
    }
}

impl AttrType {
    fn fits(self, value: &AttrValue) -> bool {
        matches!(
            (self, value),
            (AttrType::String, AttrValue::Bytes(_))
                | (AttrType::Int, AttrValue::Int(_))
                | (AttrType::Float, AttrValue::Float(_))
                | (AttrType::Bool, AttrValue::Bool(_))
                | (AttrType::Type, AttrValue::Type(_))
                | (AttrType::Shape, AttrValue::Shape(_))
                | (AttrType::Tensor, AttrValue::Tensor(_))
                | (AttrType::Func, AttrValue::Function(_))
                | (_, AttrValue::Placeholder(_))
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Construction, Effect, Kernel, Kernels, shape};

    fn no_kernel(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
        Err(Error::internal("not built here"))
    }

    fn op(
        inputs: &'static [&'static str],
        outputs: &'static [&'static str],
        attrs: &'static [&'static str],
    ) -> OpDef {
        let kernels = Kernels::one(no_kernel);
        let shape = shape::unknown;
        OpDef::of(&Op { name: "Op", inputs, outputs, attrs, effect: Effect::Pure, shape, kernels }).unwrap()
    }

    #[test]
    fn arguments_expand_to_tensors() {
        let def = op(
            &["axis: int32", "values: N * T", "rest: Tlist"],
            &["out: Ref(T)", "more: Tlist"],
            &["N: int >= 2", "T: {float, int32}", "Tlist: list(type) >= 0 = []"],
        );
        let mut attrs = Attrs::default();
        attrs.insert("N".into(), AttrValue::Int(2));
        attrs.insert("T".into(), AttrValue::Type(DType::Float));
        def.complete(&mut attrs).unwrap();
        assert_eq!(def.input_dtypes(&attrs).unwrap(), [DType::Int32, DType::Float, DType::Float]);
        assert_eq!(def.output_refs(&attrs).unwrap(), [true]);
        attrs.insert(
            "Tlist".into(),
            AttrValue::List(vec![AttrValue::Type(DType::Bool), AttrValue::Type(DType::String)]),
        );
        assert_eq!(def.output_ranges(&attrs).unwrap(), [("out", 0, 1), ("more", 1, 2)]);
    }

    #[test]
    fn values_are_checked() {
        let def = op(&[], &[], &["N: int >= 2", "p: {'SAME', 'VALID'}", "T: {float, int32} = DT_FLOAT"]);
        let check = |n: i64, p: &'static str, dtype: DType, want: Option<&str>| {
            let mut attrs = Attrs::default();
            attrs.insert("N".into(), AttrValue::Int(n));
            attrs.insert("p".into(), AttrValue::Bytes(Bytes::from_static(p.as_bytes())));
            attrs.insert("T".into(), AttrValue::Type(dtype));
            let got = def.complete(&mut attrs).err().map(|e| e.message().to_owned());
            match want {
                None => assert_eq!(got, None),
                Some(part) => assert!(got.as_ref().is_some_and(|m| m.contains(part)), "{got:?}"),
            }
        };
        check(2, "SAME", DType::Float, None);
        check(1, "SAME", DType::Float, Some("minimum 2"));
        check(2, "FULL", DType::Float, Some("\"SAME\", \"VALID\""));
        check(2, "SAME", DType::Bool, Some("float, int32"));
        assert!(def.complete(&mut Attrs::default()).unwrap_err().message().contains("'N'"));
    }
}
