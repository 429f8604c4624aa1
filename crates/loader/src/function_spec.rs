//! How a function was declared in Python.

use std::collections::BTreeMap;
use std::fmt;

use savedmodel_graph::StructuredValue;
use savedmodel_proto::FunctionSpec as Message;
use savedmodel_tensor::{Error, Result};

use crate::structured;

/// The parameters of a Python function, without `self`.
#[derive(Clone, Debug, Default)]
pub struct FunctionSpec {
    /// Those that may be given by position or by name, in order.
    pub args: Vec<String>,
    /// Values of the last of `args` for calls that leave them out.
    pub defaults: Vec<StructuredValue>,
    /// What takes more positional arguments, if anything does.
    pub varargs: Option<String>,
    /// Those that are given by name only.
    pub kwonly: Vec<String>,
    /// Values of those for calls that leave them out.
    pub kwonly_defaults: BTreeMap<String, StructuredValue>,
    /// What takes more named arguments, if anything does.
    pub varkw: Option<String>,
    /// What the first of `args` are cast to, one each, if that was declared.
    pub input_signature: Option<Vec<StructuredValue>>,
}

impl FunctionSpec {
    pub(crate) fn convert(message: &Message) -> Result<FunctionSpec> {
        let Some(fullargspec) = &message.fullargspec else { return Ok(FunctionSpec::default()) };
        let StructuredValue::NamedTuple(_, fields) = structured::value(fullargspec)? else {
            return Err(Error::invalid_argument("fullargspec is no named tuple"));
        };
        let field = |name: &str| {
            let found = fields.iter().find(|(field, _)| field == name);
            found.map_or(StructuredValue::None, |(_, value)| value.clone())
        };
        let mut args = names(field("args"))?;
        if message.is_method || args.first().is_some_and(|name| name == "self") {
            if args.is_empty() {
                return Err(Error::unimplemented("a method function without a named 'self' argument"));
            }
            args.remove(0);
        }
        let kwonly_defaults = match field("kwonlydefaults") {
            StructuredValue::Dict(fields) => fields,
            _ => BTreeMap::new(),
        };
        let mut defaults = items(field("defaults"));
        defaults.drain(..defaults.len().saturating_sub(args.len()));
        let input_signature = match message.input_signature.as_ref().map(structured::value).transpose()? {
            Some(StructuredValue::Tuple(items) | StructuredValue::List(items)) => Some(items),
            _ => None,
        };
        Ok(FunctionSpec {
            args,
            defaults,
            varargs: name(field("varargs")),
            kwonly: names(field("kwonlyargs"))?,
            kwonly_defaults,
            varkw: name(field("varkw")),
            input_signature,
        })
    }

    /// The default of an argument that may be given by position.
    pub fn default_of(&self, index: usize) -> Option<&StructuredValue> {
        let required = self.args.len().checked_sub(self.defaults.len())?;
        self.defaults.get(index.checked_sub(required)?)
    }
}

/// The parameters as Python writes them: `(x, y=7, *, k=None)`.
impl fmt::Display for FunctionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with = |name: &String, default: Option<&StructuredValue>| match default {
            Some(default) => format!("{name}={default}"),
            None => name.clone(),
        };
        let args = self.args.iter().enumerate();
        let mut parameters: Vec<String> = args.map(|(i, name)| with(name, self.default_of(i))).collect();
        match &self.varargs {
            Some(name) => parameters.push(format!("*{name}")),
            None if !self.kwonly.is_empty() => parameters.push("*".to_owned()),
            None => {}
        }
        parameters.extend(self.kwonly.iter().map(|name| with(name, self.kwonly_defaults.get(name))));
        parameters.extend(self.varkw.iter().map(|name| format!("**{name}")));
        write!(f, "({})", parameters.join(", "))
    }
}

fn items(value: StructuredValue) -> Vec<StructuredValue> {
    match value {
        StructuredValue::List(items) | StructuredValue::Tuple(items) => items,
        _ => Vec::new(),
    }
}

fn name(value: StructuredValue) -> Option<String> {
    match value {
        StructuredValue::String(name) => Some(name),
        _ => None,
    }
}

fn names(value: StructuredValue) -> Result<Vec<String>> {
    let wrong = || Error::invalid_argument("the name of a parameter is no string");
    items(value).into_iter().map(|item| name(item).ok_or_else(wrong)).collect()
}
