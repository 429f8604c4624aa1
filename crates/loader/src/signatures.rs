//! Signatures from messages.

use savedmodel_graph::{Signature, TensorInfo, TensorSource};
use savedmodel_proto::tensor_info::Encoding;
use savedmodel_proto::{self as proto, SignatureDef, shape, tensor_proto};
use savedmodel_tensor::{Error, PartialShape, Result};

use crate::structured;

/// The signature of a message.
///
/// # Errors
/// `INVALID_ARGUMENT` when a tensor has no name, or a dtype or shape makes no sense.
pub fn signature(message: &SignatureDef) -> Result<Signature> {
    let mut signature = Signature { method_name: message.method_name.clone(), ..Signature::default() };
    for (name, info) in &message.inputs {
        let info = tensor_info(info).map_err(|e| e.at(format!("input '{name}'")))?;
        signature.inputs.insert(name.clone(), info);
    }
    for (name, info) in &message.outputs {
        let info = tensor_info(info).map_err(|e| e.at(format!("output '{name}'")))?;
        signature.outputs.insert(name.clone(), info);
    }
    for (name, value) in &message.defaults {
        let value = tensor_proto::to_tensor(value).map_err(|e| e.at(format!("default of input '{name}'")))?;
        signature.defaults.insert(name.clone(), value);
    }
    Ok(signature)
}

fn tensor_info(message: &proto::TensorInfo) -> Result<TensorInfo> {
    let source = match &message.encoding {
        Some(Encoding::Name(name)) => TensorSource::Dense(name.clone()),
        Some(Encoding::CooSparse(sparse)) => TensorSource::CooSparse {
            indices: sparse.indices_tensor_name.clone(),
            values: sparse.values_tensor_name.clone(),
            dense_shape: sparse.dense_shape_tensor_name.clone(),
        },
        Some(Encoding::CompositeTensor(composite)) => TensorSource::Composite {
            spec: Box::new(structured::type_spec(&composite.type_spec.clone().unwrap_or_default())?),
            components: composite.components.iter().map(tensor_info).collect::<Result<_>>()?,
        },
        None => return Err(Error::invalid_argument("a TensorInfo names no tensor")),
    };
    let dtype = if message.dtype == 0 { None } else { Some(shape::to_dtype(message.dtype)?) };
    let shape = match &message.tensor_shape {
        Some(shape) => shape::to_partial_shape(shape)?,
        None => PartialShape::unknown(),
    };
    Ok(TensorInfo { source, dtype, shape })
}
