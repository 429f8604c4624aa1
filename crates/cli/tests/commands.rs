//! The command as users meet it.

#[path = "commands/examples.rs"]
mod examples;
#[path = "commands/functions.rs"]
mod functions;
#[path = "commands/writing.rs"]
mod writing;

use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use savedmodel_proto::serving::{ModelSpec, PredictRequest, PredictResponse};
use savedmodel_proto::tensor_proto::{from_tensor, to_tensor};
use savedmodel_proto::{Message, decode};
use savedmodel_tensor::Tensor;
use serde_json::Value;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conformance/cases/models").join(name)
}

fn model(name: &str) -> String {
    case(name).join("model").to_string_lossy().into_owned()
}

/// A directory to work in.
struct Room(TempDir);

impl Room {
    fn new() -> Room {
        Room(tempfile::tempdir().unwrap())
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_savedmodel"));
        command.args(arguments).current_dir(self.0.path()).output().unwrap()
    }

    fn write(&self, file: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.0.path().join(file), content).unwrap();
    }

    fn read(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.0.path().join(file)).unwrap()
    }

    fn files(&self) -> Vec<String> {
        let name =
            |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<String> = std::fs::read_dir(self.0.path()).unwrap().map(name).collect();
        names.sort_unstable();
        names
    }

    /// Runs what must succeed; gives standard output.
    fn good(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn good_json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.good(arguments)).unwrap()
    }

    /// Runs what must fail with this status and, on standard error, this code and texts; nothing may be written.
    fn bad(&self, arguments: &[&str], status: i32, texts: &[&str]) {
        let before = self.files();
        let output = self.run(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with("error: "), "{stderr}");
        for text in texts {
            assert!(stderr.contains(text), "{arguments:?}: expected {text:?} in: {stderr}");
        }
        assert_eq!(self.files(), before, "{arguments:?}");
    }
}

fn request(signature: &str, inputs: &[(&str, Tensor)]) -> Vec<u8> {
    let spec = ModelSpec { signature_name: signature.to_owned(), ..ModelSpec::default() };
    let inputs =
        inputs.iter().map(|(name, tensor)| ((*name).to_owned(), from_tensor(tensor).unwrap())).collect();
    PredictRequest { model_spec: Some(spec), inputs, ..PredictRequest::default() }.encode_to_vec()
}

fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
}

