//! Structured values from messages.

use savedmodel_graph::{StructuredValue, TensorSpec, TypeClass, TypeSpec};
use savedmodel_proto::structured_value::Kind;
use savedmodel_proto::type_spec_proto::TypeSpecClass;
use savedmodel_proto::{self as proto, TensorShapeProto, TypeSpecProto, shape, tensor_proto};
use savedmodel_tensor::{Error, PartialShape, Result};

/// The value of a message; one without a kind is `None`.
///
/// # Errors
/// `INVALID_ARGUMENT` when a dtype, shape or tensor in it makes no sense.
pub(crate) fn value(message: &proto::StructuredValue) -> Result<StructuredValue> {
    let values = |items: &[proto::StructuredValue]| items.iter().map(value).collect::<Result<Vec<_>>>();
    let Some(kind) = &message.kind else { return Ok(StructuredValue::None) };
    Ok(match kind {
        Kind::NoneValue(_) => StructuredValue::None,
        Kind::Float64Value(v) => StructuredValue::Float(*v),
        Kind::Int64Value(v) => StructuredValue::Int(*v),
        Kind::StringValue(v) => StructuredValue::String(v.clone()),
        Kind::BoolValue(v) => StructuredValue::Bool(*v),
        Kind::TensorShapeValue(v) => StructuredValue::Shape(shape::to_partial_shape(v)?),
        Kind::TensorDtypeValue(v) => StructuredValue::DType(shape::to_dtype(*v)?),
        Kind::TensorSpecValue(v) => tensor_spec(&v.name, v.shape.as_ref(), v.dtype)?,
        Kind::BoundedTensorSpecValue(v) => tensor_spec(&v.name, v.shape.as_ref(), v.dtype)?,
        Kind::TypeSpecValue(v) => StructuredValue::TypeSpec(Box::new(type_spec(v)?)),
        Kind::ListValue(v) => StructuredValue::List(values(&v.values)?),
        Kind::TupleValue(v) => StructuredValue::Tuple(values(&v.values)?),
        Kind::DictValue(v) => {
            let fields = v.fields.iter().map(|(name, field)| Ok((name.clone(), value(field)?)));
            StructuredValue::Dict(fields.collect::<Result<_>>()?)
        }
        Kind::NamedTupleValue(v) => {
            let field = |pair: &proto::PairValue| {
                let field = pair.value.as_ref().map_or(Ok(StructuredValue::None), value)?;
                Ok((pair.key.clone(), field))
            };
            let fields = v.values.iter().map(field).collect::<Result<_>>()?;
            StructuredValue::NamedTuple(v.name.clone(), fields)
        }
        Kind::TensorValue(v) | Kind::NumpyValue(v) => StructuredValue::Tensor(tensor_proto::to_tensor(v)?),
    })
}

fn tensor_spec(name: &str, message: Option<&TensorShapeProto>, dtype: i32) -> Result<StructuredValue> {
    let shape = message.map_or_else(|| Ok(PartialShape::unknown()), shape::to_partial_shape)?;
    Ok(StructuredValue::TensorSpec(TensorSpec {
        name: name.to_owned(),
        dtype: shape::to_dtype(dtype)?,
        shape,
    }))
}

/// The type of a message.
///
/// # Errors
/// As [`value`].
pub(crate) fn type_spec(message: &TypeSpecProto) -> Result<TypeSpec> {
    let class = match message.type_spec_class() {
        TypeSpecClass::SparseTensorSpec => TypeClass::Sparse,
        TypeSpecClass::IndexedSlicesSpec => TypeClass::IndexedSlices,
        TypeSpecClass::RaggedTensorSpec => TypeClass::Ragged,
        TypeSpecClass::VariableSpec => TypeClass::Variable,
        TypeSpecClass::TensorArraySpec
        | TypeSpecClass::DataDatasetSpec
        | TypeSpecClass::DataIteratorSpec
        | TypeSpecClass::OptionalSpec => TypeClass::Single,
        _ => TypeClass::Other,
    };
    let components = usize::try_from(message.num_flat_components)
        .map_err(|_| Error::invalid_argument("a type has a negative number of components"))?;
    let state = message.type_state.as_ref().map_or(Ok(StructuredValue::None), |state| value(state))?;
    let name = message.type_spec_class_name.clone();
    Ok(TypeSpec { class, name, state, components })
}
