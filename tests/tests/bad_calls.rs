//! Calls that a model can't answer: each is a clear error, and the model goes on.

use savedmodel::{Code, DType, Error, SavedModel, Tensor};
use savedmodel_tests::model;

fn check(error: Error, code: Code, texts: &[&str]) {
    assert_eq!(error.code(), code, "{error}");
    for text in texts {
        assert!(error.to_string().contains(text), "expected {text:?} in: {error}");
    }
}

#[test]
fn wrong_calls_of_a_signature() {
    let model = SavedModel::load(model("tf_keras_mlp")).unwrap();
    check(model.signature("serving").err().unwrap(), Code::NotFound, &["\"serving\"", "serving_default"]);

    let signature = model.signature("serving_default").unwrap();
    let good = Tensor::zeros(DType::Float, [2, 5]).unwrap();
    let call = |inputs: &[(&str, Tensor)]| signature.call(inputs.iter().cloned());
    let refused = |inputs: &[(&str, Tensor)]| call(inputs).unwrap_err();

    check(refused(&[]), Code::InvalidArgument, &["'features' is missing", "float[?,5]"]);
    check(refused(&[("x", good.clone())]), Code::InvalidArgument, &["no input 'x'", "'features'"]);
    check(
        refused(&[("features", good.clone()), ("x", good.clone())]),
        Code::InvalidArgument,
        &["no input 'x'"],
    );
    check(
        refused(&[("features", good.clone()), ("features", good.clone())]),
        Code::InvalidArgument,
        &["twice"],
    );

    let wrong_dtype = Tensor::zeros(DType::Int32, [2, 5]).unwrap();
    check(
        refused(&[("features", wrong_dtype)]),
        Code::InvalidArgument,
        &["'features'", "float", "int32[2,5]"],
    );

    let wrong_shape = Tensor::zeros(DType::Float, [2, 4]).unwrap();
    check(refused(&[("features", wrong_shape)]), Code::InvalidArgument, &["[2,4]", "MatMul", "node '"]);
    let wrong_rank = Tensor::zeros(DType::Float, []).unwrap();
    check(refused(&[("features", wrong_rank)]), Code::InvalidArgument, &["node '"]);

    assert_eq!(call(&[("features", good)]).unwrap()["head"].shape().dims(), [2, 2]);
}

#[test]
fn unsupported_operators_matter_only_where_they_are_needed() {
    let model = SavedModel::load(model("unknown_operator")).unwrap();
    check(
        model.signature("unknown").err().unwrap(),
        Code::NotFound,
        &["Op type not registered 'VendorSpecialSinh'", "signature 'unknown'"],
    );
    // TensorFlow has this one.
    let error = savedmodel::registry().missing("CreateSummaryDbWriter");
    check(error, Code::Unimplemented, &["CreateSummaryDbWriter"]);
    let x = Tensor::from_slice([1], &[2.0_f32]).unwrap();
    let y = model.signature("known").unwrap().call([("x", x)]).unwrap();
    assert_eq!(y["y"].as_slice::<f32>().unwrap(), [4.0]);
}

#[test]
fn wrong_names_of_tensors() {
    let model = SavedModel::load(model("v1_sharded")).unwrap();
    let x = Tensor::zeros(DType::Float, [1, 3]).unwrap();
    let refused = |feeds: &[&str], fetches: &[&str]| model.prune(feeds, fetches).err().unwrap();
    check(refused(&["none:0"], &["part0:0"]), Code::NotFound, &["'none:0'", "does not exist"]);
    check(refused(&[], &["none"]), Code::NotFound, &["none"]);
    check(refused(&[], &["part0:7"]), Code::NotFound, &["'part0:7'", "only has 1 outputs"]);
    check(refused(&["part0:0", "part0:0"], &["part1:0"]), Code::InvalidArgument, &["part0"]);

    let part = model.prune(&[], &["part0:0"]).unwrap();
    check(part.call(&[x]).unwrap_err(), Code::InvalidArgument, &["1 feeds"]);
    assert_eq!(part.call(&[]).unwrap()[0].shape().dims(), [3, 2]);
}