fn npz(arrays: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, array) in arrays {
        archive.start_file(format!("{name}.npy"), SimpleFileOptions::default()).unwrap();
        archive.write_all(array).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn the_formats_agree() {
    let (room, known) = (Room::new(), model("unknown_operator"));
    room.write("x.json", r#"{"signature_name": "known", "instances": [1.5, -2]}"#);
    let run = ["run", &known, "--inputs", "x.json", "--outputs"];
    room.good(&[&run[..], &["y.json"]].concat());
    let reply: Value = serde_json::from_slice(&room.read("y.json")).unwrap();
    assert_eq!(reply, serde_json::json!({ "predictions": [3.0, -4.0] }));

    room.write("x.pb", request("known", &[("x", Tensor::from_slice([2], &[1.5_f32, -2.0]).unwrap())]));
    room.good(&["run", &known, "--inputs", "x.pb", "--outputs", "y.pb"]);
    let response: PredictResponse = decode(room.read("y.pb")).unwrap();
    assert_eq!(to_tensor(&response.outputs["y"]).unwrap().as_slice::<f32>().unwrap(), [3.0, -4.0]);
    assert_eq!(response.model_spec.unwrap().signature_name, "known");

    let array = npy("<f4", "(2,)", &[1.5_f32, -2.0].map(f32::to_le_bytes).concat());
    room.write("x.npz", npz(&[("x", &array)]));
    room.good(&["run", &known, "--signature", "known", "--inputs", "x.npz", "--outputs", "y.npz"]);
    let mut archive = ZipArchive::new(Cursor::new(room.read("y.npz"))).unwrap();
    let mut y = Vec::new();
    archive.by_name("y.npy").unwrap().read_to_end(&mut y).unwrap();
    assert_eq!(y[y.len() - 8..], [3.0_f32, -4.0].map(f32::to_le_bytes).concat());

    let table = room.good(&["run", &known, "--inputs", "x.pb"]);
    for text in ["y", "float32", "[2]", "[3.0 -4.0]"] {
        assert!(table.contains(text), "{table}");
    }
}

#[test]
fn any_part_of_the_graph() {
    let (room, sharded) = (Room::new(), model("v1_sharded"));
    let table = room.good(&["run", &sharded, "--fetch", "part0:0", "--fetch", "part1"]);
    assert!(table.contains("part0:0") && table.contains("part1") && table.contains("[3,2]"), "{table}");

    room.write("part.npy", npy("<f4", "(3, 2)", &[7.0_f32; 6].map(f32::to_le_bytes).concat()));
    let feed = "part0/read:0=part.npy";
    room.good(&["run", &sharded, "--feed", feed, "--fetch", "part0/read:0", "--outputs", "y.json"]);
    let reply: Value = serde_json::from_slice(&room.read("y.json")).unwrap();
    assert_eq!(reply, serde_json::json!({ "outputs": [[7.0, 7.0], [7.0, 7.0], [7.0, 7.0]] }));

    room.bad(&["run", &sharded, "--fetch", "none:0"], 1, &["NOT_FOUND", "'none:0'"]);
    room.write("part.npy", npy("<f8", "()", &1.0_f64.to_le_bytes()));
    let wrong = ["run", &sharded, "--feed", feed, "--fetch", "part0/read:0", "--outputs", "z.npz"];
    room.bad(&wrong, 1, &["INVALID_ARGUMENT", "part0/read", "double"]);
}

#[test]
fn bad_models() {
    let (room, several) = (Room::new(), model("v1_several_metagraphs"));
    std::fs::create_dir(room.0.path().join("half")).unwrap();
    for command in [&["show", "half"][..], &["run", "half"], &["bench", "half"], &["show", "none"]] {
        room.bad(command, 1, &["NOT_FOUND", "SavedModel file does not exist"]);
    }
    room.bad(&["run", &several, "--tags", "serve,tpu"], 1, &["NOT_FOUND", "[serve, gpu]"]);
    room.bad(&["run", &several], 1, &["INVALID_ARGUMENT", "[train]"]);
    room.bad(&["run", &several, "--tags", ""], 1, &["NOT_FOUND"]);
    let unknown = model("unknown_operator");
    room.write("x.json", r#"{"instances": [1.5]}"#);
    let run = ["run", &unknown, "--signature", "unknown", "--inputs", "x.json", "--outputs", "y.json"];
    room.bad(&run, 1, &["NOT_FOUND", "VendorSpecialSinh"]);
}

#[test]
fn bad_inputs() {
    let (room, mlp) = (Room::new(), model("tf_keras_mlp"));
    let bad = |file: &str, content: &[u8], texts: &[&str]| {
        room.write(file, content);
        room.bad(&["run", &mlp, "--inputs", file, "--outputs", "y.npz"], 1, texts);
    };
    let zeros = |n: usize| vec![0_u8; 4 * n];
    bad("x.npz", &npz(&[]), &["INVALID_ARGUMENT", "'features' is missing"]);
    bad("x.npz", &npz(&[("x", &npy("<f4", "(1, 5)", &zeros(5)))]), &["INVALID_ARGUMENT", "no input 'x'"]);
    bad(
        "x.npz",
        &npz(&[("features", &npy("<i4", "(1, 5)", &zeros(5)))]),
        &["INVALID_ARGUMENT", "int32[1,5]"],
    );
    bad(
        "x.npz",
        &npz(&[("features", &npy("<f4", "(1, 4)", &zeros(4)))]),
        &["INVALID_ARGUMENT", "MatMul", "[1,4]"],
    );
    bad("x.npz", &npz(&[("features", &npy("<f4", "(1, 5)", &zeros(4)))]), &["DATA_LOSS", "x.npz"]);
    bad("x.npz", b"no archive", &["DATA_LOSS", "x.npz"]);
    bad("x.json", b"{\"instances\": [[1, 2, 3, 4, 5], [1]]}", &["INVALID_ARGUMENT", "unexpected size"]);
    bad("x.json", b"{\"instances\": [[1, 2", &["INVALID_ARGUMENT", "JSON Parse error", "x.json"]);
    bad("x.pb", b"\xff\xff", &["DATA_LOSS", "x.pb"]);
    bad("x.pb", &request("none", &[]), &["NOT_FOUND", "\"none\"", "serving_default"]);
    room.bad(&["run", &mlp, "--inputs", "none.npz"], 1, &["NOT_FOUND", "none.npz"]);
    room.bad(&["run", &mlp], 1, &["INVALID_ARGUMENT", "'features' is missing"]);

    room.write("x.npz", npz(&[("features", &npy("<f4", "(1, 5)", &zeros(5)))]));
    room.bad(&["run", &mlp, "--inputs", "x.npz", "--outputs", "none/y.npz"], 1, &["NOT_FOUND", "none/y.npz"]);
}

#[test]
fn wrong_usage() {
    let (room, mlp) = (Room::new(), model("tf_keras_mlp"));
    for arguments in [
        &["run", &mlp, "--inputs", "x.txt"][..],
        &["run", &mlp, "--outputs", "y"],
        &["run", &mlp, "--threads", "0"],
        &["run", &mlp, "--feed", "x=x.npz", "--fetch", "y"],
        &["run"],
        &["fly"],
        &["verify", &mlp],
    ] {
        room.bad(arguments, 2, &[]);
    }
}

#[test]
fn logs_are_verified() {
    let (room, mlp) = (Room::new(), model("tf_keras_mlp"));
    let log = case("tf_keras_mlp").join("prediction_log.tfrecord");
    let path = log.to_string_lossy();
    let text = room.good(&["verify", &mlp, "--log", &path]);
    assert!(text.contains("predict serving_default") && text.contains("ok"), "{text}");
    let report = room.good_json(&["verify", &mlp, "--log", &path, "--rtol", "1e-3", "--json"]);
    assert_eq!((&report["failed"], &report["tolerance"]), (&Value::from(0), &Value::from("close 0.001 0")));
    assert!(report["outputs"][0]["error_over_scale"].as_f64().unwrap() < 1e-5, "{report}");

    // Another model does not answer these records.
    let other = model("unknown_operator");
    let output = room.run(&["verify", &other, "--log", &path, "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["passed"], 0);
    assert!(report["failures"][0]["fault"].as_str().unwrap().contains("NOT_FOUND"), "{report}");

    let mut bytes = std::fs::read(&log).unwrap();
    bytes[100] ^= 1;
    room.write("damaged", &bytes);
    room.bad(&["verify", &mlp, "--log", "damaged"], 1, &["DATA_LOSS", "damaged", "checksum"]);
    room.write("cut", &bytes[..50]);
    room.bad(&["verify", &mlp, "--log", "cut"], 1, &["DATA_LOSS", "truncated"]);
}

#[test]
fn what_a_model_holds() {
    let room = Room::new();
    let text = room.good(&["show", &model("tf_keras_mlp")]);
    for part in ["[serve]", "serving_default", "features", "float32", "[?,5]", "dense/kernel", "MatMul ×"] {
        assert!(text.contains(part), "expected {part:?} in {text}");
    }
    let json = room.good_json(&["show", &model("unknown_operator"), "--json"]);
    let graph = &json["meta_graphs"][0];
    assert_eq!(graph["tags"], serde_json::json!(["serve"]));
    let input = &graph["signatures"]["known"]["inputs"]["x"];
    assert_eq!((&input["dtype"], &input["shape"]), (&Value::from("float32"), &serde_json::json!([-1])));
    assert!(graph["unsupported"].as_array().unwrap().contains(&"VendorSpecialSinh".into()), "{graph}");
}

#[test]
fn figures_and_lists() {
    let (room, mlp) = (Room::new(), model("tf_keras_mlp"));
    room.write("x.json", r#"{"instances": [[1, 2, 3, 4, 5]]}"#);
    let bench = [
        "bench",
        &mlp,
        "--signature",
        "serving_default",
        "--inputs",
        "x.json",
        "--threads",
        "1",
        "--runs",
        "3",
    ];
    let figures = room.good_json(&[&bench[..], &["--json"]].concat());
    let names: Vec<&String> = figures.as_object().unwrap().keys().collect();
    assert_eq!(names, ["load_ms", "first_ms", "median_ms", "min_ms", "p99_ms", "peak_rss_mb"]);
    let time = |name: &str| figures[name].as_f64().unwrap();
    assert!(
        0.0 < time("min_ms") && time("min_ms") <= time("median_ms") && time("median_ms") <= time("p99_ms")
    );

    let ops = room.good_json(&["ops", "--json"]);
    let total = ops["tensorflow_operators"].as_u64().unwrap();
    let supported = ops["supported"].as_array().unwrap();
    let matmul = supported.iter().find(|op| op["name"] == "MatMul").unwrap();
    assert!(matmul["dtypes"]["T"].as_array().unwrap().contains(&"float32".into()), "{matmul}");
    assert!(supported.len() as u64 + ops["missing"].as_array().unwrap().len() as u64 >= total);
    assert!(room.good(&["ops"]).contains("MatMul"));
}

#[test]
fn the_demonstration() {
    let text = Room::new().good(&[]);
    for part in ["serving_default", "A sample input", "The answer", "1 of 1 records are answered as recorded"]
    {
        assert!(text.contains(part), "expected {part:?} in {text}");
    }
}
