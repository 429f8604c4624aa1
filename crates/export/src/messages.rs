//! Attributes and signatures as messages.

use savedmodel_graph::{AttrValue, Signature, TensorInfo, TensorSource};
use savedmodel_proto::attr_value::{ListValue, Value};
use savedmodel_proto::tensor_info::{CompositeTensor, CooSparse, Encoding};
use savedmodel_proto::{self as proto, SignatureDef, shape, tensor_proto};
use savedmodel_tensor::{Error, Result};

/// The message of an attribute's value.
///
/// # Errors
/// `INVALID_ARGUMENT` for a list of lists or of unlike values; `UNIMPLEMENTED` for variants that have no message.
pub fn attr(value: &AttrValue) -> Result<proto::AttrValue> {
    let value = match value {
        AttrValue::Bytes(v) => Value::S(v.clone()),
        AttrValue::Int(v) => Value::I(*v),
        AttrValue::Float(v) => Value::F(*v),
        AttrValue::Bool(v) => Value::B(*v),
        AttrValue::Type(v) => Value::Type(v.number()),
        AttrValue::Shape(v) => Value::Shape(shape::from_partial_shape(v)),
        AttrValue::Tensor(v) => Value::Tensor(Box::new(tensor_proto::from_tensor(v)?)),
        AttrValue::Function(v) => Value::Func(function(v)?),
        AttrValue::Placeholder(v) => Value::Placeholder(v.clone()),
        AttrValue::List(items) => Value::List(Box::new(list(items)?)),
    };
    Ok(proto::AttrValue { value: Some(value) })
}

fn function(reference: &savedmodel_graph::FunctionRef) -> Result<proto::NameAttrList> {
    let attrs = reference.attrs.iter().map(|(name, value)| Ok((name.clone(), attr(value)?)));
    Ok(proto::NameAttrList { name: reference.name.clone(), attr: attrs.collect::<Result<_>>()? })
}

fn list(items: &[AttrValue]) -> Result<ListValue> {
    let mut list = ListValue::default();
    for item in items {
        match item {
            AttrValue::Bytes(v) => list.s.push(v.clone()),
            AttrValue::Int(v) => list.i.push(*v),
            AttrValue::Float(v) => list.f.push(*v),
            AttrValue::Bool(v) => list.b.push(*v),
            AttrValue::Type(v) => list.r#type.push(v.number()),
            AttrValue::Shape(v) => list.shape.push(shape::from_partial_shape(v)),
            AttrValue::Tensor(v) => list.tensor.push(tensor_proto::from_tensor(v)?),
            AttrValue::Function(v) => list.func.push(function(v)?),
            AttrValue::Placeholder(_) | AttrValue::List(_) => {
                return Err(Error::invalid_argument(format!("{item} can't be an item of a list")));
            }
        }
    }
    let kinds = items.iter().map(std::mem::discriminant);
    if kinds.clone().zip(kinds.skip(1)).any(|(a, b)| a != b) {
        return Err(Error::invalid_argument("the items of a list are of different kinds"));
    }
    Ok(list)
}

/// The message of a signature.
///
/// # Errors
/// `UNIMPLEMENTED` for a composite other than a sparse tensor, whose type a [`Signature`] does not tell.
pub fn signature(signature: &Signature) -> Result<SignatureDef> {
    let infos = |infos: &indexmap::IndexMap<String, TensorInfo>| -> Result<_> {
        let message = |(name, info): (&String, _)| match tensor_info(info) {
            Ok(message) => Ok((name.clone(), message)),
            Err(error) => Err(error.at(format!("'{name}'"))),
        };
        infos.iter().map(message).collect()
    };
    let default = |(name, value): (&String, _)| Ok((name.clone(), tensor_proto::from_tensor(value)?));
    Ok(SignatureDef {
        inputs: infos(&signature.inputs)?,
        outputs: infos(&signature.outputs)?,
        method_name: signature.method_name.clone(),
        defaults: signature.defaults.iter().map(default).collect::<Result<_>>()?,
    })
}

fn tensor_info(info: &TensorInfo) -> Result<proto::TensorInfo> {
    let encoding = match &info.source {
        TensorSource::Dense(name) => Encoding::Name(name.clone()),
        TensorSource::CooSparse { indices, values, dense_shape } => Encoding::CooSparse(CooSparse {
            indices_tensor_name: indices.clone(),
            values_tensor_name: values.clone(),
            dense_shape_tensor_name: dense_shape.clone(),
        }),
        TensorSource::Composite { spec, .. } => {
            return Err(Error::unimplemented(format!("a new signature can't have a {}", spec.name)));
        }
    };
    Ok(proto::TensorInfo {
        encoding: Some(encoding),
        dtype: info.dtype.map_or(0, |dtype| dtype.number()),
        tensor_shape: Some(shape::from_partial_shape(&info.shape)),
    })
}

/// The names of the tensors that a `TensorInfo` stands for.
pub(crate) fn tensor_names(info: &proto::TensorInfo) -> Vec<&str> {
    match &info.encoding {
        Some(Encoding::Name(name)) => vec![name],
        Some(Encoding::CooSparse(sparse)) => {
            vec![&sparse.indices_tensor_name, &sparse.values_tensor_name, &sparse.dense_shape_tensor_name]
        }
        Some(Encoding::CompositeTensor(CompositeTensor { components, .. })) => {
            components.iter().flat_map(tensor_names).collect()
        }
        None => Vec::new(),
    }
}

/// Gives the tensors of a `TensorInfo` other names.
pub(crate) fn rename_tensors(info: &mut proto::TensorInfo, rename: &dyn Fn(&str) -> Option<String>) {
    let apply = |name: &mut String| {
        if let Some(new) = rename(name) {
            *name = new;
        }
    };
    match &mut info.encoding {
        Some(Encoding::Name(name)) => apply(name),
        Some(Encoding::CooSparse(sparse)) => {
            apply(&mut sparse.indices_tensor_name);
            apply(&mut sparse.values_tensor_name);
            apply(&mut sparse.dense_shape_tensor_name);
        }
        Some(Encoding::CompositeTensor(composite)) => {
            composite.components.iter_mut().for_each(|component| rename_tensors(component, rename));
        }
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use savedmodel_tensor::DType;

    use super::*;

    #[test]
    fn lists_are_of_one_kind() {
        let list = |items: &[AttrValue]| attr(&AttrValue::List(items.to_vec()));
        let types = list(&[AttrValue::Type(DType::Float), AttrValue::Type(DType::Int32)]).unwrap();
        let Some(Value::List(list_value)) = types.value else { panic!("no list") };
        assert_eq!(list_value.r#type, [1, 3]);
        assert!(list(&[]).is_ok());
        assert!(list(&[AttrValue::Int(1), AttrValue::Bool(true)]).is_err());
        assert!(list(&[AttrValue::List(Vec::new())]).is_err());
    }
}
