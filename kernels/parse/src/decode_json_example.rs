//! See [`OP`].

use savedmodel_op::message::{bytes, varint};
use savedmodel_op::{Construction, Context, Effect, Kernel, Kernels, Op, shape};
use savedmodel_tensor::{Bytes, DType, Error, Result};

mod json;
mod scalar;

use json::Json;

/// Serialised `tf.Example`s of the same written as JSON.
///
/// As in TensorFlow, what is read is written at once: nothing is put in order, merged or packed.
/// <https://www.tensorflow.org/api_docs/python/tf/raw_ops/DecodeJSONExample>
pub const OP: Op = Op {
    name: "DecodeJSONExample",
    inputs: &["json_examples: string"],
    outputs: &["binary_examples: string"],
    attrs: &[],
    effect: Effect::Pure,
    shape: shape::unchanged,
    kernels: Kernels::one(build),
};

fn build(_: &Construction<'_>) -> Result<Box<dyn Kernel>> {
    Ok(Box::new(|ctx: &mut Context<'_>| {
        let input = ctx.input(0);
        let mut out = ctx.allocate(DType::String, input.shape().clone())?;
        for (out, text) in out.units_mut::<Bytes>()?.iter_mut().zip(input.strings()?) {
            let text = std::str::from_utf8(text).ok();
            let example = text.and_then(|text| {
                let mut json = Json::new(text);
                let example = example(&mut json)?;
                json.is_at_end().then_some(example)
            });
            let refuse =
                || Error::invalid_argument("Error while parsing JSON: invalid JSON in tensorflow.Example");
            *out = example.ok_or_else(refuse)?.into();
        }
        ctx.set(0, out);
        Ok(())
    }))
}

fn example(json: &mut Json<'_>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    json.object(|json, key| match key {
        _ if key != "features" => None,
        _ if json.null() => Some(()),
        _ => features(json).map(|features| bytes(&mut out, 1, &features)),
    })?;
    Some(out)
}

fn features(json: &mut Json<'_>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    json.object(|json, key| {
        if key != "feature" {
            return None;
        }
        if json.null() {
            return Some(());
        }
        let mut seen: Vec<String> = Vec::new();
        json.object(|json, name| {
            if seen.iter().any(|other| other == name) {
                return None;
            }
            seen.push(name.to_owned());
            let mut entry = Vec::new();
            bytes(&mut entry, 1, name.as_bytes());
            if !json.null() {
                bytes(&mut entry, 2, &feature(json)?);
            }
            bytes(&mut out, 1, &entry);
            Some(())
        })
    })?;
    Some(out)
}

fn feature(json: &mut Json<'_>) -> Option<Vec<u8>> {
    let (mut out, mut chosen) = (Vec::new(), false);
    json.object(|json, key| {
        let kind = match key {
            "bytesList" | "bytes_list" => Kind::Bytes,
            "floatList" | "float_list" => Kind::Float,
            "int64List" | "int64_list" => Kind::Int64,
            _ => return None,
        };
        if json.null() {
            return Some(());
        }
        if std::mem::replace(&mut chosen, true) {
            return None;
        }
        let mut list = Vec::new();
        json.object(|json, key| match key {
            _ if key != "value" => None,
            _ if json.null() => Some(()),
            _ => values(json, kind, &mut list, 0),
        })?;
        bytes(&mut out, kind as u8, &list);
        Some(())
    })?;
    Some(out)
}

/// The lists of a feature, by the numbers of their fields.
#[derive(Clone, Copy)]
enum Kind {
    Bytes = 1,
    Float = 2,
    Int64 = 3,
}

/// Lists that are nested deeper than this are refused.
const DEEPEST: usize = 100;

