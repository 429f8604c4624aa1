//! Unit tables as text: an operator, its attributes, its inputs and what TensorFlow answers.

use savedmodel_graph::{AttrValue, Attrs};
use savedmodel_tensor::*;

use super::{OpTest, TestAttr};
use crate::{AttrDef, AttrType, Op, OpDef, ShapeContext};

/// Operator, attributes (`axis=1 mode=REFLECT`), inputs (`float[2] 1 2; int32[] 0`), outputs or error in the same form.
pub type Row = (&'static str, &'static str, &'static str, &'static str);

/// Runs each row with fed and with constant inputs, and holds the shape function against the outputs.
///
/// Floats pass within 16 units in the last place of the largest number of their tensor; an error passes when its code
/// is right and its message begins as told.
///
/// # Panics
/// When a row fails, with all that failed.
pub fn check_rows(ops: &'static [&'static [Op]], rows: &[Row]) {
    let faults: Vec<String> = rows
        .iter()
        .filter_map(|&(name, attrs, inputs, want)| {
            let inputs: Vec<Tensor> =
                inputs.split(';').map(str::trim).filter(|t| !t.is_empty()).map(parse_tensor).collect();
            let results = match run_row(ops, name, attrs, &inputs) {
                Ok(results) => results,
                Err(fault) => return Some(format!("{name} {attrs}: {fault}")),
            };
            let wrong = results.iter().find(|result| !agrees(result, want))?;
            Some(format!("{name} {attrs}\n  got  {}\n  want {want}", show(wrong)))
        })
        .collect();
    assert!(faults.is_empty(), "{} of {} rows\n{}", faults.len(), rows.len(), faults.join("\n"));
}

/// The answers of an operator to fed and to constant inputs.
///
/// # Errors
/// When there is no such operator, or its shape function contradicts an answer.
pub fn run_row(
    ops: &'static [&'static [Op]],
    name: &str,
    attrs: &str,
    inputs: &[Tensor],
) -> std::result::Result<[Result<Vec<Tensor>>; 2], String> {
    let op = ops.iter().flat_map(|ops| ops.iter()).find(|op| op.name == name).ok_or("no such operator")?;
    let def = OpDef::of(op).map_err(|e| e.to_string())?;
    let attrs = parse_attrs(&def, attrs);
    let results = [false, true].map(|constant| {
        let test = attrs.iter().fold(OpTest::new(op), |t, (name, v)| t.attr(name, TestAttr(v.clone())));
        let add = |t: OpTest<'static>, x: &Tensor| {
            if constant { t.constant(x.clone()) } else { t.input(x.clone()) }
        };
        inputs.iter().fold(test, add).run()
    });
    check_shapes(op, &def, attrs, inputs, results[0].as_deref().ok())?;
    Ok(results)
}

fn check_shapes(
    op: &Op,
    def: &OpDef,
    mut attrs: Attrs,
    inputs: &[Tensor],
    outputs: Option<&[Tensor]>,
) -> std::result::Result<(), String> {
    super::infer(def, inputs, &mut attrs);
    def.complete(&mut attrs).map_err(|e| e.to_string())?;
    let known: Vec<PartialShape> = inputs.iter().map(|t| t.shape().into()).collect();
    let ranks: Vec<PartialShape> = inputs.iter().map(|t| PartialShape::of_rank(t.rank())).collect();
    let unknown = vec![PartialShape::unknown(); inputs.len()];
    let values: Vec<Option<Tensor>> = inputs.iter().cloned().map(Some).collect();
    let none = vec![None; inputs.len()];
    for (shapes, values) in
        [(&known, &values), (&known, &none), (&ranks, &values), (&ranks, &none), (&unknown, &none)]
    {
        let count = outputs.map_or(1, <[Tensor]>::len);
        let told = (op.shape)(&ShapeContext { attrs: &attrs, inputs: shapes, values, outputs: count });
        let Some(outputs) = outputs else { continue };
        let told = told.map_err(|e| format!("shape function: {e}"))?;
        let fits = told.len() == count && told.iter().zip(outputs).all(|(p, t)| p.accepts(t.shape()));
        if !fits {
            return Err(format!("shape function says {told:?} for {shapes:?}"));
        }
    }
    Ok(())
}

fn parse_attrs(def: &OpDef, text: &str) -> Attrs {
    let parse = |pair: &str| {
        let (name, value) = pair.split_once('=').expect("name=value");
        let attr = def.attr(name).unwrap_or_else(|| panic!("no attr {name}"));
        (name.to_owned(), parse_attr(attr, value))
    };
    text.split_whitespace().map(parse).collect()
}

fn parse_attr(attr: &AttrDef, text: &str) -> AttrValue {
    let one = |text: &str| match attr.kind {
        AttrType::String => AttrValue::Bytes(Bytes::copy_from_slice(text.as_bytes())),
        AttrType::Int => AttrValue::Int(text.parse().expect("int")),
        AttrType::Float => AttrValue::Float(text.parse().expect("float")),
        AttrType::Bool => AttrValue::Bool(text.parse().expect("bool")),
        AttrType::Type => AttrValue::Type(DType::from_name(text).expect("dtype")),
        AttrType::Shape if text == "?" => AttrValue::Shape(PartialShape::unknown()),
        AttrType::Shape => AttrValue::Shape(PartialShape::from_i64(&numbers(text)).expect("shape")),
        AttrType::Tensor | AttrType::Func => panic!("no text form"),
    };
    match attr.is_list {
        true => AttrValue::List(text.trim_matches(['[', ']']).split_terminator(',').map(one).collect()),
        false => one(text),
    }
}

