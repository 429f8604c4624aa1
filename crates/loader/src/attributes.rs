//! Attributes from messages.

use savedmodel_graph::{AttrValue, Attrs, FunctionRef};
use savedmodel_proto::attr_value::{ListValue, Value};
use savedmodel_proto::{self as proto, shape, tensor_proto};
use savedmodel_tensor::{Error, Result};

/// The attributes of a node, without those that only describe it.
pub(crate) fn attrs<'m>(
    messages: impl IntoIterator<Item = (&'m String, &'m proto::AttrValue)>,
) -> Result<Attrs> {
    let mut attrs = Attrs::default();
    for (name, message) in messages {
        // Shapes as they were inferred when the model was made: nothing here needs them, and they are long.
        if name == "_output_shapes" {
            continue;
        }
        let at = |e: Error| e.at(format!("attr '{name}'"));
        if !name.starts_with('_') {
            check_types(message).map_err(at)?;
        }
        if let Some(value) = value(message).map_err(at)? {
            attrs.insert(name.clone(), value);
        }
    }
    Ok(attrs)
}

/// Refuses types of references, which attributes that an operator declares can't have.
fn check_types(message: &proto::AttrValue) -> Result<()> {
    let numbers = match &message.value {
        Some(Value::Type(number)) => std::slice::from_ref(number),
        Some(Value::List(list)) => &list.r#type,
        _ => return Ok(()),
    };
    match numbers.iter().find(|&&number| number > REFERENCES) {
        Some(number) => {
            let name = shape::to_dtype(*number)?;
            let text = format!("AttrValue must not have reference type value of {name}_ref");
            Err(Error::invalid_argument(text))
        }
        None => Ok(()),
    }
}

/// The number of a type of references is that of the type that it refers to and this more.
const REFERENCES: i32 = 100;

/// The value of an attribute; `None` if the message holds none.
pub(crate) fn value(message: &proto::AttrValue) -> Result<Option<AttrValue>> {
    let Some(value) = &message.value else { return Ok(None) };
    Ok(Some(match value {
        Value::S(bytes) => AttrValue::Bytes(bytes.clone()),
        Value::I(v) => AttrValue::Int(*v),
        Value::F(v) => AttrValue::Float(*v),
        Value::B(v) => AttrValue::Bool(*v),
        // An unset dtype stands where it does not matter.
        Value::Type(0) => return Ok(None),
        Value::Type(number) => AttrValue::Type(shape::to_dtype(*number)?),
        Value::Shape(message) => AttrValue::Shape(shape::to_partial_shape(message)?),
        Value::Tensor(message) => AttrValue::Tensor(tensor_proto::to_tensor(message)?),
        Value::Func(message) => AttrValue::Function(function(message)?),
        Value::Placeholder(name) => AttrValue::Placeholder(name.clone()),
        Value::List(list) => AttrValue::List(items(list)?),
    }))
}

fn items(list: &ListValue) -> Result<Vec<AttrValue>> {
    let mut items: Vec<AttrValue> = Vec::new();
    items.extend(list.s.iter().cloned().map(AttrValue::Bytes));
    items.extend(list.i.iter().copied().map(AttrValue::Int));
    items.extend(list.f.iter().copied().map(AttrValue::Float));
    items.extend(list.b.iter().copied().map(AttrValue::Bool));
    for &number in &list.r#type {
        items.push(AttrValue::Type(shape::to_dtype(number)?));
    }
    for message in &list.shape {
        items.push(AttrValue::Shape(shape::to_partial_shape(message)?));
    }
    for message in &list.tensor {
        items.push(AttrValue::Tensor(tensor_proto::to_tensor(message)?));
    }
    for message in &list.func {
        items.push(AttrValue::Function(function(message)?));
    }
    Ok(items)
}

fn function(message: &proto::NameAttrList) -> Result<FunctionRef> {
    let attrs = attrs(&message.attr)?;
    if message.name.is_empty() {
        return Err(Error::invalid_argument("a function attribute names no function"));
    }
    Ok(FunctionRef { name: message.name.clone(), attrs })
}