/// A value, or lists of values, which are strung together.
fn values(json: &mut Json<'_>, kind: Kind, out: &mut Vec<u8>, depth: usize) -> Option<()> {
    if depth > DEEPEST {
        return None;
    }
    if json.is_list() {
        return json.list(|json| values(json, kind, out, depth + 1));
    }
    let null = json.null();
    match kind {
        Kind::Bytes => bytes(out, 1, &if null { Vec::new() } else { scalar::base64(&json.string()?)? }),
        Kind::Float => {
            let value = match (null, json.is_string()) {
                (true, _) => 0.0,
                (_, true) => scalar::float_of_text(&json.string()?)?,
                _ => scalar::float(json.number()?)?,
            };
            out.push(1 << 3 | 5);
            out.extend(value.to_le_bytes());
        }
        Kind::Int64 => {
            let value = match (null, json.is_string()) {
                (true, _) => 0,
                (_, true) => scalar::integer_of_text(&json.string()?)?,
                _ => scalar::integer(json.number()?)?,
            };
            out.push(1 << 3);
            varint(out, value as u64);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use savedmodel_op::testing::OpTest;
    use savedmodel_tensor::Tensor;

    fn decode(text: &str) -> Option<Vec<u8>> {
        let input = Tensor::from_strings([], [text.to_owned()]).unwrap();
        let run = OpTest::new(&OP).input(input).run().map(|out| out[0].strings().unwrap()[0].to_vec());
        run.map_err(|error| assert_eq!(error.code(), savedmodel_tensor::Code::InvalidArgument)).ok()
    }

    fn list(name: &str, values: &str) -> Option<Vec<u8>> {
        let whole = decode(&format!(
            "{{\"features\":{{\"feature\":{{\"a\":{{\"{name}\":{{\"value\":{values}}}}}}}}}}}"
        ))?;
        // Past the heads of example, features, entry, key, feature and list.
        Some(whole[11..].to_vec())
    }

    #[test]
    fn numbers() {
        for (text, want) in
            [("\"1e2\"", 100), ("1.0", 1), ("\"+1\"", 1), ("\"010\"", 10), ("[[\"0X1F\"]]", 31), ("null", 0)]
        {
            let want = if text == "null" { vec![] } else { vec![8, want] };
            assert_eq!(list("int64List", text), Some(want), "{text}");
        }
        for bad in
            ["\" 1\"", "010", "true", "\"\"", "1.", "1.5", "9223372036854775808", "[1,,2]", "[1 2]", "{}"]
        {
            assert_eq!(list("int64_list", bad), None, "{bad}");
        }
        let float = |value: f32| Some([&[13][..], &value.to_le_bytes()].concat());
        for (text, want) in [("\" 1 \"", 1.0), ("\"0x1\"", 1.0), ("\"1e400\"", f32::INFINITY), ("1e-50", 0.0)]
        {
            assert_eq!(list("floatList", text), float(want), "{text}");
        }
        for bad in ["1e39", "NaN", ".5", "\"\"", "true", "1e"] {
            assert_eq!(list("floatList", bad), None, "{bad}");
        }
        for (text, want) in [("\"aGk\"", &b"\n\x02hi"[..]), ("'aGk='", b"\n\x02hi"), ("[null]", b"\n\0")] {
            assert_eq!(list("bytesList", text).as_deref(), Some(want), "{text}");
        }
        for bad in ["\"a\"", "\"aGk==\"", "\"a Gk=\"", "1"] {
            assert_eq!(list("bytesList", bad), None, "{bad}");
        }
    }

    #[test]
    fn structure() {
        let check = |text: &str, want: Option<&[u8]>| assert_eq!(decode(text).as_deref(), want, "{text}");
        check("{}", Some(b""));
        check("{'features':null}", Some(b""));
        check("{features:{},}", Some(b"\n\0"));
        check("{\"features\":{\"feature\":{\"a\":null}}}", Some(b"\n\x05\n\x03\n\x01a"));
        check("{\"features\":{},\"features\":{}}", Some(b"\n\0\n\0"));
        check(
            "{\"features\":{\"feature\":{\"\\ud83d\\ude00\":{}}}}",
            Some(b"\n\n\n\x08\n\x04\xf0\x9f\x98\x80\x12\0"),
        );
        for bad in [
            "",
            "null",
            "[]",
            "{,}",
            "{\"zz\":1}",
            "{\"features\":{}}x",
            "{\"features\":[]}",
            "{\"features\":{\"feature\":{\"a\":{},\"a\":{}}}}",
            "{\"features\":{\"feature\":{\"a\":{\"int64List\":{},\"floatList\":{}}}}}",
            "{\"features\":{\"feature\":{\"\\ud83d\":{}}}}",
            "{\"features\":{}",
        ] {
            check(bad, None);
        }
        let deep = format!(
            "{{\"features\":{{\"feature\":{{\"a\":{{\"int64List\":{{\"value\":{}",
            "[".repeat(100_000)
        );
        check(&deep, None);
    }
}
