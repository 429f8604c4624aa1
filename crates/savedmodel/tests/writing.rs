//! Models that are written: parts of others, with constants for variables, and new ones.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use savedmodel::{
    AttrValue, Code, DType, GraphBuilder, LoadOptions, MethodNameUpdater, PartialShape, SavedModel,
    SavedModelBuilder, Signature, Tensor, simple_save,
};

const PREDICT: &str = "tensorflow/serving/predict";

fn model(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/cases/models").join(case).join("model")
}

fn object_case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/cases/objects").join(name)
}

fn load(path: impl AsRef<Path>) -> SavedModel {
    let options = LoadOptions { threads: Some(1), ..LoadOptions::default() };
    SavedModel::open(path, None, &options).unwrap()
}

/// An empty place for the files of one test.
fn scratch(test: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("writing_{test}_{}", std::process::id()));
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).unwrap();
    place
}

fn operators(model: &SavedModel) -> BTreeSet<String> {
    model.graph().nodes().map(|node| model.graph().node(node).op.to_string()).collect()
}

/// A value for each input of a signature: ones, with 2 for unknown dimensions.
fn inputs(model: &SavedModel, signature: &str) -> Vec<(String, Tensor)> {
    let info = |(name, info): (&String, &savedmodel::TensorInfo)| {
        let dims = info.shape.dims().unwrap_or(&[None]);
        let dims: Vec<usize> = dims.iter().map(|dim| dim.unwrap_or(2)).collect();
        let n = dims.iter().product();
        let tensor = match info.dtype.unwrap() {
            DType::String => Tensor::from_strings(dims, vec!["a"; n]).unwrap(),
            DType::Int32 => Tensor::from_vec(dims, vec![1_i32; n]).unwrap(),
            DType::Int64 => Tensor::from_vec(dims, vec![1_i64; n]).unwrap(),
            _ => Tensor::from_vec(dims, (0..n).map(|i| i as f32 / n as f32).collect::<Vec<f32>>()).unwrap(),
        };
        (name.clone(), tensor)
    };
    model.signatures()[signature].inputs.iter().map(info).collect()
}

/// The outputs as text, or the kind of error.
fn answers(model: &SavedModel, signature: &str, inputs: &[(String, Tensor)]) -> Vec<(String, String)> {
    match model.signature(signature).and_then(|signature| signature.call(inputs.to_vec())) {
        Ok(outputs) => outputs.into_iter().map(|(name, tensor)| (name, format!("{tensor:?}"))).collect(),
        Err(error) => vec![("error".to_owned(), error.code().name().to_owned())],
    }
}

#[test]
fn frozen_models_answer_as_before() {
    let place = scratch("frozen");
    for case in [
        "keras3_mlp",
        "tf_keras_mlp",
        "keras3_lstm",
        "keras3_gru_bidirectional",
        "v1_partitioned",
        "v1_dynamic_rnn",
        "function_while",
        "table_v1_assets",
    ] {
        let original = load(model(case));
        let mut export = original.export().unwrap();
        let staying = export.freeze().unwrap_or_else(|e| panic!("{case}: {e}"));
        assert!(staying.is_empty(), "{case}: {staying:?}");
        let directory = place.join(case);
        export.save(&directory).unwrap();
        assert!(!directory.join("variables").exists(), "{case}");
        let frozen = load(&directory);
        let left = operators(&frozen);
        for op in ["VarHandleOp", "VariableV2", "ReadVariableOp", "Assign", "RestoreV2"] {
            assert!(!left.contains(op), "{case}: {op}");
        }
        for signature in original.signatures().keys() {
            let inputs = inputs(&original, signature);
            let want = answers(&original, signature, &inputs);
            assert_eq!(answers(&frozen, signature, &inputs), want, "{case} {signature}");
        }
    }
}

#[test]
fn variables_that_are_written_stay() {
    let place = scratch("staying");
    let original = load(object_case("objects"));
    let mut export = original.export().unwrap();
    let staying = export.freeze().unwrap();
    assert_eq!(staying.len(), 1, "{staying:?}");
    assert!(staying[0].1.contains("AssignAddVariableOp"), "{staying:?}");
    export.save(place.join("m")).unwrap();
    let frozen = load(place.join("m"));
    let step = |n: i32| {
        let none: [(&str, Tensor); 0] = [];
        let outputs = frozen.signature("step").unwrap().call(none).unwrap();
        assert_eq!(outputs["output_0"].to_scalar::<i32>().unwrap(), n);
    };
    step(1);
    step(2);
}

