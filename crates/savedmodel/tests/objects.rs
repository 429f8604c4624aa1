//! Objects and restored functions, against what TensorFlow answers (conformance/scripts/make_objects.py).

use std::path::PathBuf;

use savedmodel::{Code, DType, LoadOptions, Object, Result, SavedModel, Tensor, Value};

fn load(name: &str) -> SavedModel {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../conformance/cases").join(name);
    let options = LoadOptions { threads: Some(1), ..LoadOptions::default() };
    SavedModel::load_with(directory, &options).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn floats(values: &[f32]) -> Value {
    Tensor::from_slice([values.len()], values).unwrap().into()
}

fn strings(values: &[&'static str]) -> Value {
    Tensor::from_strings([values.len()], values.to_vec()).unwrap().into()
}

fn list(values: &[f64]) -> Value {
    values.iter().map(|&v| v.into()).collect::<Vec<Value>>().into()
}

fn shown(value: &Value) -> Vec<f64> {
    let tensor = value.tensor().unwrap();
    match tensor.dtype() {
        DType::Float => tensor.as_slice::<f32>().unwrap().iter().map(|&v| v.into()).collect(),
        _ => tensor.to_i64s().unwrap().iter().map(|&v| v as f64).collect(),
    }
}

/// Calls a function and compares its only tensor, or looks for a part of its error.
fn check(
    root: &Object<'_>,
    function: &str,
    args: &[Value],
    kwargs: &[(&'static str, Value)],
    expected: Result<&[f64], &str>,
) {
    let got = root.function(function).and_then(|f| f.call(args.to_vec(), kwargs.to_vec()));
    match (got, expected) {
        (Ok(value), Ok(expected)) => assert_eq!(shown(&value), expected, "{function}{args:?}{kwargs:?}"),
        (Err(error), Err(part)) => {
            assert_eq!(error.code(), Code::InvalidArgument);
            assert!(error.message().contains(part), "{function}{args:?}: {error}, without '{part}'");
            assert!(error.to_string().contains(&format!("calling '{function}'")), "{error}");
        }
        (got, expected) => panic!("{function}{args:?}{kwargs:?}: {got:?}, not {expected:?}"),
    }
}

#[test]
fn traces_are_chosen_as_tensorflow_chooses() {
    let model = load("objects/objects");
    let root = model.root().unwrap();
    let x = || floats(&[1.0]);
    check(&root, "f", &[x()], &[], Ok(&[2.0]));
    check(&root, "f", &[x(), true.into()], &[], Ok(&[3.0]));
    check(&root, "f", &[x()], &[("training", 1.into())], Ok(&[3.0]));
    check(&root, "f", &[x()], &[("scale", 2.0.into())], Ok(&[2.0]));
    check(&root, "f", &[], &[("x", vec![list(&[1.0, 2.0])].into())], Ok(&[2.0, 4.0]));
    check(&root, "f", &[3.into()], &[("scale", 5.into())], Ok(&[15.0]));
    check(
        &root,
        "f",
        &[floats(&[1.0, 2.0])],
        &[],
        Err("Option 4:\n  Positional arguments (2 total):\n    * TensorSpec("),
    );
    check(&root, "f", &[x()], &[("scale", 5.into())], Err("Could not find matching concrete function"));
    check(&root, "f", &[], &[], Err("missing a required argument: 'x'"));
    check(&root, "f", &[x(), x(), x()], &[], Err("too many positional arguments"));
    check(&root, "f", &[x()], &[("bad", 1.into())], Err("unexpected keyword argument 'bad'"));
    check(&root, "weighted", &[vec![1.into(), Value::from(2)].into()], &[], Ok(&[13.0, 26.0]));
    check(&root, "many", &[1.0.into(), 2.0.into()], &[("less", 0.5.into())], Ok(&[2.5]));
    check(&root, "loop", &[list(&[1.0, 2.0, 3.0])], &[], Ok(&[6.0, 12.0]));
    check(&root, "scales.1.apply", &[list(&[1.0, 2.0])], &[], Ok(&[3.0, 6.0]));
    check(&root, "by_name.half.apply", &[list(&[1.0, 2.0])], &[], Ok(&[0.5, 1.0]));
}

#[test]
fn nests_ragged_and_sparse() {
    let model = load("objects/objects");
    let root = model.root().unwrap();
    let pair = Value::Tuple(vec![1.0.into(), 2.0.into()]);
    let options = Value::Dict([("c".to_owned(), "c".into())].into());
    let nested = root.function("nested").unwrap();
    let result = nested.call([pair, options.clone()], []).unwrap();
    assert_eq!(shown(result.get("sum").unwrap()), [3.0]);
    assert!(matches!(result.get("none").unwrap(), Value::None));
    let Value::NamedTuple(name, fields) = result.get("pair").unwrap() else { panic!("{result}") };
    assert_eq!(
        (name.as_str(), fields[0].0.as_str(), fields[1].1.items().unwrap().len()),
        ("Pair", "first", 2)
    );
    let error = nested.call([list(&[1.0, 2.0]), options], []).unwrap_err();
    assert!(error.message().contains("(TensorSpec("), "{error}");

    let splits = |values: &[i64]| Tensor::from_slice([values.len()], values).unwrap();
    let values = Tensor::from_slice([3], &[1.0_f32, 2.0, 3.0]).unwrap();
    let ragged = Value::Ragged { values, row_splits: vec![splits(&[0, 2, 3]), splits(&[0, 2, 2, 3])] };
    let result = root.function("ragged").unwrap().call([ragged], []).unwrap();
    let [Value::Ragged { values, row_splits }, Value::Ragged { values: sums, .. }] =
        result.items().unwrap()[..]
    else {
        panic!("{result}")
    };
    assert_eq!(values.as_slice::<f32>().unwrap(), [2.0, 4.0, 6.0]);
    assert_eq!(row_splits[0].as_slice::<i64>().unwrap(), [0, 2, 3]);
    assert_eq!(sums.as_slice::<f32>().unwrap(), [3.0, 0.0, 3.0]);

    let sparse = Value::Sparse {
        indices: Tensor::from_slice([2, 2], &[0_i64, 1, 0, 2]).unwrap(),
        values: Tensor::from_slice([2], &[1.0_f32, 2.0]).unwrap(),
        dense_shape: Tensor::from_slice([2], &[1_i64, 3]).unwrap(),
    };
    let result = root.function("sparse").unwrap().call([sparse], []).unwrap();
    let Value::Sparse { indices, .. } = result.items().unwrap()[0] else { panic!("{result}") };
    assert_eq!(indices.as_slice::<i64>().unwrap(), [1, 0, 2, 0]);
    assert_eq!(shown(result.items().unwrap()[1]), [0.0, 1.0, 2.0]);
}

#[test]
fn variables_are_shared_with_signatures() {
    let model = load("objects/objects");
    let root = model.root().unwrap();
    let names: Vec<String> =
        root.variables().unwrap().iter().map(|v| format!("{}{}", v.name(), v.shape())).collect();
    assert_eq!(names.len(), 5, "{names:?}");
    assert_eq!(root.trainable_variables().unwrap().len(), 4);
    for expected in 1..4 {
        check(&root, "step", &[], &[], Ok(&[f64::from(2 * expected - 1)]));
        let stepped = model.signature("step").unwrap().call::<&str>([]).unwrap();
        assert_eq!(stepped["output_0"].to_scalar::<i32>().unwrap(), 2 * expected);
    }
    let v = root.variable("v").unwrap();
    let serving = || {
        let x = Tensor::from_slice([1], &[1.0_f32]).unwrap();
        let outputs = model.signature("serving_default").unwrap().call([("x", x)]).unwrap();
        outputs["output_0"].as_slice::<f32>().unwrap().to_vec()
    };
    assert_eq!(serving(), [11.0, 22.0]);
    for value in [5.0, 7.0] {
        v.assign(Tensor::from_slice([2], &[value, 0.0_f32]).unwrap()).unwrap();
        check(&root, "weighted", &[list(&[1.0])], &[], Ok(&[10.0 + f64::from(value), 20.0]));
        assert_eq!(serving(), [10.0 + value, 20.0]);
    }
    let wrong = v.assign(Tensor::scalar(1.0_f32)).unwrap_err();
    assert!(wrong.message().contains("Shape mismatch"), "{wrong}");
}

#[test]
fn attributes() {
    let model = load("objects/objects");
    let root = model.root().unwrap();
    assert_eq!(root.get("scales").unwrap().items().len(), 2);
    assert_eq!(root.at("by_name.half.factor").unwrap().tensor().unwrap().to_scalar::<f32>().unwrap(), 0.5);
    assert_eq!(root.variable("scales/1/factor").unwrap().value().unwrap().to_scalar::<f32>().unwrap(), 3.0);
    assert_eq!(model.asset_paths(), [root.get("asset").unwrap().asset_path().unwrap()]);
    let asset = root.get("asset").unwrap().asset_path().unwrap();
    assert_eq!(std::fs::read_to_string(asset).unwrap(), "one\ntwo\n");
    let error = root.get("scale").unwrap_err();
    assert!(error.message().contains("there are: v, count, scales"), "{error}");
    assert!(root.function("v").is_err() && root.variable("f").is_err());
    assert_eq!(load("models/v1_while/model").root().unwrap_err().code(), Code::FailedPrecondition);
    let signature = root.function("signatures.serving_default").unwrap();
    let result = signature.call::<Value>([], [("x", list(&[1.0]))]).unwrap();
    assert_eq!(shown(result.get("output_0").unwrap()), [11.0, 22.0]);
}

#[test]
fn tables_are_made_filled_and_shared() {
    let model = load("objects/tables");
    let root = model.root().unwrap();
    let find = |keys: &[&'static str], table: &str| {
        let found = root.function("find").unwrap().call([strings(keys)], []).unwrap();
        shown(found.get(table).unwrap())
    };
    assert_eq!(find(&["a", "c", "x"], "file"), [0.0, 2.0, -1.0]);
    assert_eq!(find(&["a", "x", "y"], "tensors"), [-2.0, 7.0, 8.0]);
    assert_eq!(find(&["kept", "new"], "mutable"), [5.0, -3.0]);
    check(&root, "insert", &[strings(&["new"]), vec![9.into()].into()], &[], Ok(&[2.0]));
    let keys = Tensor::from_strings([2], ["kept", "new"]).unwrap();
    let served = model.signature("serving_default").unwrap().call([("keys", keys)]).unwrap();
    assert_eq!(served["mutable"].as_slice::<i64>().unwrap(), [5, 9]);
}

#[test]
fn keras_models_are_called() {
    let model = load("objects/keras2");
    let root = model.root().unwrap();
    let names: Vec<String> =
        root.trainable_variables().unwrap().iter().map(|v| v.name().to_owned()).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    assert_eq!(root.get("variables").unwrap().items().len(), 6);
    let x = || Value::List(vec![list(&[1.0, 2.0, 3.0]), list(&[0.0, 0.0, 0.0])]);
    let check = |got: &Value, expected: &[f64]| {
        let close = shown(got).iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(close, "{:?}, not {expected:?}", shown(got));
    };
    let before = [6.996503, 6.996503, 0.9995004, 0.9995004];
    check(&root.call([x()], []).unwrap(), &before);
    check(&root.call([x()], [("training", false.into())]).unwrap(), &before);
    let training = [0.9999443, 0.9999443, -0.99994445, -0.99994445];
    check(&root.call([x()], [("training", true.into())]).unwrap(), &training);
    // Training moved the statistics, which all see.
    let served = model.signature("serving_default").unwrap().call_values([("features", x())]).unwrap();
    check(&served["norm"], &[6.694164, 6.694164, 0.9233329, 0.9233329]);

    let exported = load("models/keras3_mlp/model");
    let ones = Tensor::from_vec([1, 7], vec![1.0_f32; 7]).unwrap();
    let root = exported.root().unwrap();
    let served = root.function("serve").unwrap().call([ones], []).unwrap();
    check(&served, &[0.39220232, 0.2624266, 0.3453711]);
    assert_eq!(root.get("variables").unwrap().items().len(), 7);
}

#[test]
fn variables_are_one_under_both_names() {
    let model = load("objects/keras3");
    let call = |model: &SavedModel, signature: &str| {
        let ones = Tensor::from_slice([1, 2], &[1.0_f32, 1.0]).unwrap();
        let outputs = model.signature(signature).unwrap().call([("x", ones)]).unwrap();
        outputs["output_0"].as_slice::<f32>().unwrap().to_vec()
    };
    let answer = |model: &SavedModel| call(model, "serving_default");
    assert_eq!(answer(&model), [4.0, 6.0]);
    let fork = model.fork().unwrap();
    let kernel = |model: &SavedModel, value: [f32; 4]| {
        let root = model.root().unwrap();
        let variables = root.variables().unwrap();
        let kernel = variables.iter().find(|v| v.name() == "dense/kernel").unwrap();
        kernel.assign(Tensor::from_slice([2, 2], &value).unwrap()).unwrap();
    };
    kernel(&model, [1.0, 0.0, 0.0, 1.0]);
    assert_eq!((answer(&model), answer(&fork)), (vec![1.0, 1.0], vec![4.0, 6.0]));
    kernel(&fork, [1.0, 0.0, 0.0, 1.0]);
    assert_eq!(call(&fork, "grow"), [2.0, 2.0]);
    assert_eq!((answer(&model), answer(&fork)), (vec![1.0, 1.0], vec![2.0, 2.0]));
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("keras3");
    let _ = std::fs::remove_dir_all(&directory);
    fork.save(&directory).unwrap();
    assert_eq!(answer(&SavedModel::load(&directory).unwrap()), [2.0, 2.0]);
    std::fs::remove_dir_all(&directory).unwrap();
    let mut export = fork.export().unwrap();
    export.keep_signatures(&["serving_default"]).unwrap();
    export.prune().unwrap();
    export.save(&directory).unwrap();
    assert_eq!(answer(&SavedModel::load(&directory).unwrap()), [2.0, 2.0]);
}

#[test]
fn functions_have_other_names() {
    let model = load("objects/aliases");
    let twice = model.aliased_function("twice").unwrap();
    assert_eq!(shown(&twice.call([2.0], []).unwrap()), [4.0]);
    let text = twice.call(["a"], []).unwrap();
    assert_eq!(text.tensor().unwrap().strings().unwrap()[0], "aa");
    let error = model.aliased_function("none").err().unwrap();
    assert!(error.message().ends_with("there are: twice"), "{error}");
}
