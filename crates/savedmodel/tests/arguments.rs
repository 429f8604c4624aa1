//! What functions and signatures take for a tensor, against what TensorFlow answers (conformance/scripts/make_objects.py).

use std::path::PathBuf;

use savedmodel::{Code, DType, LoadOptions, SavedModel, Tensor, Value};

fn load() -> SavedModel {
    load_case("arguments")
}

fn load_case(name: &str) -> SavedModel {
    let directory =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../conformance/cases/objects").join(name);
    let options = LoadOptions { threads: Some(1), ..LoadOptions::default() };
    SavedModel::load_with(directory, &options).unwrap()
}

fn list<V: Into<Value>>(items: impl IntoIterator<Item = V>) -> Value {
    Value::List(items.into_iter().map(Into::into).collect())
}

fn scalar(value: f32) -> Value {
    Tensor::scalar(value).into()
}

fn array(values: &[f64]) -> Value {
    Value::Array(Tensor::from_slice([values.len()], values).unwrap())
}

fn shown(value: &Value) -> String {
    let tensor = value.tensor().unwrap();
    let numbers: Vec<f64> = match tensor.dtype() {
        DType::Float => tensor.as_slice::<f32>().unwrap().iter().map(|&v| v.into()).collect(),
        DType::Double => tensor.as_slice::<f64>().unwrap().to_vec(),
        DType::Bool => tensor.as_slice::<bool>().unwrap().iter().map(|&v| f64::from(u8::from(v))).collect(),
        _ => tensor.to_i64s().unwrap().iter().map(|&v| v as f64).collect(),
    };
    format!("{} {numbers:?}", tensor.dtype())
}

#[test]
fn functions_take_what_tensorflow_takes() {
    let model = load();
    let root = model.root().unwrap();
    let check = |function: &str, args: &[Value], expected: &str| {
        let got = match root.function(function).unwrap().call(args.to_vec(), []) {
            Ok(value) => shown(&value),
            Err(error) => {
                assert_eq!(error.code(), Code::InvalidArgument, "{error}");
                error.message().to_owned()
            }
        };
        assert!(got.contains(expected), "{function}{args:?}: {got}, without '{expected}'");
    };
    let none = "Could not find matching concrete function";
    let pair = |name: &str| {
        Value::NamedTuple(
            name.to_owned(),
            vec![("first".to_owned(), 1.into()), ("second".to_owned(), 2.into())],
        )
    };
    check("listed", &[list([1, 2])], "float [3.0]");
    check("listed", &[Value::Tuple(vec![1.into(), 2.into()])], none);
    check("listed", &[Tensor::from_slice([2], &[1.0_f32, 2.0]).unwrap().into()], none);
    check("named", &[pair("Pair")], "float [-1.0]");
    check("named", &[pair("Other")], none);
    check("reduced", &[list([scalar(1.0), 5.into()])], "float [6.0]");
    check("reduced", &[list([Tensor::scalar(1_i32).into(), Value::from(5)])], "float [6.0]");
    check("reduced", &[list([Tensor::scalar(1.0_f64), Tensor::scalar(5.0_f64)])], "float [6.0]");
    check("reduced", &[list([1, 5])], "float [6.0]");
    check("reduced", &[list([1, 2, 5])], "int32 [8.0]");
    check("reduced", &[list::<Value>([])], "int32 [0.0]");
    check("reduced", &[array(&[1.0, 2.0])], none);
    check("reduced", &[list([list([1]), list([2])])], none);
    check("reduced", &[root.variable("v").unwrap().into()], "float [3.0]");
    check("scaled", &[scalar(1.0)], "float [2.0]");
    check("scaled", &[scalar(1.0), 2.into()], "float [2.0]");
    check("scaled", &[scalar(1.0), 3.0.into()], "float [3.0]");
    check("scaled", &[2.into(), 4.into()], "float [8.0]");
    check("cast", &[Tensor::scalar(1_i32).into(), Value::DType(DType::Double)], "double [1.0]");
    check("cast", &[Tensor::scalar(1_i32).into()], "float [1.0]");
}

