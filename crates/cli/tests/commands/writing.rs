//! Models that are written, graphs without a SavedModel, and tensors out of checkpoints.

use std::io::{Cursor, Read};
use std::path::Path;

use serde_json::{Value, json};
use zip::ZipArchive;

use super::{Room, model, npy};

fn object_case(name: &str) -> String {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/cases/objects");
    cases.join(name).to_string_lossy().into_owned()
}

fn floats(values: &[f32]) -> Vec<u8> {
    npy(
        "<f4",
        &format!("({},)", values.len()),
        &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>(),
    )
}

fn end(bytes: &[u8], values: &[f32]) -> bool {
    bytes.ends_with(&values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())
}

#[test]
fn graphs_without_a_savedmodel() {
    let room = Room::new();
    room.write("x.npy", floats(&[1.0]));
    let (meta, new) = (object_case("saver/new.meta"), object_case("saver/new"));
    let run = ["run", &meta, "--feed", "x:0=x.npy", "--fetch", "y:0"];
    let text = room.good(&[&run[..], &["--checkpoint", &new]].concat());
    assert!(text.contains("[4.0 5.0]"), "{text}");
    let text = room.good(&[&run[..], &["--checkpoint", &object_case("saver/old")]].concat());
    assert!(text.contains("[40.0 50.0]"), "{text}");
    room.bad(&run, 1, &["FAILED_PRECONDITION", "uninitialized"]);
    room.bad(&["run", &meta], 1, &["NOT_FOUND", "--fetch"]);
    room.bad(&[&run[..], &["--checkpoint", "none"]].concat(), 1, &["NOT_FOUND", "none"]);
    let text = room.good(&["show", &meta]);
    for part in ["MetaGraphDef", "No signatures", "placeholder", "Variables (2)"] {
        assert!(text.contains(part), "expected {part:?} in {text}");
    }

    let options = ["--checkpoint", &new, "--input", "x=x:0", "--output", "y=y:0"];
    room.good(&[&["freeze", &meta, "frozen.pb"][..], &options].concat());
    room.good(&["convert", "frozen.pb", "frozen.pbtxt"]);
    room.good(&["convert", "frozen.pbtxt", "again.pb"]);
    assert_eq!(room.read("frozen.pb"), room.read("again.pb"));
    let part = ["--feed", "x:0=x.npy", "--fetch", "y:0"];
    let text = room.good(&[&["run", "frozen.pbtxt"][..], &part].concat());
    assert!(text.contains("[4.0 5.0]"), "{text}");
    let bench = [&["bench", "frozen.pb", "--runs", "2", "--json"][..], &part].concat();
    assert!(room.good_json(&bench)["median_ms"].is_number());
    let json = room.good_json(&["show", "frozen.pb", "--json"]);
    assert_eq!(json["meta_graphs"][0]["placeholders"][0]["name"], "x");
    assert_eq!(json["meta_graphs"][0]["leaves"], json!([{ "name": "y", "op": "AddV2" }]));
    room.bad(&["show", "none.pb"], 1, &["NOT_FOUND", "none.pb"]);
}

