//! The bodies of TensorFlow Serving's REST classify and regress calls.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use savedmodel::{Class, Inference};
use savedmodel_proto::feature::Kind;
use savedmodel_proto::{BytesList, Example, Feature, FloatList, Int64List};
use savedmodel_tensor::{Error, Result};

use super::encode;
use super::value::Value;

/// A request: which signature, and examples.
#[derive(Debug)]
pub struct ExampleBody {
    /// The signature that it asks for.
    pub signature: Option<String>,
    /// The features that the examples share.
    pub context: Option<Example>,
    /// The examples.
    pub examples: Vec<Example>,
}

impl ExampleBody {
    /// The request in a text.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is no JSON, or no request.
    pub fn parse(text: &[u8]) -> Result<ExampleBody> {
        let body = Value::parse(text)?;
        if !matches!(body, Value::Object(_)) {
            return Err(Error::invalid_argument("Request must be a JSON object"));
        }
        let signature = match body.get("signature_name") {
            None => None,
            Some(Value::String(name)) => Some(name.clone()),
            Some(_) => return Err(Error::invalid_argument("'signature_name' key must be a string value.")),
        };
        let context = body.get("context").map(example).transpose().map_err(|e| e.at("context"))?;
        let examples = match body.get("examples") {
            None => {
                return Err(Error::invalid_argument(
                    "When method is classify, key 'examples' is expected and was not found",
                ));
            }
            Some(Value::List(items)) if items.is_empty() => {
                return Err(Error::invalid_argument("'examples' value is an empty array"));
            }
            Some(Value::List(items)) => items,
            Some(_) => return Err(Error::invalid_argument("Expecting 'examples' value to be an list/array")),
        };
        let numbered = examples.iter().enumerate();
        let examples = numbered.map(|(i, item)| example(item).map_err(|e| e.at(format!("example {i}"))));
        Ok(ExampleBody { signature, context, examples: examples.collect::<Result<_>>()? })
    }
}

fn example(value: &Value) -> Result<Example> {
    let Value::Object(members) = value else {
        let kind = value.kind();
        return Err(Error::invalid_argument(format!("Example must be JSON object but got JSON {kind}")));
    };
    let mut example = Example::default();
    let features = example.features.get_or_insert_default();
    for (name, content) in members {
        let mut feature = Feature::default();
        match content {
            Value::List(items) => items.iter().try_for_each(|item| add(item, name, &mut feature))?,
            item => add(item, name, &mut feature)?,
        }
        features.feature.insert(name.clone(), feature);
    }
    Ok(example)
}

fn add(value: &Value, name: &str, feature: &mut Feature) -> Result<()> {
    let single = match value {
        Value::Bool(v) => Kind::Int64List(Int64List { value: vec![i64::from(*v)] }),
        Value::Integer(v) => Kind::Int64List(Int64List { value: vec![*v] }),
        Value::Float(v) if v.is_finite() && v.abs() > f64::from(f32::MAX) => {
            return Err(Error::invalid_argument(format!(
                "Cannot convert JSON value: {v:?} to float without loss of precision."
            )));
        }
        Value::Float(v) => Kind::FloatList(FloatList { value: vec![*v as f32] }),
        Value::String(v) => Kind::BytesList(BytesList { value: vec![v.clone().into()] }),
        Value::Unsigned(_) => {
            return Err(Error::invalid_argument(format!(
                "Feature: {name} has uint64 element. Only int64 is supported."
            )));
        }
        Value::Object(members) => match &members[..] {
            [(key, Value::String(text))] if key == "b64" => {
                let bytes = BASE64_STANDARD.decode(text).map_err(|e| {
                    Error::invalid_argument(format!("Feature: {name}: Unable to base64 decode ({e})"))
                })?;
                Kind::BytesList(BytesList { value: vec![bytes.into()] })
            }
            _ => return Err(unexpected(name, value)),
        },
        Value::Null | Value::List(_) => return Err(unexpected(name, value)),
    };
    match (&mut feature.kind, single) {
        (kind @ None, single) => *kind = Some(single),
        (Some(Kind::Int64List(list)), Kind::Int64List(new)) => list.value.extend(new.value),
        (Some(Kind::FloatList(list)), Kind::FloatList(new)) => list.value.extend(new.value),
        (Some(Kind::BytesList(list)), Kind::BytesList(new)) => list.value.extend(new.value),
        (Some(kind), _) => {
            let expected = match kind {
                Kind::BytesList(_) => "bytes",
                Kind::FloatList(_) => "float",
                Kind::Int64List(_) => "int64",
            };
            return Err(Error::invalid_argument(format!(
                "Unexpected element type in feature: {name} expecting type: {expected}"
            )));
        }
    }
    Ok(())
}

fn unexpected(name: &str, value: &Value) -> Error {
    let kind = value.kind();
    Error::invalid_argument(format!("Feature: {name} has element with unexpected JSON type: {kind}"))
}