#[test]
fn parts_with_their_own_signatures() {
    let place = scratch("part");
    let original = load(model("v1_partitioned"));
    let rows = "embedding_lookup/Reshape_1:0";
    let mut export = original.export().unwrap();
    export
        .set_signature("rows", &Signature::of(PREDICT, &[("tokens", "tokens:0")], &[("rows", rows)]))
        .unwrap();
    export.set_signature("out", &Signature::of(PREDICT, &[("rows", rows)], &[("out", "MatMul:0")])).unwrap();
    let mut out = export.clone();
    export.keep_signatures(&["rows"]).unwrap();
    out.keep_signatures(&["out"]).unwrap();
    let inputs = inputs(&original, "serving_default");
    let want = original.signature("serving_default").unwrap().call(inputs.clone()).unwrap();
    for (name, mut export) in [("rows", export), ("out", out)] {
        export.prune().unwrap();
        let kept = export.message().graph_def.as_ref().unwrap().node.len();
        assert!(kept < original.graph().len() - 10, "{name}: {kept}");
        export.save(place.join(name)).unwrap();
    }
    let rows = load(place.join("rows")).signature("rows").unwrap().call(inputs).unwrap();
    assert_eq!(rows["rows"].as_slice::<f32>(), want["rows"].as_slice::<f32>());
    let out = load(place.join("out"));
    assert!(!operators(&out).contains("GatherV2"));
    let found = out.signature("out").unwrap().call([("rows", rows["rows"].clone())]).unwrap();
    assert_eq!(found["out"].as_slice::<f32>(), want["out"].as_slice::<f32>());
}

#[test]
fn references_that_are_written_stay() {
    let place = scratch("references");
    let original = load(model("v1_ref_variables"));
    for (signature, staying) in [("get", 0), ("initialized", 0), ("add", 1), ("scatter_add", 1)] {
        let mut export = original.export().unwrap();
        export.keep_signatures(&[signature]).unwrap();
        assert_eq!(export.freeze().unwrap().len(), staying, "{signature}");
        export.save(place.join(signature)).unwrap();
        let frozen = load(place.join(signature));
        let inputs = inputs(&original, signature);
        let want = answers(&original, signature, &inputs);
        assert_eq!(answers(&frozen, signature, &inputs), want, "{signature}");
    }
}

#[test]
fn what_nothing_computes_is_a_placeholder() {
    let place = scratch("placeholder");
    let mut graph = GraphBuilder::new();
    graph.placeholder("x", DType::Float, &PartialShape::new([None])).unwrap();
    graph.constant("axis", &Tensor::scalar(0_i32)).unwrap();
    graph.node("Split", "halves", &["axis", "x"], [("num_split", AttrValue::Int(2))]).unwrap();
    graph.node("Exp", "y", &["halves:1"], []).unwrap();
    graph.node("Neg", "z", &["y"], []).unwrap();
    let mut export = graph.export().unwrap();
    export.set_signature("s", &Signature::of(PREDICT, &[("h", "halves:1")], &[("z", "z:0")])).unwrap();
    export.prune().unwrap();
    let names: Vec<&str> =
        export.message().graph_def.as_ref().unwrap().node.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["y", "z", "halves_1"]);
    export.save(place.join("m")).unwrap();
    let h = Tensor::from_slice([1], &[0.0_f32]).unwrap();
    let outputs = load(place.join("m")).signature("s").unwrap().call([("h", h)]).unwrap();
    assert_eq!(outputs["z"].as_slice::<f32>().unwrap(), [-1.0]);
}

