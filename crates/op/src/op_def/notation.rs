//! TensorFlow's notation for arguments and attributes.

use savedmodel_tensor::Tensor;

use super::{ArgDef, AttrDef, AttrType, AttrValue, Bytes, Count, DType, PartialShape, TypeOf};

/// `name: dtype`, `name: T`, `name: N * T`, `name: Tlist`, any of them as `Ref(…)`.
pub(super) fn arg(text: &str, attrs: &[AttrDef]) -> Option<ArgDef> {
    let (name, mut spec) = text.split_once(':').map(|(name, spec)| (name.trim(), spec.trim()))?;
    let inner = spec.strip_prefix("Ref(").and_then(|rest| rest.strip_suffix(')'));
    let is_ref = inner.is_some();
    spec = inner.unwrap_or(spec);
    let (count, dtype) = match spec.split_once('*') {
        Some((n, dtype)) => (Count::Attr(n.trim().to_owned()), dtype.trim()),
        None => (Count::One, spec),
    };
    let (dtype, count) = match attrs.iter().find(|attr| attr.name == dtype) {
        Some(attr) if attr.is_list => (TypeOf::ListAttr(dtype.to_owned()), Count::ListAttr),
        Some(_) => (TypeOf::Attr(dtype.to_owned()), count),
        None => (TypeOf::Fixed(DType::from_name(dtype)?), count),
    };
    Some(ArgDef { name: name.to_owned(), dtype, count, is_ref })
}

/// `name: type`, with `>= minimum` and `= default`.
pub(super) fn attr(text: &str) -> Option<AttrDef> {
    let (name, rest) = text.split_once(':').map(|(name, rest)| (name.trim(), rest.trim()))?;
    let end = end_of_type(rest)?;
    let (kind_text, mut rest) = (rest[..end].trim(), rest[end..].trim());
    let element = kind_text.strip_prefix("list(").and_then(|inner| inner.strip_suffix(')'));
    let (kind, allowed) = kind(element.unwrap_or(kind_text).trim())?;
    let mut minimum = None;
    if let Some(after) = rest.strip_prefix(">=") {
        let (number, tail) = after.split_once('=').map_or((after, ""), |(number, tail)| (number, tail));
        minimum = Some(number.trim().parse().ok()?);
        rest = if tail.is_empty() { "" } else { &after[after.len() - tail.len() - 1..] };
    }
    let default = match rest.strip_prefix('=') {
        Some(text) => Some(value(text.trim(), kind, element.is_some())?),
        None if rest.is_empty() => None,
        None => return None,
    };
    Some(AttrDef { name: name.to_owned(), kind, is_list: element.is_some(), default, allowed, minimum })
}

/// Where the type ends: at `>=` or `=` outside of brackets and quotes, or at the end.
fn end_of_type(text: &str) -> Option<usize> {
    let (mut depth, mut quoted) = (0_usize, false);
    for (i, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            _ if quoted => {}
            '{' | '(' => depth += 1,
            '}' | ')' => depth = depth.checked_sub(1)?,
            '=' | '>' if depth == 0 => return Some(i),
            _ => {}
        }
    }
    Some(text.len())
}

fn kind(text: &str) -> Option<(AttrType, Option<Vec<AttrValue>>)> {
    let plain = match text {
        "string" => AttrType::String,
        "int" => AttrType::Int,
        "float" => AttrType::Float,
        "bool" => AttrType::Bool,
        "type" => AttrType::Type,
        "shape" => AttrType::Shape,
        "tensor" => AttrType::Tensor,
        "func" => AttrType::Func,
        _ => {
            let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            return match inner {
                Some(inner) if inner.contains('\'') => {
                    let items = inner.split(',').map(|item| value(item.trim(), AttrType::String, false));
                    Some((AttrType::String, Some(items.collect::<Option<_>>()?)))
                }
                inner => {
                    let groups = inner.unwrap_or(text).split(',').map(|item| dtypes(item.trim()));
                    let all: Vec<_> = groups.collect::<Option<Vec<_>>>()?.concat();
                    Some((AttrType::Type, Some(all.into_iter().map(AttrValue::Type).collect())))
                }
            };
        }
    };
    Some((plain, None))
}

fn dtypes(text: &str) -> Option<Vec<DType>> {
    use DType::*;
    const REAL: [DType; 12] =
        [Float, Double, Int32, Uint8, Int16, Int8, Int64, Bfloat16, Uint16, Half, Uint32, Uint64];
    const QUANTIZED: [DType; 5] = [Qint8, Quint8, Qint32, Qint16, Quint16];
    Some(match text {
        "realnumbertype" | "realnumberttype" => REAL.to_vec(),
        "numbertype" => {
            let more = [Complex64, Complex128];
            [&REAL[..], &more[..], &QUANTIZED[..]].concat()
        }
        "quantizedtype" => QUANTIZED.to_vec(),
        name => vec![DType::from_name(name)?],
    })
}

