//! Arguments to parameters, as Python binds them.

use std::collections::BTreeMap;

use savedmodel_loader::FunctionSpec;
use savedmodel_tensor::{Error, Result};

use super::Value;

/// The arguments of a call in canonical form: positional ones in order, with defaults put in, and the others by name.
pub(super) type Bound = (Vec<Value>, BTreeMap<String, Value>);

/// Binds the arguments of a call.
///
/// # Errors
/// `INVALID_ARGUMENT` when an argument is missing, unknown, given twice, or one too many.
pub(super) fn bind(spec: &FunctionSpec, args: Vec<Value>, kwargs: Vec<(String, Value)>) -> Result<Bound> {
    let mut named: BTreeMap<String, Value> = BTreeMap::new();
    for (name, value) in kwargs {
        if named.insert(name.clone(), value).is_some() {
            return Err(refuse(format!("keyword argument repeated: '{name}'"), spec));
        }
    }
    let mut given = args.into_iter();
    let mut positional = Vec::with_capacity(spec.args.len());
    for (i, name) in spec.args.iter().enumerate() {
        let value = match (given.next(), named.remove(name)) {
            (Some(_), Some(_)) => return Err(refuse(format!("multiple values for argument '{name}'"), spec)),
            (Some(value), None) | (None, Some(value)) => value,
            (None, None) => match spec.default_of(i) {
                Some(value) => value.clone().into(),
                None => return Err(refuse(format!("missing a required argument: '{name}'"), spec)),
            },
        };
        positional.push(value);
    }
    let surplus: Vec<Value> = given.collect();
    if !surplus.is_empty() && spec.varargs.is_none() {
        return Err(refuse("too many positional arguments".to_owned(), spec));
    }
    positional.extend(surplus);
    let mut keyword = BTreeMap::new();
    for name in &spec.kwonly {
        let default = || spec.kwonly_defaults.get(name).map(|value| value.clone().into());
        let Some(value) = named.remove(name).or_else(default) else {
            return Err(refuse(format!("missing a required argument: '{name}'"), spec));
        };
        keyword.insert(name.clone(), value);
    }
    if let (Some(name), None) = (named.keys().next(), &spec.varkw) {
        return Err(refuse(format!("got an unexpected keyword argument '{name}'"), spec));
    }
    keyword.extend(named);
    Ok((positional, keyword))
}

fn refuse(what: String, spec: &FunctionSpec) -> Error {
    Error::invalid_argument(format!("Binding inputs to the function failed: {what}; it takes {spec}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_graph::StructuredValue;

    #[test]
    fn as_python_binds() {
        let spec = FunctionSpec {
            args: vec!["x".to_owned(), "y".to_owned()],
            defaults: vec![StructuredValue::Int(7)],
            kwonly: vec!["k".to_owned()],
            kwonly_defaults: [("k".to_owned(), StructuredValue::None)].into(),
            ..FunctionSpec::default()
        };
        let open =
            FunctionSpec { varargs: Some("rest".to_owned()), varkw: Some("more".to_owned()), ..spec.clone() };
        let check = |spec: &FunctionSpec, args: &[i64], kwargs: &[(&str, i64)], expected: &str| {
            let args = args.iter().map(|&v| v.into()).collect();
            let kwargs = kwargs.iter().map(|&(name, v)| (name.to_owned(), v.into())).collect();
            let got = match bind(spec, args, kwargs) {
                Ok((args, kwargs)) => format!("{} {}", Value::List(args), Value::Dict(kwargs)),
                Err(error) => error.message().to_owned(),
            };
            assert!(got.contains(expected), "{got}, not {expected}");
        };
        check(&spec, &[1], &[], "[1, 7] {'k': None}");
        check(&spec, &[], &[("y", 2), ("x", 1), ("k", 3)], "[1, 2] {'k': 3}");
        check(&open, &[1, 2, 3], &[("z", 4)], "[1, 2, 3] {'k': None, 'z': 4}");
        check(&spec, &[], &[], "missing a required argument: 'x'; it takes (x, y=7, *, k=None)");
        check(&spec, &[1, 2, 3], &[], "too many positional arguments");
        check(&spec, &[1], &[("x", 1)], "multiple values for argument 'x'");
        check(&spec, &[1], &[("z", 1)], "unexpected keyword argument 'z'");
    }
}