#[test]
fn what_can_not_be_pruned() {
    let mut graph = GraphBuilder::new();
    graph.placeholder("x", DType::Float, &PartialShape::unknown()).unwrap();
    graph.node("Neg", "y", &["x"], []).unwrap();
    let mut export = graph.export().unwrap();
    let code = |result: savedmodel::Result<()>| result.unwrap_err().code();
    assert_eq!(code(export.prune()), Code::InvalidArgument);
    export.set_signature("s", &Signature::of(PREDICT, &[], &[("y", "y:0")])).unwrap();
    let error = export.prune().unwrap_err();
    assert!(error.to_string().contains("placeholder 'x'") && error.to_string().contains("'s'"), "{error}");
    for outputs in [("y", "z:0"), ("y", "y:1")] {
        let error = export.set_signature("t", &Signature::of(PREDICT, &[], &[outputs])).unwrap_err();
        assert_eq!(error.code(), Code::NotFound, "{error}");
    }
    assert_eq!(code(export.keep_signatures(&["t"])), Code::NotFound);
    assert_eq!(code(export.set_method("t", PREDICT)), Code::NotFound);
    assert_eq!(code(export.remove_signature("t")), Code::NotFound);
    assert_eq!(code(export.rename_signature("t", "u")), Code::NotFound);
    assert_eq!(code(export.rename_signature("s", "s")), Code::AlreadyExists);
    assert_eq!(code(export.add_asset("x:0", "no such file")), Code::NotFound);
    assert_eq!(code(export.set_initializer("z")), Code::NotFound);
}

/// Softmax regression over MNIST's images.
fn softmax() -> GraphBuilder {
    let mut graph = GraphBuilder::new();
    let weights: Vec<f32> = (0..7840).map(|i| (i % 13) as f32 / 13.0).collect();
    graph.placeholder("x", DType::Float, &PartialShape::new([None, Some(784)])).unwrap();
    graph.variable("w", Tensor::from_vec([784, 10], weights).unwrap()).unwrap();
    graph.variable("b", Tensor::from_vec([10], vec![0.5_f32; 10]).unwrap()).unwrap();
    graph.node("MatMul", "xw", &["x", "w/Read/ReadVariableOp"], []).unwrap();
    graph.node("AddV2", "logits", &["xw", "b/Read/ReadVariableOp"], []).unwrap();
    graph.node("Softmax", "y", &["logits"], []).unwrap();
    graph
}

#[test]
fn simple_save_and_tags_of_ones_own() {
    let place = scratch("simple");
    simple_save(softmax(), place.join("simple"), &[("x", "x:0")], &[("y", "y:0")]).unwrap();
    let simple = load(place.join("simple"));
    assert_eq!(simple.tags(), ["serve"]);
    assert_eq!(simple.signatures()["serving_default"].inputs["x"].shape.to_string(), "[?,784]");
    let inputs = inputs(&simple, "serving_default");
    let outputs = simple.signature("serving_default").unwrap().call(inputs.clone()).unwrap();
    let sum: f32 = outputs["y"].as_slice::<f32>().unwrap()[..10].iter().sum();
    assert!((sum - 1.0).abs() < 1e-6, "{sum}");

    let mut export = softmax().export().unwrap();
    export
        .set_signature("predict_images", &Signature::of(PREDICT, &[("images", "x:0")], &[("scores", "y:0")]))
        .unwrap();
    let mut train = export.clone();
    export.set_tags(["foo-tag"]);
    train.set_tags(["foo-tag", "train"]);
    fs::write(place.join("notes.txt"), "hello").unwrap();
    SavedModelBuilder::new()
        .meta_graph(export)
        .meta_graph(train)
        .extra_asset("about/notes.txt", place.join("notes.txt"))
        .as_text()
        .save(place.join("tags"))
        .unwrap();
    assert_eq!(fs::read_to_string(place.join("tags/assets.extra/about/notes.txt")).unwrap(), "hello");
    let tags = Some(vec!["foo-tag".to_owned()]);
    let model =
        SavedModel::load_with(place.join("tags"), &LoadOptions { tags, ..LoadOptions::default() }).unwrap();
    let x = inputs[0].1.clone();
    let got = model.signature("predict_images").unwrap().call([("images", x)]).unwrap();
    assert_eq!(got["scores"].as_slice::<f32>(), outputs["y"].as_slice::<f32>());
}

