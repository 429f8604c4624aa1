//! Unit tables as text: an operator, its attributes, its inputs and what TensorFlow answers.

use savedmodel_op::testing::{OpTest, TestAttr};
use savedmodel_op::{AttrDef, AttrType, AttrValue, Attrs, Op, OpDef, ShapeContext};
use savedmodel_tensor::*;

/// Operator, attributes (`axis=1 mode=REFLECT`), inputs (`float[2] 1 2; int32[] 0`), outputs in the same form or error.
///
/// An error is TensorFlow's code and message, or the code alone where the message is ours.
pub(crate) type Row = (&'static str, &'static str, &'static str, &'static str);

/// Runs each row with fed and with constant inputs, and holds the shape function against the outputs.
pub(crate) fn check(rows: &[Row]) {
    let faults: Vec<String> = rows.iter().filter_map(|row| fault(row).err()).collect();
    assert!(faults.is_empty(), "{} of {} rows\n{}", faults.len(), rows.len(), faults.join("\n"));
}

fn fault(&(name, attrs, inputs, want): &Row) -> Result<(), String> {
    let op = crate::OPS.iter().flat_map(|ops| ops.iter()).find(|op| op.name == name);
    let op = op.ok_or_else(|| format!("{name}: no such operator"))?;
    let def = OpDef::of(op).map_err(|e| e.to_string())?;
    let attrs = parse_attrs(&def, attrs);
    let inputs: Vec<Tensor> =
        inputs.split(';').map(str::trim).filter(|t| !t.is_empty()).map(tensor).collect();
    let mut results = [run(op, &attrs, &inputs, false), run(op, &attrs, &inputs, true)];
    for result in &results {
        let got = show(result);
        let same = got == want || !want.contains(['[', ':']) && got.split(':').next() == Some(want);
        if !same {
            return Err(format!("{name}: got  {got}\n{name}: want {want}"));
        }
    }
    check_shapes(op, &def, attrs, &inputs, results[0].as_mut().ok())
        .map_err(|e| format!("{name} {inputs:?}: {e}"))
}

fn run(op: &'static Op, attrs: &Attrs, inputs: &[Tensor], constant: bool) -> Result<Vec<Tensor>> {
    let mut test = OpTest::new(op);
    for (name, value) in attrs {
        test = test.attr(name, TestAttr::from(value.clone()));
    }
    for input in inputs {
        test = if constant { test.constant(input.clone()) } else { test.input(input.clone()) };
    }
    test.run()
}

fn check_shapes(
    op: &Op,
    def: &OpDef,
    mut attrs: Attrs,
    inputs: &[Tensor],
    outputs: Option<&mut Vec<Tensor>>,
) -> Result<(), String> {
    for attr in &def.attrs {
        if let Some(default) = &attr.default {
            attrs.entry(attr.name.clone()).or_insert_with(|| default.clone());
        }
    }
    let known: Vec<PartialShape> = inputs.iter().map(|t| t.shape().into()).collect();
    let ranks: Vec<PartialShape> = inputs.iter().map(|t| PartialShape::of_rank(t.rank())).collect();
    let unknown = vec![PartialShape::unknown(); inputs.len()];
    let values: Vec<Option<Tensor>> = inputs.iter().cloned().map(Some).collect();
    let none = vec![None; inputs.len()];
    for (shapes, values) in
        [(&known, &values), (&known, &none), (&ranks, &values), (&ranks, &none), (&unknown, &none)]
    {
        let count = outputs.as_ref().map_or(1, |outputs| outputs.len());
        let ctx = ShapeContext { attrs: &attrs, inputs: shapes, values, outputs: count };
        let told = (op.shape)(&ctx);
        let Some(outputs) = &outputs else { continue };
        let told = told.map_err(|e| format!("shape function: {e}"))?;
        let fits = told.len() == count && told.iter().zip(outputs.iter()).all(|(p, t)| p.accepts(t.shape()));
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
        (name.to_owned(), attr_value(attr, value))
    };
    text.split_whitespace().map(parse).collect()
}