#[test]
fn from_form_to_form() {
    let room = Room::new();
    let (meta, new) = (object_case("saver/new.meta"), object_case("saver/new"));
    let signature = ["--checkpoint", &new, "--input", "x=x:0", "--output", "y=y:0", "--name", "f"];
    room.good(&[&["convert", &meta, "model"][..], &signature].concat());
    room.write("x.json", r#"{"signature_name": "f", "inputs": [1]}"#);
    room.good(&["run", "model", "--inputs", "x.json", "--outputs", "y.json"]);
    let reply: Value = serde_json::from_slice(&room.read("y.json")).unwrap();
    assert_eq!(reply, json!({ "outputs": [4.0, 5.0] }));
    room.good(&["convert", "model", "text", "--text"]);
    assert!(room.0.path().join("text/saved_model.pbtxt").is_file());
    room.good(&["convert", "text", "copy.meta"]);
    room.write("x.npy", floats(&[1.0]));
    let run = ["run", "copy.meta", "--checkpoint", "copy", "--feed", "x:0=x.npy", "--fetch", "y:0"];
    assert!(room.good(&run).contains("[4.0 5.0]"));
    room.bad(&["convert", "model", "text"], 1, &["ALREADY_EXISTS", "text"]);
    room.bad(&["convert", "model", "other", "--output", "y=z:0"], 1, &["NOT_FOUND", "'z'"]);
    room.bad(&["convert", "model", "other", "--signature", "g"], 1, &["NOT_FOUND", "'g'", "f"]);
    let several = model("v1_several_metagraphs");
    room.good(&["convert", &several, "one", "--tags", "serve,gpu"]);
    let json = room.good_json(&["show", "one", "--json"]);
    assert_eq!(json["meta_graphs"].as_array().unwrap().len(), 1);
    assert_eq!(json["meta_graphs"][0]["tags"], json!(["serve", "gpu"]));
}

#[test]
fn parts_and_constants() {
    let room = Room::new();
    let mlp = model("tf_keras_mlp");
    room.write("x.json", r#"{"instances": [[1, 2, 3, 4, 5]]}"#);
    let answer = |model: &str| {
        room.good(&["run", model, "--inputs", "x.json", "--outputs", "y.json"]);
        room.read("y.json")
    };
    let want = answer(&mlp);
    room.good(&["prune", &mlp, "pruned", "--signature", "serving_default"]);
    room.good(&["freeze", "pruned", "frozen"]);
    for name in ["pruned", "frozen"] {
        assert_eq!(answer(name), want, "{name}");
        let json = room.good_json(&["show", name, "--json"]);
        let variables = json["meta_graphs"][0]["variables"].as_array().unwrap().len();
        assert_eq!(variables == 0, name == "frozen", "{json}");
    }
    let objects = object_case("objects");
    room.bad(&["freeze", &objects, "o.pb"], 1, &["FAILED_PRECONDITION", "o.pb", "AssignAddVariableOp"]);
    let text = room.good(&["freeze", &objects, "o"]);
    assert!(text.contains("Variables that stay: ") && text.contains("AssignAddVariableOp"), "{text}");
    room.bad(&["prune", &mlp, "pruned"], 1, &["ALREADY_EXISTS"]);
    room.bad(
        &["prune", &mlp, "p", "--output", "y=StatefulPartitionedCall:0"],
        1,
        &["INVALID_ARGUMENT", "placeholder"],
    );
}

#[test]
fn methods() {
    let room = Room::new();
    room.good(&["convert", &model("tf_keras_mlp"), "m"]);
    room.good(&["set-method", "m", "serving_default", "tensorflow/serving/classify"]);
    let json = room.good_json(&["show", "m", "--json"]);
    let method = &json["meta_graphs"][0]["signatures"]["serving_default"]["method_name"];
    assert_eq!(method, "tensorflow/serving/classify");
    room.good(&["set-method", "m", "serving_default", "a/b", "--output", "copy"]);
    for (directory, method) in [("m", "tensorflow/serving/classify"), ("copy", "a/b")] {
        let json = room.good_json(&["show", directory, "--json"]);
        assert_eq!(json["meta_graphs"][0]["signatures"]["serving_default"]["method_name"], method);
    }
    room.bad(
        &["set-method", "m", "serving_default", "x", "--output", "copy"],
        1,
        &["ALREADY_EXISTS", "copy"],
    );
    room.bad(&["set-method", "m", "none", "x"], 1, &["NOT_FOUND", "'none'"]);
    room.bad(&["set-method", "m", "serving_default", "x", "--tags", "tpu"], 1, &["NOT_FOUND", "[tpu]"]);
    room.bad(&["set-method", "none", "serving_default", "x"], 1, &["NOT_FOUND"]);
}

#[test]
fn tensors_of_checkpoints() {
    let room = Room::new();
    let objects = object_case("objects");
    let text = room.good(&["checkpoint", &objects]);
    assert!(text.contains("scales/0/factor/.ATTRIBUTES/VARIABLE_VALUE"), "{text}");
    let json = room.good_json(&["checkpoint", &objects, "--json"]);
    let v = json["tensors"].as_array().unwrap().iter().find(|tensor| tensor["object"] == "v").unwrap();
    assert_eq!((&v["dtype"], &v["shape"]), (&json!("float32"), &json!([2])));
    let text = room.good(&["checkpoint", &objects, "--name", "scales/1/factor"]);
    assert!(text.contains("3.0"), "{text}");
    room.good(&["checkpoint", &objects, "--name", "v", "--output", "v.npy"]);
    assert!(end(&room.read("v.npy"), &[1.0, 2.0]));
    room.good(&["checkpoint", &objects, "--output", "all.npz"]);
    let mut archive = ZipArchive::new(Cursor::new(room.read("all.npz"))).unwrap();
    let mut factor = Vec::new();
    let name = "by_name/half/factor/.ATTRIBUTES/VARIABLE_VALUE.npy";
    archive.by_name(name).unwrap().read_to_end(&mut factor).unwrap();
    assert!(end(&factor, &[0.5]));

    room.good(&["checkpoint", &object_case("saver/old"), "--name", "a", "--output", "a.npy"]);
    assert!(end(&room.read("a.npy"), &[10.0, 20.0]));
    room.bad(&["checkpoint", &objects, "--output", "x.npy"], 1, &["INVALID_ARGUMENT", ".npz"]);
    room.bad(&["checkpoint", &objects, "--name", "w", "--output", "x.npy"], 1, &["NOT_FOUND", "Key w"]);
    let two = ["checkpoint", &objects, "--name", "v", "--name", "w", "--output", "x.npz"];
    room.bad(&two, 1, &["NOT_FOUND", "Key w"]);
    room.bad(&["checkpoint", "none"], 1, &["NOT_FOUND", "none"]);
}