#[test]
fn declared_signatures_cast_all_but_tensors() {
    let model = load();
    let root = model.root().unwrap();
    let check = |function: &str, x: Value, expected: Option<&str>, as_signature: Option<&str>| {
        let called = root.function(function).unwrap().call([x.clone()], []);
        assert_eq!(called.ok().as_ref().map(shown).as_deref(), expected, "{function}({x})");
        let called = model.signature(function).unwrap().call_values([("x", x.clone())]);
        let called = called.ok().map(|outputs| shown(&outputs["output_0"]));
        assert_eq!(called.as_deref(), as_signature, "signature {function}({x})");
    };
    let both = |function: &str, x: Value, expected: Option<&str>| check(function, x, expected, expected);
    both("floats", list([1, 2]), Some("float [1.0, 4.0]"));
    both("floats", list([true, false]), Some("float [1.0, 0.0]"));
    both("floats", array(&[1.0, 2.0]), Some("float [1.0, 4.0]"));
    both("floats", list([Tensor::scalar(1.0_f64).into(), Value::from(2)]), Some("float [1.0, 4.0]"));
    both("floats", root.variable("v").unwrap().into(), Some("float [1.0, 4.0]"));
    both("floats", Tensor::from_slice([2], &[1.0_f64, 2.0]).unwrap().into(), None);
    both("floats", list([1, 2, 3]), None);
    both("floats", list(["a", "b"]), None);
    both("floats", Value::None, None);
    both("ints", list([1.0]), None);
    both("ints", list([1_i64 << 40]), Some("int32 [1.0]"));
    both("ints", array(&[1.7, -2.7]), Some("int32 [2.0, -1.0]"));
    both("ints", list::<Value>([]), Some("int32 []"));
    both("ints", list([true]), Some("int32 [2.0]"));
    both("negated", true.into(), Some("bool [0.0]"));
    both("negated", 1.into(), None);
    // The shape of a tensor is left to the operators when a signature is called.
    let matrix = Tensor::from_slice([1, 1], &[1_i32]).unwrap();
    check("ints", matrix.into(), None, Some("int32 [2.0]"));
}

#[test]
fn declared_defaults_and_nests() {
    let model = load();
    let root = model.root().unwrap();
    let product = root.function("product").unwrap();
    assert_eq!(shown(&product.call([2.0], []).unwrap()), "float [10.0]");
    assert_eq!(shown(&product.call([2.0], [("y", 3.into())]).unwrap()), "float [6.0]");
    let error = model.signature("product").unwrap().call_values([("x", 2.0)]).unwrap_err();
    assert!(error.message().contains("input 'y' is missing"), "{error}");
    let nest = |b: Value| Value::Dict([("a".to_owned(), 1.into()), ("b".to_owned(), b)].into());
    let nested = root.function("nested").unwrap();
    assert_eq!(shown(&nested.call([nest(Value::Tuple(vec![2.into()]))], []).unwrap()), "float [3.0]");
    let error = nested.call([nest(list([2]))], []).unwrap_err();
    assert!(error.message().contains("argument 'x': Can not cast [2] to (TensorSpec("), "{error}");
}

#[test]
fn composites_fit_their_types() {
    let model = load();
    let root = model.root().unwrap();
    let values = |n: usize| Tensor::from_vec([n], vec![1.0_f32; n]).unwrap();
    let narrow = |splits: &[i32]| Tensor::from_slice([splits.len()], splits).unwrap();
    let wide = |splits: &[i64]| Tensor::from_slice([splits.len()], splits).unwrap();
    let ragged = |values: Tensor, splits: Tensor| Value::Ragged { values, row_splits: vec![splits] };
    let takes = |function: &str, x: Value| root.function(function).unwrap().call([x], []).is_ok();
    assert!(takes("ragged", ragged(values(3), narrow(&[0, 1, 3]))));
    assert!(!takes("ragged", ragged(values(3), wide(&[0, 1, 3]))));
    assert!(!takes("ragged", ragged(values(3), narrow(&[0, 1, 3, 3]))));
    assert!(!takes("ragged", values(2).into()));
    assert!(takes("inner", ragged(values(3).reshape([1, 3]).unwrap(), wide(&[0, 1, 1]))));
    assert!(!takes("inner", ragged(values(2).reshape([1, 2]).unwrap(), wide(&[0, 1, 1]))));
    let sparse = |rows: i64| Value::Sparse {
        indices: Tensor::from_slice([1, 2], &[0_i64, 0]).unwrap(),
        values: values(1),
        dense_shape: wide(&[rows, 1]),
    };
    assert!(takes("sparse", sparse(2)) && takes("sparse", sparse(3)));
    // A shape that was not declared but met when the function was traced binds.
    assert!(takes("traced_sparse", sparse(2)) && !takes("traced_sparse", sparse(3)));
    assert!(takes("traced_ragged", ragged(values(4), wide(&[0, 1, 4]))));
    assert!(!takes("traced_ragged", ragged(values(3), wide(&[0, 1, 3, 3]))));
    let parts = [values(1), narrow(&[0]), narrow(&[3])];
    let slices = root.function("slices").unwrap().call([Value::Composite(parts.to_vec())], []).unwrap();
    assert!(matches!(slices, Value::Composite(parts) if parts.len() == 3));
}

