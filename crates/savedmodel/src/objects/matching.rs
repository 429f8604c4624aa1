//! Arguments against what a function was traced with, and results as it gave them.

use savedmodel_graph::{StructuredValue, TypeClass, TypeSpec};
use savedmodel_tensor::{DType, Error, PartialShape, Result, Tensor};

use super::Value;
use super::literal::{self, Conversion};

/// How arguments are held against what a function was traced with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fit {
    /// Whether what is no tensor becomes one where one is expected.
    pub convert: bool,
    /// Whether the arguments were cast to a declared signature, which leaves the shape of a sparse tensor open.
    pub declared: bool,
}

/// More tensors than any type is made of.
const MOST_PARTS: usize = 1 << 10;

impl Fit {
    const DECLARED: Fit = Fit { convert: true, declared: true };
}

/// The tensors of a nest of arguments, in order, if the nest fits what was expected; `None` if it does not.
///
/// Numbers, strings and lists of them become tensors if `fit` converts.
pub(super) fn flatten(
    expected: &StructuredValue,
    given: &Value,
    fit: Fit,
    tensors: &mut Vec<Tensor>,
) -> Option<()> {
    let all = |expected: &[StructuredValue], given: &[Value], tensors: &mut Vec<Tensor>| {
        let mut pairs = expected.iter().zip(given);
        let fits = expected.len() == given.len();
        fits.then(|| pairs.try_for_each(|(expected, given)| flatten(expected, given, fit, tensors)))?
    };
    match (expected, given) {
        (StructuredValue::TensorSpec(spec), given) => {
            let tensor = match given {
                Value::Tensor(tensor) => tensor.clone(),
                Value::Variable(variable) => variable.value().ok()?,
                Value::Array(array) => array.clone(),
                other if fit.convert => literal::tensor(other, spec.dtype, Conversion::Hint)?,
                _ => return None,
            };
            let fits = tensor.dtype() == spec.dtype && spec.shape.accepts(tensor.shape());
            fits.then(|| tensors.push(tensor))
        }
        (StructuredValue::TypeSpec(spec), given) => composite(spec, given, fit, tensors),
        (StructuredValue::List(expected), Value::List(given))
        | (StructuredValue::Tuple(expected), Value::Tuple(given)) => all(expected, given, tensors),
        (StructuredValue::Dict(expected), Value::Dict(given)) => {
            let mut pairs = expected.iter().zip(given);
            let fits = expected.keys().eq(given.keys());
            fits.then(|| pairs.try_for_each(|((_, e), (_, g))| flatten(e, g, fit, tensors)))?
        }
        (StructuredValue::NamedTuple(name, expected), Value::NamedTuple(other, given)) => {
            let names = |(a, b): (&(String, StructuredValue), &(String, Value))| a.0 == b.0;
            let fits =
                name == other && expected.len() == given.len() && expected.iter().zip(given).all(names);
            let mut pairs = expected.iter().zip(given);
            fits.then(|| pairs.try_for_each(|((_, e), (_, g))| flatten(e, g, fit, tensors)))?
        }
        (expected, given) => is_equal(expected, given).then_some(()),
    }
}

/// Python's `==`, by which `1`, `1.0` and `True` are equal.
fn is_equal(expected: &StructuredValue, given: &Value) -> bool {
    let number = match expected {
        StructuredValue::Bool(v) => Some(f64::from(u8::from(*v))),
        StructuredValue::Float(v) => Some(*v),
        _ => None,
    };
    match (expected, given) {
        (StructuredValue::None, Value::None) => true,
        (StructuredValue::Int(a), Value::Int(b)) => a == b,
        (StructuredValue::Int(a), Value::Bool(b)) => *a == i64::from(*b),
        (StructuredValue::Int(a), Value::Float(b)) => *a as f64 == *b,
        (StructuredValue::String(a), Value::String(b)) => a == b,
        (StructuredValue::Shape(a), Value::Shape(b)) => a == b,
        (StructuredValue::DType(a), Value::DType(b)) => a == b,
        (_, Value::Bool(b)) => number == Some(f64::from(u8::from(*b))),
        (_, Value::Int(b)) => number == Some(*b as f64),
        (_, Value::Float(b)) => number == Some(*b),
        _ => false,
    }
}