#[test]
fn nothing_is_left_of_what_fails() {
    let place = scratch("fails");
    let file = place.join("asset");
    fs::write(&file, "x").unwrap();
    let refused = |builder: SavedModelBuilder, code: Code| {
        let error = builder.save(place.join("a/b/model")).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert_eq!(fs::read_dir(&place).unwrap().count(), 1, "{error}");
    };
    let graph = |value: f32, tag: &str| {
        let mut graph = GraphBuilder::new();
        graph.variable("v", Tensor::scalar(value)).unwrap();
        let mut export = graph.export().unwrap();
        export.set_tags([tag]);
        export
    };
    let builder = SavedModelBuilder::new;
    refused(builder(), Code::InvalidArgument);
    refused(builder().meta_graph(graph(1.0, "a")).meta_graph(graph(1.0, "a")), Code::InvalidArgument);
    refused(builder().meta_graph(graph(1.0, "a")).meta_graph(graph(2.0, "b")), Code::InvalidArgument);
    refused(builder().meta_graph(graph(1.0, "a")).extra_asset("../x", &file), Code::InvalidArgument);
    refused(builder().meta_graph(graph(1.0, "a")).extra_asset("x", place.join("none")), Code::NotFound);
    let error = graph(1.0, "a").save(&place).unwrap_err();
    assert_eq!(error.code(), Code::AlreadyExists);
}

#[test]
fn tables_with_their_files() {
    let place = scratch("assets");
    fs::write(place.join("words.txt"), "one\ntwo\n").unwrap();
    let mut graph = GraphBuilder::new();
    let types =
        || [("key_dtype", AttrValue::Type(DType::String)), ("value_dtype", AttrValue::Type(DType::Int64))];
    let shared = ("shared_name", AttrValue::Bytes("words".into()));
    graph.node("HashTableV2", "table", &[], types().into_iter().chain([shared])).unwrap();
    graph.constant("path", &Tensor::from_strings([], ["words.txt"]).unwrap()).unwrap();
    let columns = [("key_index", AttrValue::Int(-2)), ("value_index", AttrValue::Int(-1))];
    graph.node("InitializeTableFromTextFileV2", "fill", &["table", "path"], columns).unwrap();
    graph.node("NoOp", "init", &["^fill"], []).unwrap();
    graph.placeholder("words", DType::String, &PartialShape::new([None])).unwrap();
    graph.constant("default", &Tensor::scalar(-1_i64)).unwrap();
    let types = [("Tin", AttrValue::Type(DType::String)), ("Tout", AttrValue::Type(DType::Int64))];
    graph.node("LookupTableFindV2", "ids", &["table", "words", "default"], types).unwrap();
    let mut export = graph.export().unwrap();
    export.add_asset("path:0", place.join("words.txt")).unwrap();
    export.set_initializer("init").unwrap();
    export
        .set_signature("ids", &Signature::of(PREDICT, &[("words", "words:0")], &[("ids", "ids:0")]))
        .unwrap();
    let mut other = export.clone();
    export.save(place.join("whole")).unwrap();
    other.prune().unwrap();
    other.save(place.join("pruned")).unwrap();
    for name in ["whole", "pruned"] {
        assert!(place.join(name).join("assets/words.txt").is_file(), "{name}");
        let words = Tensor::from_strings([3], ["two", "one", "none"]).unwrap();
        let found = load(place.join(name)).signature("ids").unwrap().call([("words", words)]).unwrap();
        assert_eq!(found["ids"].as_slice::<i64>().unwrap(), [1, 0, -1], "{name}");
    }
}

#[test]
fn saved_tables_survive_pruning_and_freezing() {
    let place = scratch("pruned_tables");
    let original = load(object_case("tables"));
    for freeze in [false, true] {
        let mut export = original.export().unwrap();
        if freeze {
            drop(export.freeze().unwrap())
        } else {
            export.prune().unwrap()
        };
        let directory = place.join(freeze.to_string());
        export.save(&directory).unwrap();
        let copy = load(&directory);
        let inputs = [("keys".to_owned(), Tensor::from_strings([3], ["kept", "b", "y"]).unwrap())];
        let want = answers(&original, "serving_default", &inputs);
        assert_eq!(answers(&copy, "serving_default", &inputs), want);
        let again = place.join(format!("{freeze}_again"));
        copy.save(&again).unwrap();
        assert_eq!(answers(&load(again), "serving_default", &inputs), want);
    }
}