/// The reply with a result.
pub fn results(result: &Inference) -> String {
    format!("{{\n\"results\": {}\n}}\n", list(result))
}

/// A list of the replies with several results.
pub fn all_results(results: &[Inference]) -> String {
    let replies: Vec<String> =
        results.iter().map(|result| format!("{{\"results\": {}}}", list(result))).collect();
    format!("[\n{}\n]\n", replies.join(",\n"))
}

fn list(result: &Inference) -> String {
    let number = |value: f32| {
        let mut out = String::new();
        encode::float(value.into(), format_args!("{value:?}"), &mut out);
        out
    };
    let class = |class: &Class| {
        let mut out = String::from("[");
        match std::str::from_utf8(&class.label) {
            Ok(label) => encode::string(label, &mut out),
            Err(_) => out.push_str(&format!("{{\"b64\": \"{}\"}}", BASE64_STANDARD.encode(&class.label))),
        }
        out + ", " + &number(class.score) + "]"
    };
    match result {
        Inference::Classifications(rows) => {
            let row =
                |row: &Vec<Class>| format!("[{}]", row.iter().map(class).collect::<Vec<_>>().join(", "));
            format!("[\n{}\n]", rows.iter().map(row).collect::<Vec<_>>().join(",\n"))
        }
        Inference::Regressions(values) => {
            format!("[{}]", values.iter().map(|&value| number(value)).collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_all_kinds() {
        let text = r#"{"signature_name": "s", "context": {"c": 1}, "examples": [
            {"f": [1.5, NaN], "i": [1, true], "s": ["a", {"b64": "AP8="}], "empty": []}]}"#;
        let body = ExampleBody::parse(text.as_bytes()).unwrap();
        assert_eq!(body.signature.as_deref(), Some("s"));
        let kind =
            |example: &Example, name: &str| example.features.as_ref().unwrap().feature[name].kind.clone();
        let ints = |value: &[i64]| Some(Kind::Int64List(Int64List { value: value.to_vec() }));
        assert_eq!(kind(body.context.as_ref().unwrap(), "c"), ints(&[1]));
        assert_eq!(kind(&body.examples[0], "i"), ints(&[1, 1]));
        let bytes = vec![b"a"[..].to_vec().into(), b"\0\xff"[..].to_vec().into()];
        assert_eq!(kind(&body.examples[0], "s"), Some(Kind::BytesList(BytesList { value: bytes })));
        assert_eq!(kind(&body.examples[0], "empty"), None);
        let Some(Kind::FloatList(floats)) = kind(&body.examples[0], "f") else { panic!("no floats") };
        assert!(floats.value[0] == 1.5 && floats.value[1].is_nan());
    }

    #[test]
    fn what_is_no_request() {
        for (text, want) in [
            ("[]", "must be a JSON object"),
            ("{}", "'examples' is expected"),
            (r#"{"examples": {}}"#, "list/array"),
            (r#"{"examples": []}"#, "empty array"),
            (r#"{"examples": [1]}"#, "must be JSON object but got JSON Number"),
            (r#"{"examples": [{"x": null}]}"#, "unexpected JSON type: Null"),
            (r#"{"examples": [{"x": [[1]]}]}"#, "unexpected JSON type: List"),
            (r#"{"examples": [{"x": {"y": 1}}]}"#, "unexpected JSON type: Object"),
            (r#"{"examples": [{"x": [1, 1.5]}]}"#, "feature: x expecting type: int64"),
            (r#"{"examples": [{"x": [1.5, "a"]}]}"#, "feature: x expecting type: float"),
            (r#"{"examples": [{"x": ["a", 1]}]}"#, "feature: x expecting type: bytes"),
            (r#"{"examples": [{"x": 18446744073709551615}]}"#, "uint64 element"),
            (r#"{"examples": [{"x": 1e39}]}"#, "without loss of precision"),
            (r#"{"examples": [{"x": {"b64": "?"}}]}"#, "base64"),
            (r#"{"examples": [{}], "signature_name": 1}"#, "'signature_name'"),
        ] {
            let error = ExampleBody::parse(text.as_bytes()).unwrap_err();
            assert!(error.message().contains(want), "{text}: {error}");
        }
    }

    #[test]
    fn replies() {
        let class = |label: &'static [u8], score| Class { label: label.into(), score };
        let rows = vec![vec![class(b"a\"", 0.5), class(b"\xff", f32::NAN)], vec![]];
        let want = "{\n\"results\": [\n[[\"a\\\"\", 0.5], [{\"b64\": \"/w==\"}, NaN]],\n[]\n]\n}\n";
        assert_eq!(results(&Inference::Classifications(rows)), want);
        let values = Inference::Regressions(vec![1.0, -2.5e-7]);
        assert_eq!(results(&values), "{\n\"results\": [1.0, -2.5e-7]\n}\n");
        assert_eq!(all_results(&[values]), "[\n{\"results\": [1.0, -2.5e-7]}\n]\n");
    }
}
