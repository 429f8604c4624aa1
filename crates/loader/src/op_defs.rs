//! The declarations of all of TensorFlow's operators, supported or not.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;
use savedmodel_op::{ArgDef, AttrDef, AttrType, Count, OpDef, TypeOf};
use savedmodel_proto::{self as proto, OpList, shape};
use savedmodel_tensor::{Error, Result};

use crate::attributes;

static ENCODED: &[u8] = include_bytes!("../../op/data/op_defs.pb");

/// The messages of TensorFlow's registry, by name of operator.
pub fn messages() -> &'static FxHashMap<String, proto::OpDef> {
    static MESSAGES: OnceLock<FxHashMap<String, proto::OpDef>> = OnceLock::new();
    MESSAGES.get_or_init(|| {
        let list: OpList = savedmodel_proto::decode(ENCODED).unwrap_or_default();
        list.op.into_iter().map(|op| (op.name.clone(), op)).collect()
    })
}

/// TensorFlow's declaration of an operator; `None` if it has none of that name.
///
/// ```
/// let def = savedmodel_loader::op_defs::find("MatMul").unwrap();
/// assert_eq!(def.inputs[1].name, "b");
/// ```
pub fn find(name: &str) -> Option<OpDef> {
    static PLACES: OnceLock<FxHashMap<&[u8], &[u8]>> = OnceLock::new();
    let encoded = *PLACES.get_or_init(|| places(ENCODED)).get(name.as_bytes())?;
    convert(&savedmodel_proto::decode(encoded).ok()?).ok()
}

/// Where each declaration of an encoded list stands, by name: decoding all takes ten milliseconds.
fn places(mut list: &'static [u8]) -> FxHashMap<&'static [u8], &'static [u8]> {
    let mut places = FxHashMap::default();
    while let Some(op) = first(&mut list) {
        if let Some(name) = first(&mut &*op) {
            places.insert(name, op);
        }
    }
    places
}

/// The bytes of field 1, if a message begins with it; they are taken off.
fn first<'m>(message: &mut &'m [u8]) -> Option<&'m [u8]> {
    let mut rest = message.strip_prefix(b"\n")?;
    let (mut length, mut shift) = (0_usize, 0);
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        length |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
        shift += 7;
    }
    let (field, rest) = rest.split_at_checked(length)?;
    *message = rest;
    Some(field)
}

/// A declaration from its message.
///
/// # Errors
/// `INVALID_ARGUMENT` when the message has a dtype or attribute type that TensorFlow does not know.
pub fn convert(message: &proto::OpDef) -> Result<OpDef> {
    Ok(OpDef {
        name: message.name.clone(),
        inputs: message.input_arg.iter().map(arg).collect::<Result<_>>()?,
        outputs: message.output_arg.iter().map(arg).collect::<Result<_>>()?,
        attrs: message.attr.iter().map(attr).collect::<Result<_>>()?,
    })
}

/// An argument from its message.
///
/// # Errors
/// As [`convert`].
pub(crate) fn arg(message: &proto::op_def::ArgDef) -> Result<ArgDef> {
    let (dtype, count) = if !message.type_list_attr.is_empty() {
        (TypeOf::ListAttr(message.type_list_attr.clone()), Count::ListAttr)
    } else {
        let dtype = match message.type_attr.as_str() {
            "" => TypeOf::Fixed(shape::to_dtype(message.r#type)?),
            attr => TypeOf::Attr(attr.to_owned()),
        };
        let count = match message.number_attr.as_str() {
            "" => Count::One,
            attr => Count::Attr(attr.to_owned()),
        };
        (dtype, count)
    };
    Ok(ArgDef { name: message.name.clone(), dtype, count, is_ref: message.is_ref || message.r#type > 100 })
}

fn attr(message: &proto::op_def::AttrDef) -> Result<AttrDef> {
    let inner = message.r#type.strip_prefix("list(").and_then(|rest| rest.strip_suffix(')'));
    let kind = match inner.unwrap_or(&message.r#type) {
        "string" => AttrType::String,
        "int" => AttrType::Int,
        "float" => AttrType::Float,
        "bool" => AttrType::Bool,
        "type" => AttrType::Type,
        "shape" => AttrType::Shape,
        "tensor" => AttrType::Tensor,
        "func" => AttrType::Func,
        other => {
            return Err(Error::invalid_argument(format!("attr '{}' has unknown type {other}", message.name)));
        }
    };
    let value = |message: &Option<proto::AttrValue>| match message {
        Some(message) => attributes::value(message),
        None => Ok(None),
    };
    let allowed = match value(&message.allowed_values)? {
        Some(savedmodel_graph::AttrValue::List(items)) => Some(items),
        _ => None,
    };
    Ok(AttrDef {
        name: message.name.clone(),
        kind,
        is_list: inner.is_some(),
        default: value(&message.default_value)?,
        allowed,
        minimum: message.has_minimum.then_some(message.minimum),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_there_and_convert() {
        assert!(messages().len() > 1500, "{}", messages().len());
        for message in messages().values() {
            let def = convert(message).unwrap_or_else(|e| panic!("{}: {e}", message.name));
            assert_eq!(
                find(&message.name).map(|found| found.attrs.len()),
                Some(def.attrs.len()),
                "{}",
                def.name
            );
        }
        assert!(find("Nothing").is_none());
    }
}
