//! Warm calls of single operators, on one thread: the rows of `operators.txt`, which `scripts/time_operators.py` times beside
//! TensorFlow.

use criterion::{Criterion, criterion_group, criterion_main};
use savedmodel::{
    AttrValue, Bytes, Complex32, DType, Element, GraphBuilder, LoadOptions, PartialShape, SavedModel, Shape,
    Tensor, simple_save,
};

const ROWS: &str = include_str!("../operators.txt");

/// Numbers in `[-1, 1)`, or in `[0, below)`, the same in every run.
fn numbers(count: usize, below: Option<f64>) -> impl Iterator<Item = f64> {
    (0..count as u64).map(move |i| {
        let unit = (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as f64 / (1 << 24) as f64;
        below.map_or(2.0 * unit - 1.0, |below| unit * below)
    })
}

fn made<T: Element>(shape: Shape, values: impl Iterator<Item = f64>, make: fn(f64) -> T) -> Tensor {
    Tensor::from_vec(shape, values.map(make).collect()).expect("as many numbers as the shape says")
}

/// The tensor that a text such as `int32[2,3]<10` means.
fn tensor(text: &str) -> Tensor {
    let (dtype, rest) = text.split_once('[').expect("dtype[shape]");
    let (dims, kind) = rest.split_once(']').expect("dtype[shape]");
    let dims = dims.split_terminator(',').map(|dim| dim.parse::<usize>().expect("a dimension"));
    let shape: Shape = dims.collect();
    let count = shape.elements();
    let values: Box<dyn Iterator<Item = f64>> = match kind.split_at(kind.len().min(1)) {
        ("=", listed) => Box::new(listed.split(',').map(|value| value.parse().expect("a number"))),
        ("<", below) => Box::new(numbers(count, below.parse().ok())),
        _ => Box::new(numbers(count, None)),
    };
    match DType::from_name(dtype).expect("a dtype") {
        DType::Float => made(shape, values, |x| x as f32),
        DType::Double => made(shape, values, |x| x),
        DType::Int32 => made(shape, values, |x| x as i32),
        DType::Int64 => made(shape, values, |x| x as i64),
        DType::Uint64 => made(shape, values, |x| x as u64),
        DType::Uint8 => made(shape, values, |x| x as u8),
        DType::Bool => made(shape, values, |x| x >= 1.0),
        DType::String => {
            let words = numbers(count, Some(5000.0)).map(|x| format!("Word{} and more", x as u32));
            Tensor::from_strings(shape, words).expect("as many words")
        }
        DType::Complex64 => {
            let pairs: Vec<f32> = numbers(2 * count, None).map(|x| x as f32).collect();
            let pairs = pairs.chunks_exact(2).map(|pair| Complex32::new(pair[0], pair[1]));
            Tensor::from_vec(shape, pairs.collect()).expect("as many numbers")
        }
        other => panic!("no numbers of {other}"),
    }
}

fn attribute(text: &str) -> AttrValue {
    match text {
        "true" | "false" => AttrValue::Bool(text == "true"),
        _ if text.starts_with('[') => {
            let values = text.trim_matches(['[', ']']).split(',');
            AttrValue::List(values.map(|value| AttrValue::Int(value.parse().expect("an integer"))).collect())
        }
        _ => match (text.parse(), DType::from_name(text)) {
            (Ok(value), _) => AttrValue::Int(value),
            (_, Some(dtype)) => AttrValue::Type(dtype),
            _ => AttrValue::Bytes(Bytes::copy_from_slice(text.as_bytes())),
        },
    }
}

/// The model of a row, and what it is fed.
fn model(op: &str, attrs: &str, inputs: &str) -> savedmodel::Result<(SavedModel, Vec<(String, Tensor)>)> {
    let (mut graph, mut fed, mut names) = (GraphBuilder::new(), Vec::new(), Vec::new());
    for (i, text) in inputs.split(';').map(str::trim).enumerate() {
        let name = format!("x{i}");
        match text.strip_prefix("const ") {
            Some(text) => graph.constant(&name, &tensor(text))?,
            None => {
                let value = tensor(text);
                graph.placeholder(&name, value.dtype(), &PartialShape::from(value.shape()))?;
                fed.push((name.clone(), value));
                name.clone()
            }
        };
        names.push(name);
    }
    let inputs: Vec<&str> = names.iter().map(String::as_str).collect();
    let attrs = attrs.split_whitespace().filter_map(|pair| pair.split_once('='));
    let outputs = graph.node(op, "y", &inputs, attrs.map(|(name, value)| (name, attribute(value))))?;
    let room = tempfile::tempdir().expect("a temporary directory");
    let directory = room.path().join("model");
    let tensors: Vec<(String, String)> =
        outputs.iter().enumerate().map(|(i, _)| (format!("y{i}"), format!("y:{i}"))).collect();
    let outputs: Vec<(&str, &str)> = tensors.iter().map(|(name, tensor)| (&**name, &**tensor)).collect();
    let feeds: Vec<(String, String)> =
        fed.iter().map(|(name, _)| (name.clone(), format!("{name}:0"))).collect();
    let feeds: Vec<(&str, &str)> = feeds.iter().map(|(name, tensor)| (&**name, &**tensor)).collect();
    simple_save(graph, &directory, &feeds, &outputs)?;
    let options = LoadOptions { threads: Some(1), ..LoadOptions::default() };
    Ok((SavedModel::load_with(&directory, &options)?, fed))
}

fn operators(c: &mut Criterion) {
    let mut group = c.benchmark_group("operator");
    for row in ROWS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let parts: Vec<&str> = row.split('|').map(str::trim).collect();
        let &[op, attrs, inputs] = &parts[..] else { panic!("{row} has not three parts") };
        let (model, fed) = model(op, attrs, inputs).unwrap_or_else(|e| panic!("{row}: {e}"));
        let function = model.signature("serving_default").expect("the signature that was saved");
        group.bench_function(format!("{op} {attrs} {inputs}").replace("const ", ""), |b| {
            b.iter(|| function.call(fed.clone()).expect("an answer"));
        });
    }
    group.finish();
}

criterion_group!(benches, operators);
criterion_main!(benches);