fn attr_value(attr: &AttrDef, text: &str) -> AttrValue {
    let one = |text: &str| match attr.kind {
        AttrType::String => AttrValue::Bytes(Bytes::copy_from_slice(text.as_bytes())),
        AttrType::Int => AttrValue::Int(text.parse().unwrap()),
        AttrType::Float => AttrValue::Float(text.parse().unwrap()),
        AttrType::Bool => AttrValue::Bool(text.parse().unwrap()),
        AttrType::Type => AttrValue::Type(DType::from_name(text).unwrap()),
        AttrType::Shape if text == "?" => AttrValue::Shape(PartialShape::unknown()),
        AttrType::Shape => AttrValue::Shape(PartialShape::from_i64(&numbers(text)).unwrap()),
        AttrType::Tensor | AttrType::Func => panic!("no text form"),
    };
    match attr.is_list {
        true => AttrValue::List(text.trim_matches(['[', ']']).split_terminator(',').map(one).collect()),
        false => one(text),
    }
}

fn numbers(text: &str) -> Vec<i64> {
    text.trim_matches(['[', ']']).split_terminator(',').map(|d| d.parse().unwrap()).collect()
}

macro_rules! plain {
    ($($dtype:ident $type:ty;)*) => {
        /// A tensor from `float[2] 1 2`.
        pub(crate) fn tensor(text: &str) -> Tensor {
            let (head, tail) = text.split_once(' ').unwrap_or((text, ""));
            let (name, dims) = head.split_once('[').expect("dtype[shape]");
            let shape: Vec<usize> = numbers(dims).into_iter().map(|d| d as usize).collect();
            let items = tail.split_whitespace();
            match DType::from_name(name).expect("a dtype") {
                $(DType::$dtype => {
                    let values = items.map(|v| v.parse::<$type>().unwrap_or_else(|_| panic!("{text}"))).collect();
                    Tensor::from_vec(shape, values)
                })*
                DType::String => {
                    let strings = items.map(|v| v.trim_matches('\'').to_owned());
                    Tensor::from_strings(shape, strings)
                }
                other => match other.unit() {
                    UnitKind::U8 => Tensor::from_vec(shape, items.map(|v| v.parse::<i16>().unwrap() as u8).collect()),
                    UnitKind::U16 => Tensor::from_vec(shape, items.map(|v| v.parse::<i32>().unwrap() as u16).collect()),
                    UnitKind::U32 => Tensor::from_vec(shape, items.map(|v| v.parse::<i32>().unwrap()).collect()),
                    unit => panic!("no text form for {unit:?}"),
                }.and_then(|t| t.reinterpret(other)),
            }.unwrap_or_else(|e| panic!("{text}: {e}"))
        }

        fn items(t: &Tensor) -> Vec<String> {
            match t.dtype() {
                $(DType::$dtype => t.as_slice::<$type>().unwrap().iter().map(ToString::to_string).collect(),)*
                DType::String => t.strings().unwrap().iter()
                    .map(|s| format!("'{}'", String::from_utf8_lossy(s))).collect(),
                _ => match t.dtype().unit() {
                    UnitKind::U8 => t.units::<u8>().unwrap().iter().map(|&v| (v as i8).to_string()).collect(),
                    UnitKind::U16 => t.units::<u16>().unwrap().iter().map(|&v| (v as i16).to_string()).collect(),
                    UnitKind::U32 => t.units::<u32>().unwrap().iter().map(|&v| (v as i32).to_string()).collect(),
                    unit => panic!("no text form for {unit:?}"),
                },
            }
        }
    };
}

plain! {
    Float f32; Double f64; Half f16; Bfloat16 bf16; Int8 i8; Int16 i16; Int32 i32; Int64 i64;
    Uint8 u8; Uint16 u16; Uint32 u32; Uint64 u64; Bool bool; Complex64 Complex32; Complex128 Complex64;
}

fn show(result: &Result<Vec<Tensor>>) -> String {
    match result {
        Err(e) => format!("{}: {}", e.code(), e.message()),
        Ok(tensors) => {
            let one = |t: &Tensor| format!("{} {}", t.describe(), items(t).join(" ")).trim_end().to_owned();
            tensors.iter().map(one).collect::<Vec<_>>().join("; ")
        }
    }
}