#[test]
fn saver_files_become_savedmodels() {
    let place = scratch("saver");
    let options = LoadOptions { threads: Some(1), ..LoadOptions::default() };
    let old = object_case("saver/old");
    let x = || Tensor::from_slice([1], &[1.0_f32]).unwrap();
    for (name, meta, checkpoint) in [
        ("new", "saver/new.meta", Some(object_case("saver/new"))),
        ("old", "saver/old.meta", Some(old.clone())),
        ("none", "saver/new.meta", None),
    ] {
        let model = SavedModel::open(object_case(meta), checkpoint.as_deref(), &options).unwrap();
        let mut export = model.export().unwrap();
        export.set_signature("s", &Signature::of(PREDICT, &[("x", "x:0")], &[("y", "y:0")])).unwrap();
        export.save(place.join(name)).unwrap();
        let copy = load(place.join(name));
        if checkpoint.is_none() {
            assert_eq!(
                copy.signature("s").unwrap().call([("x", x())]).unwrap_err().code(),
                Code::FailedPrecondition
            );
            continue;
        }
        let y = copy.signature("s").unwrap().call([("x", x())]).unwrap();
        let want = model.runner().feed("x", x()).fetch("y").run().unwrap();
        assert_eq!(y["y"].as_slice::<f32>(), want[0].as_slice::<f32>(), "{name}");
        copy.restore(&old).unwrap();
        let y = copy.signature("s").unwrap().call([("x", x())]).unwrap();
        assert_eq!(y["y"].as_slice::<f32>().unwrap(), [40.0, 50.0], "{name}");
    }
    // A graph alone, with the operations of a Saver in it.
    let graph = place.join("graph.pbtxt");
    let model = SavedModel::open(object_case("saver/new.meta"), None, &options).unwrap();
    model.export().unwrap().write_graph_def(&graph).unwrap();
    let model = SavedModel::open(&graph, Some(&old), &options).unwrap();
    assert_eq!(
        model.runner().feed("x", x()).fetch("y").run().unwrap()[0].as_slice::<f32>().unwrap(),
        [40.0, 50.0]
    );
}

#[test]
fn methods_are_set_in_place() {
    let place = scratch("methods");
    simple_save(softmax(), place.join("m"), &[("x", "x:0")], &[("y", "y:0")]).unwrap();
    let method = |tags: Option<&[String]>, signature: &str| {
        let mut updater = MethodNameUpdater::open(place.join("m"))?;
        updater.replace(signature, "tensorflow/serving/regress", tags)?;
        updater.save()
    };
    assert_eq!(method(None, "none").unwrap_err().code(), Code::NotFound);
    assert_eq!(method(Some(&["train".to_owned()]), "serving_default").unwrap_err().code(), Code::NotFound);
    method(Some(&["serve".to_owned()]), "serving_default").unwrap();
    let model = load(place.join("m"));
    assert_eq!(model.signatures()["serving_default"].method_name, "tensorflow/serving/regress");
    assert_eq!(fs::read_dir(place.join("m")).unwrap().count(), 2);

    let source = model_with_methods(&place);
    let mut updater = MethodNameUpdater::open(&source).unwrap();
    updater.replace("serving_default", "a/b", None).unwrap();
    updater.save_copy(place.join("copy")).unwrap();
    assert_eq!(load(&source).signatures()["serving_default"].method_name, PREDICT);
    let copy = load(place.join("copy"));
    assert_eq!(copy.signatures()["serving_default"].method_name, "a/b");
    let inputs = inputs(&copy, "serving_default");
    let want = answers(&load(&source), "serving_default", &inputs);
    assert_eq!(answers(&copy, "serving_default", &inputs), want);
    assert_eq!(updater.save_copy(place.join("copy")).unwrap_err().code(), Code::AlreadyExists);
}

fn model_with_methods(place: &Path) -> PathBuf {
    let directory = place.join("source");
    simple_save(softmax(), &directory, &[("x", "x:0")], &[("y", "y:0")]).unwrap();
    directory
}

#[test]
fn a_metagraph_that_can_not_be_written_leaves_no_checkpoint() {
    let place = scratch("meta");
    let export = softmax().export().unwrap();
    fs::create_dir(place.join("m.meta")).unwrap();
    let error = export.write_meta_graph(place.join("m.meta")).unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition, "{error}");
    assert_eq!(fs::read_dir(&place).unwrap().count(), 1);
}