fn composite(spec: &TypeSpec, given: &Value, fit: Fit, tensors: &mut Vec<Tensor>) -> Option<()> {
    let is_of = |tensor: &Tensor| spec.dtype().is_none_or(|dtype| dtype == tensor.dtype());
    match (spec.class, given) {
        (TypeClass::Ragged, Value::Ragged { values, row_splits }) => {
            (is_of(values) && is_ragged(spec, values, row_splits)).then(|| {
                tensors.push(values.clone());
                tensors.extend_from_slice(row_splits);
            })
        }
        (TypeClass::Sparse, Value::Sparse { indices, values, dense_shape }) => {
            let dims = PartialShape::from_i64(dense_shape.as_slice::<i64>().ok()?).ok()?;
            let dims = if fit.declared { PartialShape::of_rank(dims.rank()?) } else { dims };
            let shape = spec.shape().merge(&dims).is_some();
            (is_of(values) && indices.dtype() == DType::Int64 && shape)
                .then(|| tensors.extend([indices.clone(), values.clone(), dense_shape.clone()]))
        }
        (TypeClass::Variable, Value::Variable(variable)) => {
            let fits = spec.dtype().is_none_or(|dtype| dtype == variable.dtype());
            (fits && spec.shape().merge(variable.shape()).is_some()).then(|| tensors.push(variable.handle()))
        }
        (TypeClass::Single, Value::Tensor(tensor)) => {
            matches!(tensor.dtype(), DType::Variant | DType::Resource).then(|| tensors.push(tensor.clone()))
        }
        // Without a ragged dimension it is a tensor.
        (TypeClass::Ragged, Value::Tensor(tensor)) if spec.ragged_rank() == Some(0) => {
            (is_of(tensor) && spec.shape().accepts(tensor.shape())).then(|| tensors.push(tensor.clone()))
        }
        (_, Value::Composite(parts)) => is_made_of(spec, parts).then(|| tensors.extend_from_slice(parts)),
        _ => None,
    }
}

/// Whether a type can be made of these tensors, as far as it tells what they are.
fn is_made_of(spec: &TypeSpec, parts: &[Tensor]) -> bool {
    let mut declared = Vec::new();
    declare(&spec.state, &mut declared);
    let fits = |(declared, part): (&Option<(DType, PartialShape)>, &Tensor)| {
        declared.as_ref().is_none_or(|(dtype, shape)| *dtype == part.dtype() && shape.accepts(part.shape()))
    };
    (spec.components == 0 || spec.components == parts.len())
        && (declared.len() != parts.len() || declared.iter().zip(parts).all(fits))
}

/// What the state of a type says of its tensors, in order: the fields of an extension type.
fn declare(state: &StructuredValue, tensors: &mut Vec<Option<(DType, PartialShape)>>) {
    match state {
        StructuredValue::TensorSpec(spec) => tensors.push(Some((spec.dtype, spec.shape.clone()))),
        StructuredValue::TypeSpec(spec) if spec.class == TypeClass::Other => declare(&spec.state, tensors),
        StructuredValue::TypeSpec(spec) => tensors.extend((0..spec.components.min(MOST_PARTS)).map(|_| None)),
        StructuredValue::List(items) | StructuredValue::Tuple(items) => {
            items.iter().for_each(|item| declare(item, tensors));
        }
        StructuredValue::Dict(fields) => fields.values().for_each(|field| declare(field, tensors)),
        StructuredValue::NamedTuple(_, fields) => {
            fields.iter().for_each(|(_, field)| declare(field, tensors));
        }
        _ => {}
    }
}

/// Whether a ragged tensor has the depth, the number of rows and the inner dimensions of a type.
fn is_ragged(spec: &TypeSpec, values: &Tensor, row_splits: &[Tensor]) -> bool {
    let depth = row_splits.len();
    let dtype = spec.row_splits_dtype();
    let splits = row_splits.iter().all(|splits| dtype.is_none_or(|dtype| dtype == splits.dtype()));
    let declared = spec.shape();
    let Some(dims) = declared.dims() else { return splits };
    let rows = row_splits.first().and_then(|splits| splits.elements().checked_sub(1));
    let fits = |(declared, given): (&Option<usize>, Option<usize>)| declared.is_none_or(|d| Some(d) == given);
    splits
        && spec.ragged_rank().is_none_or(|rank| rank == depth)
        && dims.len() == depth + values.rank()
        && dims.first().is_none_or(|dim| fits((dim, rows)))
        && dims.iter().skip(depth + 1).zip(values.shape().iter().skip(1).map(|&dim| Some(dim))).all(fits)
}