fn numbers(text: &str) -> Vec<i64> {
    text.trim_matches(['[', ']']).split_terminator(',').map(|d| d.parse().expect("number")).collect()
}

macro_rules! plain {
    ($($dtype:ident $type:ty;)*) => {
        /// A tensor from `float[2] 1 2`.
        ///
        /// # Panics
        /// When the text is of another form.
        pub fn parse_tensor(text: &str) -> Tensor {
            let (head, tail) = text.split_once(' ').unwrap_or((text, ""));
            let (name, dims) = head.split_once('[').expect("dtype[shape]");
            let shape: Vec<usize> = numbers(dims).into_iter().map(|d| d as usize).collect();
            let items = tail.split_whitespace();
            let wide = |v: &str| v.parse::<i64>().unwrap_or_else(|_| panic!("{text}"));
            match DType::from_name(name).expect("a dtype") {
                $(DType::$dtype => {
                    let values = items.map(|v| v.parse::<$type>().unwrap_or_else(|_| panic!("{text}"))).collect();
                    Tensor::from_vec(shape, values)
                })*
                DType::String => Tensor::from_strings(shape, items.map(|v| v.trim_matches('\'').to_owned())),
                other => match other.unit() {
                    UnitKind::U8 => Tensor::from_vec(shape, items.map(|v| wide(v) as u8).collect()),
                    UnitKind::U16 => Tensor::from_vec(shape, items.map(|v| wide(v) as u16).collect()),
                    UnitKind::U32 => Tensor::from_vec(shape, items.map(|v| wide(v) as u32).collect()),
                    unit => panic!("no text form for {unit:?}"),
                }.and_then(|t| t.reinterpret(other)),
            }.unwrap_or_else(|e| panic!("{text}: {e}"))
        }

        fn items(t: &Tensor) -> Vec<String> {
            fn each<T: Element>(t: &Tensor, f: impl Fn(T) -> String) -> Vec<String> {
                t.as_slice::<T>().unwrap_or_default().iter().map(|&v| f(v)).collect()
            }
            match t.dtype() {
                $(DType::$dtype => each::<$type>(t, |v| v.to_string()),)*
                DType::Qint8 => each::<Qint8>(t, |v| v.0.to_string()),
                DType::Quint8 => each::<Quint8>(t, |v| v.0.to_string()),
                DType::Qint16 => each::<Qint16>(t, |v| v.0.to_string()),
                DType::Quint16 => each::<Quint16>(t, |v| v.0.to_string()),
                DType::Qint32 => each::<Qint32>(t, |v| v.0.to_string()),
                _ => {
                    let strings = t.strings().unwrap_or_default().iter();
                    strings.map(|s| format!("'{}'", String::from_utf8_lossy(s))).collect()
                }
            }
        }
    };
}

plain! {
    Float f32; Double f64; Half f16; Bfloat16 bf16; Int8 i8; Int16 i16; Int32 i32; Int64 i64;
    Uint8 u8; Uint16 u16; Uint32 u32; Uint64 u64; Bool bool; Complex64 Complex32; Complex128 Complex64;
}

/// Tensors in the form of a table's last column.
pub fn show(result: &Result<Vec<Tensor>>) -> String {
    match result {
        Err(e) => format!("{}: {}", e.code(), e.message()),
        Ok(tensors) => {
            let one = |t: &Tensor| format!("{} {}", t.describe(), items(t).join(" ")).trim_end().to_owned();
            tensors.iter().map(one).collect::<Vec<_>>().join("; ")
        }
    }
}

fn agrees(result: &Result<Vec<Tensor>>, want: &str) -> bool {
    let Ok(tensors) = result else { return show(result).starts_with(want) };
    let is_error = want.split_once(": ").is_some_and(|(code, _)| !code.contains('['));
    let mut wanted = want.split(';').map(str::trim).filter(|t| !t.is_empty());
    !is_error
        && tensors.iter().all(|t| wanted.next().is_some_and(|w| same(t, &parse_tensor(w))))
        && wanted.next().is_none()
}

fn same(got: &Tensor, want: &Tensor) -> bool {
    let eps = match want.dtype() {
        DType::Float | DType::Complex64 => f64::from(f32::EPSILON),
        DType::Double | DType::Complex128 => f64::EPSILON,
        DType::Half => f64::from(f16::EPSILON),
        DType::Bfloat16 => f64::from(bf16::EPSILON),
        _ => 0.0,
    };
    if (got.dtype(), got.shape()) != (want.dtype(), want.shape()) {
        return false;
    }
    let (a, b) = (items(got), items(want));
    let parts = |text: &String| -> Vec<f64> {
        match want.dtype() {
            DType::Complex64 | DType::Complex128 => {
                text.parse::<Complex64>().map_or_else(|_| vec![], |c| vec![c.re, c.im])
            }
            _ => text.parse().into_iter().collect(),
        }
    };
    let numbers = |items: &[String]| items.iter().flat_map(parts).collect::<Vec<f64>>();
    let (x, y) = (numbers(&a), numbers(&b));
    let largest = y.iter().filter(|v| v.is_finite()).fold(0.0, |m: f64, v| m.max(v.abs()));
    let close =
        |(x, y): (&f64, &f64)| x == y || x.is_nan() && y.is_nan() || (x - y).abs() <= 16.0 * eps * largest;
    a == b || eps > 0.0 && x.len() == y.len() && x.iter().zip(&y).all(close)
}
