//! Arguments of functions: `{"args": […], "kwargs": {…}}`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use savedmodel::Value as Argument;
use savedmodel_tensor::{DType, Error, Result};

use super::decode::whole;
use super::value::Value;

/// What a function is called with.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    /// By position.
    pub args: Vec<Argument>,
    /// By name.
    pub kwargs: Vec<(String, Argument)>,
}

impl Arguments {
    /// The arguments in a text.
    ///
    /// JSON's values are Python's: numbers and lists become tensors where the function wants some. Of the rest an object with
    /// one of these members stands: `{"tuple": […]}`, `{"b64": "…"}` for bytes, `{"tensor": …, "dtype": "float32"}`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is no JSON or has other members; those of a tensor that can't be made.
    pub fn parse(text: &[u8]) -> Result<Arguments> {
        let Value::Object(members) = Value::parse(text)? else {
            return Err(Error::invalid_argument("the arguments must be an object with 'args' and 'kwargs'"));
        };
        let mut arguments = Arguments::default();
        for (name, value) in members {
            match (&*name, value) {
                ("args", Value::List(items)) => {
                    arguments.args = items.iter().map(argument).collect::<Result<_>>()?;
                }
                ("kwargs", Value::Object(members)) => arguments.kwargs = named(&members)?,
                _ => {
                    let text = format!("'{name}' is neither a list 'args' nor an object 'kwargs'");
                    return Err(Error::invalid_argument(text));
                }
            }
        }
        Ok(arguments)
    }
}

fn named(members: &[(String, Value)]) -> Result<Vec<(String, Argument)>> {
    let argument = |(name, value): &(String, Value)| match argument(value) {
        Ok(value) => Ok((name.clone(), value)),
        Err(error) => Err(error.at(format!("'{name}'"))),
    };
    members.iter().map(argument).collect()
}

fn argument(value: &Value) -> Result<Argument> {
    let all = |items: &[Value]| items.iter().map(argument).collect::<Result<Vec<_>>>();
    Ok(match value {
        Value::Null => Argument::None,
        Value::Bool(value) => Argument::Bool(*value),
        Value::Integer(value) => Argument::Int(*value),
        Value::Unsigned(value) => {
            return Err(Error::invalid_argument(format!(
                "{value} is too large; write {{\"tensor\": {value}, \"dtype\": \"uint64\"}}"
            )));
        }
        Value::Float(value) => Argument::Float(*value),
        Value::String(value) => Argument::String(value.clone()),
        Value::List(items) => Argument::List(all(items)?),
        Value::Object(members) => match &members[..] {
            [(key, Value::List(items))] if key == "tuple" => Argument::Tuple(all(items)?),
            [(key, Value::String(text))] if key == "b64" => {
                let bytes = BASE64_STANDARD.decode(text);
                let wrong = |e| Error::invalid_argument(format!("Unable to decode base64 string: {e}"));
                Argument::Bytes(bytes.map_err(wrong)?.into())
            }
            _ => match (value.get("tensor"), value.get("dtype"), members.len()) {
                (Some(tensor), Some(Value::String(dtype)), 2) => {
                    let unknown = || Error::invalid_argument(format!("there is no dtype '{dtype}'"));
                    whole(tensor, Some(DType::from_name(dtype).ok_or_else(unknown)?))?.into()
                }
                _ => Argument::Dict(named(members)?.into_iter().collect()),
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_pythons() {
        let check = |text: &str, want: &str| {
            let got = match Arguments::parse(text.as_bytes()) {
                Ok(arguments) => {
                    let kwargs = Argument::Dict(arguments.kwargs.into_iter().collect());
                    format!("{} {kwargs}", Argument::List(arguments.args))
                }
                Err(error) => error.to_string(),
            };
            assert!(got.contains(want), "{text}: {got}, without {want}");
        };
        check("{}", "[] {}");
        check(
            r#"{"args": [1, 2.5, "a", null, [true, {"tuple": []}]]}"#,
            "[1, 2.5, 'a', None, [True, ()]] {}",
        );
        check(r#"{"kwargs": {"x": {"a": 1}, "b": {"b64": "YWI="}}}"#, "[] {'b': \"ab\", 'x': {'a': 1}}");
        check(r#"{"args": [{"tensor": [[1], [2]], "dtype": "int64"}]}"#, "[<tensor int64[2,1]>]");
        check(r#"{"args": [{"tensor": 1, "dtype": "int65"}]}"#, "no dtype 'int65'");
        check(r#"{"args": [{"tensor": [1, [2]], "dtype": "int64"}]}"#, "INVALID_ARGUMENT");
        check(r#"{"kwargs": {"x": {"b64": "?"}}}"#, "'x'");
        check(r#"{"args": [18446744073709551615]}"#, "too large");
        check(r#"{"args": {}}"#, "'args' is neither");
        check(r#"{"arg": []}"#, "'arg' is neither");
        check("[]", "must be an object");
    }
}