fn value(text: &str, kind: AttrType, is_list: bool) -> Option<AttrValue> {
    if is_list {
        let inner = text.strip_prefix('[')?.strip_suffix(']')?.trim();
        let items = inner.split(',').map(str::trim).filter(|item| !item.is_empty());
        return Some(AttrValue::List(items.map(|item| value(item, kind, false)).collect::<Option<_>>()?));
    }
    Some(match kind {
        AttrType::String => {
            let quotes = |q: char| text.strip_prefix(q).and_then(|rest| rest.strip_suffix(q));
            let inner = quotes('\'').or_else(|| quotes('"'))?;
            AttrValue::Bytes(Bytes::from(inner.replace("\\n", "\n").replace("\\t", "\t").into_bytes()))
        }
        AttrType::Int => AttrValue::Int(text.parse().ok()?),
        AttrType::Float => AttrValue::Float(text.parse().ok()?),
        AttrType::Bool => AttrValue::Bool(text.parse().ok()?),
        AttrType::Type => {
            let name = text.strip_prefix("DT_").map(str::to_ascii_lowercase);
            AttrValue::Type(DType::from_name(name.as_deref().unwrap_or(text))?)
        }
        AttrType::Shape => AttrValue::Shape(shape(text)?),
        AttrType::Tensor => AttrValue::Tensor(bytes(text)?),
        AttrType::Func => return None,
    })
}

/// A vector of bytes: `uint8[2] 0 255`.
fn bytes(text: &str) -> Option<Tensor> {
    let (count, numbers) = text.strip_prefix("uint8[")?.split_once(']')?;
    let values: Vec<u8> =
        numbers.split_whitespace().map(|number| number.parse().ok()).collect::<Option<_>>()?;
    Tensor::from_vec([count.parse::<usize>().ok()?], values).ok()
}

fn shape(text: &str) -> Option<PartialShape> {
    if text.starts_with('{') {
        return Some(if text.contains("unknown_rank") {
            PartialShape::unknown()
        } else {
            PartialShape::of_rank(0)
        });
    }
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let dims = inner.split(',').map(str::trim).filter(|dim| !dim.is_empty());
    let dims: Vec<i64> = dims.map(|dim| dim.parse().ok()).collect::<Option<_>>()?;
    PartialShape::from_i64(&dims).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes() {
        let check = |text: &str, name: &str, default: Option<&str>, minimum: Option<i64>, allowed: usize| {
            let attr = attr(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(attr.name, name, "{text}");
            assert_eq!(attr.default.map(|v| v.to_string()).as_deref(), default, "{text}");
            assert_eq!(attr.minimum, minimum, "{text}");
            assert_eq!(attr.allowed.map_or(0, |a| a.len()), allowed, "{text}");
        };
        check("T: type", "T", None, None, 0);
        check("T: {float, double} = DT_DOUBLE", "T", Some("double"), None, 2);
        check("T: realnumbertype", "T", None, None, 12);
        check("T: {numbertype, bool}", "T", None, None, 20);
        check("N: int >= 1", "N", None, Some(1), 0);
        check("N: int >= 1 = 3", "N", Some("3"), Some(1), 0);
        check("N: int = -1", "N", Some("-1"), None, 0);
        check("strides: list(int) >= 4 = [1, 2, 2, 1]", "strides", Some("[1, 2, 2, 1]"), Some(4), 0);
        check("Targs: list({int32, int64}) = [DT_INT32]", "Targs", Some("[int32]"), None, 2);
        check("format: {'NHWC', 'NCHW'} = 'NHWC'", "format", Some("\"NHWC\""), None, 2);
        check("s: string = \"a=b\"", "s", Some("\"a=b\""), None, 0);
        check("epsilon: float = 1e-4", "epsilon", Some("0.0001"), None, 0);
        check("shape: shape = { unknown_rank: true }", "shape", Some("<unknown>"), None, 0);
        check("shape: shape = {}", "shape", Some("[]"), None, 0);
        check("f: func", "f", None, None, 0);
    }

    #[test]
    fn what_is_no_declaration() {
        for text in ["T", "T: floats", "N: int > 1", "T: {float = DT_INT", "b: bool = maybe"] {
            assert!(attr(text).is_none(), "{text}");
        }
    }
}
