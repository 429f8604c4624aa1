//! The examples of TensorFlow's own documentation of SavedModels, with the answers that it gives
//! (conformance/scripts/make_documentation.py).
//!
//! What else there is of it lies elsewhere: softmax regression over MNIST by `simple_save` in `examples/softmax.rs` and
//! `writing.rs`, the exports of an estimator for classification and regression in `conformance/cases/models/v1_classify_regress`.

use std::path::{Path, PathBuf};

use savedmodel::{Code, LoadOptions, Object, SavedModel, Tensor, Value};

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/cases").join(name)
}

fn load(name: &str) -> SavedModel {
    SavedModel::load(directory(&format!("documentation/{name}"))).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn floats(value: &Value) -> Vec<f32> {
    value.tensor().unwrap().as_slice::<f32>().unwrap().to_vec()
}

fn call(root: &Object<'_>, function: &str, x: impl Into<Value>) -> Value {
    root.function(function).and_then(|f| f.call([x], [])).unwrap_or_else(|e| panic!("{function}: {e}"))
}

/// `imported.signatures[name](key=x)[output]`.
fn signature(model: &SavedModel, (name, key, output): (&str, &str, &str), x: impl Into<Value>) -> Vec<f32> {
    let outputs = model.signature(name).and_then(|f| f.call_values([(key, x)]));
    floats(&outputs.unwrap_or_else(|e| panic!("{name}: {e}"))[output])
}

fn rows(rows: &[&[f64]]) -> Value {
    let row = |row: &&[f64]| Value::List(row.iter().map(|&v| v.into()).collect());
    Value::List(rows.iter().map(row).collect())
}

/// `tf.saved_model.save`: `Adder`.
#[test]
fn a_module_with_one_function() {
    let model = load("adder");
    assert_eq!(floats(&call(&model.root().unwrap(), "add", 2.0)), [4.0]);
    assert_eq!(signature(&model, ("serving_default", "x", "output_0"), 2.0), [4.0]);
}

/// `tf.saved_model.load`: `f = imported.signatures["serving_default"]; f(x=tf.constant([[1.]]))`.
#[test]
fn a_signature_is_called_by_keyword() {
    let model = load("signature");
    let x = Tensor::from_vec([1, 1], vec![1.0_f32]).unwrap();
    assert_eq!(signature(&model, ("serving_default", "x", "output"), x), [5.0]);
    assert_eq!(signature(&model, ("serving_default", "x", "output"), rows(&[&[1.0]])), [5.0]);
}

/// `tf.saved_model.load`: `assert 3. == imported.v.numpy(); assert 6. == imported.f(x=tf.constant(2.)).numpy()`.
#[test]
fn a_checkpoint_with_a_function() {
    let model = load("checkpoint");
    let root = model.root().unwrap();
    assert_eq!(root.variable("v").unwrap().value().unwrap().to_scalar::<f32>().unwrap(), 3.0);
    let f = root.function("f").unwrap();
    let product = f.call::<Value>([], [("x", Tensor::scalar(2.0_f32).into())]).unwrap();
    assert_eq!(floats(&product), [6.0]);
    root.variable("v").unwrap().assign(Tensor::scalar(4.0_f32)).unwrap();
    assert_eq!(floats(&call(&root, "f", 2.0)), [8.0]);
}

/// The guide "Using the SavedModel format": `CustomModule`.
#[test]
fn a_module_with_state_and_signatures() {
    let model = load("custom_module");
    let root = model.root().unwrap();
    let called = |x: Value| floats(root.call([x], []).unwrap().get("custom_output_name").unwrap());
    assert_eq!(called(3.0.into()), [3.0]);
    assert!(matches!(call(&root, "mutate", 2.0), Value::None));
    assert_eq!(called(3.0.into()), [6.0]);
    let list = || Value::List(vec![1.0.into(), 2.0.into()]);
    assert_eq!(called(list()), [2.0, 4.0]);
    assert_eq!(signature(&model, ("array_input", "x", "custom_output_name"), list()), [2.0, 4.0]);
    assert_eq!(signature(&model, ("serving_default", "x", "custom_output_name"), 3.0), [6.0]);
    let error = root.call([Tensor::from_slice([1], &[3_i32]).unwrap()], []).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    let expected = "Could not find matching concrete function to call loaded from the SavedModel. Got:\n";
    assert!(error.message().starts_with(expected), "{error}");
    assert!(error.message().contains("Option 2:"), "{error}");
}

/// `tf.saved_model.load`: a Keras model is called as an object.
#[test]
fn a_keras_model() {
    let model = load("keras");
    let root = model.root().unwrap();
    assert_eq!(floats(&root.call([rows(&[&[2.0]])], []).unwrap()), [3.0, 3.0]);
    assert_eq!(signature(&model, ("serving_default", "x", "output"), rows(&[&[1.0]])), [2.0, 2.0]);
    let names: Vec<String> =
        root.trainable_variables().unwrap().iter().map(|v| v.name().to_owned()).collect();
    assert_eq!(names, ["output/kernel", "output/bias"]);
}

/// `tf.saved_model.load` of a model of TensorFlow 1: `imported.prune("x:0", "out:0")`, and `imported.restore(path)`.
#[test]
fn a_model_of_tensorflow_1() {
    let model = load("simple_save");
    let pruned = model.prune(&["x:0"], &["out:0"]).unwrap();
    let out = || pruned.call(&[Tensor::scalar(1.0_f32)]).unwrap()[0].to_scalar::<f32>().unwrap();
    assert_eq!(out(), 3.0);
    model.restore(directory("documentation/simple_save/later/values")).unwrap();
    assert_eq!(out(), 7.0);
    let names: Vec<String> = model.variables().unwrap().iter().map(|v| v.name().to_owned()).collect();
    assert_eq!(names, ["v"]);
    model.restore(directory("documentation/simple_save/variables/variables")).unwrap();
    assert_eq!(signature(&model, ("serving_default", "x", "out"), 1.0), [3.0]);
    model.restore(directory("documentation/simple_save/later")).unwrap();
    assert_eq!(signature(&model, ("serving_default", "x", "out"), 1.0), [7.0]);
}

/// `tf.compat.v1.saved_model.Builder`: metagraphs with tags of one's own.
#[test]
fn metagraphs_with_tags_of_ones_own() {
    let tagged = |tags: &[&str]| {
        let tags = Some(tags.iter().map(|&tag| tag.to_owned()).collect());
        SavedModel::load_with(
            directory("documentation/builder"),
            &LoadOptions { tags, ..LoadOptions::default() },
        )
    };
    let ones = || Tensor::from_vec([1, 4], vec![1.0_f32; 4]).unwrap();
    let foo = tagged(&["foo-tag"]).unwrap();
    assert_eq!(signature(&foo, ("foo", "images", "scores"), ones()), [0.5, 0.5]);
    let bar = tagged(&["baz-tag", "bar-tag"]).unwrap();
    assert_eq!(signature(&bar, ("bar", "images", "scores"), ones()), [0.5, 0.5]);
    assert_eq!(bar.signature("foo").err().unwrap().code(), Code::NotFound);
    let error = tagged(&["bar-tag"]).unwrap_err();
    assert!(error.code() == Code::NotFound && error.message().contains("[foo-tag]"), "{error}");
    let several = SavedModel::load(directory("documentation/builder")).unwrap_err();
    assert_eq!(several.code(), Code::InvalidArgument);
}

/// `tf.compat.v1.train.import_meta_graph` and `Saver.restore`.
#[test]
fn a_metagraph_with_a_checkpoint() {
    let checkpoint = directory("objects/saver/new");
    let meta = directory("objects/saver/new.meta");
    let model = SavedModel::from_meta_graph(meta, Some(&checkpoint), &LoadOptions::default()).unwrap();
    let y =
        model.runner().feed("x", Tensor::from_slice([2], &[1.0_f32, 2.0]).unwrap()).fetch("y").run().unwrap();
    assert_eq!(y[0].as_slice::<f32>().unwrap(), [6.0, 9.0]);
}
