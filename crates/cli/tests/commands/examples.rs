//! Examples that are classified and regressed.

use savedmodel_proto::serving::{
    ClassificationRequest, ClassificationResponse, InferenceTask, Input, ModelSpec, MultiInferenceRequest,
    MultiInferenceResponse, RegressionRequest, RegressionResponse, input::Kind,
};
use savedmodel_proto::serving::{ExampleList, inference_result};
use savedmodel_proto::{Example, Feature, Features, FloatList, Message, decode, feature};
use serde_json::{Value, json};

use super::{Room, model};

const BODY: &str =
    r#"{"context": {"x": [9.0, 9.0]}, "examples": [{"x": [0.5, -1.5]}, {"x": [0.25, 2.0]}, {}]}"#;

fn input() -> Option<Input> {
    let example = |value: [f32; 2]| {
        let kind = Some(feature::Kind::FloatList(FloatList { value: value.to_vec() }));
        Example { features: Some(Features { feature: [("x".to_owned(), Feature { kind })].into() }) }
    };
    let examples = [[0.5, -1.5], [0.25, 2.0], [9.0, 9.0]].map(example).to_vec();
    Some(Input { kind: Some(Kind::ExampleList(ExampleList { examples })) })
}

fn spec(signature: &str) -> Option<ModelSpec> {
    Some(ModelSpec { signature_name: signature.to_owned(), ..ModelSpec::default() })
}

fn float(value: &Value) -> f32 {
    value.as_f64().unwrap() as f32
}

#[test]
fn the_forms_agree() {
    let (room, m) = (Room::new(), model("v1_classify_regress"));
    room.write("x.json", BODY);
    let classes =
        room.good_json(&["classify", &m, "--inputs", "x.json", "--signature", "classify", "--json"]);
    let rows = classes["results"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    let sum: f64 = rows[0].as_array().unwrap().iter().map(|class| class[1].as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-6, "{classes}");

    let request = ClassificationRequest { model_spec: spec("classify"), input: input() };
    room.write("c.pb", request.encode_to_vec());
    room.good(&["classify", &m, "--inputs", "c.pb", "--outputs", "c.json", "--check-method"]);
    assert_eq!(serde_json::from_slice::<Value>(&room.read("c.json")).unwrap(), classes);
    room.good(&["classify", &m, "--inputs", "c.pb", "--outputs", "answer.pb"]);
    let response: ClassificationResponse = decode(room.read("answer.pb")).unwrap();
    assert_eq!(response.model_spec, spec("classify"));
    let first = &response.result.unwrap().classifications[0].classes[0];
    assert_eq!((json!(first.label), first.score), (rows[0][0][0].clone(), float(&rows[0][0][1])));

    let values = room.good_json(&["regress", &m, "--inputs", "x.json", "--signature", "regress", "--json"]);
    let request = RegressionRequest { model_spec: spec("regress"), input: input() };
    room.write("r.pb", request.encode_to_vec());
    room.good(&["regress", &m, "--inputs", "r.pb", "--outputs", "answer.pb"]);
    let response: RegressionResponse = decode(room.read("answer.pb")).unwrap();
    let found: Vec<f32> = response.result.unwrap().regressions.iter().map(|r| r.value).collect();
    assert_eq!(found, values["results"].as_array().unwrap().iter().map(float).collect::<Vec<f32>>());
    let table = room.good(&["classify", &m, "--inputs", "c.pb"]);
    assert!(table.contains("score") && table.contains(&format!("{:?}", first.label)), "{table}");

    let both =
        ["multi-inference", &m, "--inputs", "x.json", "--classify", "classify", "--regress", "regress"];
    let all = room.good_json(&[&both[..], &["--json"]].concat());
    assert_eq!(all, json!([classes, values]));
    let task = |signature: &str| InferenceTask {
        model_spec: spec(signature),
        method_name: format!("tensorflow/serving/{signature}"),
    };
    let tasks = vec![task("regress"), task("classify")];
    room.write("m.pb", MultiInferenceRequest { tasks, input: input() }.encode_to_vec());
    room.good(&["multi-inference", &m, "--inputs", "m.pb", "--outputs", "answer.pb"]);
    let response: MultiInferenceResponse = decode(room.read("answer.pb")).unwrap();
    let Some(inference_result::Result::RegressionResult(result)) = &response.results[0].result else {
        panic!("no regression")
    };
    assert_eq!(result.regressions.iter().map(|r| r.value).collect::<Vec<f32>>(), found);
}

#[test]
fn what_can_not_be_asked() {
    let (room, m) = (Room::new(), model("v1_classify_regress"));
    room.write("x.json", BODY);
    let bad = |command: &str, signature: &str, texts: &[&str]| {
        let arguments = [
            command,
            &m,
            "--inputs",
            "x.json",
            "--outputs",
            "y.json",
            "--signature",
            signature,
            "--check-method",
        ];
        room.bad(&arguments, 1, texts);
    };
    bad("classify", "none", &["INVALID_ARGUMENT", "No signature was found with the name: none"]);
    bad(
        "classify",
        "regress",
        &["INVALID_ARGUMENT", "tensorflow/serving/classify. Was: tensorflow/serving/regress"],
    );
    let regress = ["regress", &m, "--inputs", "x.json", "--signature", "classify"];
    room.bad(&regress, 1, &["INVALID_ARGUMENT", "Expected one output Tensor."]);
    let classify = ["classify", &m, "--inputs", "x.json", "--signature", "regress"];
    room.bad(&classify, 1, &["FAILED_PRECONDITION", "at least one of \"classes\" or \"scores\""]);
    let predict = ["classify", &m, "--inputs", "x.json", "--signature", "predict"];
    room.bad(&predict, 1, &["INVALID_ARGUMENT", "one or two output Tensors, found 3"]);
    let twice =
        ["multi-inference", &m, "--inputs", "x.json", "--regress", "regress", "--classify", "regress"];
    room.bad(&twice, 1, &["INVALID_ARGUMENT", "Duplicate evaluation of signature: regress"]);
    room.bad(&["multi-inference", &m, "--inputs", "x.json"], 1, &["INVALID_ARGUMENT", "--classify"]);
    let request = MultiInferenceRequest {
        tasks: vec![InferenceTask {
            model_spec: spec("predict"),
            method_name: "tensorflow/serving/predict".into(),
        }],
        input: input(),
    };
    room.write("m.pb", request.encode_to_vec());
    let predict = ["multi-inference", &m, "--inputs", "m.pb"];
    room.bad(
        &predict,
        1,
        &["UNIMPLEMENTED", "Unsupported signature method_name: tensorflow/serving/predict"],
    );
    room.write("e.pb", ClassificationRequest { model_spec: spec("classify"), input: None }.encode_to_vec());
    room.bad(&["classify", &m, "--inputs", "e.pb"], 1, &["INVALID_ARGUMENT", "Input is empty."]);
    room.write("x.json", r#"{"examples": [{"x": [1, 1.5]}]}"#);
    room.bad(&["classify", &m, "--inputs", "x.json"], 1, &["INVALID_ARGUMENT", "feature: x", "x.json"]);
    room.write("x.pb", b"\xff\xff");
    room.bad(&["classify", &m, "--inputs", "x.pb"], 1, &["DATA_LOSS", "x.pb"]);
}
