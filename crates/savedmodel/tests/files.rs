//! Models out of single files, restored from other checkpoints, and written back.

use std::fs;
use std::path::{Path, PathBuf};

use savedmodel::{Code, LoadOptions, SavedModel, Tensor};

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/cases/objects").join(name)
}

fn options() -> LoadOptions {
    LoadOptions { threads: Some(1), ..LoadOptions::default() }
}

/// An empty place for the files of one test.
fn scratch(test: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("files_{test}_{}", std::process::id()));
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).unwrap();
    place
}

fn y(model: &SavedModel) -> Vec<f32> {
    let x = Tensor::from_slice([1], &[1.0_f32]).unwrap();
    let outputs = model.runner().feed("x", x).fetch("y:0").run().unwrap();
    outputs[0].as_slice::<f32>().unwrap().to_vec()
}

#[test]
fn meta_graphs_with_checkpoints_of_both_formats() {
    let (new, old) = (case("saver/new"), case("saver/old"));
    for (meta, checkpoint, expected) in [
        ("saver/new.meta", &new, [4.0, 5.0]),
        ("saver/new.meta", &old, [40.0, 50.0]),
        ("saver/old.meta", &old, [40.0, 50.0]),
        ("saver/new.meta", &case("saver"), [40.0, 50.0]),
    ] {
        let model = SavedModel::from_meta_graph(case(meta), Some(checkpoint), &options()).unwrap();
        assert_eq!(y(&model), expected, "{meta} {}", checkpoint.display());
    }
    let model = SavedModel::from_meta_graph(case("saver/new.meta"), None, &options()).unwrap();
    assert_eq!(model.runner().fetch("a").run().unwrap_err().code(), Code::FailedPrecondition);
    model.runner().target("init").run().unwrap();
    assert_eq!(y(&model), [4.0, 5.0]);
    model.restore(&old).unwrap();
    assert_eq!(y(&model), [40.0, 50.0]);
    let other = case("checkpoint_tutorial/variables/variables");
    assert_eq!(model.restore(other).unwrap_err().code(), Code::NotFound);
    assert_eq!(model.restore(case("nothing")).unwrap_err().code(), Code::NotFound);
    assert_eq!(y(&model), [40.0, 50.0]);
}

#[test]
fn graph_defs_as_text() {
    let path = scratch("graph_def").join("graph.pbtxt");
    let float = "attr { key: \"T\" value { type: DT_FLOAT } }";
    let placeholder =
        "node { name: \"x\" op: \"Placeholder\" attr { key: \"dtype\" value { type: DT_FLOAT } } }";
    let sum = format!("node {{ name: \"y\" op: \"AddV2\" input: \"x\" input: \"x\" {float} }}");
    fs::write(&path, format!("{placeholder}\n{sum}")).unwrap();
    let model = SavedModel::from_graph_def(&path, &options()).unwrap();
    assert_eq!(y(&model), [2.0]);
    assert!(model.signatures().is_empty());
    assert_eq!(model.root().unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(model.restore(case("saver/new")).unwrap_err().code(), Code::FailedPrecondition);
    fs::write(&path, "node { name: ").unwrap();
    assert!(SavedModel::from_graph_def(&path, &options()).is_err());
    let missing = SavedModel::from_graph_def(path.with_extension("pb"), &options()).unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
}

#[test]
fn saved_with_the_variables_as_they_are() {
    let place = scratch("saved");
    let model = SavedModel::load_with(case("objects"), &options()).unwrap();
    let v = model.root().unwrap().variable("v").unwrap();
    v.assign(Tensor::from_slice([2], &[5.0_f32, 6.0]).unwrap()).unwrap();
    let target = place.join("copy");
    model.save(&target).unwrap();
    assert_eq!(model.save(&target).unwrap_err().code(), Code::AlreadyExists);
    let copy = SavedModel::load_with(&target, &options()).unwrap();
    let root = copy.root().unwrap();
    assert_eq!(root.variable("v").unwrap().value().unwrap().as_slice::<f32>().unwrap(), [5.0, 6.0]);
    assert_eq!(root.at("scales.1.factor").unwrap().tensor().unwrap().to_scalar::<f32>().unwrap(), 3.0);
    let lines = root.function("asset_lines").unwrap().call::<Tensor>([], []).unwrap();
    assert_eq!(lines.tensor().unwrap().strings().unwrap()[0], "one\ntwo\n");
    assert_eq!(fs::read_dir(&place).unwrap().count(), 1);
}

#[test]
fn tables_are_saved_as_they_are() {
    let place = scratch("tables");
    let model = SavedModel::load_with(case("tables"), &options()).unwrap();
    let root = model.root().unwrap();
    let keys = Tensor::from_strings([1], ["new"]).unwrap();
    let values = Tensor::from_slice([1], &[9_i64]).unwrap();
    root.function("insert").unwrap().call([keys, values], []).unwrap();
    model.save(place.join("copy")).unwrap();
    let copy = SavedModel::load_with(place.join("copy"), &options()).unwrap();
    let keys = Tensor::from_strings([4], ["kept", "new", "b", "y"]).unwrap();
    let found = copy.signature("serving_default").unwrap().call([("keys", keys)]).unwrap();
    assert_eq!(found["mutable"].as_slice::<i64>().unwrap(), [5, 9, -3, -3]);
    assert_eq!(found["file"].as_slice::<i64>().unwrap(), [-1, -1, 1, -1]);
    assert_eq!(found["tensors"].as_slice::<i64>().unwrap(), [-2, -2, -2, 8]);
    assert_eq!(fs::read_dir(&place).unwrap().count(), 1);
}