/// An argument as the declaration of its function wants it: where a tensor stands, numbers, strings, lists and arrays are
/// cast to its dtype, which tensors are not.
///
/// # Errors
/// `INVALID_ARGUMENT` when it can't be.
pub(super) fn cast(declared: &StructuredValue, given: &Value) -> Result<Value> {
    let refuse = || Error::invalid_argument(format!("Can not cast {given} to {declared}"));
    let all = |declared: &[StructuredValue], given: &[Value]| -> Result<Vec<Value>> {
        if declared.len() != given.len() {
            return Err(refuse());
        }
        declared.iter().zip(given).map(|(declared, given)| cast(declared, given)).collect()
    };
    match (declared, given) {
        (StructuredValue::TensorSpec(spec), given) => {
            let tensor = literal::tensor(given, spec.dtype, Conversion::Demand).ok_or_else(refuse)?;
            let fits = tensor.dtype() == spec.dtype && spec.shape.accepts(tensor.shape());
            if fits { Ok(Value::Tensor(tensor)) } else { Err(refuse()) }
        }
        (StructuredValue::TypeSpec(spec), given) => {
            composite(spec, given, Fit::DECLARED, &mut Vec::new()).map(|()| given.clone()).ok_or_else(refuse)
        }
        (StructuredValue::List(declared), Value::List(given)) => Ok(Value::List(all(declared, given)?)),
        (StructuredValue::Tuple(declared), Value::Tuple(given)) => Ok(Value::Tuple(all(declared, given)?)),
        (StructuredValue::Dict(declared), Value::Dict(given)) if declared.keys().eq(given.keys()) => {
            let field = |((name, d), g): ((&String, _), _)| Ok((name.clone(), cast(d, g)?));
            Ok(Value::Dict(declared.iter().zip(given.values()).map(field).collect::<Result<_>>()?))
        }
        (StructuredValue::NamedTuple(name, declared), Value::NamedTuple(other, given))
            if name == other
                && declared.iter().map(|(name, _)| name).eq(given.iter().map(|(name, _)| name)) =>
        {
            let field = |((name, d), (_, g)): (&(String, _), &(_, _))| Ok((name.clone(), cast(d, g)?));
            let fields = declared.iter().zip(given).map(field).collect::<Result<_>>()?;
            Ok(Value::NamedTuple(name.clone(), fields))
        }
        (
            StructuredValue::List(_)
            | StructuredValue::Tuple(_)
            | StructuredValue::Dict(_)
            | StructuredValue::NamedTuple(..),
            _,
        ) => Err(refuse()),
        _ => Ok(given.clone()),
    }
}

/// The results of a function as it gave them in Python, of its tensors in order.
///
/// # Errors
/// `INTERNAL` when there are fewer tensors than the structure has.
pub(super) fn pack(structure: &StructuredValue, tensors: &mut impl Iterator<Item = Tensor>) -> Result<Value> {
    Ok(match structure {
        StructuredValue::TensorSpec(_) => Value::Tensor(next(tensors)?),
        StructuredValue::TypeSpec(spec) => pack_composite(spec, tensors)?,
        StructuredValue::List(items) => {
            Value::List(items.iter().map(|item| pack(item, tensors)).collect::<Result<_>>()?)
        }
        StructuredValue::Tuple(items) => {
            Value::Tuple(items.iter().map(|item| pack(item, tensors)).collect::<Result<_>>()?)
        }
        StructuredValue::Dict(fields) => {
            let field = |(name, item): (&String, _)| Ok((name.clone(), pack(item, tensors)?));
            Value::Dict(fields.iter().map(field).collect::<Result<_>>()?)
        }
        StructuredValue::NamedTuple(name, fields) => {
            let field = |(name, item): &(String, _)| Ok((name.clone(), pack(item, tensors)?));
            Value::NamedTuple(name.clone(), fields.iter().map(field).collect::<Result<_>>()?)
        }
        plain => plain.clone().into(),
    })
}

/// A value of several tensors, of its tensors in order.
///
/// # Errors
/// `INTERNAL` when there are fewer tensors than the type has.
pub(crate) fn pack_composite(spec: &TypeSpec, tensors: &mut impl Iterator<Item = Tensor>) -> Result<Value> {
    Ok(match spec.class {
        TypeClass::Ragged => {
            let values = next(tensors)?;
            let depth = spec.ragged_rank().unwrap_or(spec.components.saturating_sub(1));
            let row_splits = (0..depth).map(|_| next(tensors)).collect::<Result<_>>()?;
            Value::Ragged { values, row_splits }
        }
        TypeClass::Sparse => {
            Value::Sparse { indices: next(tensors)?, values: next(tensors)?, dense_shape: next(tensors)? }
        }
        TypeClass::Single | TypeClass::Variable => Value::Tensor(next(tensors)?),
        TypeClass::IndexedSlices | TypeClass::Other => {
            Value::Composite((0..spec.components).map(|_| next(tensors)).collect::<Result<_>>()?)
        }
    })
}

fn next(tensors: &mut impl Iterator<Item = Tensor>) -> Result<Tensor> {
    tensors.next().ok_or_else(|| Error::internal("the function gives fewer tensors than its signature says"))
}