#[test]
fn signatures_give_composites() {
    let model = load_case("composites");
    let call = |name: &str, x: Value| model.signature(name).unwrap().call_values([("x", x)]).unwrap();
    let texts = |tensor: &Tensor| tensor.strings().unwrap().to_vec();
    let got = call("words", list(["a b", "c"]));
    let Value::Ragged { values, row_splits } = &got["words"] else { panic!("{}", got["words"]) };
    assert_eq!(texts(values), ["a", "b", "c"]);
    assert_eq!(row_splits[0].as_slice::<i64>().unwrap(), [0, 2, 3]);
    let Value::Sparse { indices, values, dense_shape } = &got["sparse"] else { panic!("{}", got["sparse"]) };
    assert_eq!((indices.as_slice::<i64>().unwrap(), texts(values)), (&[0, 0, 0, 1, 1, 0][..], texts(values)));
    assert_eq!(dense_shape.as_slice::<i64>().unwrap(), [2, 2]);
    assert_eq!(shown(&got["count"]), "int64 [2.0, 1.0]");
    // The same, tensor by tensor.
    let x = Tensor::from_strings([2], ["a b", "c"]).unwrap();
    let flat = model.signature("words").unwrap().call([("x", x)]).unwrap();
    let names: Vec<&str> = flat.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["count", "sparse/indices", "sparse/values", "sparse/dense_shape", "words/0", "words/1"]
    );

    let longs = |values: &[i64]| Tensor::from_slice([values.len()], values).unwrap();
    let deep = model.signature("deep").unwrap();
    let x = Tensor::from_slice([2], &[1.0_f32, 2.0]).unwrap();
    let got = deep.call_values([("x", x), ("x_1", longs(&[0, 2])), ("x_2", longs(&[0, 1, 2]))]).unwrap();
    let Value::Ragged { values, row_splits } = &got["twice"] else { panic!("{}", got["twice"]) };
    assert_eq!((values.as_slice::<f32>().unwrap(), row_splits.len()), (&[2.0, 4.0][..], 2));
    let Value::Composite(pieces) = call("pieces", list([1.0, 2.0])).swap_remove("pieces").unwrap() else {
        panic!()
    };
    assert_eq!(pieces.len(), 3);
    let got = call("slices", 1.5.into());
    let Value::Composite(slices) = &got["slices"] else { panic!("{}", got["slices"]) };
    assert_eq!(slices[0].as_slice::<f32>().unwrap(), [1.5, -1.5]);

    let root = model.root().unwrap();
    let joined = |whole: usize| {
        let parts =
            vec![Tensor::from_vec([whole], vec![2.0_f32; whole]).unwrap(), pieces[1].clone(), longs(&[0, 2])];
        root.function("joined").unwrap().call([Value::Composite(parts)], [])
    };
    assert_eq!(shown(&joined(1).unwrap()), "float [2.0, 1.0, 2.0]");
    // What it was traced with has one element there.
    assert_eq!(joined(2).unwrap_err().code(), Code::InvalidArgument);
    // Without ragged dimensions it is a tensor.
    let flat = root.function("flat").unwrap();
    let x = Tensor::from_slice([2], &[1.0_f32, 2.0]).unwrap();
    assert_eq!(shown(&flat.call([x], []).unwrap()), "float [2.0, 4.0]");
    assert!(flat.call([Tensor::scalar(1.0_f32)], []).is_err());
}
